//! Throughput of the real binary: `cast run a -- cat LOG` compared with `cat LOG | cat`, each read from a pipe. Both
//! have three processes and two pipes; only the middle process differs. Medians, in turns. Required: 0.8 of its speed
//! with 20 secrets, and 400 MB/s with any.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::clock::{quantile, rate};
use crate::home::Home;
use crate::samples::{log, secrets, token};

const TEXT: usize = 256 << 20;
const ROUNDS: usize = 9;
const LEAST: f64 = 400.0;
/// With 20 secrets.
const LEAST_RATIO: f64 = 0.8;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    writeln!(out, "through pipes, {} MiB, MB/s (medians of {ROUNDS}, in turns):", TEXT >> 20)?;
    writeln!(out, "  secrets  text              cast run   cat | cat   ratio   to 1 secret")?;
    let home = Home::new()?;
    for count in [1, 20, 200] {
        home.set(&format!("a{count}"), &secrets(count, token))?;
    }
    let mut missed = Vec::new();
    for (text, hits) in [("no hits", false), ("1 in 100 lines", true)] {
        let mut of_one = None;
        for count in [1, 20, 200] {
            let values = if hits { secrets(count, token) } else { Vec::new() };
            let path = home.file("log", &log(TEXT, &values, 100))?;
            let path = path.to_str().expect("a path of ASCII");
            let (mut with, mut without) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                with.push(drain(home.masked(&format!("a{count}"), &["cat", path]), None)?);
                without.push(drain(Command::new("cat"), Some(path))?);
            }
            let [with, without] = [&mut with, &mut without].map(|times| rate(TEXT, quantile(times, 0.5)));
            let to_one = with / *of_one.get_or_insert(with);
            writeln!(out, "  {count:7}  {text:16} {with:9.0}   {without:9.0}   {:5.2}   {to_one:5.2}", with / without)?;
            if count == 20 && with / without < LEAST_RATIO {
                let ratio = with / without;
                missed.push(format!("{count} secrets, {text}: {ratio:.2} of 'cat | cat', less than {LEAST_RATIO}"));
            }
            if with < LEAST {
                missed.push(format!("{count} secrets, {text}: {with:.0} MB/s through pipes, less than {LEAST}"));
            }
        }
    }
    Ok(missed)
}

/// Reads all output of `last`; a `cat` of the file comes before it, if there is one.
fn drain(mut last: Command, file: Option<&str>) -> io::Result<Duration> {
    let start = Instant::now();
    let mut first: Option<Child> = None;
    if let Some(file) = file {
        let mut cat = Command::new("cat").arg(file).stdout(Stdio::piped()).spawn()?;
        last.stdin(cat.stdout.take().expect("a pipe"));
        first = Some(cat);
    }
    let mut last = last.stdout(Stdio::piped()).spawn()?;
    let mut output = last.stdout.take().expect("a pipe");
    let mut chunk = vec![0; 128 << 10];
    while output.read(&mut chunk)? > 0 {}
    for mut child in first.into_iter().chain([last]) {
        assert!(child.wait()?.success());
    }
    Ok(start.elapsed())
}
