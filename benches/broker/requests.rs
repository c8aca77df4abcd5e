//! A request and its answer over a connection that is kept: by the broker, and direct, in turns. Required: 150 µs more
//! at p50.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::added;
use crate::start::host;
use crate::upstream::AtHost;
use crate::world::{AtClient, VALUE, World};

const TURNS: usize = 50;
const REQUESTS: usize = 200;
const MOST: Duration = Duration::from_micros(150);
/// Of a request, and of an answer.
const BODY: usize = 2000;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    let world = World::new(answer)?;
    let run = world.run()?;
    let (mut by_broker, mut direct) = (run.brokered()?, world.direct()?);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let request = |key: &str| {
        let head = format!("POST /v1/messages HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\n", host(&world));
        format!("{head}Content-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n{}", text())
    };
    let (brokered, plain) = (request(run.stand_in()), request(VALUE));
    for _ in 0..TURNS {
        talk(&mut by_broker, &brokered, &mut with);
        talk(&mut direct, &plain, &mut without);
    }
    assert_eq!(world.host.seen.count(VALUE), 2 * TURNS * REQUESTS);
    run.end()?;
    added::write(out, &format!("a request of {BODY} bytes and its answer"), &mut with, &mut without, MOST)
}

fn talk(line: &mut AtClient, request: &str, times: &mut Vec<Duration>) {
    for _ in 0..REQUESTS {
        let start = Instant::now();
        line.send(request);
        let head = line.head();
        let came = line.exactly(BODY);
        times.push(start.elapsed());
        assert!(head.starts_with("HTTP/1.1 200 ") && came == text().as_bytes());
    }
}

/// A body of JSON.
fn text() -> String {
    let words = "{\"role\":\"user\",\"content\":\"How are you today?\"},".repeat(BODY / 40);
    let head = "{\"messages\":[";
    format!("{head}{}]}}", &words[..BODY - head.len() - 2])
}

fn answer(mut line: AtHost) {
    while !line.head().is_empty() {
        line.exactly(BODY);
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n{}", text()));
    }
}
