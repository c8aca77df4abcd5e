//! Windows: runs CMD as a child and filters each output on its own thread. Two things differ from Unix: if a background
//! process still holds a stream when CMD has ended, cast waits for it, because it cannot hand the stream over; and CMD
//! survives if cast is killed.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::{Carries, Ended, Filter, Service, Sink, Supervised, Wire};
use crate::platform::exec::{self, Image};

pub(super) const MASKS_TERMINALS: bool = false;

/// A stream that outlived CMD. Never made on Windows.
pub struct Left {
    /// Which output it carries.
    pub carries: Carries,
    /// The state that its filter needs to continue.
    pub state: Vec<u8>,
}

/// Starts CMD with `wires` and `services`, and waits until everything is written.
pub(super) fn supervise(
    image: Image,
    wires: Vec<Wire>,
    services: &mut Vec<Box<dyn Service>>,
) -> Result<Supervised, (io::Error, Image)> {
    let supervised = begin_and_wait(&image, wires, services);
    super::stop(services);
    supervised.map_err(|error| (error, image))
}

fn begin_and_wait(image: &Image, wires: Vec<Wire>, services: &mut [Box<dyn Service>]) -> io::Result<Supervised> {
    services.iter_mut().try_for_each(|service| service.start())?;
    let mut command = image.command();
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
    let status = exec::spawn(command)?.wait()?;
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
            // The reader closed the output. CMD notices at its next write, as it would without cast.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Never called on Windows.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn hand_over(_left: &Left, _words: &[&str], _message: &[u8]) -> io::Result<()> {
    Ok(())
}

/// Never called on Windows.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn go_on_apart(
    _left: &Left,
    _others: &[Left],
    _filter: Box<dyn Filter>,
    _idle: Option<Duration>,
) -> io::Result<()> {
    Ok(())
}

/// Never called on Windows.
pub(super) fn take_over(
    _carries: Carries,
    _descriptor: &str,
    _filter: Box<dyn Filter>,
    _idle: Option<Duration>,
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn end_like(ended: Ended) -> u8 {
    match ended {
        Ended::Code(code) => u8::try_from(code).unwrap_or_else(|_| exec::end(code)),
        Ended::Signal(_) => 1,
    }
}

/// std writes Unicode to a console.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn standard_streams() -> io::Result<(Box<dyn Read + Send>, Box<dyn Write>)> {
    Ok((Box::new(io::stdin()), Box::new(io::stdout())))
}

/// No terminal goes through cast.
pub(super) fn has_whole_terminal() -> bool {
    false
}

/// Never changed on Windows.
pub(super) fn restore_terminal() {}

/// Windows cannot tell whether two handles belong to the same pipe.
pub(super) fn outputs() -> ([Sink; 2], bool) {
    let one = io::stdout().as_raw_handle() == io::stderr().as_raw_handle();
    let kinds = match [kind(&io::stdout()), kind(&io::stderr())] {
        // Perhaps the same one.
        [Sink::File, Sink::File] => [Sink::Other; 2],
        kinds => kinds,
    };
    (kinds, one)
}

fn kind(output: &(impl IsTerminal + AsHandle)) -> Sink {
    let data = || File::from(output.as_handle().try_clone_to_owned()?).metadata();
    match output.is_terminal() {
        true => Sink::Terminal,
        false if data().is_ok_and(|data| data.is_file()) => Sink::File,
        false => Sink::Other,
    }
}
