//! Smuggling and desync: requests that two readers could read in two ways. Each is refused, wherever it is cut.

use cast_testing::Tries;

use super::*;

#[track_caller]
fn refused(text: &str, status: u16) {
    let _try = Tries::one("hostile requests and hosts at the broker");
    let refusal = at_every_cut(text.as_bytes()).expect_err(text);
    assert_eq!(refusal.status(), status, "{text:?}: {refusal}");
    let mut response = Vec::new();
    refusal.write(&mut response);
    assert!(response.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
}

/// A request with these lines behind `Host`, and what follows its head.
#[track_caller]
fn refused_with(lines: &str, rest: &str, status: u16) {
    refused(&format!("POST / HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n\r\n{rest}"), status);
}

#[test]
fn two_framings() {
    let smuggled = "0\r\n\r\nGET /x HTTP/1.1\r\nHost: api.a.b\r\n\r\n";
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4\r\ncontent-length: 4",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer_Encoding: chunked",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Content_Length: 4",
        "Transfer_Encoding: chunked",
        "Content-Length: 4\r\nContent_Length: 5",
        "CONTENT_LENGTH: 4\r\nContent-Length: 4",
    ] {
        refused_with(lines, smuggled, 400);
    }
}

#[test]
fn a_length_that_is_not_plain_digits() {
    for length in [
        "",
        "+4",
        "-4",
        "-0",
        "4,4",
        "4, 4",
        "4 4",
        "0x4",
        "4;",
        "4.0",
        "4e0",
        "four",
        "\u{664}",
        "4\t4",
        "4_0",
        "18446744073709551616",
        "99999999999999999999999",
        "\"4\"",
        ";4",
        ",4",
        "4,",
    ] {
        refused_with(&format!("Content-Length: {length}"), "body", 400);
    }
}

#[test]
fn an_encoding_that_is_not_chunked_alone() {
    for encoding in [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        ", chunked",
        "x-chunked",
        "chunked;q=1",
        "\"chunked\"",
        "chunke",
        "chunkedd",
        "chunked chunked",
        "xchunked",
        "chunked\u{a0}",
        "'chunked'",
        "\tgzip, chunked",
        "cow, chunked",
        "deflate",
    ] {
        refused_with(&format!("Transfer-Encoding: {encoding}"), "0\r\n\r\n", 400);
    }
}

#[test]
fn names_that_another_reader_would_mend() {
    for line in [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked",
        "\tTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\r\n\tTransfer-Encoding: chunked",
        "X:\r\n chunked",
        "Transfer\u{ad}Encoding: chunked",
        "Transfer-Encoding",
        ": chunked",
        "Transfer Encoding: chunked",
        "Transfer-Encoding\0: chunked",
        "\0Transfer-Encoding: chunked",
        "Transfer-Encoding\u{b}: chunked",
        "Transfer(Encoding: chunked",
        "\"Transfer-Encoding\": chunked",
        "X[1]: y",
        "X{: y",
        "X@y: z",
    ] {
        refused_with(line, "0\r\n\r\n", 400);
    }
}

#[test]
fn line_ends_that_are_not_crlf() {
    for text in [
        "GET / HTTP/1.1\nHost: api.a.b\n\n",
        "GET / HTTP/1.1\nHost: api.a.b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\n\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\n\r\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: y\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: a\u{7f}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: a\u{b}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: api.a.b\r\nX: a\u{1b}[2J\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: api.a.b\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: api.a.b\r\n\r\n",
    ] {
        refused(text, 400);
    }
}

#[test]
fn first_lines() {
    for (line, status) in [
        ("GET / HTTP/1.0", 505),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/0.9", 505),
        ("GET / HTTP/1.2", 505),
        ("GET /", 400),
        ("GET", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        (" GET / HTTP/1.1", 400),
        ("GET\t/\tHTTP/1.1", 400),
        ("GET / HTTP/1.1x", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/11", 400),
        ("GET / HTTP/1,1", 400),
        ("GET / HTTP/01.1", 400),
        ("GET / HTTPS/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET / HTTP/1.1 HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
        ("GET /# HTTP/1.1", 400),
        ("PRI * HTTP/2.0", 505),
    ] {
        refused(&format!("{line}\r\nHost: api.a.b\r\n\r\n"), status);
    }
}

#[test]
fn targets_and_hosts_of_another() {
    for target in ["http://evil.c/", "https://api.a.b/", "*", "api.a.b:443", "evil.c", "x/", "?q", "\\x", "@evil.c/"] {
        refused(&format!("OPTIONS {target} HTTP/1.1\r\nHost: api.a.b\r\n\r\n"), 421);
    }
    for lines in [
        "",
        "Host: evil.c\r\n",
        "Host: \r\n",
        "Host: api.a.b\r\nHost: api.a.b\r\n",
        "Host: api.a.b\r\nhost: evil.c\r\n",
        "Host: evil.c\r\nHost: api.a.b\r\n",
        "Host: api.a.b, evil.c\r\n",
        "Host: api.a.b evil.c\r\n",
        "Host: api.a.b:8443\r\n",
        "Host: x.api.a.b\r\n",
        "Host: a.b\r\n",
        "Host: api.a.b@evil.c\r\n",
        "Host: api.a.b/\r\n",
        "Host: api.a.b#\r\n",
        "Host: api.a.b..\r\n",
        "Host: api.a.b:\r\n",
        "Host: api.a.b:0443\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: [::1]\r\n",
        "X-Forwarded-Host: api.a.b\r\n",
    ] {
        refused(&format!("GET / HTTP/1.1\r\n{lines}\r\n"), 421);
    }
}

#[test]
fn methods_and_protocols() {
    for method in ["CONNECT", "TRACE", "TRACK", "trace"] {
        refused(&format!("{method} / HTTP/1.1\r\nHost: api.a.b\r\n\r\n"), 405);
    }
    refused_with("Content-Type: application/grpc", "", 501);
    refused_with("Content-Type: Application/gRPC+proto", "", 501);
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket";
    for (method, lines) in [
        ("POST", "\r\nSec-WebSocket-Key: k"),
        ("get", "\r\nSec-WebSocket-Key: k"),
        ("GET", ""),
        ("GET", "\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Key: k"),
        ("GET", "\r\nSec-WebSocket-Key: k\r\nContent-Length: 1"),
        ("GET", "\r\nSec-WebSocket-Key: k\r\nTransfer-Encoding: chunked"),
    ] {
        refused(&format!("{method} / HTTP/1.1\r\nHost: api.a.b\r\n{upgrade}{lines}\r\n\r\n"), 400);
    }
}

#[test]
fn chunks_that_another_reader_would_mend() {
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 ;x\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        ";x\r\nhello\r\n0\r\n\r\n",
        "5;x\nhello\r\n0\r\n\r\n",
        "5;x\ry\r\nhello\r\n0\r\n\r\n",
        "5;\0\r\nhello\r\n0\r\n\r\n",
        "5,5\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
    ] {
        refused_with("Transfer-Encoding: chunked", body, 400);
    }
}

#[test]
fn too_long_and_too_many() {
    let request = |lines: &str| format!("GET / HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n");
    let status = |text: &str| receive([text.as_bytes()]).expect_err("refused").status();
    let empty = request("").len();
    let long = |length: usize| request(&format!("X: {}\r\n", "y".repeat(length - empty - 5)));
    assert_eq!(long(crate::limits::HEAD).len(), crate::limits::HEAD);
    assert!(receive([long(crate::limits::HEAD).as_bytes()]).unwrap().is_some());
    assert_eq!(status(&long(crate::limits::HEAD + 1)), 431);
    // It need not end: without an end it is as long.
    assert_eq!(status(&"G".repeat(crate::limits::HEAD + 1)), 431);
    assert!(receive([request(&"X: y\r\n".repeat(255)).as_bytes()]).unwrap().is_some());
    assert_eq!(status(&request(&"X: y\r\n".repeat(256))), 431);
    let chunked = |body: &str| request("Transfer-Encoding: chunked\r\n") + body;
    let line = |length: usize| chunked(&format!("0;{}\r\n\r\n", "x".repeat(length - 4)));
    assert!(receive([line(crate::limits::CHUNK_LINE).as_bytes()]).unwrap().is_some());
    assert_eq!(status(&line(crate::limits::CHUNK_LINE + 1)), 400);
    let trailers = |length: usize| chunked(&format!("0\r\nX: {}\r\n\r\n", "y".repeat(length - 7)));
    assert!(receive([trailers(crate::limits::TRAILERS).as_bytes()]).unwrap().is_some());
    assert_eq!(status(&trailers(crate::limits::TRAILERS + 1)), 400);
}
