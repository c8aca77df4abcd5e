//! The head of a request or a response, in pieces. Any split gives the same, and what is written of it means the same
//! to a second reader, however careless.
#![no_main]

use cast_broker::http::naive::{Habits, Message};
use cast_broker::http::{Ending, Fault, Framing, Head, Request, Response, Sent, write};
use cast_broker::{Authority, limits};
use libfuzzer_sys::fuzz_target;

/// Where the head ends, if the bytes arrive in pieces of `size`.
fn end(text: &[u8], size: usize) -> Result<Option<usize>, Fault> {
    let mut ending = Ending::new(limits::HEAD);
    for at in (1..=text.len()).filter(|at| at % size == 0 || *at == text.len()) {
        if let Some(end) = ending.look(&text[..at])? {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// A body for a head that declares one.
fn body(framing: Framing) -> Option<(Vec<u8>, Vec<u8>)> {
    match framing {
        Framing::None | Framing::UntilClose => Some((Vec::new(), Vec::new())),
        Framing::Length(length) => {
            let body = vec![b'b'; usize::try_from(length).ok().filter(|length| *length < 4096)?];
            Some((body.clone(), body))
        }
        Framing::Chunked => {
            let mut written = Vec::new();
            write::chunk(b"body\r\n", &mut written);
            write::last_chunk(b"", &mut written).unwrap();
            Some((b"body\r\n".to_vec(), written))
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, text)) = data.split_first() else { return };
    let found = end(text, usize::MAX);
    assert_eq!(end(text, 1 + usize::from(kind >> 4)), found, "any split gives the same");
    let Ok(Some(length)) = found else { return };
    let Ok(head) = Head::read(&text[..length]) else { return };
    for field in &head.fields {
        assert_eq!(&head.bytes[field.at..][..field.value.len()], field.value);
    }
    let mut written = Vec::new();
    let (framing, is_response) = if kind & 1 == 0 {
        let host = Authority::parse(b"a.b").unwrap();
        let Ok(request) = Request::read(&head, &host) else { return };
        write::request(&head, &request, &host, &[], &mut written);
        (request.framing, false)
    } else {
        let sent = Sent { is_head: kind & 2 != 0, is_websocket: kind & 4 != 0 };
        let Ok(response) = Response::read(&head, &sent) else { return };
        write::response(&head, &response, kind & 8 != 0, &mut written);
        (response.relayed(), true)
    };
    let Some((body, sent)) = body(framing) else { return };
    written.extend(sent);
    for habits in Habits::all() {
        let read = if is_response {
            Message::response(&written, habits, framing == Framing::None)
        } else {
            Message::request(&written, habits)
        };
        let read = read.expect("what is written is a message");
        assert!(read.body == body && read.rest.is_empty(), "{habits:?}: the body ends where the writer meant it");
        if !is_response {
            assert_eq!(read.get("host", habits), Some(&b"a.b"[..]));
            assert_eq!(read.fields.iter().filter(|(name, _)| name == b"host").count(), 1);
        }
        assert!(read.get("keep-alive", habits).is_none() && read.get("alt-svc", habits).is_none() || !is_response);
    }
    // Read again, it is written as it is.
    let again_end = end(&written, usize::MAX).unwrap().expect("a head");
    let head = Head::read(&written[..again_end]).unwrap();
    let mut again = Vec::new();
    if is_response {
        let sent = Sent { is_head: kind & 2 != 0, is_websocket: kind & 4 != 0 };
        let response = Response::read(&head, &sent).unwrap();
        write::response(&head, &response, false, &mut again);
        if kind & 8 == 0 {
            assert_eq!(again, &written[..again_end]);
        }
    } else {
        let host = Authority::parse(b"a.b").unwrap();
        write::request(&head, &Request::read(&head, &host).unwrap(), &host, &[], &mut again);
        assert_eq!(again, &written[..again_end]);
    }
});
