//! The real binary against the oracle: random values, and streams in which they stand whole, cut and escaped, with and
//! without real pauses. `CAST_TEST_STREAMS` says how many streams there are, `CAST_TEST_SEED` repeats one.

use std::env;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use cast_mask::oracle::streams::{Random, text};
use cast_mask::oracle::{Event, Mode, Needle, needles, outputs};

use crate::sandbox::{Sandbox, Tries};

/// Streams that share a vault.
const TOGETHER: u64 = 25;
/// cast takes this for a silence.
const SILENCE: Duration = Duration::from_millis(50);
/// After this long, a test stops waiting and fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn agree_with_the_oracle() {
    all(400, 2, false);
}

/// What a silence lets go arrives during it: nothing stalls.
#[test]
fn agree_with_the_oracle_through_pauses() {
    all(100, 16, true);
}

fn all(streams: u64, threads: u64, pauses: bool) {
    let number = |name: &str| env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    if let Some(seed) = number("CAST_TEST_SEED") {
        let (sandbox, needles) = world(seed / TOGETHER);
        return check(&sandbox, &needles, seed, pauses);
    }
    let groups = number("CAST_TEST_STREAMS").unwrap_or(streams).div_ceil(TOGETHER);
    let (next, tries) = (AtomicU64::new(0), Tries::at(1, "masked streams against the oracle"));
    let work = || {
        loop {
            let group = next.fetch_add(1, Ordering::Relaxed);
            if group >= groups {
                break;
            }
            let (sandbox, needles) = world(group);
            for seed in group * TOGETHER..(group + 1) * TOGETHER {
                tries.next();
                check(&sandbox, &needles, seed, pauses);
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// A vault of random values, and what a masker looks for in a run with it.
fn world(seed: u64) -> (Sandbox, Vec<Needle>) {
    const LETTERS: [&str; 7] =
        ["ab", "aab\"", "ab\\n", "a%4b1", "a&;#b", "aé b\n", "abcdefghijklmnopqrstuvwxyzABCDEF0123456789+/"];
    let mut random = Random(seed);
    let secrets: Vec<(String, String)> = (0..=random.below(3))
        .map(|index| {
            let letters: Vec<char> = random.one(&LETTERS).chars().collect();
            let len = [4, 8, 16, 40][random.below(4)] + random.below(8);
            let word: String = (0..len).map(|_| *random.one(&letters)).collect();
            let value = match random.below(8) {
                0 => format!("ghp_{word}"),
                1 => format!("postgres://user:{}@db.internal/app", word.replace(['/', '@', ' ', '\n', '%', '#'], "x")),
                2 => format!("-----BEGIN A KEY-----\n{word}\n{word}\n-----END A KEY-----\n"),
                _ => format!("x{word}"),
            };
            (format!("N{index}"), value)
        })
        .collect();
    let words: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sandbox = Sandbox::with("a", &words);
    let needles = needles(&secrets);
    if needles.is_empty() { world(seed + (1 << 32)) } else { (sandbox, needles) }
}

/// What may happen behind a piece.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behind {
    /// cast reads it together with the next one.
    Nothing,
    Cut,
    Silence,
}

/// A way for a stream to go: what happens behind each piece, and all that was written by then; at last, by the end.
#[derive(Debug)]
struct Way {
    behind: Vec<Behind>,
    written: Vec<Vec<u8>>,
}

impl Way {
    fn new(needles: &[Needle], pieces: &[&[u8]], mode: Mode, behind: Vec<Behind>) -> Self {
        let (mut script, mut read, mut events) = (Vec::new(), 0, Vec::new());
        for (piece, behind) in pieces.iter().zip(&behind) {
            read += piece.len();
            if *behind != Behind::Nothing {
                script.push(Event::Read(std::mem::take(&mut read)));
            }
            if *behind == Behind::Silence {
                script.push(Event::Silence);
            }
            events.push(script.len());
        }
        script.push(Event::End);
        events.push(script.len());
        let outputs = outputs(needles, &pieces.concat(), &script, mode);
        let by = |events: usize| events.checked_sub(1).map_or_else(Vec::new, |last| outputs[last].clone());
        Self { behind, written: events.into_iter().map(by).collect() }
    }
}

/// All ways for a stream to go. A machine that is busy makes a silence anywhere, or none between two pieces.
fn ways(needles: &[Needle], pieces: &[&[u8]], mode: Mode) -> Vec<Way> {
    let last = pieces.len() - 1;
    (0..3_usize.pow(u32::try_from(pieces.len()).unwrap()))
        .map(|number| {
            let digit = |index: usize| number / 3_usize.pow(u32::try_from(index).unwrap()) % 3;
            (0..=last).map(|index| [Behind::Cut, Behind::Silence, Behind::Nothing][digit(index)]).collect::<Vec<_>>()
        })
        .filter(|behind| behind[last] != Behind::Nothing)
        .map(|behind| Way::new(needles, pieces, mode, behind))
        .collect()
}

fn check(sandbox: &Sandbox, needles: &[Needle], seed: u64, pauses: bool) {
    let mut random = Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
    let text = text(needles, &mut random);
    if text.is_empty() {
        return;
    }
    let mode = Mode { fixed: random.chance(4), terminal: false };
    let mut cuts: Vec<usize> = (0..random.below(4)).map(|_| random.below(text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
    let ways = ways(needles, &pieces, mode);

    let mut words = vec!["run", "a"];
    if mode.fixed {
        words.extend(["--marker", "fixed"]);
    }
    words.extend(["--", "cat"]);
    let mut command = sandbox.cast(words).command();
    let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut to = cast.stdin.take().unwrap();
    let mut from = Arrived::new(cast.stdout.take().unwrap());
    let told = |what: &str, index: usize, written: &[u8]| {
        format!(
            "CAST_TEST_SEED={seed}: {what} after piece {index}, {mode:?}\n pieces  {:?}\n written {:?}\n ways    {:#?}",
            pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect::<Vec<_>>(),
            String::from_utf8_lossy(written),
            ways.iter()
                .map(|way| (&way.behind, String::from_utf8_lossy(&way.written[index]).into_owned()))
                .collect::<Vec<_>>(),
        )
    };
    for (index, piece) in pieces.iter().enumerate() {
        to.write_all(piece).unwrap();
        if pauses && random.chance(2) {
            let silent = || ways.iter().filter(|way| way.behind[index] == Behind::Silence);
            let shows = ways.iter().any(|way| silent().all(|silent| silent.written[index] != way.written[index]));
            if !shows {
                // Nothing tells that it was long enough; what follows is right with and without it.
                thread::sleep(SILENCE + SILENCE / 5);
            }
            let is_there = from.until(|written| silent().any(|way| way.written[index] == written));
            assert!(is_there, "{}", told("stalls or differs", index, &from.bytes));
        }
    }
    drop(to);
    from.ends();
    let is_whole = ways.iter().any(|way| way.written[pieces.len()] == from.bytes);
    assert!(is_whole, "{}", told("differs", pieces.len(), &from.bytes));
    assert_eq!(cast.wait().unwrap().code(), Some(0));
}

/// What has arrived.
struct Arrived {
    bytes: Vec<u8>,
    chunks: Receiver<Vec<u8>>,
}

impl Arrived {
    fn new(mut from: impl std::io::Read + Send + 'static) -> Self {
        let (sender, chunks) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                let _ = sender.send(chunk[..count].to_vec());
            }
        });
        Self { bytes: Vec::new(), chunks }
    }

    /// Waits until this holds of what has arrived; not for ever.
    fn until(&mut self, holds: impl Fn(&[u8]) -> bool) -> bool {
        let start = Instant::now();
        loop {
            if holds(&self.bytes) {
                return true;
            }
            match self.chunks.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(chunk) => self.bytes.extend(chunk),
                Err(_) => return false,
            }
        }
    }

    fn ends(&mut self) {
        self.chunks.iter().for_each(|chunk| self.bytes.extend(chunk));
    }
}
