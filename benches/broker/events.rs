//! Events of a stream (SSE), from the host's write to the client's read: by the broker, and direct, in turns. Required:
//! 1 ms more at p50.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::added;
use crate::start::host;
use crate::upstream::AtHost;
use crate::world::{AtClient, VALUE, World};

const TURNS: usize = 50;
const EVENTS: usize = 100;
const MOST: Duration = Duration::from_millis(1);

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    let (to_streams, streams) = channel::<(Receiver<()>, Sender<Instant>)>();
    let streams = Mutex::new(streams);
    let world = World::new(move |line| {
        let (wanted, sent) = streams.lock().expect("no panic").recv().expect("a stream");
        stream(line, &wanted, &sent);
    })?;
    let run = world.run()?;
    // The n-th connection gets the n-th pair.
    let open = |line: io::Result<AtClient>, key: &str| -> io::Result<_> {
        let ((want, wanted), (sent, times)) = (channel(), channel());
        to_streams.send((wanted, sent)).expect("a host");
        let mut line = line?;
        line.send(format!("GET / HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\n\r\n", host(&world)));
        assert!(line.head().starts_with("HTTP/1.1 200 "));
        Ok((line, want, times))
    };
    let mut by_broker = open(run.brokered(), run.stand_in())?;
    let mut direct = open(world.direct(), VALUE)?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for ((line, want, times), found) in [(&mut by_broker, &mut with), (&mut direct, &mut without)] {
            for _ in 0..EVENTS {
                want.send(()).expect("a host");
                assert!(line.until("\n\n").contains("data: "));
                let came = Instant::now();
                found.push(came - times.recv().expect("a host"));
            }
        }
    }
    drop((by_broker, direct));
    run.end()?;
    added::write(out, "an event, from the host's write to the client's read", &mut with, &mut without, MOST)
}

/// Sends an event, each time one is wanted.
fn stream(mut line: AtHost, wanted: &Receiver<()>, sent: &Sender<Instant>) {
    line.head();
    line.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for number in 0.. {
        let event = format!("event: delta\ndata: {{\"index\":{number},\"delta\":{{\"text\":\"word\"}}}}\n\n");
        if wanted.recv().is_err() {
            return;
        }
        let start = Instant::now();
        line.send(format!("{:x}\r\n{event}\r\n", event.len()));
        if sent.send(start).is_err() {
            return;
        }
    }
}
