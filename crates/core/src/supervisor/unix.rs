//! Linux and macOS: the main thread waits for signals, and each stream has its own thread. CMD shares cast's process
//! group and standard input, except on a terminal of cast's own. The step numbers are those of `docs/design/supervisor.md`.

mod channel;
mod child;
mod hand_over;
mod input;
mod keeper;
mod outer;
mod output;
mod outputs;
mod pump;
mod ready;
mod signals;
mod socket;
mod terminal;
mod watch;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Carries, Filter, Service, Sink, Supervised, Wire};
use crate::platform::exec::Image;
use crate::platform::exec::raw;
use channel::{Channel, Ends, Pipe, Stream, Streams};
use child::Child;
use outputs::{is_two_way_socket, leading_to, let_go, null, sink};
use pump::{Pumped, Stops, pump};
use signals::Signals;
use socket::Pair;
use terminal::Terminal;
use watch::{Flow, watch};

pub use hand_over::Left;
pub(super) use hand_over::{go_on_apart, hand_over, take_over};
pub(super) use outer::restore_terminal;
pub(super) use outputs::{end_like, outputs, standard_streams};
pub(super) use terminal::has_whole_terminal;

pub(super) const MASKS_TERMINALS: bool = true;

/// Starts CMD with `wires` and `services`. The caller has done step 2.
pub(super) fn supervise(
    image: Image,
    wires: Vec<Wire>,
    services: &mut Vec<Box<dyn Service>>,
) -> Result<Supervised, (io::Error, Image)> {
    let carried: Vec<Carries> = wires.iter().map(|wire| wire.carries).collect();
    let mut channels: Vec<Box<dyn Channel>> = wires.into_iter().map(channel).collect();
    let (mut signals, ends, streams) = match connect(&mut channels, &carried) {
        Ok(connected) => connected,
        Err(error) => return Err((error, image)),
    };
    let mut child = Child::fork(image, &ends, &signals)?;
    let started = Arc::new(AtomicBool::new(false));
    let mut ends = Some(ends);
    let threads = Threads::start(streams, services, &started);
    let mut outcome = threads.and_then(|threads| {
        channels.iter_mut().try_for_each(|channel| channel.start())?;
        child.open_gate()?;
        let ended = watch(&mut child, &mut signals, &mut channels, &threads.flows, &mut || {
            started.store(true, Ordering::SeqCst);
            // CMD has its ends now. cast drops its copies, or the pumps would never see the last one close.
            let others = ends.take().map(|ends| ends.more).unwrap_or_default();
            for (number, _) in others {
                raw::close_at_exec(number);
            }
            // Only CMD should hold standard input, so that its closing takes effect.
            let _ = null().and_then(|null| Ok(rustix::stdio::dup2_stdin(null)?));
        });
        Ok((ended, threads))
    });
    super::stop(services);
    drop(ends);
    // From here on a signal is for cast only, because its reader may be slow.
    signals.forget();
    if signals.is_apart() {
        // It acts when the terminal is as it was.
        if let Ok((_, threads)) = &mut outcome {
            threads.tell_the_end();
            while !threads.are_through_within(A_WHILE) && !Signals::is_end_waiting() {}
        }
    }
    drop((channels, signals));
    let ended = match outcome {
        Ok((ended, threads)) => ended.map(|ended| (ended, threads.join())),
        Err(error) => Err(error),
    };
    match ended {
        Ok((ended, (left, trouble))) => Ok(Supervised { ended, left, trouble }),
        Err(error) => {
            child.turn_away();
            Err((error, child.into_image()))
        }
    }
}

/// How often cast looks for a signal while a terminal takes its time with CMD's last output.
const A_WHILE: Duration = Duration::from_millis(20);

/// The kind of connection that an output needs.
fn channel(wire: Wire) -> Box<dyn Channel> {
    let ([output, errors], _) = outputs();
    let sink = if wire.carries == Carries::Errors { errors } else { output };
    match sink {
        Sink::Terminal => Box::new(Terminal::new(wire)),
        _ if is_two_way_socket(wire.carries) => Box::new(Pair::new(wire)),
        _ => Box::new(Pipe::new(wire)),
    }
}

/// Steps 1 and 3: blocks signals and makes CMD's ends of the channels.
fn connect(channels: &mut [Box<dyn Channel>], carried: &[Carries]) -> io::Result<(Signals, Ends, Vec<Streams>)> {
    let signals = Signals::block(channels.iter().any(|channel| channel.is_apart()))?;
    let (mut ends, mut streams) = (Ends { more: leading_to(carried), ..Ends::default() }, Vec::new());
    for channel in channels {
        streams.push(channel.connect(&mut ends)?);
    }
    Ok((signals, ends, streams))
}

/// The threads of the streams.
struct Threads {
    pumps: Vec<(Carries, JoinHandle<Pumped>)>,
    inputs: Vec<JoinHandle<()>>,
    /// Lets the main thread ask what is still in the streams.
    flows: Vec<Flow>,
    /// Closing it tells the threads that CMD has ended.
    ended: Option<OwnedFd>,
    /// Closing it tells the pumps that every stream is written.
    released: OwnedFd,
    /// Closes once every stream is written.
    through: Receiver<()>,
}

impl Threads {
    /// Step 5. A failure leaves no thread behind.
    fn start(streams: Vec<Streams>, services: &mut [Box<dyn Service>], started: &Arc<AtomicBool>) -> io::Result<Self> {
        services.iter_mut().try_for_each(|service| service.start())?;
        let ((ended, ended_writer), (released, released_writer)) = (io::pipe()?, io::pipe()?);
        let stops = Arc::new(Stops { ended: ended.into(), released: released.into() });
        let (sender, through) = mpsc::channel();
        let mut threads = Self {
            pumps: Vec::new(),
            inputs: Vec::new(),
            flows: Vec::new(),
            ended: Some(ended_writer.into()),
            released: released_writer.into(),
            through,
        };
        for Streams { output, input } in streams {
            let begun = threads.begin(output, &stops, started, sender.clone()).and_then(|()| {
                let Some(input) = input else { return Ok(()) };
                let stops = stops.clone();
                threads.inputs.push(thread::Builder::new().spawn(move || input.copy(&stops))?);
                Ok(())
            });
            if let Err(error) = begun {
                drop(sender);
                threads.join();
                return Err(error);
            }
        }
        Ok(threads)
    }

    fn begin(
        &mut self,
        stream: Stream,
        stops: &Arc<Stops>,
        started: &Arc<AtomicBool>,
        is_through: mpsc::Sender<()>,
    ) -> io::Result<()> {
        let Stream { carries, source, filter, idle, end } = stream;
        let source = Arc::new(source);
        self.flows.push((carries, Arc::downgrade(&source)));
        let (stops, started) = (stops.clone(), started.clone());
        let run = move || {
            let pumped = pump(source, sink(carries), &stops, filter, idle, end, is_through);
            // If CMD was not started, cast still needs the output for its error.
            if started.load(Ordering::SeqCst) && !matches!(pumped, Pumped::Held(..)) {
                let_go(carries);
            }
            pumped
        };
        self.pumps.push((carries, thread::Builder::new().spawn(run)?));
        Ok(())
    }

    /// Tells the threads that CMD has ended.
    fn tell_the_end(&mut self) {
        self.ended = None;
    }

    /// Whether every stream is written, now or after a while.
    fn are_through_within(&self, time: Duration) -> bool {
        // No thread ever sends. `recv` returns when the last stream is written; until then, pumps keep serving streams
        // that other processes hold.
        self.through.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }

    /// The end of step 9: collects the result of each stream.
    fn join(mut self) -> (Vec<Left>, Option<io::Error>) {
        self.tell_the_end();
        let Self { pumps, inputs, released, through, .. } = self;
        let _ = through.recv();
        drop(released);
        let (mut left, mut trouble) = (Vec::new(), None);
        for input in inputs {
            let _ = input.join();
        }
        for (carries, pump) in pumps {
            match pump.join() {
                Ok(Pumped::Finished) => {}
                Ok(Pumped::SinkGone(why)) => trouble = why.or(trouble),
                Ok(Pumped::Held(source, filter)) => match Left::new(carries, source, filter) {
                    Ok(held) => left.push(held),
                    Err(error) => trouble = Some(error),
                },
                Err(_) => trouble = Some(io::Error::other("a thread ended early")),
            }
        }
        (left, trouble)
    }
}

#[cfg(test)]
mod tests;
