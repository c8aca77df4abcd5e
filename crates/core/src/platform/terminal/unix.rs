//! Linux and macOS. The terminal gives bytes at once and shows none: in line mode it would cut a line at 4,095 bytes,
//! and a part of a line would wait in it for the shell. It still makes signals of Ctrl-C and Ctrl-Z, for the whole group.

mod signals;
mod turn;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{Signal, raise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::stdio::{stderr, stdin};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, isatty, tcdrain, tcflush,
    tcgetattr, tcgetpgrp, tcsetattr, ttyname,
};

use super::Arrived;
use signals::Signals;

/// The terminal's modes from before, while it is hidden.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// What was typed ahead and taken from the terminal: before cast stopped, or after a value.
static AHEAD: Mutex<VecDeque<u8>> = Mutex::new(VecDeque::new());

pub(super) const MARK_PASTES: [&str; 2] = ["\x1b[?2004h", "\x1b[?2004l"];

struct Before {
    terminal: OwnedFd,
    modes: Termios,
    close: fn(),
}

pub(super) struct Asking {
    as_sent: bool,
    close: fn(),
    terminal: OwnedFd,
    /// Only `None` while cast is stopped.
    signals: Option<Signals>,
    /// Held by the one cast that asks; a process that ends frees it. `None` where there is nothing to lock.
    turn: Option<File>,
}

impl Asking {
    pub(super) fn begin(as_sent: bool, close: fn()) -> io::Result<Self> {
        let mut asking = Self { as_sent, close, terminal: open_terminal()?, signals: None, turn: None };
        asking.hide()?;
        Ok(asking)
    }

    pub(super) fn arrived(&mut self) -> io::Result<Arrived> {
        loop {
            if let Some(byte) = ahead(VecDeque::pop_front) {
                return Ok(Arrived::Byte(byte));
            }
            let Some(signals) = &self.signals else { return Err(io::ErrorKind::NotConnected.into()) };
            let ready = |ask: &PollFd<'_>| !ask.revents().is_empty();
            let mut asked = [PollFd::new(signals, PollFlags::IN), PollFd::new(&self.terminal, PollFlags::IN)];
            match poll(&mut asked, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let (signal, typed) = (ready(&asked[0]), ready(&asked[1]));
            if signal {
                if let Some(signal) = signals.take()
                    && self.act(signal)?
                {
                    return Ok(Arrived::Again);
                }
            } else if typed {
                // One byte: what follows the answer is for the next reader.
                let mut byte = [0];
                match rustix::io::read(&self.terminal, &mut byte) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(_) => return Ok(Arrived::Byte(byte[0])),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    pub(super) fn keep_the_rest(&mut self) {
        let mut bytes = [0; 4096];
        while self.has_input()
            && let Ok(count @ 1..) = rustix::io::read(&self.terminal, &mut bytes)
        {
            ahead(|ahead| ahead.extend(&bytes[..count]));
        }
    }

    pub(super) fn forget_the_rest(&mut self) {
        ahead(VecDeque::clear);
        let _ = tcflush(&self.terminal, QueueSelector::IFlush);
    }

    /// Lets a signal act on this process, with the terminal as it was. If it survives, hides input again; returns
    /// whether it had been shown meanwhile.
    fn act(&mut self, signal: Signal) -> io::Result<bool> {
        match signal {
            // After SIGSTOP, a shell has made the terminal its own.
            Signal::SIGCONT if self.is_foreground() && self.is_hidden() => return Ok(false),
            Signal::SIGCONT => drop(before().take()),
            // The shell must not read it, and it counts when cast is continued.
            Signal::SIGTSTP => self.keep_the_rest(),
            _ => self.forget_the_rest(),
        }
        self.show();
        if signal != Signal::SIGCONT {
            let _ = raise(signal);
        }
        self.hide()?;
        Ok(true)
    }

    /// Waits for the turn and hides input.
    fn hide(&mut self) -> io::Result<()> {
        loop {
            self.wait_for_foreground()?;
            self.turn = turn::wait_for();
            if self.is_foreground() {
                break;
            }
            self.turn = None;
        }
        self.signals = Some(Signals::hold()?);
        let modes = tcgetattr(&self.terminal)?;
        let hidden = hidden(&modes, self.as_sent);
        *before() = Some(Before { terminal: self.terminal.try_clone()?, modes, close: self.close });
        tcsetattr(&self.terminal, OptionalActions::Now, &hidden)?;
        Ok(())
    }

    /// The terminal as it was, for the next that asks; signals act again.
    fn show(&mut self) {
        show_again();
        self.turn = None;
        self.signals = None;
    }

    /// Started with `&`, this process stops here until the shell's `fg`, as at any use of the terminal.
    fn wait_for_foreground(&self) -> io::Result<()> {
        let mut tried = false;
        while !self.is_foreground() {
            // Writes nothing, but stops a process in the background.
            tcdrain(&self.terminal)?;
            // Not every system stops it there, and no system if stops are ignored.
            if !self.is_foreground() && std::mem::replace(&mut tried, true) {
                return Err(io::Error::other("it runs in the background"));
            }
            if !self.is_foreground() {
                let _ = raise(Signal::SIGTTOU);
            }
        }
        Ok(())
    }

    /// Also where there is no job control.
    fn is_foreground(&self) -> bool {
        tcgetpgrp(&self.terminal).map_or(true, |group| group == getpgrp())
    }

    fn is_hidden(&self) -> bool {
        tcgetattr(&self.terminal)
            .is_ok_and(|modes| !modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON))
    }

    fn has_input(&self) -> bool {
        let mut asked = [PollFd::new(&self.terminal, PollFlags::IN)];
        poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.show();
    }
}

pub(super) fn show_again() {
    let Some(Before { terminal, modes, close }) = before().take() else { return };
    close();
    // In the background the modes are the shell's.
    if tcgetpgrp(&terminal).map_or(true, |group| group == getpgrp()) {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
    }
}

pub(super) fn die_of_interrupt() {
    let _ = raise(Signal::SIGINT);
}

/// The controlling terminal; without one, standard input if it is a terminal.
fn open_terminal() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    // macOS cannot poll `/dev/tty`, only the terminal's own name.
    if cfg!(target_os = "macos")
        && let Ok(name) = ttyname(stderr(), Vec::new())
        && let Ok(terminal) = open(&name, flags, Mode::empty())
    {
        return Ok(terminal);
    }
    match open("/dev/tty", flags, Mode::empty()) {
        Err(_) if isatty(stdin()) => stdin().as_fd().try_clone_to_owned(),
        result => Ok(result?),
    }
}

fn hidden(modes: &Termios, as_sent: bool) -> Termios {
    let mut modes = modes.clone();
    let all = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::IEXTEN;
    modes.local_modes.remove(all);
    // Or Ctrl-Z would discard what was typed before it.
    modes.local_modes.insert(LocalModes::NOFLSH);
    modes.input_modes.remove(InputModes::ISTRIP | InputModes::IXON | InputModes::PARMRK);
    if as_sent {
        modes.input_modes.remove(InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
    }
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    modes
}

fn before() -> std::sync::MutexGuard<'static, Option<Before>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ahead<T>(with: impl FnOnce(&mut VecDeque<u8>) -> T) -> T {
    with(&mut AHEAD.lock().unwrap_or_else(PoisonError::into_inner))
}
