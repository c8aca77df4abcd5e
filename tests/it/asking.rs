//! All kinds of questions on a real terminal: input is hidden before the question shows, what is typed ahead is neither
//! shown nor lost, and the terminal is as it was on every way out.

mod jobs;
mod turns;

use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::LocalModes;

use crate::sandbox::{Call, Sandbox};
use crate::terminal::{AND_STAY, Terminal, assert_same_modes};

const PASSPHRASE: &str = "correct horse";
const VALUE: &str = "sk-live-0123456789";

/// A question, and how to come to it.
struct Kind {
    words: &'static [&'static str],
    /// Questions and answers before it.
    before: &'static [(&'static str, &'static str)],
    question: &'static str,
    answer: &'static str,
    after: &'static [(&'static str, &'static str)],
    sandbox: fn() -> Sandbox,
}

const KINDS: [Kind; 6] = [
    Kind {
        words: &["run", "a", "--", "echo", "job-is-done"],
        before: &[],
        question: "Passphrase for ",
        answer: PASSPHRASE,
        after: &[],
        sandbox: locked,
    },
    Kind {
        words: &["key", "move", "passphrase"],
        before: &[],
        question: "New passphrase for the key file: ",
        answer: PASSPHRASE,
        after: &[("Enter it again: ", PASSPHRASE)],
        sandbox: open,
    },
    Kind {
        words: &["key", "move", "passphrase"],
        before: &[("New passphrase for the key file: ", PASSPHRASE)],
        question: "Enter it again: ",
        answer: PASSPHRASE,
        after: &[],
        sandbox: open,
    },
    Kind {
        words: &["delete", "a", "--all"],
        before: &[],
        question: "[y/N] ",
        answer: "yes",
        after: &[],
        sandbox: open,
    },
    Kind {
        words: &["init"],
        before: &[],
        question: "1, 2 or 3 [1]: ",
        answer: "2",
        after: &[],
        sandbox: Sandbox::empty,
    },
    Kind {
        words: &["set", "a", "NEW"],
        before: &[],
        question: "Enter value for NEW: ",
        answer: VALUE,
        after: &[],
        sandbox: open,
    },
];

/// A home with a plain key file and a secret.
fn open() -> Sandbox {
    Sandbox::with("a", &[("K", "hunter2-hunter2")])
}

/// A home with a key file under the passphrase, and a secret.
fn locked() -> Sandbox {
    let sandbox = open();
    let word = sandbox.home().join("word");
    std::fs::write(&word, PASSPHRASE).unwrap();
    std::fs::set_permissions(&word, std::fs::Permissions::from_mode(0o600)).unwrap();
    sandbox.cast(["key", "move", "passphrase"]).env("CAST_PASSPHRASE_FILE", &word).succeeds();
    std::fs::remove_file(word).unwrap();
    sandbox
}

impl Kind {
    /// All answers, as a password manager types them at once.
    fn all_answers(&self) -> String {
        let own = [(self.question, self.answer)];
        let all = self.before.iter().chain(&own).chain(self.after);
        all.flat_map(|(_, answer)| [*answer, "\r"]).collect()
    }

    /// Answers what is asked before this question, which then is asked.
    #[track_caller]
    fn comes_to(&self, terminal: &mut Terminal) {
        for (question, answer) in self.before {
            asks(terminal, question);
            terminal.types(format!("{answer}\r"));
        }
        asks(terminal, self.question);
    }

    #[track_caller]
    fn is_answered(&self, terminal: &mut Terminal, rest: &str) {
        terminal.types(format!("{rest}\r"));
        for (question, answer) in self.after {
            asks(terminal, question);
            terminal.types(format!("{answer}\r"));
        }
    }
}

/// Sees the question; input is hidden already.
#[track_caller]
fn asks(terminal: &mut Terminal, question: &str) {
    terminal.sees(question);
    assert!(!terminal.modes().local_modes.contains(LocalModes::ECHO), "shown, and not hidden: {}", terminal.text());
}

#[track_caller]
fn shows_no_secret(shown: &str) {
    for secret in ["correct", "horse", "sk-live", "0123456789", "hunter2"] {
        assert!(!shown.contains(secret), "{secret}: {shown:?}");
    }
}

/// `cast` in a shell that says its process id and stays afterwards.
fn with_pid(call: Call<'_>, first: &str) -> Terminal {
    let script = format!(
        r#"ulimit -c 0; {first}; echo be''fore; read -r _
           sh -c 'echo "[pid $$]"; exec "$@"' sh "$@"; echo "[ended with $?]"; read -r _"#
    );
    Terminal::start_in_shell(call, &script)
}

#[track_caller]
fn pid(terminal: &mut Terminal) -> Pid {
    terminal.sees("[pid ");
    terminal.sees("]");
    let shown = terminal.text();
    let number = shown.rsplit("[pid ").next().unwrap().split(']').next().unwrap();
    Pid::from_raw(number.parse().unwrap()).unwrap()
}

#[test]
fn typed_before_cast_starts() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let script = format!("stty -echo; echo be''fore; read -r _; {AND_STAY}");
        let mut terminal = Terminal::start_in_shell(sandbox.cast(kind.words), &script);
        terminal.sees("before");
        let modes = terminal.modes();
        terminal.types(format!("go\r{}", kind.all_answers()));
        terminal.sees("[ended with 0]");
        assert_same_modes(&modes, &terminal.modes());
        terminal.types("\r");
        shows_no_secret(&terminal.ends_with(0));
    }
}

#[test]
fn all_answers_at_the_first_question() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = Terminal::start(sandbox.cast(kind.words));
        asks(&mut terminal, kind.before.first().map_or(kind.question, |(question, _)| question));
        terminal.types(kind.all_answers());
        shows_no_secret(&terminal.ends_with(0));
    }
}

#[test]
fn an_answer_for_the_question_after_a_value() {
    let sandbox = locked();
    let mut terminal = Terminal::start(sandbox.cast(["set", "a", "NEW"]));
    asks(&mut terminal, "Enter value for NEW: ");
    terminal.types(format!("{VALUE}\r{PASSPHRASE}\r"));
    shows_no_secret(&terminal.ends_with(0));
    let mut terminal = Terminal::start(sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "NEW"]));
    asks(&mut terminal, "Passphrase for ");
    terminal.types(format!("{PASSPHRASE}\r"));
    assert!(terminal.ends_with(0).contains(VALUE));
}

/// While cast works on a passphrase, which takes a second, somebody may type the next try.
#[test]
fn between_two_tries_nothing_is_shown() {
    let sandbox = locked();
    let mut terminal = Terminal::start_in_shell(sandbox.cast(["list", "a"]), AND_STAY);
    asks(&mut terminal, "Passphrase for ");
    let echoes = |terminal: &Terminal| terminal.modes().local_modes.contains(LocalModes::ECHO);
    for wrong in ["wrong horse", "hunter2-hunter3"] {
        terminal.types(format!("{wrong}\r"));
        for _ in 0..20_000 {
            assert!(!echoes(&terminal), "shown while cast works: {}", terminal.text());
        }
        terminal.sees("Wrong passphrase, try again.");
        asks(&mut terminal, "Passphrase for ");
    }
    // Typed ahead for the next try, at once.
    terminal.types(format!("{PASSPHRASE}\r"));
    terminal.sees("[ended with 0]");
    assert!(echoes(&terminal));
    terminal.types("\r");
    shows_no_secret(&terminal.ends_with(0));
}

#[test]
fn a_try_that_is_typed_during_the_one_before() {
    let sandbox = locked();
    let mut terminal = Terminal::start(sandbox.cast(["list", "a"]));
    asks(&mut terminal, "Passphrase for ");
    terminal.types("wrong horse\r");
    terminal.types(format!("{PASSPHRASE}\r"));
    terminal.sees("Wrong passphrase, try again.");
    shows_no_secret(&terminal.ends_with(0));
}

#[test]
fn after_the_last_try_the_terminal_is_as_it_was() {
    let sandbox = locked();
    let before = sandbox.snapshot();
    let mut terminal = with_pid(sandbox.cast(["list", "a"]), ":");
    terminal.sees("before");
    let modes = terminal.modes();
    terminal.types("\rwrong horse\rhunter2-hunter3\rcorrect\r");
    terminal.sees("[ended with 4]");
    assert_same_modes(&modes, &terminal.modes());
    terminal.types("\r");
    let shown = terminal.ends_with(0);
    assert!(shown.contains("if you forgot the passphrase, "), "{shown}");
    assert!(sandbox.snapshot() == before);
}

#[test]
fn a_signal_between_two_tries_acts() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let sandbox = locked();
        let mut terminal = with_pid(sandbox.cast(["list", "a"]), ":");
        terminal.sees("before");
        let modes = terminal.modes();
        terminal.types("\r");
        let pid = pid(&mut terminal);
        asks(&mut terminal, "Passphrase for ");
        terminal.types("wrong horse\r");
        kill_process(pid, signal).unwrap();
        terminal.sees(&format!("[ended with {}]", 128 + signal.as_raw()));
        assert_same_modes(&modes, &terminal.modes());
        terminal.types("\r");
        shows_no_secret(&terminal.ends_with(0));
    }
}

#[test]
fn what_follows_a_passphrase_is_for_cmd() {
    let sandbox = locked();
    let script = "read -r one; read -r two; echo \"got <$one> <$two>\"";
    let mut terminal = Terminal::start(sandbox.cast(["run", "a", "--", "sh", "-c", script]));
    asks(&mut terminal, "Passphrase for ");
    terminal.types(format!("{PASSPHRASE}\rfirst line\rsecond line\r"));
    let shown = terminal.ends_with(0);
    assert!(shown.contains("got <first line> <second line>"), "{shown:?}");
    shows_no_secret(&shown);
}

#[test]
fn a_passphrase_in_the_place_of_another_answer_is_not_shown() {
    for kind in KINDS.iter().filter(|kind| ["yes", "2"].contains(&kind.answer)) {
        let sandbox = (kind.sandbox)();
        let before = sandbox.snapshot();
        let mut terminal = Terminal::start(sandbox.cast(kind.words));
        kind.comes_to(&mut terminal);
        terminal.types(format!("{PASSPHRASE}\r"));
        asks(&mut terminal, kind.question);
        terminal.types(format!("{PASSPHRASE}\x15{VALUE}\r"));
        asks(&mut terminal, kind.question);
        terminal.types("neither\r");
        let shown = terminal.ends_with(2);
        assert!(shown.contains("nothing was changed"), "{shown:?}");
        shows_no_secret(&shown);
        assert!(sandbox.snapshot() == before);
    }
}

#[test]
fn a_visible_answer_shows_as_it_is_corrected() {
    let sandbox = open();
    let before = sandbox.snapshot();
    let mut terminal = Terminal::start(sandbox.cast(["delete", "a", "--all"]));
    asks(&mut terminal, "[y/N] ");
    terminal.types("ye");
    terminal.sees("ye");
    terminal.types("\x15n");
    terminal.sees("\x08 \x08\x08 \x08n");
    terminal.types("\r");
    assert!(terminal.ends_with(1).contains("Cancelled. Nothing was changed."));
    assert!(sandbox.snapshot() == before);
}

#[test]
fn signals_at_every_question() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let before = sandbox.snapshot();
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
            let mut terminal = with_pid(sandbox.cast(kind.words), ":");
            terminal.sees("before");
            let modes = terminal.modes();
            terminal.types("\r");
            let pid = pid(&mut terminal);
            kind.comes_to(&mut terminal);
            // The beginning of an answer is not for the shell.
            terminal.types(&kind.answer[..kind.answer.len() / 2]);
            kill_process(pid, signal).unwrap();
            terminal.sees(&format!("[ended with {}]", 128 + signal.as_raw()));
            assert_same_modes(&modes, &terminal.modes());
            terminal.types("\r");
            shows_no_secret(&terminal.ends_with(0));
            assert!(sandbox.snapshot() == before, "{}", kind.question);
        }
    }
}

#[test]
fn keys_that_leave_every_question() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let before = sandbox.snapshot();
        for (key, code) in [("\x03", 130), ("\x1c", 131), ("\x04", 130)] {
            let mut terminal = with_pid(sandbox.cast(kind.words), "trap : INT QUIT");
            terminal.sees("before");
            let modes = terminal.modes();
            terminal.types("\r");
            kind.comes_to(&mut terminal);
            terminal.types(key);
            terminal.sees(&format!("[ended with {code}]"));
            assert_same_modes(&modes, &terminal.modes());
            terminal.types("\r");
            shows_no_secret(&terminal.ends_with(0));
            assert!(sandbox.snapshot() == before, "{}", kind.question);
        }
    }
}

/// As under `nohup`.
#[test]
fn an_ignored_signal_ends_nothing() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = with_pid(sandbox.cast(kind.words), "trap '' HUP");
        terminal.sees("before");
        terminal.types("\r");
        let pid = pid(&mut terminal);
        kind.comes_to(&mut terminal);
        kill_process(pid, Signal::HUP).unwrap();
        asks(&mut terminal, kind.question);
        kind.is_answered(&mut terminal, kind.answer);
        terminal.sees("[ended with 0]");
        terminal.types("\r");
        shows_no_secret(&terminal.ends_with(0));
    }
}
