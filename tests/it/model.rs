//! cast loses nothing: many processes at once, some of them killed, in two homes with one folder of vaults, while the
//! master key is rotated. There must be an order, one operation after the other, that explains all that they asked and
//! saw. A few histories; `CAST_CROWD=200` makes that many, and `CAST_CROWD_SEED=7` makes the one of that seed. A seed
//! fixes what is asked and about when it is killed; who comes first is the system's choice.
//!
//! | file | what it does |
//! |---|---|
//! | `world` | the model: what vaults hold, and what each operation does to that |
//! | `history` | the checker: whether there is an order that explains what was seen |
//! | `blind` | wrong histories, which the checker has to refuse |
//! | `crowd` | two homes, who works in them, and the rotation |
//! | `process` | one process, and its kill |
//! | `words` | what is asked, in words, and what the answers mean |

mod blind;
mod crowd;
mod history;
mod process;
mod words;
mod world;

use std::io::Write;
use std::ops::Range;
use std::time::Instant;

use crate::sandbox::tried;
use crowd::Crowd;
use history::{Ending, Event};
use world::{Answer, Reason};

/// What was done in some histories.
#[derive(Default, Debug)]
struct Tally {
    histories: u64,
    operations: usize,
    /// Killed ones, those of them that were writing, and those that had to have been done.
    killed: usize,
    in_write: usize,
    done_all_the_same: usize,
    refused: usize,
    /// Refused as the vault, or its key, was not the one that the home had known.
    unexpected: usize,
}

#[test]
fn a_crowd_against_a_model() {
    let number = |name: &str| std::env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
    let seeds: Range<u64> = match number("CAST_CROWD_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CAST_CROWD").unwrap_or(10),
    };
    let (begin, mut tally) = (Instant::now(), Tally::default());
    for seed in seeds.clone() {
        let crowd = Crowd::gather(seed);
        crowd.work();
        crowd.end_in_order();
        let events = crowd.into_events();
        let unexplained = history::unexplained(&events);
        let before = tally.killed;
        tally.add(&events);
        if let Some(why) = unexplained {
            tried("a crowd against a model", tally.operations, tally.killed, before);
            panic!("CAST_CROWD_SEED={seed}: no order explains this history\n{why}");
        }
        if tally.histories.is_multiple_of(50) || seed + 1 == seeds.end {
            let _ = writeln!(std::io::stderr(), "{tally:?}, {:?}", begin.elapsed());
        }
    }
    // Points: operations that were run, any of which could be killed. Tries: those that a kill cut short. Survived:
    // those of them whose whole history the model explains.
    tried("a crowd against a model", tally.operations, tally.killed, tally.killed);
}

impl Tally {
    fn add(&mut self, events: &[Event]) {
        let count = |is: &dyn Fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
        self.histories += 1;
        self.operations += events.len();
        self.killed += count(&|event| event.ending.is_killed());
        self.in_write += count(&|event| event.ending == Ending::KilledInWrite);
        self.done_all_the_same += history::killed_but_done(events);
        self.refused += count(&|event| matches!(event.answer, Answer::Refused(_)));
        self.unexpected += count(&|event| matches!(event.answer, Answer::Refused(Reason::Unexpected(_))));
    }
}
