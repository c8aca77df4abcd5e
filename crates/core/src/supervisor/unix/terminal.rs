//! A terminal of cast's own, between CMD and the terminal that cast is on. If that is cast's whole terminal, for input
//! and output, and cast has it, CMD gets a session on the inner one, and the outer one only passes bytes (`is_apart`).
//! Otherwise only outputs go through the inner one; CMD's input, process group and controlling terminal stay.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Winsize, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use super::channel::{Channel, Ends, Stream, Streams};
use super::input::{Gate, Input};
use super::outer::{is_foreground, own_standard_input, pass_through, restore_terminal};
use super::outputs::{place, sink};
use super::pump::{EndPolicy, Source};
use super::{Carries, Wire};
use crate::failure::Cause;
use crate::platform::exec::OwnFailure;

/// What the keeper of CMD's session is told.
pub(super) const HAS_TERMINAL: u8 = b'f';
pub(super) const LACKS_TERMINAL: u8 = b'b';

/// Whether standard input and standard output are one terminal, and this process is in its foreground.
pub(in crate::supervisor) fn has_whole_terminal() -> bool {
    isatty(stdin())
        && isatty(stdout())
        && is_foreground(stdin())
        && place(stdin()).is_some_and(|input| Some(input) == place(stdout()))
}

pub(super) struct Terminal {
    wire: Option<Wire>,
    carries: Carries,
    /// The streams hold the inner terminal; it closes with them.
    inner: Weak<OwnedFd>,
    size: Option<Winsize>,
    outer: Option<Outer>,
}

/// What belongs to the outer terminal when CMD has a session of its own.
struct Outer {
    terminal: OwnedFd,
    gate: Arc<Gate>,
    /// To the keeper of the session.
    keeper: OwnedFd,
    /// Where the keeper hears it.
    told: OwnedFd,
    /// What the keeper was told last.
    has_it: bool,
}

impl Terminal {
    pub(super) fn new(wire: Wire) -> Self {
        Self { carries: wire.carries, wire: Some(wire), inner: Weak::new(), size: None, outer: None }
    }

    /// Gives the inner terminal the size of the outer one. Returns whether it had another.
    fn copy_size(&mut self) -> bool {
        let (Some(inner), Ok(size)) = (self.inner.upgrade(), tcgetwinsize(sink(self.carries))) else { return false };
        let numbers = |size: &Winsize| (size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
        let is_new = self.size.as_ref().map(numbers) != Some(numbers(&size));
        self.size = Some(size);
        is_new && tcsetwinsize(&inner, size).is_ok()
    }
}

impl Channel for Terminal {
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Streams> {
        let is_apart = self.is_apart();
        let Wire { carries, filter, idle } = self.wire.take().ok_or(io::ErrorKind::NotConnected)?;
        let (inner, end) = pair()?;
        let mut modes = tcgetattr(sink(carries))?;
        if !is_apart {
            // What the inner one did to the output, the outer one would do a second time. Nothing is typed here.
            modes.output_modes.remove(OutputModes::OPOST);
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        }
        tcsetattr(&end, OptionalActions::Now, &modes)?;
        self.inner = Arc::downgrade(&inner);
        self.copy_size();
        ends.outside.push(inner.clone());
        let input = if is_apart {
            let (gate, opened) = Gate::new()?;
            let (state, keeper) = io::pipe()?;
            rustix::fs::fcntl_setfl(&state, rustix::fs::OFlags::NONBLOCK)?;
            let told = OwnedFd::from(state);
            ends.session = Some(told.try_clone()?);
            ends.input = Some(end.try_clone()?);
            let terminal = own_standard_input()?;
            let input = Input::of_terminal(terminal.try_clone()?, inner.clone(), opened);
            self.outer = Some(Outer { terminal, gate, keeper: keeper.into(), told, has_it: true });
            Some(input)
        } else {
            None
        };
        ends.put(carries, end)?;
        let source = Source::of_terminal(inner)?;
        Ok(Streams { output: Stream { carries, source, filter, idle, end: EndPolicy::Drain }, input })
    }

    fn start(&mut self) -> io::Result<()> {
        if let Some(outer) = &self.outer {
            pass_through(&outer.terminal)?;
            outer.gate.open();
        }
        Ok(())
    }

    fn pause(&mut self) {
        if let Some(outer) = &self.outer {
            outer.gate.close();
            restore_terminal();
        }
    }

    fn resume(&mut self) -> bool {
        self.copy_size();
        let Some(Outer { terminal, gate, keeper, has_it, .. }) = &mut self.outer else { return true };
        // After the shell's `bg` it is not cast's, nor CMD's.
        *has_it = is_foreground(terminal.as_fd());
        if *has_it {
            let _ = pass_through(terminal);
            gate.open();
        } else {
            gate.close();
        }
        let _ = rustix::io::write(keeper, &[if *has_it { HAS_TERMINAL } else { LACKS_TERMINAL }]);
        *has_it
    }

    fn is_unheard(&self) -> bool {
        self.outer.as_ref().is_some_and(|outer| {
            let mut polled = [PollFd::new(&outer.told, PollFlags::IN)];
            poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        })
    }

    fn has_regained_terminal(&self) -> bool {
        self.outer.as_ref().is_some_and(|outer| !outer.has_it && is_foreground(outer.terminal.as_fd()))
    }

    fn resize(&mut self) -> bool {
        // In a session of its own, the kernel tells CMD.
        self.copy_size() && !self.is_apart()
    }

    fn is_apart(&self) -> bool {
        self.outer.is_some() || self.wire.is_some() && self.carries != Carries::Errors && has_whole_terminal()
    }
}

/// On every way out.
impl Drop for Terminal {
    fn drop(&mut self) {
        self.pause();
    }
}

/// A pseudo-terminal: cast's end and CMD's.
fn pair() -> io::Result<(Arc<OwnedFd>, OwnedFd)> {
    let open = || {
        let inner = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        // Not every system takes this as a flag of `openpt`; no other thread could fork meanwhile.
        rustix::io::fcntl_setfd(&inner, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&inner)?;
        unlockpt(&inner)?;
        let end = end_of(&inner)?;
        Ok((Arc::new(inner), end))
    };
    open().map_err(|error: io::Error| {
        io::Error::other(OwnFailure(format!("no pseudo-terminal for its masked output: {}", Cause(&error))))
    })
}

/// By name only where there is no other way: `/dev/pts` may be another one in a container.
fn end_of(inner: &OwnedFd) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags, open};
    #[cfg(target_os = "linux")]
    if let Ok(end) =
        rustix::pty::ioctl_tiocgptpeer(inner, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
    {
        return Ok(end);
    }
    let name = rustix::pty::ptsname(inner, Vec::new())?;
    Ok(open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}
