//! What a broker costs at the start and at the end of a run: `cast run a -- true` with a brokered secret and with a
//! plain one, in turns. Required: 5 ms of the fastest, which other work on the machine disturbs least, and 40 at p50.
//! The roots are read when a first host is to be verified; that is measured, too, and has the same limit.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::clock::{quantile, time};
use crate::upstream::AtHost;
use crate::world::{VALUE, World};

const TURNS: usize = 100;
const FIRSTS: usize = 20;
const MOST_FASTEST: Duration = Duration::from_millis(5);
const MOST: Duration = Duration::from_millis(40);

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    let world = World::new(answer)?;
    world.home.set("plain", &[("API_KEY".to_owned(), VALUE.to_owned())])?;
    let (mut with, mut without, mut failed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TURNS {
        for (agent, times) in [("a", &mut with), ("plain", &mut without)] {
            let mut command = world.home.masked(agent, &["true"]);
            command.stdout(std::process::Stdio::piped());
            times.push(time(|| failed += usize::from(!command.output().is_ok_and(|output| output.status.success()))));
        }
    }
    assert_eq!(failed, 0);
    writeln!(out, "a whole run of 'true', ms, in {TURNS} turns:\n            brokered   plain   added")?;
    let mut missed = Vec::new();
    for (name, part, most) in [("fastest", 0.0, MOST_FASTEST), ("p50", 0.5, MOST), ("p95", 0.95, Duration::MAX)] {
        let [with, without] = [&mut with, &mut without].map(|times| quantile(times, part));
        let added = with.saturating_sub(without);
        writeln!(out, "  {name:7} {:9.2} {:7.2} {:7.2}", ms(with), ms(without), ms(added))?;
        if added > most {
            missed.push(format!("a run with a broker takes {added:?} longer, more than {most:?}: {name}"));
        }
    }
    let (mut direct, mut brokered) = (Vec::new(), Vec::new());
    for _ in 0..FIRSTS {
        let run = world.run()?;
        for (times, is_brokered) in [(&mut brokered, true), (&mut direct, false)] {
            let start = Instant::now();
            let mut line = if is_brokered { run.brokered()? } else { world.direct()? };
            line.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".replace("localhost", &host(&world)));
            assert!(line.head().starts_with("HTTP/1.1 200 "));
            times.push(start.elapsed());
        }
        run.end()?;
    }
    let [direct, brokered] = [&mut direct, &mut brokered].map(|times| quantile(times, 0.5));
    let added = brokered.saturating_sub(direct);
    writeln!(out, "the first connection of a run and its first answer, ms, p50 of {FIRSTS}:")?;
    writeln!(out, "            brokered  direct   added")?;
    writeln!(out, "          {:9.2} {:7.2} {:7.2}", ms(brokered), ms(direct), ms(added))?;
    if added > MOST {
        missed.push(format!("the first answer of a run takes {added:?} longer, more than {MOST:?}"));
    }
    Ok(missed)
}

pub fn host(world: &World) -> String {
    format!("{}:{}", crate::world::NAME, world.host.address.port())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn answer(mut line: AtHost) {
    while !line.head().is_empty() {
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}
