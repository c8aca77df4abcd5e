//! Processes of a crowd: when each begins and ends, and where a kill ends it.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::history::Ending;
use crate::dice::Dice;
use crate::sandbox::Outcome;

/// When a process is killed. The moment is a random one: nothing depends on where it falls.
#[derive(Clone, Copy)]
pub enum Kill {
    Never,
    /// After this part of the usual time, in percent.
    After(usize),
    /// After that, counted from when some process has the lock of the vaults.
    AfterLock(usize),
    /// After that, counted from when this process begins to write.
    AfterRoom(usize),
}

/// How a process ended, and what it said.
pub struct Ended {
    pub begin: usize,
    pub end: usize,
    pub outcome: Outcome,
    pub ending: Ending,
}

/// Where a process leaves traces.
pub struct Places {
    /// Where the folder's lock is while a process holds it.
    pub lock: PathBuf,
    /// Where each home takes room for what it will remember, before it writes a vault.
    pub seen: PathBuf,
}

/// The processes of a history.
pub struct Processes {
    /// Counts moments.
    clock: AtomicUsize,
    /// How long one takes at present, in microseconds.
    usual: AtomicU64,
}

impl Kill {
    pub fn at_random(dice: &mut Dice) -> Self {
        match dice.throw(10) {
            0 | 1 => Self::After(dice.throw(120)),
            2 => Self::AfterLock(dice.throw(60)),
            3 => Self::AfterRoom(dice.throw(30)),
            _ => Self::Never,
        }
    }

    fn strike(self, child: &mut Child, usual: Duration, places: &Places) {
        let part = |percent: usize| usual * u32::try_from(percent).unwrap() / 100;
        let wait_for = |child: &mut Child, path: &Path| {
            while !path.exists() && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_micros(50));
            }
        };
        let percent = match self {
            Self::Never => return,
            Self::After(percent) => percent,
            Self::AfterLock(percent) => {
                wait_for(child, &places.lock);
                percent
            }
            Self::AfterRoom(percent) => {
                let room = places.room_of(child);
                wait_for(child, &room);
                percent
            }
        };
        thread::sleep(part(percent));
        // One that is gone by itself has died of nothing.
        child.kill().unwrap();
    }
}

impl Places {
    fn room_of(&self, child: &Child) -> PathBuf {
        self.seen.join(format!("room.{}.0", child.id()))
    }
}

impl Processes {
    pub fn new() -> Self {
        Self { clock: AtomicUsize::new(1), usual: AtomicU64::new(0) }
    }

    /// Another moment, later than all before.
    pub fn moment(&self) -> usize {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// One process, from before it begins until it is gone.
    pub fn run(&self, mut command: Command, kill: Kill, places: &Places) -> Ended {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (begin, since) = (self.moment(), Instant::now());
        let mut child = command.spawn().unwrap();
        kill.strike(&mut child, Duration::from_micros(self.usual.load(Ordering::Relaxed)), places);
        let status = child.wait().unwrap();
        let end = self.moment();
        let ending = match status.signal() {
            // Room is there from before a vault is written until that is remembered. It may be cleared away by now.
            Some(9) if places.room_of(&child).exists() => Ending::KilledInWrite,
            Some(9) => Ending::Killed,
            Some(signal) => panic!("{command:?} died of signal {signal}"),
            None => Ending::Itself,
        };
        if ending == Ending::Itself {
            let time = u64::try_from(since.elapsed().as_micros()).unwrap();
            let usual = self.usual.load(Ordering::Relaxed);
            self.usual.store(if usual == 0 { time } else { (usual * 7 + time) / 8 }, Ordering::Relaxed);
        }
        // Both fit into a pipe.
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ended { begin, end, outcome: Outcome { code: status.code().unwrap_or(128 + 9), out, err }, ending }
    }
}
