//! What is understood of a request, and what is written of it.

use super::*;

#[track_caller]
fn written(text: &str) -> String {
    let understood = at_every_cut(text.as_bytes()).expect(text).expect("a whole request");
    assert_eq!(understood.length, text.len());
    String::from_utf8(understood.written).unwrap()
}

/// What is passed on of a request with these lines behind `Host`.
#[track_caller]
fn passed(lines: &str) -> String {
    let written = written(&format!("GET /p?q HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n"));
    let rest = written.strip_prefix("GET /p?q HTTP/1.1\r\nHost: api.a.b\r\n").expect("the same first lines");
    rest.strip_suffix("\r\n").expect("an empty line").to_owned()
}

#[test]
fn order_case_and_bytes_stay() {
    let lines = "uSeR-aGeNt:  a  b\t \r\nX-Empty:\r\nCookie: a=b; c=\u{e9}\r\naccept: */*\r\nCookie: d\r\n";
    let expected = "uSeR-aGeNt: a  b\r\nX-Empty: \r\nCookie: a=b; c=\u{e9}\r\naccept: */*\r\nCookie: d\r\n";
    assert_eq!(passed(lines), expected);
}

#[test]
fn the_host_has_one_form() {
    let expected = "GET / HTTP/1.1\r\nA: b\r\nhOst: api.a.b\r\n\r\n";
    for host in ["api.a.b", "API.a.B", "api.a.b.", "api.a.b:443", "\tapi.A.b.:443  "] {
        assert_eq!(written(&format!("GET / HTTP/1.1\r\nA: b\r\nhOst:{host}\r\n\r\n")), expected);
    }
}

#[test]
fn fields_of_the_connection_stay_behind() {
    assert_eq!(
        passed(concat!(
            "Connection: keep-alive, X-Mine, te , host, content-length\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\n",
            "Proxy-Authorization: Basic x\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
            "x-mine: y\r\nProxy: z\r\nContent-Length: 0\r\nX-Kept: k\r\n"
        )),
        "Proxy: z\r\nContent-Length: 0\r\nX-Kept: k\r\n"
    );
    assert_eq!(passed("Connection: Close\r\n"), "Connection: close\r\n");
}

#[test]
fn only_codings_that_are_decoded_are_accepted() {
    for (asked, expected) in [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("GZIP;q=0.5 , compress,x-gzip,*;q=0", "GZIP;q=0.5, x-gzip"),
        ("identity;q=0, br", "identity;q=0, br"),
        ("*", "identity"),
        ("", "identity"),
        ("lzma", "identity"),
    ] {
        assert_eq!(passed(&format!("accept-Encoding: {asked}\r\n")), format!("accept-Encoding: {expected}\r\n"));
        let with_range = passed(&format!("Range: bytes=0-\r\nAccept-Encoding: {asked}\r\n"));
        assert_eq!(with_range, "Range: bytes=0-\r\nAccept-Encoding: identity\r\n");
    }
}

#[test]
fn no_charset_is_asked_for() {
    assert_eq!(
        passed("Accept-Charset: utf-16\r\nAccept_Charset: utf-16\r\naccept: text/html;q=0.5,*/*\r\n"),
        "accept: text/html;q=0.5,*/*\r\n"
    );
    let asked = "Accept: application/json; Charset=utf-16;q=0.9 , text/html;q=0.5, */*;charset=\"utf-7\"\r\n";
    assert_eq!(passed(asked), "Accept: application/json, text/html;q=0.5, */*\r\n");
}

#[test]
fn a_websocket_has_no_extensions() {
    let keys = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k==\r\n";
    let lines =
        "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let expected = format!("{keys}Connection: Upgrade\r\nUpgrade: websocket\r\n");
    assert_eq!(passed(&format!("{lines}{keys}")), expected);
    // What closes the connection stays.
    let closing = format!("{keys}Connection: Upgrade, close\r\nUpgrade: websocket\r\n");
    assert_eq!(passed(&format!("Connection: close\r\n{lines}{keys}")), closing);
    // Without both fields it is an ordinary request.
    assert_eq!(passed(&format!("Upgrade: websocket\r\n{keys}")), keys);
    assert_eq!(passed(&format!("Connection: upgrade\r\n{keys}")), keys);
}

#[test]
fn bodies() {
    let request = |lines: &str, body: &str| {
        let text = format!("POST / HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n{body}GET /next");
        let whole = at_every_cut(text.as_bytes()).unwrap().expect("a whole request");
        assert_eq!(whole.length, text.len() - "GET /next".len());
        (whole.request.framing, String::from_utf8(whole.body).unwrap(), String::from_utf8(whole.trailers).unwrap())
    };
    let none = String::new;
    assert_eq!(request("", ""), (Framing::None, none(), none()));
    assert_eq!(request("Content-Length: 0\r\n", ""), (Framing::Length(0), none(), none()));
    assert_eq!(request("content-length: \t005 \r\n", "hello"), (Framing::Length(5), "hello".into(), none()));
    let chunked = "Transfer-Encoding: CHUNKED\r\n";
    assert_eq!(request(chunked, "0\r\n\r\n"), (Framing::Chunked, none(), "\r\n".into()));
    assert_eq!(
        request(chunked, "5\r\nhello\r\n00a;x=\"y\";z\r\n, world\r\n.\r\n000\r\nX: y\r\nZ:\r\n\r\n"),
        (Framing::Chunked, "hello, world\r\n.".into(), "X: y\r\nZ:\r\n\r\n".into())
    );
    let cut = Body::new(Framing::Length(5));
    assert_eq!(cut.end(), Err(Fault::Cut));
    assert_eq!((Body::new(Framing::UntilClose).end(), Body::new(Framing::None).end()), (Ok(()), Ok(())));
}

#[test]
fn what_a_request_wants() {
    let request = |lines: &str| {
        let text = format!("HEAD / HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n");
        receive([text.as_bytes()]).unwrap().expect("a whole request").request
    };
    let plain = request("");
    assert!(plain.sent.is_head && !plain.sent.is_websocket && !plain.expects_continue && !plain.closes);
    assert_eq!(plain.target, 5..6);
    assert!(request("Expect: 100-Continue\r\n").expects_continue);
    assert!(request("Connection: x, CLOSE\r\n").closes);
    assert_eq!(passed("Expect: 100-continue\r\n"), "Expect: 100-continue\r\n");
}

#[test]
fn an_edit_is_written_where_it_belongs() {
    let text = b"GET /p?key=AAAA HTTP/1.1\r\nHost: api.a.b\r\nX-Key:   BBBB\r\nY: BBBB\r\n\r\n";
    let head = Head::read(text).unwrap();
    let request = Request::read(&head, &host()).unwrap();
    let edit = |at: usize, with: &str| Edit { at, with: with.as_bytes().to_vec().into() };
    let at = head.fields[1].at;
    assert_eq!(&text[at..at + 4], b"BBBB");
    let mut out = Vec::new();
    write::request(&head, &request, &host(), &[edit(at, "1234"), edit(11, "5678")], &mut out);
    let expected = "GET /p?key=5678 HTTP/1.1\r\nHost: api.a.b\r\nX-Key: 1234\r\nY: BBBB\r\n\r\n";
    assert_eq!(str::from_utf8(&out).unwrap(), expected);
    assert!(!format!("{:?}", edit(0, "1234")).contains("1234"));
}
