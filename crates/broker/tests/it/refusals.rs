//! What is refused, and that nothing of it goes to the host.

use cast_broker::Place;
use cast_testing::Tries;

use crate::sides::{Host, KEY, NAME, Root, Run, VALUE, secret, stand_in};

fn run(places: Vec<Place>) -> Run {
    let root = Root::new();
    let host = Host::new(root.server(NAME, |_| {}), |mut line| {
        line.all();
    });
    Run::of(secret(&[NAME], places), root, host)
}

#[test]
fn nothing_is_sent_upstream() {
    let mut run = run(vec![Place::Form("token".to_owned())]);
    let (stand_in, host) = (stand_in(), format!("Host: {NAME}\r\n"));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let long = "x".repeat(70 << 10);
    let many = "A: b\r\n".repeat(300);
    let cases: Vec<(&str, String)> = vec![
        ("431", format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n")),
        ("431", format!("GET / HTTP/1.1\r\n{host}{many}\r\n")),
        ("400", format!("GET / HTTP/1.1\n{host}\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host} folded: x\r\n\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host}X : y\r\n\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host}X\0: y\r\n\r\n")),
        ("505", format!("GET / HTTP/1.0\r\n{host}\r\n")),
        ("505", format!("GET / HTTP/2.0\r\n{host}\r\n")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Content-Length: +1\r\n\r\nx")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n")),
        ("421", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("421", format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        ("421", "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n".to_owned()),
        ("421", format!("GET / HTTP/1.1\r\nHost: {NAME}:8443\r\n\r\n")),
        ("421", format!("GET https://{NAME}/ HTTP/1.1\r\n{host}\r\n")),
        ("421", format!("OPTIONS * HTTP/1.1\r\n{host}\r\n")),
        ("405", format!("TRACE / HTTP/1.1\r\n{host}\r\n")),
        ("405", format!("CONNECT / HTTP/1.1\r\n{host}\r\n")),
        ("501", format!("POST / HTTP/1.1\r\n{host}Content-Type: application/grpc+proto\r\n\r\n")),
        ("400", format!("POST / HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")),
        ("400", format!("GET / HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}X-Token: {stand_in}\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}Cookie: a={stand_in}\r\n\r\n")),
        ("403", format!("GET / HTTP/1.1\r\n{host}Authorization: Bearer {stand_in}x\r\n\r\n")),
        ("403", format!("GET /?q={stand_in} HTTP/1.1\r\n{host}\r\n")),
        ("403", format!("GET /{stand_in} HTTP/1.1\r\n{host}\r\n")),
        ("413", format!("POST / HTTP/1.1\r\n{host}{form}Content-Length: 2000000\r\n\r\n")),
        (
            "413",
            format!(
                "POST / HTTP/1.1\r\n{host}{form}Transfer-Encoding: chunked\r\n\r\n200000\r\n{}",
                "x".repeat(1_100_000)
            ),
        ),
        ("415", format!("POST / HTTP/1.1\r\n{host}{form}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")),
        // A fault within a body that is read whole.
        ("400", format!("POST / HTTP/1.1\r\n{host}{form}Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
    ];
    let count = cases.len();
    let tries = Tries::at(count, "hostile requests and hosts at the broker");
    for (status, request) in cases {
        tries.next();
        let mut client = run.client();
        // The proxy may answer and end before it has all of a long request.
        let _ = client.try_send(&request);
        let answer = client.all();
        let start: String = request.chars().take(300).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{start}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert!(answer.contains("\r\n\r\ncast: "), "{answer}");
        assert!(!answer.contains(&stand_in) && !answer.contains(VALUE), "{answer}");
        if status == "403" {
            assert!(answer.contains(&format!("'{KEY}'")), "{answer}");
        }
    }
    run.host.seen.assert_nothing();
    let tallies = run.stop();
    assert_eq!(tallies.len(), 1, "{tallies:?}");
    assert_eq!((tallies[0].requests, tallies[0].refused, tallies[0].failed), (0, count as u64, 0));
}

/// What the host had of a request with a malformed body is not a whole one.
#[test]
fn a_fault_in_a_body_cuts_the_request() {
    let run = run(Vec::new());
    let mut client = run.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"));
    let answer = client.all();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let seen = run.host.seen.text();
    assert!(!seen.contains("zz") && !seen.ends_with("0\r\n\r\n"), "{seen}");
}

#[test]
fn a_client_that_is_gone_cuts_the_request() {
    let (ended, end) = std::sync::mpsc::channel();
    let run = Run::new(move |mut line| {
        line.head();
        ended.send(line.all()).unwrap();
    });
    let mut client = run.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 10\r\n\r\nhello"));
    // The host has the part before the client goes.
    while !run.host.seen.text().ends_with("hello") {
        std::thread::yield_now();
    }
    drop(client);
    assert_eq!(end.recv().unwrap(), "hello");
}

/// Bytes behind a request are another request. It is judged as the first one; and is none if it did not wait.
#[test]
fn each_request_is_judged() {
    let run = Run::new(|mut line| {
        line.head();
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        line.all();
    });
    let good = format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 0\r\n\r\n");
    let bad = format!("GET / HTTP/1.1\r\nHost: other.test\r\nAuthorization: Bearer {}\r\n\r\n", stand_in());
    let mut client = run.client();
    client.send(&good);
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    client.send(&bad);
    assert!(client.all().starts_with("HTTP/1.1 421 "));
    let mut client = run.client();
    client.send(good + &bad);
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(client.all(), "");
    let seen = run.host.seen.text();
    assert!(!seen.contains("other.test") && !seen.contains(VALUE), "{seen}");
}
