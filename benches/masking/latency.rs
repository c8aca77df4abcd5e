//! The added latency of a message: JSON-RPC back and forth through `cast run a -- cat`, compared with `cat`, in turns.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::clock::quantile;
use crate::home::Home;
use crate::samples::{secrets, token};

const TURNS: usize = 50;
const MESSAGES: usize = 1000;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    writeln!(out, "a JSON-RPC message there and back, µs, of {} each, in turns of {MESSAGES}:", TURNS * MESSAGES)?;
    writeln!(out, "  secrets      cast run p50   p99       cat p50   p99      added p50   p99")?;
    let home = Home::new()?;
    for count in [1, 200] {
        home.set(&format!("a{count}"), &secrets(count, token))?;
        let mut with = Partner::start(home.masked(&format!("a{count}"), &["cat"]))?;
        let mut without = Partner::start(Command::new("cat"))?;
        let (mut masked, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            with.talk(&mut masked)?;
            without.talk(&mut plain)?;
        }
        let [[a, b], [c, d]] =
            [&mut masked, &mut plain].map(|times| [0.5, 0.99].map(|part| quantile(times, part).as_secs_f64() * 1e6));
        let (p50, p99) = (a - c, b - d);
        writeln!(out, "  {count:7}       {a:11.1} {b:5.1}   {c:11.1} {d:5.1}    {p50:11.1} {p99:5.1}")?;
        with.end()?;
        without.end()?;
    }
    Ok(Vec::new())
}

/// A process that echoes its input.
struct Partner {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Partner {
    fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Ok(Self { child, to, from })
    }

    fn talk(&mut self, times: &mut Vec<Duration>) -> io::Result<()> {
        let mut answer = Vec::new();
        for id in 0..MESSAGES {
            let message = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"hello\"}}]}}}}\n"
            );
            answer.resize(message.len(), 0);
            let start = Instant::now();
            self.to.write_all(message.as_bytes())?;
            self.from.read_exact(&mut answer)?;
            times.push(start.elapsed());
            assert_eq!(answer, message.as_bytes());
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        drop(self.to);
        assert!(self.child.wait()?.success());
        Ok(())
    }
}
