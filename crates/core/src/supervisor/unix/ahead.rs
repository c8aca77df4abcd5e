//! Reads ahead where a stream is fast: while one chunk is filtered and written, another thread reads the next ones. A
//! stream that is not fast has no such thread, because waking it would cost more than it saves.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use super::pump::{CHUNK, Chunk, Source, Stops};
use super::ready::{Phase, Ready, wait};

/// Reads of at least this many bytes are long.
const LONG: usize = CHUNK / 2;
/// A stream is fast after this many long reads one after another.
const FAST: u32 = 8;
/// How many chunks to read ahead. With one the two threads wait for each other at each chunk.
const AHEAD: usize = 3;
/// The longest wait for a fast stream. It is short, because a silence is noticed only behind it.
const BREATH: Duration = Duration::from_millis(2);

/// How fast a stream is.
#[derive(Default)]
pub(super) struct Pace {
    long_reads: u32,
}

impl Pace {
    /// Whether the stream is fast, once more this many bytes were read.
    pub(super) fn is_fast(&mut self, read: usize) -> bool {
        self.long_reads = if read < LONG { 0 } else { self.long_reads + 1 };
        let is_fast = self.long_reads == FAST;
        if is_fast {
            self.long_reads = 0;
        }
        is_fast && has_other_processors()
    }
}

/// Whether two threads can run at once. Asked only where a stream is fast, as the answer takes reading some files.
fn has_other_processors() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1))
}

/// Passes what is read to `pass` until the stream pauses, ends or fails: the caller sees why when it waits and reads
/// again. Nothing that was read is left when this returns, unless `pass` failed.
pub(super) fn read_ahead(
    source: &Source,
    sink: BorrowedFd<'_>,
    stops: &Stops,
    chunk: &mut Chunk,
    mut pass: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut others = [(); AHEAD].map(|()| Chunk::new());
    thread::scope(|scope| {
        let (to_fill, empty) = mpsc::channel::<&mut Chunk>();
        let (to_pass, full) = mpsc::channel();
        for chunk in others.iter_mut().chain([chunk]) {
            let _ = to_fill.send(chunk);
        }
        let read = move || {
            for chunk in empty {
                if !matches!(wait(source.end(), sink, stops, Phase::Running, Some(BREATH)), Ok(Ready::Source)) {
                    return;
                }
                let Ok(Some(read @ 1..)) = source.read(chunk.bytes()) else { return };
                if to_pass.send((chunk, read)).is_err() {
                    return;
                }
            }
        };
        // Without a thread the stream goes on as before.
        if thread::Builder::new().spawn_scoped(scope, read).is_err() {
            return Ok(());
        }
        for (chunk, read) in full {
            pass(&chunk.bytes()[..read])?;
            let _ = to_fill.send(chunk);
        }
        Ok(())
    })
}
