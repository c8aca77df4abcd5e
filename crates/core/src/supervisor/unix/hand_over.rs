//! Hands a stream that outlives CMD to another process, so that this one can end.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::outputs::{null, outputs, sink};
use super::pump::{EndPolicy, Pumped, Source, Stops, pump};
use crate::platform::exec::raw;
use crate::supervisor::{Carries, Filter, Sink};

/// A stream that another process still writes to after CMD has ended.
pub struct Left {
    /// Which output it carries.
    pub carries: Carries,
    /// The state that its filter needs to continue.
    pub state: Vec<u8>,
    source: OwnedFd,
}

impl Left {
    pub(super) fn new(carries: Carries, source: Arc<Source>, filter: Box<dyn Filter>) -> io::Result<Self> {
        let source = Arc::into_inner(source).expect("the pump has ended and no other thread keeps a reference");
        Ok(Self { carries, source: source.into_end()?, state: filter.suspend() })
    }
}

pub(in crate::supervisor) fn hand_over(left: &Left, words: &[&str], message: &[u8]) -> io::Result<()> {
    let Left { carries, source, .. } = left;
    // The descriptor must survive the exec, because that process opens it.
    rustix::io::fcntl_setfd(source, rustix::io::FdFlags::empty())?;
    let mut command = Command::new(own_program()?);
    // The process gets no environment, which may contain the key, and not the other stream, whose reader would
    // otherwise wait for it.
    match carries {
        // A file has no reader, and so takes the error of this process.
        Carries::Output if outputs().0[1] == Sink::File => {}
        Carries::Output => drop(command.stderr(Stdio::null())),
        Carries::Errors => drop(command.stdout(Stdio::null())),
        Carries::Both => {}
    }
    command.env_clear().args(words).arg(source.as_raw_fd().to_string()).stdin(Stdio::piped());
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    pipe.write_all(message)
}

pub(in crate::supervisor) fn go_on_apart(
    left: &Left,
    others: &[Left],
    filter: Box<dyn Filter>,
    idle: Option<Duration>,
) -> io::Result<()> {
    let Left { carries, source, .. } = left;
    let source = source.try_clone()?;
    let null = null()?;
    // A copy of a process that is closed to others is closed, too; a program that begins is open until it closes itself.
    raw::fork(|| {
        for other in others {
            raw::close(other.source.as_fd());
        }
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = match carries {
            Carries::Output => rustix::stdio::dup2_stderr(&null),
            Carries::Errors => rustix::stdio::dup2_stdout(&null),
            Carries::Both => Ok(()),
        };
        let done = Source::of_pipe(source).and_then(|source| go_on(*carries, source, filter, idle));
        i32::from(done.is_err())
    })?;
    Ok(())
}

/// Runs in the process that was started for it.
pub(in crate::supervisor) fn take_over(
    carries: Carries,
    descriptor: &str,
    filter: Box<dyn Filter>,
    idle: Option<Duration>,
) -> io::Result<()> {
    let source = raw::adopt(descriptor.parse::<u16>().map_err(io::Error::other)?.into())?;
    go_on(carries, Source::of_pipe(source)?, filter, idle)
}

fn go_on(carries: Carries, source: Source, filter: Box<dyn Filter>, idle: Option<Duration>) -> io::Result<()> {
    // Leaves the terminal and process group of CMD's caller: no shell should treat this process as a job.
    let _ = rustix::process::setsid();
    let source = Arc::new(source);
    let ((ended, _never_closed), (released, _nor_this)) = (io::pipe()?, io::pipe()?);
    let stops = Stops { ended: ended.into(), released: released.into() };
    match pump(source, sink(carries), &stops, filter, idle, EndPolicy::HandOver, mpsc::channel().0) {
        Pumped::SinkGone(Some(trouble)) => Err(trouble),
        _ => Ok(()),
    }
}

/// The path of this program, also if its file was replaced meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}
