//! Two homes, those who work in them at once, and the rotation of the master key.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::history::{Event, lines};
use super::process::{Ended, Kill, Places, Processes};
use super::words::{self, Meanwhile, answer, ask, concerned, value, words};
use super::world::{AGENTS, Answer, Asked, KEYS, Reason};
use crate::dice::Dice;
use crate::doctor;
use crate::durability::leftovers;
use crate::sandbox::Sandbox;

const WORKERS: usize = 4;
/// Operations of each worker. Who rotates the key does it while they work.
const OPERATIONS: usize = 18;
/// The worker who rotates, and who ends the history.
const OWNER: usize = WORKERS;

pub struct Crowd {
    seed: u64,
    homes: [Sandbox; 2],
    vaults: TempDir,
    processes: Processes,
    /// How many operations of workers have ended.
    done: AtomicUsize,
    was_deleted: AtomicBool,
    was_rotated: AtomicBool,
    events: Mutex<Vec<Event>>,
}

/// One of those at work.
struct Present<'a>(&'a Crowd);

impl Crowd {
    /// Two homes with one master key, and an empty folder for their vaults.
    pub fn gather(seed: u64) -> Self {
        let homes = [Sandbox::new(), Sandbox::empty()];
        let crowd = Self {
            seed,
            homes,
            vaults: TempDir::with_prefix("cast-test-").unwrap(),
            processes: Processes::new(),
            done: AtomicUsize::new(0),
            was_deleted: AtomicBool::new(false),
            was_rotated: AtomicBool::new(false),
            events: Mutex::new(Vec::new()),
        };
        crowd.carry_key(&mut Dice(0), false);
        for home in 0..crowd.homes.len() {
            crowd.perform(
                OWNER,
                home,
                &Asked::Set { agent: 0, key: 0, value: u32::try_from(home).unwrap() + 1 },
                Kill::Never,
            );
        }
        crowd
    }

    /// All workers at once, and the owner.
    pub fn work(&self) {
        thread::scope(|scope| {
            for worker in 0..WORKERS {
                scope.spawn(move || self.work_as(worker));
            }
            scope.spawn(|| self.rotate());
        });
    }

    fn work_as(&self, worker: usize) {
        let _present = Present(self);
        let mut dice = Dice(self.seed * 1000 + u64::try_from(worker).unwrap());
        let mut refused = None;
        for number in 0..OPERATIONS {
            let home = dice.throw(self.homes.len());
            let (home, asked) = match refused.take() {
                Some((home, agent)) if dice.throw(3) > 0 => (home, Asked::Accept { agent }),
                _ => (home, ask(&mut dice, u32::try_from((worker + 1) * 1000 + number * 10).unwrap())),
            };
            let kill = Kill::at_random(&mut dice);
            let answer = self.perform(worker, home, &asked, kill);
            if matches!(answer, Answer::Refused(Reason::Unexpected(_))) {
                refused = concerned(&asked).map(|agent| (home, agent));
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the workers have done a part of their operations.
    fn wait_for(&self, part: usize, of: usize) {
        while self.done.load(Ordering::Relaxed) < WORKERS * OPERATIONS * part / of {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The owner's part: a new key in one home, then in the other one, and then the end of the former key.
    fn rotate(&self) {
        let _present = Present(self);
        let mut dice = Dice(self.seed * 1000 + 999);
        self.wait_for(1, 4);
        self.was_rotated.store(true, Ordering::SeqCst);
        self.until_done(&mut dice, 0, "key rotate");
        if dice.throw(2) == 0 {
            self.wait_for(1, 2);
        }
        self.carry_key(&mut dice, true);
        self.wait_for(3, 4);
        self.until_done(&mut dice, 0, "key rotate --retire");
        self.carry_key(&mut dice, true);
    }

    /// Runs it again for as long as it is killed. It may leave vaults that it does not expect, and keep former keys.
    fn until_done(&self, dice: &mut Dice, home: usize, what: &str) {
        loop {
            let asked = Asked::Key(what.to_owned());
            let ended = self.run(home, &asked, Kill::at_random(dice));
            let Ended { outcome, ending, .. } = &ended;
            let is_kept = [1, 5].contains(&outcome.code)
                && (outcome.err.contains("former keys are kept")
                    || outcome.err.contains("not sealed to the newest key"));
            assert!(
                ending.is_killed() || outcome.code == 0 || is_kept,
                "CAST_CROWD_SEED={}: {what}: {outcome:?}",
                self.seed
            );
            let again = ending.is_killed();
            let answer = if again { Answer::Unknown } else { Answer::Done };
            self.note(OWNER, home, &asked, answer, &ended);
            if !again {
                return;
            }
        }
    }

    /// Takes the keys of the first home to the other one, as a backup.
    fn carry_key(&self, dice: &mut Dice, kills: bool) {
        let name = format!("backup-{}", self.processes.moment());
        self.homes[0].cast(["key", "export", "--output", &name]).succeeds();
        let [from, to] = [&self.homes[0], &self.homes[1]].map(|home| home.home().join(&name));
        fs::rename(from, &to).unwrap();
        if kills {
            self.until_done(dice, 1, &format!("key import --replace {name}"));
        } else {
            self.homes[1].cast(["key", "import", &name]).succeeds();
        }
        fs::remove_file(to).unwrap();
    }

    /// Runs one operation and notes it.
    fn perform(&self, worker: usize, home: usize, asked: &Asked, kill: Kill) -> Answer {
        let mut file = None;
        if let Asked::Import { values, .. } = asked {
            let lines = values.iter().map(|(key, number)| format!("{}={}\n", KEYS[*key], value(*number)));
            let path = self.homes[home].home().join(words::file(values));
            fs::write(&path, lines.collect::<String>()).unwrap();
            file = Some(path);
        }
        if matches!(asked, Asked::DeleteVault { .. }) {
            self.was_deleted.store(true, Ordering::SeqCst);
        }
        let ended = self.run(home, asked, kill);
        let Ended { outcome, ending, .. } = &ended;
        // What was said is so, and a file goes only when all of it is stored.
        let is_gone = file.is_some_and(|file| !file.exists());
        let answer = match ending.is_killed() {
            true if is_gone || outcome.err.contains('✓') => Answer::Done,
            true => Answer::Unknown,
            false => answer(asked, outcome, self.meanwhile()),
        };
        self.note(worker, home, asked, answer.clone(), &ended);
        answer
    }

    fn meanwhile(&self) -> Meanwhile {
        Meanwhile {
            was_deleted: self.was_deleted.load(Ordering::SeqCst),
            was_rotated: self.was_rotated.load(Ordering::SeqCst),
        }
    }

    fn note(&self, worker: usize, home: usize, asked: &Asked, answer: Answer, ended: &Ended) {
        let Ended { begin, end, ending, .. } = *ended;
        let event = Event { worker, home, asked: asked.clone(), answer, begin, end, ending };
        self.events.lock().unwrap().push(event);
    }

    fn run(&self, home: usize, asked: &Asked, kill: Kill) -> Ended {
        let sandbox = &self.homes[home];
        let call = sandbox.cast(words(asked)).env("CAST_VAULTS", self.vaults.path());
        let places = Places { lock: self.vaults.path().join(".cast.lock"), seen: sandbox.state().join("seen") };
        self.processes.run(call.command(), kill, &places)
    }

    /// After all of that: each home takes what it did not expect, reads, writes and has nothing left over.
    pub fn end_in_order(&self) {
        let told = format!("CAST_CROWD_SEED={}", self.seed);
        // The second home has every key that there is: the first one has retired some, to which a writer there may have
        // sealed a vault. A vault that one home makes last is another one than the other home has known.
        for home in [1, 0, 1] {
            for agent in 0..AGENTS.len() {
                self.perform(OWNER, home, &Asked::Run { agent }, Kill::Never);
                let set = || {
                    let value = u32::try_from(9000 + self.processes.moment()).unwrap();
                    self.perform(OWNER, home, &Asked::Set { agent, key: home, value }, Kill::Never)
                };
                let refused = set();
                if refused != Answer::Done {
                    let accepted = self.perform(OWNER, home, &Asked::Accept { agent }, Kill::Never);
                    assert_eq!((accepted, set()), (Answer::Done, Answer::Done), "{told}, home {home}: {refused:?}");
                }
            }
        }
        for home in [0, 1] {
            for agent in 0..AGENTS.len() {
                let seen = self.perform(OWNER, home, &Asked::Run { agent }, Kill::Never);
                assert!(matches!(seen, Answer::Saw(_)), "{told}: {seen:?}");
            }
        }
        let mut files: Vec<_> =
            fs::read_dir(self.vaults.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, AGENTS.map(|agent| OsString::from(format!("{agent}.age"))), "{told}");
        for (home, sandbox) in self.homes.iter().enumerate() {
            assert_eq!(leftovers(sandbox), Vec::<String>::new(), "{told}, home {home}");
            let (_, found) =
                doctor::diagnosed(sandbox.cast(["doctor", "--json"]).env("CAST_VAULTS", self.vaults.path()));
            assert_eq!(doctor::checks(&found), Vec::<&str>::new(), "{told}, home {home}: {found}");
            self.has_noted(home, &told);
        }
    }

    /// The audit log has a line for each change and run that was not killed, done or refused, and hardly a damaged one.
    fn has_noted(&self, home: usize, told: &str) {
        let log = self.homes[home].audit_log();
        // A killed process may leave half a line. One that finds another one's line half written begins a new one.
        let (notes, damaged): (Vec<_>, Vec<_>) = log.lines().filter(|line| !line.is_empty()).partition(|line| {
            serde_json::from_str::<serde_json::Value>(line).is_ok_and(|note| note["action"].is_string())
        });
        let events = self.events.lock().unwrap();
        let here = || events.iter().filter(|event| event.home == home);
        let killed = here().filter(|event| event.ending.is_killed()).count();
        let is_noted = |asked: &Asked| asked.is_change() || matches!(asked, Asked::Run { .. });
        let due = here().filter(|event| !event.ending.is_killed() && is_noted(&event.asked));
        assert!(damaged.len() <= killed, "{told}, home {home}: {killed} were killed: {damaged:?}");
        assert!(notes.len() >= due.count(), "{told}, home {home}: {} notes", notes.len());
    }

    pub fn into_events(self) -> Vec<Event> {
        self.events.into_inner().unwrap()
    }
}

/// A worker that fails prints its history and lets the owner go on.
impl Drop for Present<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let history = lines(&self.0.events.lock().unwrap());
            let _ = writeln!(std::io::stderr(), "CAST_CROWD_SEED={}\n{history}", self.0.seed);
            self.0.done.fetch_add(WORKERS * OPERATIONS, Ordering::Relaxed);
        }
    }
}
