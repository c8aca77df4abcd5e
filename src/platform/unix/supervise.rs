//! CMD as a child whose output is filtered, with as little to notice as can be: same process group, same standard input; signals, stops and
//! the end passed on both ways. One thread waits for signals, one for each stream.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::child;
use super::pump::{Pumped, Source, pump, takes_more};
use super::signals::{Arrived, Signals};
use crate::platform::{Carries, Ended, Filter, Sink, Supervised, Wire};

/// A stream that another process still writes to, though CMD has ended.
pub(crate) struct Left {
    pub(crate) carries: Carries,
    source: OwnedFd,
    filter: Box<dyn Filter>,
}

impl Left {
    pub(crate) fn take(self) -> (OwnedFd, Box<dyn Filter>) {
        (self.source, self.filter)
    }
}

/// Starts CMD with `wires` between its streams and cast's, and stays until it has ended and what it wrote is through. An error means that
/// CMD was not started.
pub(crate) fn supervise(mut command: Command, wires: Vec<Wire>) -> io::Result<Supervised> {
    let mut signals = Signals::block()?;
    child::prepare(&mut command, signals.inherited(), child::keep_ends_of_children());
    let (stop, stopper) = io::pipe()?;
    let stop = Arc::new(stop);
    let started = Arc::new(AtomicBool::new(false));
    // The pumps before CMD: without them it must not start.
    let (mut pumps, mut flows) = (Vec::new(), Vec::new());
    for wire in wires {
        let (source, end) = io::pipe()?;
        let source = Arc::new(Source::new(source.into())?);
        flows.push((wire.carries, Arc::downgrade(&source)));
        attach(&mut command, wire.carries, end.into())?;
        let (carries, stop, started) = (wire.carries, stop.clone(), started.clone());
        let run = move || {
            let pumped = pump(source, sink(carries), stop.as_fd(), wire.filter);
            // Where CMD was not started, cast has still to say why.
            if started.load(Ordering::SeqCst) && !matches!(pumped, Pumped::Held(..)) {
                let_go(carries);
            }
            pumped
        };
        pumps.push((carries, thread::Builder::new().spawn(run)?));
    }
    let cmd = command.spawn()?;
    // Before cast lets go of the pipes: until then no pump sees an end.
    started.store(true, Ordering::SeqCst);
    // The ends that CMD has now: cast's copies would keep the pumps from seeing the last of them close.
    drop(command);
    // CMD's to close, and not kept open by cast.
    let _ = null().and_then(|null| Ok(rustix::stdio::dup2_stdin(null)?));
    let ended = watch(Pid::from_raw(cmd.id().cast_signed()), &mut signals, &flows);
    drop(stopper);
    // From here on a signal is for cast alone, whose reader may take its time.
    drop(signals);

    let mut supervised = Supervised { ended, left: Vec::new(), trouble: None };
    for (carries, pump) in pumps {
        match pump.join() {
            Ok(Pumped::Finished) => {}
            Ok(Pumped::SinkGone(trouble)) => supervised.trouble = trouble,
            Ok(Pumped::Held(source, filter)) => {
                let source = Arc::into_inner(source).expect("nobody looks at it any more").into_pipe();
                supervised.left.push(Left { carries, source, filter });
            }
            Err(_) => supervised.trouble = Some(io::Error::other("a thread ended early")),
        }
    }
    Ok(supervised)
}

/// Has another process go on with a stream that outlived CMD, so that this one can end. `words` make it call `take_over`; `message` is
/// what it needs for that, secrets included: it comes by a pipe, never by an argument or a file.
pub(crate) fn hand_over(carries: Carries, source: &OwnedFd, words: &[&str], message: &[u8]) -> io::Result<()> {
    // Through the exec, for that process to open.
    rustix::io::fcntl_setfd(source, rustix::io::FdFlags::empty())?;
    let mut command = Command::new(own_program()?);
    // Nothing of the environment, which may hold the key; and no other stream, whose reader would wait for it.
    match carries {
        Carries::Output => drop(command.stderr(Stdio::null())),
        Carries::Errors => drop(command.stdout(Stdio::null())),
        Carries::Both => {}
    }
    command.env_clear().args(words).arg(source.as_raw_fd().to_string()).stdin(Stdio::piped());
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    pipe.write_all(message)
}

/// Goes on with the stream at `descriptor`, in the process that was started for it, until the last of its writers is gone.
pub(crate) fn take_over(carries: Carries, descriptor: &str, filter: Box<dyn Filter>) -> io::Result<()> {
    // Away from the terminal and the group of whoever started CMD: this process is nobody's job.
    let _ = rustix::process::setsid();
    let path = format!("/dev/fd/{}", descriptor.parse::<u16>().map_err(io::Error::other)?);
    let source = OwnedFd::from(File::open(path)?);
    let (stop, _never_closed) = io::pipe()?;
    match pump(Arc::new(Source::new(source)?), sink(carries), stop.as_fd(), filter) {
        Pumped::SinkGone(Some(trouble)) => Err(trouble),
        _ => Ok(()),
    }
}

/// What standard output and standard error of this process are, and whether they are one.
pub(crate) fn outputs() -> ([Sink; 2], bool) {
    let null = rustix::fs::stat("/dev/null").map(|null| null.st_rdev).ok();
    let kind = |stream: BorrowedFd<'_>| {
        let data = rustix::fs::fstat(stream).ok()?;
        let device = rustix::fs::FileType::from_raw_mode(data.st_mode) == rustix::fs::FileType::CharacterDevice;
        let sink = match device {
            true if Some(data.st_rdev) == null => Sink::Nothing,
            true if rustix::termios::isatty(stream) => Sink::Terminal,
            _ => Sink::Somebody,
        };
        Some((sink, (data.st_dev, data.st_ino)))
    };
    let both = [kind(rustix::stdio::stdout()), kind(rustix::stdio::stderr())];
    // One that cannot be asked is closed.
    let sinks = both.map(|output| output.map_or(Sink::Nothing, |(sink, _)| sink));
    (sinks, both[0].is_some() && both[0].map(|(_, file)| file) == both[1].map(|(_, file)| file))
}

/// Ends this process as CMD ended, for whoever waits for it. Returns the exit code where that is the way.
pub(crate) fn end_like(ended: Ended) -> u8 {
    match ended {
        Ended::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        // The first process of a container cannot die of its own signal.
        Ended::Signal(signal) => {
            if std::process::id() != 1 {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                let _ = signal_hook::low_level::raise(signal);
            }
            u8::try_from(128 + signal).unwrap_or(u8::MAX)
        }
    }
}

/// This very program, also when its file was replaced meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}

/// Closes cast's own end of an output that is through: its reader need not wait for CMD. But not standard error by itself, on which cast
/// may have to say that other output was not written.
fn let_go(carries: Carries) {
    let Ok(null) = null() else { return };
    if carries != Carries::Errors {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
    if carries == Carries::Both {
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// A descriptor is never left closed: the next file to be opened would take its place.
fn null() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}

fn attach(command: &mut Command, carries: Carries, end: OwnedFd) -> io::Result<()> {
    match carries {
        Carries::Output => command.stdout(Stdio::from(end)),
        Carries::Errors => command.stderr(Stdio::from(end)),
        Carries::Both => command.stdout(Stdio::from(end.try_clone()?)).stderr(Stdio::from(end)),
    };
    Ok(())
}

fn sink(carries: Carries) -> BorrowedFd<'static> {
    match carries {
        Carries::Output | Carries::Both => rustix::stdio::stdout(),
        Carries::Errors => rustix::stdio::stderr(),
    }
}

/// Until CMD has ended: passes signals on, stops when it stops, and buries whoever else is a child of this process, as a container's first
/// process has to.
fn watch(cmd: Pid, signals: &mut Signals, flows: &[Flow]) -> Ended {
    let mut stopped = false;
    loop {
        match reap(cmd) {
            Some(State::Ended(ended)) => return ended,
            // For the shell to see. Whoever continues cast means CMD.
            Some(State::Stopped) => {
                let_through(flows);
                stopped = raise(Signal::SIGSTOP).is_ok();
            }
            Some(State::Continued) => stopped = false,
            // Not if CMD was continued meanwhile: it may be stopped again already.
            None if stopped => {
                let _ = kill(cmd, Signal::SIGCONT);
                stopped = false;
            }
            None => match signals.next() {
                Ok(Arrived::ForCmd(signal)) => drop(kill(cmd, signal)),
                Ok(Arrived::Nothing) => {}
                Err(_) => return Ended::Code(1),
            },
        }
    }
}

/// A stream, and the source that its pump reads while it lasts.
type Flow = (Carries, Weak<Source>);

/// Before cast stops: lets what CMD has written come out. Not for ever, as others may go on writing; and not where nobody takes it, as the
/// reader may be stopped, too.
fn let_through(flows: &[Flow]) {
    let deadline = Instant::now() + Duration::from_secs(1);
    for (carries, source) in flows {
        while Instant::now() < deadline
            && source.upgrade().is_some_and(|source| !source.is_through())
            && takes_more(sink(*carries))
        {
            thread::sleep(Duration::from_micros(200));
        }
    }
}

enum State {
    Ended(Ended),
    Stopped,
    Continued,
}

fn reap(cmd: Pid) -> Option<State> {
    loop {
        // Not by nix, which does not know the signals above 31.
        match rustix::process::waitpid(None, WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == cmd.as_raw() => {
                if status.stopped() {
                    return Some(State::Stopped);
                }
                if status.continued() {
                    return Some(State::Continued);
                }
                if let Some(signal) = status.terminating_signal() {
                    return Some(State::Ended(Ended::Signal(signal)));
                }
                if let Some(code) = status.exit_status() {
                    return Some(State::Ended(Ended::Code(code)));
                }
            }
            // CMD is gone and nobody kept how: its parent told the kernel not to.
            Err(Errno::CHILD) => return Some(State::Ended(Ended::Code(1))),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}
