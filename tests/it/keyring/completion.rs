//! Completion with the key in a keyring: names if the keyring is open, and never a dialog.

use rustix::process::{Pid, Signal, kill_process};

use super::Session;
use super::dialog::Asking;
use crate::completion::quiet::is_silent;
use crate::completion::shells::{Kind, Shell};
use crate::sandbox::Call;

fn ask(session: &Session) -> Call<'_> {
    session.cast(["__complete", "bash"]).input("delete\0a\0\0")
}

#[test]
fn an_open_keyring_gives_the_names() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "OPENAI_API_KEY", "hunter2-hunter2"]).succeeds();
    let answer = ask(&session).succeeds();
    assert_eq!((answer.out.as_str(), answer.err.as_str()), ("words\nOPENAI_API_KEY\n", ""));
}

/// The prompter would unlock the keyring at once, and there would be names.
#[test]
fn a_locked_keyring_is_not_asked_to_open() {
    let Some(asking) = Asking::start("unlock", 0) else { return };
    is_silent(&ask(&asking.session).run());
    for kind in [Kind::Bash, Kind::BashCompletion, Kind::Zsh, Kind::Fish] {
        let bus = &asking.session.address;
        let shell =
            Shell::start_with(kind, &asking.session.sandbox, "", |call| call.env("DBUS_SESSION_BUS_ADDRESS", bus));
        let Some(mut shell) = shell else { return };
        assert_eq!(shell.tab("cast delete a "), "cast delete a ");
        assert_eq!(shell.tab("cast run a --only "), "cast run a --only ");
        shell.shows_no_complaint();
    }
    // The prompter was running.
    asking.session.cast(["list", "a"]).succeeds();
    assert_eq!(ask(&asking.session).succeeds().out, "words\nK\n");
}

/// Completion waits for less time than a user would.
#[test]
fn a_keyring_that_does_not_answer_is_left() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    let keyring = session.keyring.as_ref().unwrap();
    let keyring = Pid::from_raw(i32::try_from(keyring.id()).unwrap()).unwrap();
    kill_process(keyring, Signal::STOP).unwrap();
    is_silent(&ask(&session).run());
    kill_process(keyring, Signal::CONT).unwrap();
    assert_eq!(ask(&session).succeeds().out, "words\nK\n");
}
