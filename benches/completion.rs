//! The time of one completion among 10,000 agents, compared with the cheapest process, `true`:
//! `cargo bench --bench completion`. Required: at most 30 times as long.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const AGENTS: usize = 10_000;
const TURNS: usize = 200;
const MOST: f64 = 30.0;

fn main() -> io::Result<ExitCode> {
    let home = TempDir::with_prefix("cast-bench-")?;
    let vaults = home.path().join("vaults");
    fs::create_dir(&vaults)?;
    // Completing the names of agents opens no vault.
    for number in 0..AGENTS {
        File::create(vaults.join(format!("agent-{number:05}.age")))?;
    }
    let line = home.path().join("line");
    fs::write(&line, "run\0\0")?;

    let ask = || {
        let mut cast = Command::new(env!("CARGO_BIN_EXE_cast"));
        cast.args(["__complete", "bash"]).env("CAST_HOME", home.path()).env_remove("CAST_VAULTS");
        cast
    };
    let answer = ask().stdin(File::open(&line)?).output()?;
    assert_eq!(answer.stdout.split(|byte| *byte == b'\n').count(), AGENTS + 2, "not every agent is offered");

    let run = |mut command: Command| -> io::Result<Duration> {
        command.stdin(File::open(&line)?).stdout(Stdio::null());
        let start = Instant::now();
        command.status().map(|_| start.elapsed())
    };
    let (mut answers, mut trues) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        answers.push(run(ask())?);
        trues.push(run(Command::new("/bin/true"))?);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "Tab among {AGENTS} agents, ms, in {TURNS} turns:\n              cast    true   ratio")?;
    answers.sort_unstable();
    trues.sort_unstable();
    let mut compare = |name, turn: usize| {
        let [cast, least] = [&answers, &trues].map(|times| times[turn].as_secs_f64() * 1e3);
        writeln!(out, "  {name:8} {cast:7.2} {least:7.2}  {:6.1}", cast / least).map(|()| cast / least)
    };
    compare("median", TURNS / 2)?;
    // The minimum is least disturbed by other work on the machine.
    let ratio = compare("fastest", 0)?;
    if ratio > MOST {
        writeln!(out, "MISSED: an answer takes {ratio:.1} times as long as 'true', more than {MOST}")?;
    }
    Ok(ExitCode::from(u8::from(ratio > MOST)))
}
