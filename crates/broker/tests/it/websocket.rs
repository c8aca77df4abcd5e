//! `WebSocket`: what the client sends passes, what the host sends is painted, in frames of the same length.

use crate::sides::{AtClient, NAME, Run, VALUE, stand_in};

fn upgrade() -> String {
    format!(
        "GET /live HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        stand_in()
    )
}

const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn frame(first: u8, text: &str) -> Vec<u8> {
    [&[first, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// A host that agrees, sends `frames`, and returns what the client sends.
fn open(frames: Vec<Vec<u8>>) -> (Run, AtClient) {
    let run = Run::new(move |mut line| {
        let head = line.head();
        assert!(head.contains("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "{head}");
        assert!(!head.contains("Extensions"), "{head}");
        // The first frame may come with the head.
        line.send([AGREED.as_bytes(), &frames.concat()].concat());
        let sent = line.exactly(5);
        line.send(frame(0x82, &String::from_utf8(sent).unwrap()));
        line.all();
    });
    let mut client = run.client();
    client.send(upgrade());
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("Sec-WebSocket-Accept: s3pP"), "{head}");
    (run, client)
}

#[test]
fn frames_pass_both_ways_and_are_painted() {
    let (one, other) = VALUE.split_at(10);
    let sent = vec![
        frame(0x81, &format!("echo {VALUE}")),
        frame(0x01, one),
        frame(0x89, "ping"),
        frame(0x80, other),
        frame(0x81, "short"),
    ];
    let (one, other) = (&stand_in()[..10], &stand_in()[10..]);
    let expected = [
        frame(0x81, &format!("echo {}", stand_in())),
        frame(0x01, one),
        frame(0x89, "ping"),
        frame(0x80, other),
        frame(0x81, "short"),
    ]
    .concat();
    let (run, mut client) = open(sent);
    let found = client.exactly(expected.len());
    assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
    client.send("\x01\x02\x03\x04\x05");
    assert_eq!(client.exactly(7), frame(0x82, "\x01\x02\x03\x04\x05"));
    assert!(run.host.seen.text().contains(&format!("Authorization: Bearer {VALUE}\r\n")));
}

#[test]
fn an_extension_nobody_agreed_on_ends_it() {
    let (_run, mut client) = open(vec![frame(0x81, "ok"), frame(0xC1, "compressed")]);
    assert_eq!(client.exactly(4), frame(0x81, "ok"));
    assert_eq!(client.exactly(4), [0x88, 2, 0x03, 0xEA]);
    assert_eq!(client.all(), "");
}

#[test]
fn when_one_side_ends_so_does_the_other() {
    let (ended, end) = std::sync::mpsc::channel();
    let run = Run::new(move |mut line| {
        line.head();
        line.send(AGREED);
        ended.send(line.all()).unwrap();
    });
    let mut client = run.client();
    client.send(upgrade());
    client.head();
    drop(client);
    assert_eq!(end.recv().unwrap(), "");

    let run = Run::new(|mut line| {
        line.head();
        line.send(AGREED);
    });
    let mut client = run.client();
    client.send(upgrade());
    client.head();
    assert_eq!(client.all(), "");
}

/// A host that does not want one answers as to any request.
#[test]
fn a_host_may_refuse() {
    let run = Run::new(|mut line| {
        line.head();
        line.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
        line.head();
    });
    let mut client = run.client();
    client.send(upgrade());
    assert!(client.head().starts_with("HTTP/1.1 426 "));
    assert_eq!(client.exactly(2), b"no");
}
