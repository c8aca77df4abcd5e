//! Who may use the proxy.

use crate::sides::{NAME, Run, field, way_in};

fn silent() -> Run {
    Run::new(|_| {})
}

#[test]
fn a_second_try_on_the_same_connection_is_possible() {
    let run = silent();
    let mut line = run.plain();
    for wrong in [String::new(), field("cast", "wrong"), field("root", &way_in(run.broker()).1)] {
        line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{wrong}\r\n"));
        let head = line.head();
        assert!(head.starts_with("HTTP/1.1 407 "), "{head}");
        assert!(head.contains("\r\nProxy-Authenticate: Basic realm=\"cast\"\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("connection: close"), "{head}");
        assert!(line.until("\n").starts_with("cast: "));
    }
    line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{}\r\n", field("cast", &way_in(run.broker()).1)));
    assert!(line.head().starts_with("HTTP/1.1 200 "));
}

#[test]
fn without_it_all_heads_look_alike() {
    let run = silent();
    for head in ["GET http://a.b/ HTTP/1.1\r\n\r\n", "CONNECT  HTTP/1.1\r\n\r\n", "x\r\n\r\n", "GET / HTTP/1.1\nx\n\n"]
    {
        let mut line = run.plain();
        line.send(head);
        assert!(line.head().starts_with("HTTP/1.1 407 "), "{head}");
    }
    // A body could be read as another head.
    let mut line = run.plain();
    line.send("POST http://a.b/ HTTP/1.1\r\nContent-Length: 1\r\n\r\n");
    assert!(line.all().starts_with("HTTP/1.1 407 "));
}

#[test]
fn with_it_only_connect_is_possible() {
    let run = silent();
    let field = field("cast", &way_in(run.broker()).1);
    for (first, status) in [
        ("GET http://api.example.test/ HTTP/1.1", "405"),
        ("CONNECT api.example.test:443 HTTP/2.0", "505"),
        ("CONNECT api.example.test:x HTTP/1.1", "400"),
        ("CONNECT http://api.example.test/ HTTP/1.1", "400"),
    ] {
        let mut line = run.plain();
        line.send(format!("{first}\r\n{field}\r\n"));
        let answer = line.all();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

/// A head that is too long ends the connection, before the credential.
#[test]
fn a_long_head_of_a_stranger_is_not_read() {
    let run = silent();
    let mut line = run.plain();
    line.send(format!("CONNECT a.b:443 HTTP/1.1\r\nX: {}", "x".repeat(9 << 10)));
    assert!(line.all().starts_with("HTTP/1.1 407 "));
}

#[test]
fn strangers_make_room_for_each_other() {
    let run = silent();
    let mut strangers: Vec<_> = (0..17).map(|_| run.plain()).collect();
    // The first one ends although its time is not over: the last ones still have an answer.
    assert_eq!(strangers[0].all(), "");
    for line in &mut strangers[1..] {
        line.send("CONNECT a.b:443 HTTP/1.1\r\n\r\n");
        assert!(line.head().starts_with("HTTP/1.1 407 "));
    }
    // All of them are strangers still, and one with the credential is not in their way.
    let mut line = run.plain();
    line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{}\r\n", field("cast", &way_in(run.broker()).1)));
    assert!(line.head().starts_with("HTTP/1.1 200 "));
    // Each ends by itself, after its 5 seconds.
    for line in &mut strangers[1..] {
        line.all();
    }
}

#[test]
fn the_proxy_is_gone_with_the_broker() {
    let mut run = silent();
    let (address, _) = way_in(run.broker());
    let mut open = run.tunnel(&format!("{NAME}:443"));
    run.stop();
    assert!(matches!(std::io::Read::read(&mut open, &mut [0]), Ok(0) | Err(_)));
    assert!(std::net::TcpStream::connect(address).is_err());
}
