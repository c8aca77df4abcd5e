//! Memory stays flat, whatever a side sends and however slowly the other one reads. The heap of the whole program is
//! bounded: the broker, and the test's two ends, which keep nothing.
//!
//! A side that writes until it is stopped shows that back-pressure reaches it: with a queue between, it would never
//! stop.

#[path = "it/sides.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod sides;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cap::Cap;
use flate2::Compression;
use flate2::write::GzEncoder;

use sides::{AtHost, NAME, Run, get};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const SIZE: usize = 256 << 20;
const PIECE: [u8; 16 << 10] = [b'x'; 16 << 10];
/// What all buffers of a connection and of the test's own ends may take.
const FLAT: usize = 8 << 20;
/// A side that could not write for so long is stopped. Its own end of the connection is full: too long makes the test
/// slow, too short only makes it weaker.
const STOPPED: Duration = Duration::from_millis(500);

/// Writes `SIZE` bytes, and says at the first stop that there was one.
fn pour(stream: &mut impl Write, socket: &TcpStream, stopped: &Sender<usize>) {
    // rustls reads, too, when it cannot write.
    let patience = |time| {
        socket.set_write_timeout(Some(time)).unwrap();
        socket.set_read_timeout(Some(time)).unwrap();
    };
    patience(STOPPED);
    let (mut sent, mut has_stopped) = (0, false);
    while sent < SIZE {
        match stream.write(&PIECE) {
            // 0: what TLS keeps is full, too.
            Ok(0) | Err(_) if !has_stopped => {
                has_stopped = true;
                stopped.send(sent).unwrap();
                patience(Duration::from_secs(60));
            }
            Ok(count) => sent += count,
            Err(error) => panic!("after {sent} bytes: {error}"),
        }
    }
    stream.flush().unwrap();
    patience(Duration::from_secs(60));
    if !has_stopped {
        stopped.send(sent).unwrap();
    }
}

/// As the tests that Rust's runner runs, this says what it does.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn drain(stream: &mut impl Read, mut count: usize) {
    let mut bytes = [0; 16 << 10];
    while count > 0 {
        count -= stream.read(&mut bytes).unwrap().min(count);
    }
}

/// Runs `test`, which may have only so much more of the heap than there is at its start. Otherwise an allocation fails,
/// and with it the program.
fn flat(name: &str, test: impl FnOnce()) {
    let before = HEAP.allocated();
    HEAP.set_limit(before + FLAT).unwrap();
    say(&format!("{name}: with at most {} KiB more than {}", FLAT >> 10, before >> 10));
    test();
    say(&format!("{name}: ok"));
    HEAP.set_limit(usize::MAX).unwrap();
}

fn down() {
    let (stopped, stop) = channel();
    let stopped = Mutex::new(stopped);
    let run = Run::new(move |mut line: AtHost| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        let socket = line.stream.sock.try_clone().unwrap();
        pour(&mut line.stream, &socket, &stopped.lock().unwrap());
        line.head();
    });
    let mut client = run.client();
    client.send(get("/"));
    let sent = stop.recv().unwrap();
    assert!(sent < SIZE / 2, "nothing stopped the host: it sent {sent} bytes to a client that read none");
    client.head();
    let read = client.exactly(1).len();
    let rest = SIZE - read - client.rest_len();
    drain(&mut client.stream, rest);
}

fn up() {
    let (go, wait) = channel::<()>();
    let (wait, (stopped, stop)): (Arc<Mutex<Receiver<()>>>, _) = (Arc::new(Mutex::new(wait)), channel());
    let run = Run::new(move |line: AtHost| {
        let mut line = line.unseen();
        line.head();
        wait.lock().unwrap().recv().unwrap();
        let rest = line.rest_len();
        drain(&mut line.stream, SIZE - rest);
        line.send("HTTP/1.1 204 No Content\r\n\r\n");
        line.head();
    });
    let mut client = run.client();
    client.send(format!("PUT / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {SIZE}\r\n\r\n"));
    let pouring = std::thread::spawn(move || {
        let socket = client.stream.sock.try_clone().unwrap();
        pour(&mut client.stream, &socket, &stopped);
        client
    });
    let sent = stop.recv().unwrap();
    assert!(sent < SIZE / 2, "nothing stopped the client: it sent {sent} bytes to a host that read none");
    go.send(()).unwrap();
    let mut client = pouring.join().unwrap();
    assert!(client.head().starts_with("HTTP/1.1 204 "));
}

/// A small body that becomes a large one, for a client that takes it slowly.
fn bomb() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..SIZE / PIECE.len() {
        encoder.write_all(&PIECE).unwrap();
    }
    let body = encoder.finish().unwrap();
    assert!(body.len() < 1 << 20);
    let run = Run::new(move |mut line| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len()));
        line.send(&body);
        line.head();
    });
    let mut client = run.client();
    client.send(get("/"));
    client.head();
    let mut count = 0;
    loop {
        match client.chunk().len() {
            0 => break,
            length => count += length,
        }
    }
    assert_eq!(count, SIZE);
}

fn main() {
    // What the first run allocates for ever does not count.
    drop(Run::new(|_| {}));
    flat("a response that is not read", down);
    flat("a request that is not read", up);
    flat("a body that unfolds", bomb);
}
