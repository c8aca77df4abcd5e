//! A terminal with an agent on it. It answers what a real terminal answers, and the test waits for events.

use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command as PtyCommand, Pty};

use crate::supervise::process::Mortal;

/// What a program asks its terminal, and the answer: its kind, the cursor's place, the background colour.
const ANSWERS: [(&[u8], &[u8]); 3] =
    [(b"\x1b[c", b"\x1b[?62;c"), (b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\")];

/// How long a key may take to do something before it is pressed again.
const GRACE: Duration = Duration::from_secs(3);

/// How long a whole session may wait for one thing.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Screen {
    pty: Arc<Pty>,
    shown: Arc<Mutex<Vec<u8>>>,
    // Dropped last: the agent ends with its terminal.
    _agent: Mortal,
}

impl Screen {
    pub fn start(command: Command) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(40, 120)).unwrap();
        let agent: Child = PtyCommand::from(command).spawn(pts).unwrap();
        let (pty, shown) = (Arc::new(pty), Arc::new(Mutex::new(Vec::new())));
        let (screen, all) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = (&*screen).read(&mut bytes) {
                let new = &bytes[..count];
                for (question, answer) in ANSWERS {
                    if new.windows(question.len()).any(|window| window == question) {
                        let _ = (&*screen).write_all(answer);
                    }
                }
                all.lock().unwrap().extend_from_slice(new);
            }
        });
        Self { pty, shown, _agent: Mortal(agent) }
    }

    /// The text on the screen until now, without escape sequences and blanks: programs move the cursor over blanks.
    pub fn text(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let text = String::from_utf8_lossy(&shown);
        let mut letters = text.chars().peekable();
        let mut plain = String::new();
        while let Some(letter) = letters.next() {
            match (letter, letters.peek()) {
                // CSI: up to its final byte.
                ('\x1b', Some('[')) => drop(letters.by_ref().skip(1).find(|letter| ('\x40'..='\x7e').contains(letter))),
                // OSC and its kind: up to BEL, or to the backslash of ST.
                ('\x1b', Some(']' | 'P' | '_')) => drop(letters.find(|letter| matches!(letter, '\x07' | '\\'))),
                ('\x1b', _) => drop(letters.next()),
                _ if letter.is_whitespace() || letter.is_control() => {}
                _ => plain.push(letter),
            }
        }
        plain
    }

    #[track_caller]
    pub fn waits_for(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            self.not_for_ever(what, start);
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn types(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Types, and waits until the program has drawn something. It need not be the text: a program draws only what
    /// changes.
    #[track_caller]
    pub fn types_and_sees(&self, keys: &str) {
        let length = || self.shown.lock().unwrap().len();
        let before = length();
        self.types(keys);
        self.waits_for(keys, |_| length() > before);
    }

    /// Presses a key until it has done what it should: a program may be busy, or take a key too soon for pasted.
    #[track_caller]
    pub fn presses(&self, key: &str, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !self.presses_once(key, &mut done) {
            self.not_for_ever(what, start);
        }
    }

    /// Presses a key; whether it has done what it should before long.
    pub fn presses_once(&self, key: &str, mut done: impl FnMut() -> bool) -> bool {
        self.types(key);
        let pressed = Instant::now();
        while pressed.elapsed() < GRACE {
            if done() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    #[track_caller]
    fn not_for_ever(&self, what: &str, start: Instant) {
        if start.elapsed() > PATIENCE {
            let text = self.text();
            let tail = text.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect::<String>();
            panic!("waited in vain: {what}; on the screen: {tail}");
        }
    }
}
