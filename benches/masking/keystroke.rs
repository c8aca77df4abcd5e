//! The added latency of a keystroke: a byte that `cat` sends back through a terminal, with `cast run --mask a -- cat`
//! and with `cat` alone, in turns. Of each turn the quantiles are taken, and of those the median: what else runs on the
//! machine in some turns does not count.

use std::io::{self, Read, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command as PtyCommand, Pty, open};

use crate::clock::quantile;
use crate::home::Home;
use crate::samples::{secrets, token};

const TURNS: usize = 50;
const KEYS: usize = 400;
/// The most that a terminal of cast's own may add, in µs.
const MOST: [(&str, f64); 2] = [("p50", 100.0), ("p99", 1000.0)];
/// As an editor has it: each key by itself, and shown by the program.
const ECHO: &str = "stty raw -echo; echo ready; exec cat";

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    writeln!(out, "a keystroke there and back through a terminal, µs, of {} each, in turns of {KEYS}:", TURNS * KEYS)?;
    writeln!(out, "  secrets      cast run p50   p99       cat p50   p99      added p50   p99")?;
    let home = Home::new()?;
    let mut missed = Vec::new();
    for count in [1, 20] {
        home.set(&format!("a{count}"), &secrets(count, token))?;
        let mut with = Typist::start(home.on_a_terminal(&format!("a{count}"), &["sh", "-c", ECHO]))?;
        let mut without = Command::new("sh");
        without.args(["-c", ECHO]);
        let mut without = Typist::start(without)?;
        let (mut masked, mut plain) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
        for _ in 0..TURNS {
            for (typist, quantiles) in [(&mut with, &mut masked), (&mut without, &mut plain)] {
                let mut times = typist.types()?;
                for (part, quantiles) in [0.5, 0.99].into_iter().zip(quantiles) {
                    quantiles.push(quantile(&mut times, part));
                }
            }
        }
        let median = |mut times: Vec<Duration>| quantile(&mut times, 0.5).as_secs_f64() * 1e6;
        let [[a, b], [c, d]] = [masked, plain].map(|turns| turns.map(median));
        let added = [a - c, b - d];
        writeln!(out, "  {count:7}       {a:11.1} {b:5.1}   {c:11.1} {d:5.1}    {:11.1} {:5.1}", added[0], added[1])?;
        for ((part, most), added) in MOST.into_iter().zip(added) {
            if added > most {
                missed.push(format!("a keystroke: {added:.0} µs added at {part}, at most {most} with {count} secrets"));
            }
        }
    }
    Ok(missed)
}

/// A program that sends back what is typed on its terminal.
struct Typist {
    terminal: Pty,
    child: Child,
}

impl Typist {
    fn start(command: Command) -> io::Result<Self> {
        let (mut terminal, end) = open().map_err(io::Error::other)?;
        let child = PtyCommand::from(command).spawn(end).map_err(io::Error::other)?;
        let (mut shown, mut bytes) = (Vec::new(), [0; 64]);
        while !shown.ends_with(b"ready\n") {
            let count = terminal.read(&mut bytes)?;
            shown.extend(&bytes[..count]);
        }
        Ok(Self { terminal, child })
    }

    fn types(&mut self) -> io::Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(KEYS);
        for _ in 0..KEYS {
            let start = Instant::now();
            self.terminal.write_all(b"~")?;
            let mut shown = [0];
            self.terminal.read_exact(&mut shown)?;
            times.push(start.elapsed());
            assert_eq!(&shown, b"~");
        }
        Ok(times)
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
