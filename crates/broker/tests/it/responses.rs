//! What comes back: at once, whole, and without the value.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use cast_broker::Secret;

use crate::sides::{AtHost, Host, NAME, Root, Run, VALUE, get, secret, stand_in};

/// A host that answers each request with the next of these, and ends behind the last one.
pub(crate) fn answering(answers: Vec<Vec<Vec<u8>>>) -> Run {
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    Run::new(move |mut line| {
        let next = || answers.lock().unwrap().pop_front();
        while let Some(answer) = next() {
            line.head();
            for piece in answer {
                line.send(piece);
            }
        }
    })
}

fn one(answer: impl AsRef<[u8]>) -> Run {
    answering(vec![vec![answer.as_ref().to_vec()]])
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

const EVENTS: [&str; 4] = ["data: one\n\n", "data: {\"delta\":\"a word\"}\n\n", ": comment\n\n", "data: [DONE]\n\n"];

/// A host that sends each event only when the client has the one before.
fn events(head: &'static str, events: Vec<Vec<u8>>) -> (Run, std::sync::mpsc::Sender<()>) {
    let (next, wait) = channel();
    let wait: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(wait));
    let run = Run::new(move |mut line: AtHost| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}\r\n"));
        for event in &events {
            if head.contains("chunked") {
                line.send(format!("{:x}\r\n", event.len()));
                line.send(event);
                line.send("\r\n");
            } else {
                line.send(event);
            }
            wait.lock().unwrap().recv().unwrap();
        }
        if head.contains("chunked") {
            line.send("0\r\n\r\n");
        }
        line.stream.conn.send_close_notify();
        let _ = line.stream.flush();
    });
    (run, next)
}

#[track_caller]
fn check_events(head: &'static str, coded: Vec<Vec<u8>>) {
    let (run, next) = events(head, coded);
    let mut client = run.client();
    client.send(get("/events"));
    let answer = client.head();
    assert!(answer.contains("Transfer-Encoding: chunked\r\n"), "{answer}");
    assert!(!answer.contains("Content-Encoding"), "{answer}");
    for event in EVENTS {
        let mut found = Vec::new();
        while found.len() < event.len() {
            found.extend(client.chunk());
        }
        assert_eq!(String::from_utf8_lossy(&found), event);
        next.send(()).unwrap();
    }
    assert_eq!(client.chunk(), b"");
}

#[test]
fn events_pass_one_by_one() {
    let plain = || EVENTS.iter().map(|event| event.as_bytes().to_vec()).collect();
    check_events("Transfer-Encoding: chunked\r\n", plain());
    check_events("", plain());
}

#[test]
fn coded_events_pass_one_by_one() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut coded: Vec<Vec<u8>> = Vec::new();
    for event in EVENTS {
        encoder.write_all(event.as_bytes()).unwrap();
        encoder.flush().unwrap();
        coded.push(std::mem::take(encoder.get_mut()));
    }
    coded.last_mut().unwrap().extend(encoder.finish().unwrap());
    check_events("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", coded);
    // A frame of zstd of raw blocks, in a window of 1 MiB: no block waits until the window is full.
    let mut coded: Vec<Vec<u8>> = Vec::new();
    for (number, event) in EVENTS.iter().enumerate() {
        let mut block = if number == 0 { vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x50] } else { Vec::new() };
        let is_last = u32::from(number + 1 == EVENTS.len());
        let header = u32::try_from(event.len()).unwrap() << 3 | is_last;
        block.extend_from_slice(&header.to_le_bytes()[..3]);
        block.extend_from_slice(event.as_bytes());
        coded.push(block);
    }
    check_events("Content-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n", coded);
}

/// What may be the beginning of a value waits for the next byte or the end, and a silence is neither.
#[test]
fn what_is_held_waits_for_the_next_byte() {
    let (next, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let run = Run::new(move |mut line: AtHost| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\na prompt: {}", VALUE.len() + 21, &VALUE[..20]));
        wait.lock().unwrap().recv().unwrap();
        line.send(format!("{} and abcdef", &VALUE[20..]));
        wait.lock().unwrap().recv().unwrap();
    });
    let mut client = run.client();
    client.send(get("/"));
    client.head();
    assert_eq!(client.exactly(10), b"a prompt: ");
    next.send(()).unwrap();
    // It was not let go meanwhile: all of it is painted. The last word ends with the body.
    assert_eq!(client.exactly(VALUE.len() + 11), format!("{} and abcdef", stand_in()).into_bytes());
    next.send(()).unwrap();
}

/// Who asks for a response can have it cut, too, as by a host that waits for its reader in vain.
#[test]
fn what_is_held_goes_with_a_response_that_breaks_off() {
    let head = ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n64\r\n", "Connection: close\r\n\r\n"];
    for head in head {
        let run = Run::new(move |mut line: AtHost| {
            line.head();
            // It ends without a word of TLS.
            line.send(format!("HTTP/1.1 200 OK\r\n{head}a key: {}", &VALUE[..VALUE.len() - 1]));
        });
        let mut client = run.client();
        client.send(get("/"));
        client.head();
        let said = client.all();
        assert!(said.contains("a key: ") && !said.contains(&VALUE[..10]), "{said}");
    }
}

#[test]
fn a_value_is_painted_wherever_it_is_cut() {
    let answers = (1..VALUE.len())
        .map(|cut| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n<", VALUE.len() + 2);
            vec![head.into_bytes(), VALUE[..cut].into(), format!("{}>", &VALUE[cut..]).into()]
        })
        .collect();
    let run = answering(answers);
    let mut client = run.client();
    for cut in 1..VALUE.len() {
        client.send(get("/"));
        client.head();
        let body = client.exactly(VALUE.len() + 2);
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(shown, format!("<{}>", stand_in()), "cut at {cut}");
    }
}

#[test]
fn a_value_is_painted_in_each_place_and_coding() {
    let (digits, url) = (STANDARD.encode(VALUE), VALUE.replace('-', "%2D"));
    let text = format!("a {VALUE} b {digits} c {url} {{\"key\":\"{VALUE}\"}}");
    let painted = format!(
        "a {0} b {1} c {2} {{\"key\":\"{0}\"}}",
        stand_in(),
        STANDARD.encode(stand_in()),
        stand_in().replace('-', "%2D")
    );
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(text.as_bytes()).unwrap();
    let answer = |coding: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 103 Early Hints\r\nX-Early: {VALUE}\r\n\r\nHTTP/1.1 200 {VALUE}\r\nX-Echo: {VALUE}\r\n\
             Alt-Svc: h3=\":443\"\r\n{coding}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            body.len()
        );
        let trailers = format!("\r\n0\r\nX-Trailer: {VALUE}\r\n\r\n");
        vec![head.into_bytes(), body.to_vec(), trailers.into_bytes()]
    };
    let coded = [
        ("", text.clone().into_bytes()),
        ("Content-Encoding: gzip\r\n", gzip(text.as_bytes())),
        ("Content-Encoding: X-GZIP\r\n", gzip(text.as_bytes())),
        ("Content-Encoding: deflate\r\n", zlib.finish().unwrap()),
    ];
    let run = answering(coded.iter().map(|(coding, body)| answer(coding, body)).collect());
    let mut client = run.client();
    for (coding, _) in coded {
        client.send(get("/"));
        let early = client.head();
        assert_eq!(early, format!("HTTP/1.1 103 Early Hints\r\nX-Early: {}\r\n\r\n", stand_in()));
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 200 {}\r\n", stand_in())), "{head}");
        assert!(head.contains(&format!("\r\nX-Echo: {}\r\n", stand_in())), "{head}");
        assert!(!head.contains("Alt-Svc") && !head.contains("Content-Encoding"), "{head}");
        let (body, trailer) = client.chunks();
        assert_eq!(String::from_utf8_lossy(&body), painted, "{coding}");
        assert_eq!(trailer, format!("X-Trailer: {}\r\n", stand_in()));
        assert_eq!(client.exactly(2), b"\r\n");
    }
}

#[test]
fn a_response_that_can_be_read_in_two_ways_is_refused() {
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(17);
    for bad in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\n\r\n",
        "HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-",
        "",
        &many,
    ] {
        let mut run = one(bad);
        let mut client = run.client();
        client.send(get("/"));
        let answer = client.all().replace("HTTP/1.1 100 Continue\r\n\r\n", "");
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{bad}: {answer}");
        assert!(answer.contains(&format!("\r\n\r\ncast: the response of '{NAME}' cannot be passed on: ")), "{answer}");
        let tallies = run.stop();
        assert_eq!((tallies[0].requests, tallies[0].failed), (1, 1), "{bad}");
    }
}

/// What breaks off shows as broken: no last chunk, fewer bytes than said; or cast answers, if nothing was passed on.
#[test]
fn a_response_that_breaks_off_is_seen_to() {
    let cut = &gzip(b"hello, hello, hello")[..15];
    let chunked = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
        [head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
    };
    for bad in [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n".to_vec(),
        chunked("Content-Encoding: gzip\r\n", b"plain text"),
        chunked("Content-Encoding: gzip\r\n", cut),
        chunked("Content-Encoding: br\r\n", b"\x0F\x0F\x0F\x0F"),
        chunked("Content-Encoding: zstd\r\n", b"plain text"),
        // The end of the connection is the end of the body, and it is not a clean one.
        b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec(),
    ] {
        let mut run = one(&bad);
        let mut client = run.client();
        client.send(get("/"));
        let answer = client.all();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") || answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(!answer.contains("\r\n0\r\n"), "{}: {answer}", bad.escape_ascii());
        assert_eq!(run.stop()[0].failed, 1, "{}", bad.escape_ascii());
    }
    let run = one("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello, y");
    let mut client = run.client();
    client.send(get("/"));
    let answer = client.all();
    // But for what may have been the beginning of a value.
    assert!(answer.ends_with("\r\n\r\nhello, "), "{answer}");
}

/// What goes to one host may be known to another one of the same operator.
#[test]
fn a_value_that_goes_to_another_host_is_painted_too() {
    let root = Root::new();
    let host = Host::new(root.server(NAME, |_| {}), |mut line: AtHost| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n<{VALUE}>", VALUE.len() + 2));
    });
    let here = Secret { name: "OTHER".to_owned(), ..secret_of("sk-other-0123456789abcdefghijkl", NAME) };
    let run = Run::of_all(vec![here, secret(&["elsewhere.test"], Vec::new())], root, host);
    let mut client = run.client();
    client.send(get("/"));
    client.head();
    assert_eq!(client.exactly(VALUE.len() + 2), format!("<{}>", stand_in()).into_bytes());
}

fn secret_of(value: &str, host: &str) -> Secret {
    let stand_in = cast_broker::stand_in::derive(&[7; 32], "OTHER", value, None).unwrap();
    Secret { value: value.to_owned().into(), stand_in, ..secret(&[host], Vec::new()) }
}
