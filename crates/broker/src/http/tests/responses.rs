//! What is understood of a response, and what is written of it.

use super::*;

fn read(text: &str, sent: Sent) -> Result<(Response, String), Fault> {
    let head = Head::read(text.as_bytes())?;
    let response = Response::read(&head, &sent)?;
    let mut out = Vec::new();
    write::response(&head, &response, false, &mut out);
    Ok((response, String::from_utf8(out).unwrap()))
}

const GET: Sent = Sent { is_head: false, is_websocket: false };
const HEAD: Sent = Sent { is_head: true, is_websocket: false };
const WEBSOCKET: Sent = Sent { is_head: false, is_websocket: true };

/// The framing of a response with these lines, how it is passed on, and what is written behind the status line.
#[track_caller]
fn framing(status: &str, lines: &str, sent: Sent) -> (Framing, Framing, String) {
    let (response, written) = read(&format!("HTTP/1.1 {status}\r\n{lines}\r\n"), sent).expect(lines);
    let rest = written.strip_prefix(&format!("HTTP/1.1 {status}\r\n")).unwrap().strip_suffix("\r\n").unwrap();
    (response.framing, response.relayed(), rest.to_owned())
}

#[test]
fn framings() {
    let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
    let length = "Content-Length: 5\r\n".to_owned();
    let (none, five) = (Framing::None, Framing::Length(5));
    assert_eq!(framing("200 OK", &length, GET), (five, five, length.clone()));
    assert_eq!(framing("200 OK", &chunked, GET), (Framing::Chunked, Framing::Chunked, chunked.clone()));
    assert_eq!(framing("200 OK", "", GET), (Framing::UntilClose, Framing::Chunked, chunked.clone()));
    // Decoded: the length is not known.
    for coding in ["gzip", "X-GZIP", "deflate", "br", "zstd"] {
        let lines = format!("Content-Length: 5\r\ncontent-encoding: {coding}\r\n");
        assert_eq!(framing("200 OK", &lines, GET), (five, Framing::Chunked, chunked.clone()));
    }
    let identity = "Content-Encoding: identity\r\nContent-Length: 5\r\n".to_owned();
    assert_eq!(framing("200 OK", &identity, GET), (five, five, identity.clone()));
    // No body, whatever is declared.
    for (status, sent) in [("200 OK", HEAD), ("304 Not Modified", GET)] {
        assert_eq!(framing(status, &length, sent), (none, none, length.clone()));
        assert_eq!(framing(status, &chunked, sent), (none, none, chunked.clone()));
        assert_eq!(framing(status, &format!("{length}Content-Encoding: br\r\n"), sent), (none, none, String::new()));
        assert_eq!(framing(status, "Content-Encoding: aws\r\n", sent).2, "Content-Encoding: aws\r\n");
    }
    for status in ["204 No Content", "103 Early Hints"] {
        assert_eq!(framing(status, &length, GET), (none, none, String::new()));
    }
}

#[test]
fn what_leads_around_the_proxy_stays_behind() {
    let lines = concat!(
        "Connection: keep-alive, x-hop\r\nKeep-Alive: timeout=5\r\nX-Hop: y\r\nAlt-Svc: h3=\":443\"\r\nUpgrade: h2c\r\n",
        "Proxy-Authenticate: Basic\r\nTrailer: X\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n"
    );
    let (_, _, rest) = framing("200 OK", lines, GET);
    assert_eq!(rest, "Trailer: X\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n");
}

#[test]
fn status_lines() {
    for (line, status) in
        [("HTTP/1.1 200 OK", 200), ("HTTP/1.1 200", 200), ("HTTP/1.1 599 ", 599), ("HTTP/1.1 200 \u{e9}", 200)]
    {
        let (response, written) = read(&format!("{line}\r\nContent-Length: 0\r\n\r\n"), GET).unwrap();
        assert_eq!((response.status, response.closes), (status, false));
        assert!(written.starts_with(&format!("{line}\r\n")));
    }
    let (old, written) = read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", GET).unwrap();
    assert!(old.closes && written.starts_with("HTTP/1.1 200 OK\r\n"));
    for (line, fault) in [
        ("HTTP/2 200 OK", Fault::Version),
        ("HTTP/1.2 200 OK", Fault::Version),
        ("HTTP/1.1  200 OK", Fault::FirstLine),
        ("HTTP/1.1 20 OK", Fault::FirstLine),
        ("HTTP/1.1 2000 OK", Fault::FirstLine),
        ("HTTP/1.1 200OK", Fault::FirstLine),
        ("HTTP/1.1 +20 OK", Fault::FirstLine),
        ("HTTP/1.1 099 OK", Fault::FirstLine),
        ("HTTP/1.1 600 OK", Fault::FirstLine),
        ("http/1.1 200 OK", Fault::FirstLine),
        ("ICY 200 OK", Fault::FirstLine),
        ("GET / HTTP/1.1", Fault::FirstLine),
    ] {
        assert_eq!(read(&format!("{line}\r\nContent-Length: 0\r\n\r\n"), GET).unwrap_err(), fault, "{line}");
    }
}

#[test]
fn what_cannot_be_passed_on() {
    for (text, fault) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Fault::Framing),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::Framing),
        ("HTTP/1.1 304 X\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::Framing),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::Framing),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::Framing),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: dcb\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 206 OK\r\nContent-Encoding: gzip\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 226 IM Used\r\nIM: gzip\r\n\r\n", Fault::Coding),
        ("HTTP/1.1 401 X\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\n", Fault::Charset),
        ("HTTP/1.1 200 X\r\nContent-Type: a/b\r\nContent-Type: a/b; charset=utf-7\r\n\r\n", Fault::Charset),
        ("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", Fault::Upgrade),
        ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", Fault::Field),
        ("HTTP/1.1 200 OK\nX: y\r\n\r\n", Fault::Line),
        ("HTTP/1.1 200 OK\r\nX: y\r\n", Fault::Cut),
        ("HTTP/1.1 200 OK\r\n\r\nx", Fault::Cut),
    ] {
        assert_eq!(read(text, GET).unwrap_err(), fault, "{text:?}");
    }
    // Nothing is read of a body that does not come.
    assert!(read("HTTP/1.1 304 X\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n", GET).is_ok());
    assert!(read("HTTP/1.1 200 X\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\n", GET).is_ok());
    let upgraded = "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\nUpgrade: WebSocket\r\n";
    let (response, written) = read(&format!("{upgraded}\r\n"), WEBSOCKET).unwrap();
    assert!(!response.is_interim() && response.framing == Framing::None);
    let expected = "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(written, expected);
    let extended = format!("{upgraded}Sec-WebSocket-Extensions: x\r\n\r\n");
    assert_eq!(read(&extended, WEBSOCKET).unwrap_err(), Fault::Upgrade);
    assert_eq!(read("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", WEBSOCKET).unwrap_err(), Fault::Upgrade);
}

#[test]
fn what_ends_a_connection() {
    let closes = |text: &str| read(text, GET).unwrap().0.closes;
    assert!(closes("HTTP/1.1 200 OK\r\n\r\n"));
    assert!(closes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    // The next response could begin within what was declared.
    assert!(closes("HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n"));
    assert!(closes("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert!(!closes("HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n"));
    assert!(!closes("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n"));
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let head = Head::read(text).unwrap();
    let mut out = Vec::new();
    write::response(&head, &Response::read(&head, &GET).unwrap(), true, &mut out);
    assert!(out.ends_with(b"\r\nConnection: close\r\n\r\n"));
}

#[test]
fn chunks_and_trailers() {
    let mut out = Vec::new();
    write::chunk(b"", &mut out);
    write::chunk(&[b'x'; 26], &mut out);
    write::last_chunk(b"X: y\r\nContent-Length: 5\r\nconnection: close\r\nAlt-Svc: h3\r\nHost: a\r\n\r\n", &mut out)
        .unwrap();
    assert_eq!(str::from_utf8(&out).unwrap(), format!("1a\r\n{}\r\n0\r\nX: y\r\n\r\n", "x".repeat(26)));
    out.clear();
    write::last_chunk(b"", &mut out).unwrap();
    assert_eq!(out, b"0\r\n\r\n");
}
