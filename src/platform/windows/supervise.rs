//! CMD as a child whose output is filtered: a thread for each stream. What is different here: a background process that still holds a
//! stream when CMD has ended keeps cast waiting for it, for there is no process of ours to leave it to; and CMD outlives a cast that was killed.

use std::io::{self, IsTerminal, Read, Write};
use std::os::windows::io::AsRawHandle;
use std::process::{Command, Stdio};
use std::thread;

use super::start;
use crate::platform::{Carries, Ended, Filter, Sink, Supervised, Wire};

/// A stream that outlived CMD: none here.
pub(crate) struct Left {
    pub(crate) carries: Carries,
    filter: Box<dyn Filter>,
}

impl Left {
    pub(crate) fn take(self) -> ((), Box<dyn Filter>) {
        ((), self.filter)
    }
}

/// Starts CMD with `wires` between its streams and cast's, and stays until all of it is through.
pub(crate) fn supervise(mut command: Command, wires: Vec<Wire>) -> io::Result<Supervised> {
    let mut pumps = Vec::new();
    for wire in wires {
        let (source, end) = io::pipe()?;
        match wire.carries {
            Carries::Output => drop(command.stdout(Stdio::from(end))),
            Carries::Errors => drop(command.stderr(Stdio::from(end))),
            Carries::Both => drop(command.stdout(Stdio::from(end.try_clone()?)).stderr(Stdio::from(end))),
        }
        let carries = wire.carries;
        pumps.push(thread::Builder::new().spawn(move || pump(source, carries, wire.filter))?);
    }
    let status = start::spawn(command)?.wait()?;
    let mut trouble = None;
    for pump in pumps {
        if let Err(error) = pump.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended early"))) {
            trouble = Some(error);
        }
    }
    Ok(Supervised { ended: Ended::Code(status.code().unwrap_or(1)), left: Vec::new(), trouble })
}

fn pump(mut source: io::PipeReader, carries: Carries, mut filter: Box<dyn Filter>) -> io::Result<()> {
    let sink: Box<dyn Write> = match carries {
        Carries::Output | Carries::Both => Box::new(io::stdout()),
        Carries::Errors => Box::new(io::stderr()),
    };
    let mut sink = io::BufWriter::new(sink);
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = source.read(&mut chunk)?;
        let passed = if read == 0 { filter.finish(&mut sink) } else { filter.pass(&chunk[..read], &mut sink) };
        match passed.and_then(|()| sink.flush()) {
            // Its reader has left: CMD finds out by writing, as it would without cast.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Not needed here.
#[allow(clippy::unnecessary_wraps, clippy::trivially_copy_pass_by_ref)]
pub(crate) fn hand_over(_carries: Carries, _source: &(), _words: &[&str], _message: &[u8]) -> io::Result<()> {
    Ok(())
}

/// Not needed here.
pub(crate) fn take_over(_carries: Carries, _descriptor: &str, _filter: Box<dyn Filter>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Ends this process as CMD ended.
pub(crate) fn end_like(ended: Ended) -> u8 {
    match ended {
        Ended::Code(code) => u8::try_from(code).unwrap_or_else(|_| start::end(code)),
        Ended::Signal(_) => 1,
    }
}

/// What standard output and standard error of this process are, and whether they are certainly one: of a pipe that came as two handles
/// that cannot be asked.
pub(crate) fn outputs() -> ([Sink; 2], bool) {
    let kind = |terminal| if terminal { Sink::Terminal } else { Sink::Somebody };
    let one = io::stdout().as_raw_handle() == io::stderr().as_raw_handle();
    ([kind(io::stdout().is_terminal()), kind(io::stderr().is_terminal())], one)
}
