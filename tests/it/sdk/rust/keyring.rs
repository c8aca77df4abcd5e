//! A library's key in the keyring, without a user to ask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use cast::{Client, Error};

use super::{SECRET, again, here, itself, refused};
use crate::keyring::Session;
use crate::keyring::dialog::Asking;
use crate::sandbox::Sandbox;

#[test]
fn nobody_is_asked_and_the_keyring_is_not_waited_for_longer_than_said() {
    let Some(home) = here() else {
        let sandbox = Sandbox::empty();
        let bus = format!("unix:path={}", sandbox.home().join("bus").display());
        let mut command = sandbox.command(itself());
        command.env("CAST_HOME", sandbox.home()).env("DBUS_SESSION_BUS_ADDRESS", bus);
        return again("keyring::nobody_is_asked_and_the_keyring_is_not_waited_for_longer_than_said", &mut command);
    };
    // A bus that accepts a connection and never answers.
    let _bus = UnixListener::bind(home.join("bus")).unwrap();
    let begin = Instant::now();
    let client = Client::builder().timeout(Duration::from_millis(50)).open().unwrap();
    assert!(matches!(refused(client.secrets().set("a", "K", SECRET)), Error::NoKey(_)));
    // By default, cast waits 5 s.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(client.agents().unwrap().is_empty());
    let mut scrypt = age::scrypt::Recipient::new("sk-live passphrase".to_owned().into());
    scrypt.set_work_factor(2);
    let file = age::encrypt(&scrypt, b"AGE-SECRET-KEY-1QQQQ").unwrap();
    fs::write(home.join("key.age"), file).unwrap();
    fs::set_permissions(home.join("key.age"), fs::Permissions::from_mode(0o600)).unwrap();
    let error = refused(client.secrets().set("a", "K", SECRET));
    assert!(matches!(error, Error::NoKey(_)) && error.to_string().contains("cast cannot ask for it here"), "{error}");
}

#[test]
fn the_first_secret_makes_the_key_in_the_keyring() {
    let Some(home) = here() else {
        let Some(session) = Session::unlocked() else { return };
        let mut command = session.command(itself().to_str().unwrap());
        again(
            "keyring::the_first_secret_makes_the_key_in_the_keyring",
            command.env("CAST_HOME", session.sandbox.home()),
        );
        return assert_eq!(session.items(), 1);
    };
    Client::open().unwrap().secrets().set("a", "K", SECRET).unwrap();
    assert!(!home.join("key.txt").exists() && !home.join("key.age").exists());
    let output = Client::open().unwrap().command("a", "sh").args(["-c", "printf %s \"$K\""]).output().unwrap();
    assert_eq!(output.stdout, SECRET.as_bytes());
}

#[test]
fn first_uses_in_many_homes_end_with_one_key() {
    let Some(home) = here() else {
        let Some(session) = Session::unlocked() else { return };
        let mut command = session.command(itself().to_str().unwrap());
        again("keyring::first_uses_in_many_homes_end_with_one_key", command.env("CAST_HOME", session.sandbox.home()));
        return assert_eq!(session.items(), 1);
    };
    let together = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (folder, together) = (home.join(format!("home-{number}")), &together);
            scope.spawn(move || {
                let client = Client::builder().home(folder).open().unwrap();
                together.wait();
                client.secrets().set("a", "K", SECRET).unwrap();
                assert_eq!(client.secrets().list("a").unwrap().len(), 1);
            });
        }
    });
}

#[test]
fn a_dialog_is_waited_for_as_long_as_said() {
    let Some(_) = here() else {
        let Some(asking) = Asking::start("unlock", 3_600_000) else { return };
        let mut command = asking.session.command(itself().to_str().unwrap());
        return again(
            "keyring::a_dialog_is_waited_for_as_long_as_said",
            command.env("CAST_HOME", asking.session.sandbox.data()),
        );
    };
    let begin = Instant::now();
    let client = Client::builder().timeout(Duration::from_secs(2)).open().unwrap();
    let error = refused(client.secrets().list("a"));
    assert!(matches!(error, Error::NoKey(_)), "{error}");
    // By default, cast waits 60 s.
    assert!((1..30).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}
