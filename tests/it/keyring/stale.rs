//! A `DBUS_SESSION_BUS_ADDRESS` that outlived its session, as in tmux or an editor's server.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Session;
use crate::sandbox::Call;

const SECRET: &str = "hunter2-hunter2";

impl Session {
    /// A call with this address in the variable, by the user whose own bus this session is.
    fn with_address<'a>(&'a self, words: &[&str], address: &str) -> Call<'a> {
        let call = self.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", address);
        call.env("XDG_RUNTIME_DIR", self.sandbox.home())
    }
}

#[test]
fn the_users_own_bus_takes_its_place() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", SECRET]).succeeds();
    let home = session.sandbox.home();
    drop(UnixListener::bind(home.join("refused")).unwrap());
    for address in [
        "unix:abstract=/tmp/dbus-gone,guid=94be2813a0f13fd5382412c25644c8f7".to_owned(),
        format!("unix:path={}", home.join("no/such/bus").display()),
        format!("unix:path={}", home.join("refused").display()),
        format!("unix:path={};unix:abstract=cast-gone", home.join("gone").display()),
    ] {
        let run = session.with_address(&["run", "a", "--no-mask", "--", "printenv", "K"], &address).succeeds();
        assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2-hunter2\n", ""), "{address}");
        session.with_address(&["set", "a", "L", SECRET], &address).succeeds();
    }
    assert_eq!(session.items(), 1);
}

#[test]
fn without_a_bus_in_its_place_the_error_names_it() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", SECRET]).succeeds();
    let call = session.with_address(&["list", "a"], "unix:abstract=cast-gone");
    let call = call.env("XDG_RUNTIME_DIR", session.sandbox.home().join("nowhere"));
    // A test may not count on the bus of the machine's user: it is not this sandbox's.
    if std::path::Path::new(&format!("/run/user/{}/bus", rustix::process::getuid().as_raw())).exists() {
        return crate::sandbox::skip("keyring: this user has a bus of their own");
    }
    call.refuses(4, "DBUS_SESSION_BUS_ADDRESS names a bus that is gone", &[SECRET]);
}

#[test]
fn an_address_that_works_is_not_gone_behind() {
    let (Some(session), Some(broken)) = (Session::unlocked(), Session::start()) else { return };
    session.cast(["set", "a", "K", SECRET]).succeeds();
    session.with_address(&["list", "a"], &broken.address).refuses(4, "no Secret Service is running", &[SECRET]);
    session.with_address(&["list", "a"], "disabled:").refuses(4, "no D-Bus session is reachable", &[SECRET]);
    kill_process(Pid::from_child(&broken.bus), Signal::STOP).unwrap();
    session.with_address(&["list", "a"], &broken.address).refuses(4, "did not answer in time", &[SECRET]);
}

#[test]
fn a_bus_in_its_place_that_does_not_answer_keeps_nobody_waiting() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", SECRET]).succeeds();
    kill_process(Pid::from_child(&session.bus), Signal::STOP).unwrap();
    let begin = Instant::now();
    session.with_address(&["list", "a"], "unix:abstract=cast-gone").refuses(4, "did not answer in time", &[SECRET]);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}
