//! A locked keyring that shows a dialog: gcr's prompter for tests, which gnome-keyring uses instead of the desktop's.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use super::Session;
use crate::sandbox::skip;
use crate::terminal::Terminal;

const SECRET: &str = "hunter2-hunter2";

/// Answers each dialog as its arguments tell, after so many milliseconds; prints its name on the bus.
const PROMPTER: &str = "
import ctypes, sys
gcr = ctypes.CDLL('libgcr-base-3.so.1')
gcr.gcr_mock_prompter_start.restype = ctypes.c_char_p
name = gcr.gcr_mock_prompter_start()
gcr.gcr_mock_prompter_set_delay_msec(int(sys.argv[2]))
if sys.argv[1] == 'unlock':
    gcr.gcr_mock_prompter_expect_password_ok(b'password', None)
else:
    gcr.gcr_mock_prompter_expect_password_cancel()
print(name.decode(), flush=True)
sys.stdin.read()
";

/// A session whose keyring holds the key, was locked, and asks a prompter.
pub struct Asking {
    pub session: Session,
    prompter: Child,
}

impl Asking {
    pub fn start(answer: &str, after: u32) -> Option<Self> {
        let mut session = Session::unlocked()?;
        session.cast(["set", "a", "K", SECRET]).succeeds();
        session.stop_keyring();
        let mut prompter = session.command("python3");
        prompter.args(["-c", PROMPTER, answer, &after.to_string()]);
        prompter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut prompter) = prompter.spawn() else {
            skip("keyring: python3 is not installed, which answers dialogs");
            return None;
        };
        let mut name = String::new();
        BufReader::new(prompter.stdout.take().unwrap()).read_line(&mut name).unwrap();
        if name.is_empty() {
            skip("keyring: libgcr-base-3 is not installed, which answers dialogs");
            return None;
        }
        session.serve_with("--start", &[("GNOME_KEYRING_TEST_PROMPTER", name.trim())]);
        Some(Self { session, prompter })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = self.prompter.kill();
        let _ = self.prompter.wait();
    }
}

#[test]
fn an_unlock_that_arrives_in_time() {
    let Some(asking) = Asking::start("unlock", 0) else { return };
    let listed = asking.session.cast(["list", "a"]).succeeds();
    assert_eq!(listed.err, "", "no message about a dialog that ends at once");
    // It stays unlocked from now on.
    asking.session.cast(["run", "a", "--", "true"]).succeeds();
    asking.session.cast(["set", "b", "K", SECRET]).succeeds();
    assert_eq!(asking.session.items(), 1);
}

#[test]
fn a_dialog_that_takes_its_time_is_waited_for_and_said() {
    let Some(asking) = Asking::start("unlock", 1500) else { return };
    let mut terminal = Terminal::start(asking.session.cast(["list", "a"]));
    terminal.sees("Waiting for you to unlock the keyring");
    terminal.sees("K ");
    terminal.ends_with(0);
}

#[test]
fn a_dialog_that_is_dismissed() {
    let Some(asking) = Asking::start("dismiss", 1500) else { return };
    let call = asking.session.cast(["set", "a", "L", SECRET]);
    let refusal = call.refuses(4, "no key: the keyring stayed locked: the dialog was dismissed", &[SECRET]);
    assert!(refusal.err.contains("cast: hint: try again, and unlock the keyring in the dialog"), "{refusal:?}");
    assert!(!refusal.err.contains("Waiting"), "no user reads that over a pipe: {refusal:?}");
}

/// The client's unit tests cover the end of the 60 s, with a shorter time.
#[test]
fn a_dialog_that_is_never_answered_can_be_left() {
    let Some(asking) = Asking::start("unlock", 3_600_000) else { return };
    let before = asking.session.sandbox.snapshot();
    for words in [["list", "a"].as_slice(), &["run", "a", "--", "touch", "started"], &["set", "b", "K", SECRET]] {
        let call = asking.session.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", &asking.session.address);
        let mut terminal = Terminal::start(call);
        terminal.sees("Waiting for you to unlock the keyring (60 s at most)");
        terminal.types("\x03");
        let (status, shown) = terminal.ends();
        assert_eq!(status.signal(), Some(2), "{shown}");
    }
    assert!(asking.session.sandbox.snapshot() == before);
}
