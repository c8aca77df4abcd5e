//! cast loses nothing: many processes at once, some of them killed, in two homes with one folder of vaults, while the
//! master key is rotated. What they asked and saw has to be what one process after the other could have asked and seen.
//! A few histories; `CAST_CROWD=200` makes that many, and `CAST_CROWD_SEED=7` makes the one of that seed. A seed fixes
//! what is asked and about when it is killed; who comes first is the system's choice.
//!
//! | file | what it does |
//! |---|---|
//! | `world` | the model: what vaults hold, and what each operation does to that |
//! | `history` | the checker: whether there is an order that explains what was seen |
//! | `blind` | wrong histories, which the checker has to refuse |
//! | `crowd` | two homes, their processes and their kills |
//! | `words` | what is asked, in words, and what the answers mean |

mod blind;
mod crowd;
mod history;
mod words;
mod world;

use std::io::Write;
use std::time::Instant;

use crate::sandbox::tried;
use crowd::Crowd;

#[test]
fn a_crowd_against_a_model() {
    let number = |name: &str| std::env::var(name).ok().map(|number| number.parse::<u64>().unwrap());
    let seeds = match number("CAST_CROWD_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CAST_CROWD").unwrap_or(4),
    };
    let (begin, histories) = (Instant::now(), seeds.end - seeds.start);
    let (mut operations, mut kills, mut applied) = (0, 0, 0);
    for seed in seeds {
        let crowd = Crowd::gather(seed);
        crowd.work();
        crowd.end_in_order();
        let events = crowd.into_events();
        if let Some(why) = history::unexplained(&events) {
            tried("a crowd against a model", operations, kills + 1, kills);
            panic!("CAST_CROWD_SEED={seed}: no order explains this history\n{why}");
        }
        operations += events.len();
        kills += events.iter().filter(|event| event.is_killed).count();
        applied += history::killed_but_done(&events);
    }
    // Operations that were run; those that a kill cut short; of these, those after which all was as it had to be.
    tried("a crowd against a model", operations, kills, kills);
    let _ = writeln!(
        std::io::stderr(),
        "{histories} histories: {operations} operations, {kills} cut short, of these {applied} done all the same, {:?}",
        begin.elapsed()
    );
}
