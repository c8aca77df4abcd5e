//! Linux and macOS: the main thread waits for signals, and each stream has its own thread. CMD shares cast's process
//! group and standard input. The step numbers are those of `docs/supervisor.md`.

mod channel;
mod child;
mod hand_over;
mod outputs;
mod pump;
mod signals;
mod watch;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use super::{Carries, Filter, Service, Supervised, Wire};
use crate::platform::exec::Image;
use channel::{Channel, Ends, Pipe, Stream};
use child::Child;
use outputs::{let_go, null, sink};
use pump::{Pumped, Stops, pump};
use signals::Signals;
use watch::{Flow, watch};

pub use hand_over::Left;
pub(super) use hand_over::{hand_over, take_over};
pub(super) use outputs::{end_like, outputs, standard_streams};

/// Starts CMD with `wires` and `services`. The caller has done step 2.
pub(super) fn supervise(
    image: Image,
    wires: Vec<Wire>,
    services: &mut Vec<Box<dyn Service>>,
) -> Result<Supervised, (io::Error, Image)> {
    let mut channels: Vec<Box<dyn Channel>> =
        wires.into_iter().map(|wire| Box::new(Pipe::new(wire)) as Box<dyn Channel>).collect();
    let (mut signals, ends, streams) = match connect(&mut channels) {
        Ok(connected) => connected,
        Err(error) => return Err((error, image)),
    };
    let mut child = Child::fork(image, &ends, &signals)?;
    let started = Arc::new(AtomicBool::new(false));
    let mut ends = Some(ends);
    let threads = Threads::start(streams, services, &started);
    let outcome = threads.and_then(|threads| {
        child.open_gate()?;
        let ended = watch(&mut child, &mut signals, &mut channels, &threads.flows, &mut || {
            started.store(true, Ordering::SeqCst);
            // CMD has its ends now. cast drops its copies, or the pumps would never see the last one close.
            ends = None;
            // Only CMD should hold standard input, so that its closing takes effect.
            let _ = null().and_then(|null| Ok(rustix::stdio::dup2_stdin(null)?));
        });
        Ok((ended, threads))
    });
    super::stop(services);
    // From here on a signal is for cast only, because its reader may be slow.
    drop((signals, ends));
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

/// Steps 1 and 3: blocks signals and makes CMD's ends of the channels.
fn connect(channels: &mut [Box<dyn Channel>]) -> io::Result<(Signals, Ends, Vec<Stream>)> {
    let signals = Signals::block()?;
    let (mut ends, mut streams) = (Ends::default(), Vec::new());
    for channel in channels {
        streams.extend(channel.connect(&mut ends)?);
    }
    Ok((signals, ends, streams))
}

/// The threads of the streams.
struct Threads {
    pumps: Vec<(Carries, JoinHandle<Pumped>)>,
    /// Lets the main thread ask what is still in the streams.
    flows: Vec<Flow>,
    /// Closing it tells the pumps that CMD has ended.
    ended: OwnedFd,
    /// Closing it tells the pumps that every stream is written.
    released: OwnedFd,
    /// Closes once every stream is written.
    through: Receiver<()>,
}

impl Threads {
    /// Step 5. A failure leaves no thread behind.
    fn start(streams: Vec<Stream>, services: &mut [Box<dyn Service>], started: &Arc<AtomicBool>) -> io::Result<Self> {
        services.iter_mut().try_for_each(|service| service.start())?;
        let ((ended, ended_writer), (released, released_writer)) = (io::pipe()?, io::pipe()?);
        let stops = Arc::new(Stops { ended: ended.into(), released: released.into() });
        let (sender, through) = mpsc::channel();
        let mut threads = Self {
            pumps: Vec::new(),
            flows: Vec::new(),
            ended: ended_writer.into(),
            released: released_writer.into(),
            through,
        };
        for Stream { carries, source, filter, idle, end } in streams {
            let source = Arc::new(source);
            threads.flows.push((carries, Arc::downgrade(&source)));
            let (stops, started, is_through) = (stops.clone(), started.clone(), sender.clone());
            let run = move || {
                let pumped = pump(source, sink(carries), &stops, filter, idle, end, is_through);
                // If CMD was not started, cast still needs the output for its error.
                if started.load(Ordering::SeqCst) && !matches!(pumped, Pumped::Held(..)) {
                    let_go(carries);
                }
                pumped
            };
            match thread::Builder::new().spawn(run) {
                Ok(pump) => threads.pumps.push((carries, pump)),
                Err(error) => {
                    drop(sender);
                    threads.join();
                    return Err(error);
                }
            }
        }
        Ok(threads)
    }

    /// The end of step 9: collects the result of each stream.
    fn join(self) -> (Vec<Left>, Option<io::Error>) {
        let Self { pumps, ended, released, through, .. } = self;
        drop(ended);
        // No thread ever sends. `recv` returns when the last stream is written; until then, pumps keep serving streams
        // that other processes hold.
        let _ = through.recv();
        drop(released);
        let (mut left, mut trouble) = (Vec::new(), None);
        for (carries, pump) in pumps {
            match pump.join() {
                Ok(Pumped::Finished) => {}
                Ok(Pumped::SinkGone(why)) => trouble = why.or(trouble),
                Ok(Pumped::Held(source, filter)) => left.push(Left::new(carries, source, filter)),
                Err(_) => trouble = Some(io::Error::other("a thread ended early")),
            }
        }
        (left, trouble)
    }
}

#[cfg(test)]
mod tests;
