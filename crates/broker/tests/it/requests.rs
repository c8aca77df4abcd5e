//! What reaches the host.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cast_broker::Place;

use crate::sides::{AtHost, Host, Line, NAME, Root, Run, VALUE, get, secret, stand_in};

/// Answers each request with its own head and body, until the client ends.
fn echo(mut line: AtHost) {
    loop {
        let head = line.head();
        if head.is_empty() {
            return;
        }
        let body = match &head {
            head if head.to_lowercase().contains("transfer-encoding: chunked") => line.chunks().0,
            head => {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                line.exactly(length.map_or(0, |length| length.parse().unwrap()))
            }
        };
        let length = body.len();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        line.send(body);
    }
}

fn length_of(head: &str) -> usize {
    head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap()
}

#[test]
fn the_value_is_put_in_and_comes_back_as_the_stand_in() {
    let mut run = Run::new(|mut line| {
        let head = line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nX-Echo: {}\r\nContent-Length: {}\r\n\r\n{head}", VALUE, head.len()));
        line.head();
    });
    let mut client = run.client();
    client.send(get("/v1/models"));
    let head = client.head();
    assert!(head.contains(&format!("X-Echo: {}\r\n", stand_in())), "{head}");
    let body = String::from_utf8(client.exactly(length_of(&head))).unwrap();
    assert!(body.contains(&format!("Authorization: Bearer {}\r\n", stand_in())), "{body}");
    assert!(!format!("{head}{body}").contains(VALUE));
    assert!(run.host.seen.text().contains(&format!("\r\nAuthorization: Bearer {VALUE}\r\n")));
    assert!(!run.host.seen.text().contains(&stand_in()));
    let tallies = run.stop();
    assert_eq!(tallies.len(), 1);
    assert_eq!(tallies[0].host.as_ref().unwrap().to_string(), NAME);
    assert_eq!((tallies[0].requests, tallies[0].refused, tallies[0].failed), (1, 0, 0));
}

#[test]
fn basic_is_encoded_anew() {
    let run = Run::new(echo);
    let mut client = run.client();
    let pair = STANDARD.encode(format!("x-access-token:{}", stand_in()));
    client.send(format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Basic {pair}\r\n\r\n"));
    client.head();
    let pair = STANDARD.encode(format!("x-access-token:{VALUE}"));
    assert!(run.host.seen.text().contains(&format!("Authorization: Basic {pair}\r\n")), "{}", run.host.seen.text());
}

#[test]
fn one_client_connection_is_one_connection_to_the_host() {
    let run = Run::new(echo);
    let (mut one, mut other) = (run.client(), run.client());
    for round in 0..5 {
        for client in [&mut one, &mut other] {
            client.send(get(&format!("/{round}")));
            assert!(client.head().starts_with("HTTP/1.1 200 OK\r\n"));
        }
    }
    assert_eq!(run.host.seen.connections.load(Ordering::SeqCst), 2);
    assert_eq!(run.host.seen.text().matches(VALUE).count(), 10);
}

#[test]
fn bodies_pass_with_one_framing() {
    let run = Run::new(echo);
    let mut client = run.client();
    let start = format!("POST / HTTP/1.1\r\nHost: {NAME}\r\n");
    client.send(format!("{start}Content-Length: 11\r\n\r\nhello "));
    client.send("world");
    let head = client.head();
    assert_eq!(client.exactly(length_of(&head)), b"hello world");
    // Chunks at any cut, with an extension and a trailer; both are gone at the host.
    let chunks = format!(
        "{start}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-T: {}\r\n\r\n",
        stand_in()
    );
    for byte in chunks.bytes() {
        client.send([byte]);
    }
    let head = client.head();
    assert_eq!(client.exactly(length_of(&head)), b"hello world");
    let seen = run.host.seen.text();
    assert!(!seen.contains("ext=1") && !seen.contains("X-T") && !seen.contains(VALUE), "{seen}");
    assert!(seen.ends_with("0\r\n\r\n"), "{seen}");
}

/// A stand-in in a body is text.
#[test]
fn a_body_is_not_looked_at() {
    let run = Run::new(echo);
    let mut client = run.client();
    let text = format!("transcript: {}", stand_in());
    client.send(format!("POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {}\r\n\r\n{text}", text.len()));
    let head = client.head();
    assert_eq!(client.exactly(length_of(&head)), text.as_bytes());
    assert!(run.host.seen.text().ends_with(&text));
}

#[test]
fn the_owner_names_other_places() {
    let root = Root::new();
    let host = Host::new(root.server(NAME, |_| {}), echo);
    let places = vec![
        Place::Header("x-token".into()),
        Place::Query("key".to_owned()),
        Place::Form("token".to_owned()),
        Place::Json("/auth/key".to_owned()),
    ];
    let run = Run::of(secret(&[NAME], places), root, host);
    let mut client = run.client();
    let stand_in = stand_in();
    client.send(format!("GET /a?key={stand_in}&b=1 HTTP/1.1\r\nHost: {NAME}\r\nX-Token: {stand_in}\r\n\r\n"));
    client.head();
    for (kind, body) in [
        ("application/x-www-form-urlencoded", format!("a=1&token={stand_in}")),
        ("application/json", format!("{{\"auth\": {{\"key\": \"{stand_in}\"}}, \"text\": \"{stand_in}\"}}")),
    ] {
        let head = format!("POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: {kind}\r\n");
        client.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
        let answer = client.head();
        assert_eq!(client.exactly(length_of(&answer)), body.as_bytes(), "it comes back as the stand-in");
        client.send(format!("{head}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
        client.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
        let answer = client.head();
        assert_eq!(client.exactly(length_of(&answer)), body.as_bytes(), "{answer}");
    }
    let seen = run.host.seen.text();
    assert!(seen.contains(&format!("GET /a?key={VALUE}&b=1 HTTP/1.1\r\n")), "{seen}");
    assert!(seen.contains(&format!("X-Token: {VALUE}\r\n")), "{seen}");
    assert_eq!(seen.matches(&format!("a=1&token={VALUE}")).count(), 2, "{seen}");
    let json = format!("{{\"auth\": {{\"key\": \"{VALUE}\"}}, \"text\": \"{stand_in}\"}}");
    assert_eq!(seen.matches(&json).count(), 2, "{seen}");
}

#[test]
fn a_host_may_ask_for_the_body() {
    let run = Run::new(|mut line| {
        assert!(line.head().contains("Expect: 100-continue\r\n"));
        line.send("HTTP/1.1 100 Continue\r\n\r\n");
        line.exactly(5);
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        line.head();
    });
    let mut client = run.client();
    client.send(format!("PUT / HTTP/1.1\r\nHost: {NAME}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    assert!(client.head().starts_with("HTTP/1.1 100 "));
    client.send("hello");
    assert!(client.head().starts_with("HTTP/1.1 200 "));
}

/// A response before the request is whole ends the connection: what follows could be read in two ways.
#[test]
fn an_early_response_ends_the_connection() {
    let run = Run::new(|mut line| {
        line.head();
        line.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        line.all();
    });
    let mut client = run.client();
    client.send(format!("PUT / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000000\r\n\r\nhello"));
    let answer = client.all();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("\r\n\r\nno"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

/// A client that asks for the end gets it; one that does not, keeps the connection until the host ends it.
#[test]
fn connections_end_when_a_side_wants_it() {
    let run = Run::new(|mut line| {
        line.head();
        line.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    let mut client = run.client();
    client.send(get("/"));
    assert!(client.head().starts_with("HTTP/1.1 204 "));
    assert_eq!(client.all(), "");

    let run = Run::new(echo);
    let mut client = run.client();
    client.send(format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"));
    let answer = client.all();
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
}

/// The bytes behind CONNECT may come with it.
#[test]
fn tls_may_begin_with_connect() {
    let run = Run::new(echo);
    let (_, credential) = crate::sides::way_in(run.broker());
    let mut stream = run.plain().stream;
    let config = std::sync::Arc::new(crate::sides::trusting(run.broker().ca_pem()));
    let mut tls = rustls::ClientConnection::new(config, NAME.try_into().unwrap()).unwrap();
    let field = crate::sides::field("cast", &credential);
    let mut first = format!("CONNECT {NAME}:443 HTTP/1.1\r\n{field}\r\n").into_bytes();
    tls.write_tls(&mut first).unwrap();
    std::io::Write::write_all(&mut stream, &first).unwrap();
    let mut established = vec![0; "HTTP/1.1 200 Connection established\r\n\r\n".len()];
    std::io::Read::read_exact(&mut stream, &mut established).unwrap();
    let mut client = Line::new(rustls::StreamOwned::new(tls, stream));
    client.send(get("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
}
