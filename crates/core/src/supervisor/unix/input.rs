//! Copies CMD's input, unchanged, where CMD cannot have the outer end itself: from the outer terminal to the inner one,
//! or from a socket to CMD's end of a pair.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::outer::is_foreground;
use super::pump::Stops;

/// Bytes per read.
const CHUNK: usize = 16 << 10;

/// Input on its way to CMD.
pub(super) struct Input {
    source: OwnedFd,
    sink: Arc<OwnedFd>,
    /// Only of a terminal.
    gate: Option<Opened>,
}

/// Tells the copying thread whether it may read the outer terminal: in the background, reading would stop cast.
pub(super) struct Gate {
    is_open: Arc<AtomicBool>,
    changed: OwnedFd,
}

/// The thread's side of a gate.
pub(super) struct Opened {
    is_open: Arc<AtomicBool>,
    changed: OwnedFd,
}

impl Gate {
    pub(super) fn new() -> io::Result<(Arc<Self>, Opened)> {
        let (told, changed) = io::pipe()?;
        let is_open = Arc::new(AtomicBool::new(false));
        let opened = Opened { is_open: is_open.clone(), changed: told.into() };
        Ok((Arc::new(Self { is_open, changed: changed.into() }), opened))
    }

    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
        let _ = rustix::io::write(&self.changed, &[0]);
    }

    pub(super) fn close(&self) {
        self.is_open.store(false, Ordering::SeqCst);
    }
}

impl Input {
    pub(super) fn of_terminal(source: OwnedFd, sink: Arc<OwnedFd>, gate: Opened) -> Self {
        Self { source, sink, gate: Some(gate) }
    }

    pub(super) fn of_socket(source: OwnedFd, sink: Arc<OwnedFd>) -> Self {
        Self { source, sink, gate: None }
    }

    /// Copies until the source ends, or CMD, or what takes it.
    pub(super) fn copy(self, stops: &Stops) {
        let mut chunk = vec![0; CHUNK];
        let mut left = 0..0;
        loop {
            let may_read = left.is_empty() && self.gate.as_ref().is_none_or(|gate| gate.is_open.load(Ordering::SeqCst));
            let mut polled = vec![PollFd::new(&stops.ended, PollFlags::IN)];
            if !left.is_empty() {
                polled.push(PollFd::new(&*self.sink, PollFlags::OUT));
            } else if may_read {
                polled.push(PollFd::new(&self.source, PollFlags::IN));
            }
            if let Some(gate) = &self.gate {
                polled.push(PollFd::new(&gate.changed, PollFlags::IN));
            }
            match poll(&mut polled, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            let ready: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
            if ready[0] {
                return;
            }
            if let Some(gate) = &self.gate
                && ready.last() == Some(&true)
            {
                let _ = rustix::io::read(&gate.changed, &mut [0; 64]);
                continue;
            }
            if !ready.get(1).copied().unwrap_or_default() {
                continue;
            }
            let moved = if left.is_empty() { self.read(&mut chunk) } else { self.write(&chunk[left.clone()]) };
            match moved {
                Ok(0) if left.is_empty() => return self.end(),
                Ok(count) if left.is_empty() => left = 0..count,
                Ok(count) => left.start += count,
                Err(Errno::AGAIN | Errno::INTR) => {}
                // The terminal became another's between the question and the read.
                Err(Errno::IO) if left.is_empty() && self.loses_terminal() => {}
                Err(_) => return,
            }
        }
    }

    fn read(&self, chunk: &mut [u8]) -> Result<usize, Errno> {
        match self.gate {
            Some(_) => rustix::io::read(&self.source, chunk),
            // The socket is shared with other processes, so it stays blocking.
            None => recv(&self.source, chunk, RecvFlags::DONTWAIT).map(|(count, _)| count),
        }
    }

    fn write(&self, piece: &[u8]) -> Result<usize, Errno> {
        match self.gate {
            Some(_) => rustix::io::write(&*self.sink, piece),
            None => send(&*self.sink, piece, SendFlags::DONTWAIT),
        }
    }

    /// CMD sees the end of its input. (A terminal has none: who types Ctrl-D goes on typing.)
    fn end(&self) {
        if self.gate.is_none() {
            let _ = shutdown(&*self.sink, Shutdown::Write);
        }
    }

    /// Whether the terminal is there but not this process's. Then nothing is read until the gate opens again.
    fn loses_terminal(&self) -> bool {
        let Some(gate) = &self.gate else { return false };
        let is_there = rustix::termios::tcgetattr(&self.source).is_ok();
        let is_lost = is_there && !is_foreground(self.source.as_fd());
        if is_lost {
            gate.is_open.store(false, Ordering::SeqCst);
        }
        is_lost
    }
}
