//! What the broker refuses: in words that name no value, and with not a byte for the host.

use super::HOSTILE;
use super::client::base64;
use super::world::{KEY, NAME, VALUE, World};
use crate::sandbox::Tries;

#[test]
fn nothing_is_sent_to_the_host() {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let world = World::with("hosts = [\"api.example.test\"]\nin = [\"form:token\"]\n", |mut line| {
        line.all();
    });
    let mut run = world.run(&[]);
    let (stand_in, host) = (run.stand_in().to_owned(), format!("Host: {NAME}\r\n"));
    let percent = stand_in.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let long = "x".repeat(70 << 10);
    let cases = [
        // Heads that no strict reader takes.
        ("431", format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n")),
        ("431", format!("GET / HTTP/1.1\r\n{host}{}\r\n", "A: b\r\n".repeat(300))),
        ("400", format!("GET / HTTP/1.1\n{host}\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host} folded: x\r\n\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host}X : y\r\n\r\n")),
        ("505", format!("GET / HTTP/1.0\r\n{host}\r\n")),
        // Two framings.
        ("400", format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n")),
        // What the broker does not do.
        ("405", format!("TRACE / HTTP/1.1\r\n{host}\r\n")),
        ("501", format!("POST / HTTP/1.1\r\n{host}Content-Type: application/grpc\r\n\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")),
        // The stand-in where the value is not put in, in any encoding.
        ("403", format!("GET / HTTP/1.1\r\n{host}X-Token: {stand_in}\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}Cookie: a={stand_in}\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}Authorization: Bearer {stand_in}x\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}Authorization: Other {stand_in}\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}X-Token: {}\r\n\r\n", base64(&stand_in))),
        ("403", format!("GET /?q={stand_in} HTTP/1.1\r\n{host}\r\n")),
        ("403", format!("GET /?q={percent} HTTP/1.1\r\n{host}\r\n")),
        ("403", format!("GET /{stand_in} HTTP/1.1\r\n{host}\r\n")),
        // Bodies that have to be read whole.
        ("413", format!("POST / HTTP/1.1\r\n{host}{form}Content-Length: 2000000\r\n\r\n")),
        ("415", format!("POST / HTTP/1.1\r\n{host}{form}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")),
    ];
    let tries = Tries::at(cases.len(), HOSTILE);
    for (status, request) in cases {
        tries.next();
        let mut client = run.client();
        // The broker may answer and end before it has all of a long request.
        let _ = client.try_send(&request);
        let answer = client.all();
        let start: String = request.chars().take(300).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{start}: {answer}");
        assert!(answer.contains("\r\n\r\ncast: "), "{answer}");
        assert!(!answer.contains(&stand_in) && !answer.contains(VALUE), "{answer}");
        if status == "403" {
            assert!(answer.contains(&format!("'{KEY}'")), "{answer}");
        }
    }
    assert_eq!(world.host.seen.text(), "");
    run.end();
}

/// The proxy speaks CONNECT alone.
#[test]
fn the_proxy_is_for_nothing_else() {
    let world = World::new();
    let mut run = world.run(&[]);
    for (first, status) in [
        (format!("GET http://{NAME}/ HTTP/1.1"), "405"),
        ("GET / HTTP/1.1".to_owned(), "405"),
        (format!("CONNECT http://{NAME} HTTP/1.1"), "400"),
    ] {
        let mut line = run.plain();
        line.send(format!("{first}\r\n{}\r\n", run.field()));
        let answer = line.all();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{first}: {answer}");
    }
    run.end();
}
