//! A real terminal for tests of prompts: a pseudo-terminal with `cast` on it. The test reads, types and waits for
//! events, never for a time.

use std::io::{Read, Write};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command as PtyCommand, Pty};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::ptsname;
use rustix::termios::{Action, LocalModes, OptionalActions, Termios, tcflow, tcgetattr, tcsetattr};

use crate::sandbox::{CAST, Call, Sandbox};

/// After this long, a test stops waiting and fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the words, prints their exit code, and stays: the kernel resets a terminal whose session leader has ended, and
/// the test still needs its modes.
pub const AND_STAY: &str = r#""$@"; echo "[ended with $?]"; read -r _"#;

enum Event {
    Shown(Vec<u8>),
    Typed,
    Ended(ExitStatus),
    Closed,
}

/// A terminal with a process on it.
pub struct Terminal {
    pty: Arc<Pty>,
    pid: Pid,
    sender: Sender<Event>,
    events: Receiver<Event>,
    shown: Vec<u8>,
    read_up_to: usize,
    typed: bool,
    closed: bool,
    ended: Option<ExitStatus>,
}

impl Terminal {
    /// `cast` alone on a terminal, as the leader of its session.
    pub fn start(call: Call<'_>) -> Self {
        Self::spawn(call.command())
    }

    /// `sh -c script` on a terminal, with the words of the call as `"$@"`.
    pub fn start_in_shell(call: Call<'_>, script: &str) -> Self {
        let cast = call.command();
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(cast.get_program()).args(cast.get_args());
        shell.env_clear().envs(cast.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(cast.get_current_dir().expect("a sandbox sets it"));
        Self::spawn(shell)
    }

    /// An interactive bash that has `$CAST` and these variables, at its first prompt, `shell> `.
    #[track_caller]
    pub fn bash(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Self {
        let call = sandbox.cast([""]).env("CAST", CAST).env("PS1", "shell> ");
        let call = variables.iter().fold(call, |call, (name, value)| call.env(name, value));
        let mut terminal = Self::start_in_shell(call, "exec bash --norc --noprofile --noediting -i");
        terminal.sees("shell> ");
        terminal
    }

    fn spawn(mut command: Command) -> Self {
        if command.get_envs().all(|(name, _)| name != "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        let mut child = PtyCommand::from(command).spawn(pts).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let (sender, events) = channel();
        let pty = Arc::new(pty);
        let (screen, shown) = (Arc::clone(&pty), sender.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux returns EIO when no process holds the terminal any more.
            while let Ok(count @ 1..) = (&*screen).read(&mut bytes) {
                let _ = shown.send(Event::Shown(bytes[..count].to_vec()));
            }
            let _ = shown.send(Event::Closed);
        });
        let ended = sender.clone();
        thread::spawn(move || ended.send(Event::Ended(child.wait().unwrap())));
        let (shown, ended) = (Vec::new(), None);
        Self { pty, pid, sender, events, shown, read_up_to: 0, typed: false, closed: false, ended }
    }

    /// Waits until `text` is shown, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        self.wait_for(text, |terminal| {
            let new = &terminal.shown[terminal.read_up_to..];
            let Some(found) = new.windows(text.len()).position(|window| window == text.as_bytes()) else {
                return false;
            };
            terminal.read_up_to += found + text.len();
            true
        });
    }

    /// Waits until the terminal no longer echoes.
    #[track_caller]
    pub fn hides_input(&self) {
        let start = Instant::now();
        while self.modes().local_modes.contains(LocalModes::ECHO) {
            assert!(start.elapsed() < PATIENCE, "input is still shown: {}", self.text());
            thread::yield_now();
        }
    }

    /// Types, or pastes; returns when the terminal has taken it all.
    #[track_caller]
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let (pty, sender, text) = (Arc::clone(&self.pty), self.sender.clone(), text.as_ref().to_vec());
        self.typed = false;
        thread::spawn(move || {
            // A process that ends meanwhile does not read the rest.
            let _ = (&*pty).write_all(&text);
            sender.send(Event::Typed)
        });
        self.wait_for("(everything typed)", |terminal| terminal.typed);
    }

    /// Waits for the end; meanwhile, types the hidden answer whenever one of these questions is asked. Returns the
    /// status and all that was shown.
    #[track_caller]
    pub fn answers(mut self, answers: &[(&str, &str)]) -> (ExitStatus, String) {
        loop {
            let mut asked = None;
            self.wait_for("(a question, or the end)", |terminal| {
                let new = String::from_utf8_lossy(&terminal.shown[terminal.read_up_to..]).into_owned();
                // A question is a line that waits for its end.
                let line = new.rsplit('\n').next().unwrap_or_default();
                let question = answers.iter().find(|(question, _)| line.contains(question));
                asked =
                    question.filter(|_| line.ends_with(": ") || line.ends_with("[y/N] ")).map(|(_, answer)| *answer);
                if asked.is_some() {
                    terminal.read_up_to = terminal.shown.len();
                }
                asked.is_some() || terminal.closed && terminal.ended.is_some()
            });
            let Some(answer) = asked else { return (self.ended.unwrap(), self.text()) };
            self.hides_input();
            self.types(format!("{answer}\r"));
        }
    }

    /// Waits for the end; returns the status and all that was shown.
    #[track_caller]
    pub fn ends(mut self) -> (ExitStatus, String) {
        self.wait_for("(the end)", |terminal| terminal.closed && terminal.ended.is_some());
        (self.ended.unwrap(), self.text())
    }

    /// Waits for the end, which must be with `code`; returns all that was shown.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> String {
        let (status, shown) = self.ends();
        assert_eq!(status.code(), Some(code), "{status}: {shown}");
        shown
    }

    /// Changes the size of the window.
    pub fn resizes(&self, rows: u16, columns: u16) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// Waits until the terminal passes bytes as they are, or no longer does.
    #[track_caller]
    pub fn becomes_raw(&self, raw: bool) {
        let start = Instant::now();
        while self.modes().local_modes.contains(LocalModes::ICANON) == raw {
            assert!(start.elapsed() < PATIENCE, "its modes stay: {}", self.text());
            thread::yield_now();
        }
    }

    /// The terminal's modes, as `stty -a` prints them.
    pub fn modes(&self) -> Termios {
        tcgetattr(&*self.pty).unwrap()
    }

    /// Takes no more output, or goes on, as a window that is held.
    pub fn pauses_output(&self, paused: bool) {
        let name = ptsname(&*self.pty, Vec::new()).unwrap();
        let end = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcflow(end, if paused { Action::OOff } else { Action::OOn }).unwrap();
    }

    pub fn set_modes(&self, modes: &Termios) {
        tcsetattr(&*self.pty, OptionalActions::Now, modes).unwrap();
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// All that was shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str, mut is_there: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_there(self) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.events.recv_timeout(left) {
                Ok(Event::Shown(bytes)) => self.shown.extend(bytes),
                Ok(Event::Typed) => self.typed = true,
                Ok(Event::Ended(status)) => self.ended = Some(status),
                Ok(Event::Closed) => self.closed = true,
                Err(timeout) => panic!("'{what}' did not come: {timeout}: {}", self.text()),
            }
            let over = self.closed && self.ended.is_some() && self.typed;
            assert!(!over || is_there(self), "it ended without '{what}': {:?}: {}", self.ended, self.text());
            if over {
                return;
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.ended.is_none() && self.events.try_iter().all(|event| !matches!(event, Event::Ended(_))) {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// Whether two terminals work the same way.
#[track_caller]
pub fn assert_same_modes(one: &Termios, other: &Termios) {
    assert_eq!(one.input_modes, other.input_modes);
    assert_eq!(one.output_modes, other.output_modes);
    assert_eq!(one.control_modes, other.control_modes);
    assert_eq!(one.local_modes, other.local_modes);
}
