//! Hosts that leave a body unread, send one where there is none, or send more than they say: what they get wrong is
//! neither a request nor a response.

use crate::responses::answering;
use crate::sides::{NAME, VALUE, get, stand_in};

/// And so does the connection: a careless host may send a body all the same, which would be read as the next response.
#[test]
fn responses_without_a_body_end_at_their_head() {
    for (method, head) in [
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Encoding: gzip\r\n\r\n"),
    ] {
        let smuggled = format!("{head}HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nevil", 9 + VALUE.len());
        let run = answering(vec![vec![smuggled.into_bytes()], vec![format!("HTTP/1.1 200 {VALUE}\r\n").into_bytes()]]);
        let mut client = run.client();
        client.send(get("/").replace("GET", method) + &get("/"));
        let first = client.head();
        assert!(first.starts_with(&head[..12]) && first.contains("\r\nConnection: close\r\n"), "{first}");
        assert_eq!(client.all(), "");
    }
}

/// A host that answers without reading a body takes that for the next request: no connection goes on behind one that it may have left.
#[test]
fn a_body_that_the_host_may_have_left_is_the_last_thing_it_gets() {
    let request = |method: &str, body: &str| {
        let framing = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{method} / HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {}\r\n{framing}\r\n{body}", stand_in())
    };
    for (method, body, status, is_kept) in [
        ("POST", "a body", 200, true),
        ("GET", "", 200, true),
        ("GET", "", 404, true),
        ("GET", "a body", 200, false),
        ("DELETE", "a body", 200, false),
        ("POST", "a body", 404, false),
        ("PUT", "a body", 303, false),
    ] {
        let run = answering(vec![vec![format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok").into_bytes()]]);
        let mut client = run.client();
        client.send(request(method, body));
        let head = client.head();
        assert_eq!(head.contains("Connection: close"), !is_kept, "{method} {status}: {head}");
        assert_eq!(client.exactly(2), b"ok");
        if !is_kept {
            assert_eq!(client.all(), "");
        }
    }
}

/// What a host sends too much is no response: not to a request that came too early, nor to the next one. And the end that
/// it said is none: it may stand within a value.
#[test]
fn what_is_too_much_ends_the_connection() {
    for is_early in [true, false] {
        let too_much =
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nevil";
        let next = format!("HTTP/1.1 200 {VALUE}\r\nContent-Length: 0\r\n\r\n");
        let run = answering(vec![vec![too_much.into()], vec![next.into_bytes()]]);
        let mut client = run.client();
        client.send(if is_early { get("/") + &get("/") } else { get("/") });
        let said = client.all();
        assert!(said.starts_with("HTTP/1.1 502 ") && said.contains("it goes on behind its end"), "{said}");
        assert!(!said.contains("evil"), "{said}");
    }
    let length = VALUE.len();
    let run = answering(vec![vec![
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(),
        format!("<{VALUE}>").into_bytes(),
    ]]);
    let mut client = run.client();
    client.send(get("/"));
    let said = client.all();
    assert!(!said.contains(&VALUE[..8]), "{said}");
}
