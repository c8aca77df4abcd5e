//! The standard output and standard error of cast: their kinds, and releasing them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{FileType, OFlags};

use crate::platform::exec::raw;
use crate::supervisor::{Carries, Ended, Sink};

/// Where a descriptor leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The controlling terminal, by whatever name.
    OwnTerminal,
    /// Another terminal, by its device number.
    Terminal(u64),
    /// Anything else, by device and inode.
    File(u64, u64),
}

/// Where a descriptor leads; `None` if it is closed.
#[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)] // the numbers' types differ between systems
pub(super) fn place(stream: BorrowedFd<'_>) -> Option<Place> {
    let data = rustix::fs::fstat(stream).ok()?;
    let is_terminal =
        FileType::from_raw_mode(data.st_mode) == FileType::CharacterDevice && rustix::termios::isatty(stream);
    Some(match is_terminal {
        // Fails for every terminal but the controlling one.
        true if rustix::termios::tcgetsid(stream).is_ok() => Place::OwnTerminal,
        true => Place::Terminal(data.st_rdev as u64),
        false => Place::File(data.st_dev as u64, data.st_ino),
    })
}

/// The descriptors above standard error that CMD inherits and that lead, for writing, to the same place as one of these
/// outputs, with that output.
pub(super) fn leading_to(outputs: &[Carries]) -> Vec<(i32, Carries)> {
    let places: Vec<_> = outputs.iter().map(|carries| (place(sink(*carries)), *carries)).collect();
    let is_written = |descriptor: &BorrowedFd<'_>| {
        let mode = rustix::fs::fcntl_getfl(descriptor).map(|flags| flags & OFlags::RWMODE);
        mode.is_ok_and(|mode| mode != OFlags::RDONLY)
    };
    let leading = |descriptor: BorrowedFd<'_>| {
        let place = place(descriptor)?;
        let (_, carries) = places.iter().find(|(output, _)| *output == Some(place))?;
        Some((descriptor.as_raw_fd(), *carries))
    };
    raw::inherited().into_iter().filter(is_written).filter_map(leading).collect()
}

/// Whether an output is one socket with standard input.
pub(super) fn is_two_way_socket(carries: Carries) -> bool {
    let is_socket = |data: rustix::fs::Stat| FileType::from_raw_mode(data.st_mode) == FileType::Socket;
    rustix::fs::fstat(sink(carries)).is_ok_and(is_socket) && place(sink(carries)) == place(rustix::stdio::stdin())
}

/// The kinds of standard output and standard error, and whether they are the same file.
pub(in crate::supervisor) fn outputs() -> ([Sink; 2], bool) {
    let null = rustix::fs::stat("/dev/null").map(|null| null.st_rdev).ok();
    let kind = |stream: BorrowedFd<'_>| {
        let data = rustix::fs::fstat(stream).ok()?;
        let sink = match FileType::from_raw_mode(data.st_mode) {
            FileType::CharacterDevice if Some(data.st_rdev) == null => Sink::Nothing,
            FileType::CharacterDevice if rustix::termios::isatty(stream) => Sink::Terminal,
            FileType::RegularFile => Sink::File,
            _ => Sink::Other,
        };
        Some((sink, place(stream)))
    };
    let both = [kind(rustix::stdio::stdout()), kind(rustix::stdio::stderr())];
    let same = both[0].is_some() && both[0].map(|(_, place)| place) == both[1].map(|(_, place)| place);
    let sinks = both.map(|output| match output {
        // An output that fstat cannot read is closed.
        None => Sink::Nothing,
        Some((Sink::File, _)) if same => Sink::Other,
        Some((sink, _)) => sink,
    });
    (sinks, same)
}

/// The output of cast that a stream goes to.
pub(super) fn sink(carries: Carries) -> BorrowedFd<'static> {
    match carries {
        Carries::Output | Carries::Both => rustix::stdio::stdout(),
        Carries::Errors => rustix::stdio::stderr(),
    }
}

/// Closes cast's copy of a finished output, so that its reader does not wait for CMD. Keeps standard error if it is
/// separate, because cast may need it to report that other output was not written.
pub(super) fn let_go(carries: Carries) {
    let Ok(null) = null() else { return };
    if carries != Carries::Errors {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
    if carries == Carries::Both {
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// Replaces a closed descriptor. If it stayed closed, the next opened file would get its number.
pub(super) fn null() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}

pub(in crate::supervisor) fn standard_streams() -> io::Result<(Box<dyn Read + Send>, Box<dyn Write>)> {
    let file = |stream: BorrowedFd<'_>| io::Result::Ok(File::from(stream.try_clone_to_owned()?));
    Ok((Box::new(file(rustix::stdio::stdin())?), Box::new(file(rustix::stdio::stdout())?)))
}

/// Ends this process as CMD ended, for its parent. Returns the exit code if this process should exit with one.
pub(in crate::supervisor) fn end_like(ended: Ended) -> u8 {
    match ended {
        Ended::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        // Process 1 of a container cannot kill itself with a signal.
        Ended::Signal(signal) => {
            if std::process::id() != 1 {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                let _ = signal_hook::low_level::raise(signal);
            }
            u8::try_from(128 + signal).unwrap_or(u8::MAX)
        }
    }
}
