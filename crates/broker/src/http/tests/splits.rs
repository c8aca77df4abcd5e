//! Properties: any split of the input gives the same; what is written means the same to a second reader, however
//! careless.

use proptest::prelude::*;

use super::*;
use crate::http::naive::{Habits, Message};

const LINES: &[&str] = &[
    "A: b",
    "a-b:c \t",
    "Cookie: x=y\u{e9}",
    "Accept-Encoding: gzip, x, br;q=0.1",
    "Connection: close",
    "Connection: a, x_y, host",
    "Keep-Alive: 3",
    "TE: trailers",
    "Trailer: X",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: k",
    "Sec-WebSocket-Extensions: e",
    "Range: bytes=0-1",
    "Expect: 100-continue",
    "Content-Length: 5",
    "content-length: 0",
    "Transfer-Encoding: chunked",
    "Transfer_Encoding: chunked",
    "Host: API.a.b.",
    "x_y: \t",
    "Proxy-Authorization: x",
    " folded",
    "A : b",
    "X: \u{0}",
];

const BODIES: &[&str] =
    &["", "hello", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "1;a\r\nh\r\n00\r\nX: y\r\n\r\n", "5\nhello", "xxxxxx"];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![60 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n"), 1 => Just("")];
    let lines = prop::collection::vec((prop::sample::select(LINES), end.clone()), 0..6);
    let first =
        prop::sample::select(&["GET / HTTP/1.1", "POST /a?b HTTP/1.1", "HEAD //x HTTP/1.1", "GET / HTTP/1.0"][..]);
    (first, any::<prop::sample::Index>(), lines, end, prop::collection::vec(prop::sample::select(BODIES), 0..3))
        .prop_map(|(first, at, mut lines, end, body)| {
            lines.insert(at.index(lines.len() + 1), ("Host: api.a.b", "\r\n"));
            let mut text = format!("{first}\r\n");
            for part in lines.iter().flat_map(|(line, end)| [*line, *end]).chain([end]).chain(body) {
                text += part;
            }
            text.into_bytes()
        })
}

fn cut(text: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|two| text[two[0]..two[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_split_gives_the_same(text in text(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let pieces = cut(&text, &cuts);
        prop_assert_eq!(receive(pieces.iter().map(|piece| &piece[..])), receive([&text[..]]));
    }

    #[test]
    fn what_is_written_means_the_same_to_any_reader(text in text()) {
        let Ok(Some(understood)) = receive([&text[..]]) else { return Ok(()) };
        prop_assert!(understood.written.len() <= 2 * understood.length + 128, "what is reserved is enough");
        let mut sent = understood.written.clone();
        match understood.request.framing {
            Framing::Chunked => {
                understood.body.chunks(3).for_each(|data| write::chunk(data, &mut sent));
                write::last_chunk(b"", &mut sent).unwrap();
            }
            _ => sent.extend(&understood.body),
        }
        for habits in Habits::all() {
            let read = Message::request(&sent, habits).expect("a request");
            prop_assert_eq!(&read.body, &understood.body, "{:?}", habits);
            prop_assert!(read.rest.is_empty() && read.trailers.is_empty(), "{:?}", habits);
            prop_assert_eq!(read.get("host", habits).unwrap(), b"api.a.b");
            prop_assert!(read.get("te", habits).is_none() && read.get("keep-alive", habits).is_none());
        }
        // Read once more, it is the same request, and nothing is left to take out.
        let again = receive([&sent[..]]).unwrap().expect("a whole request");
        prop_assert_eq!(&again.written, &understood.written);
        prop_assert_eq!((again.request, again.body), (understood.request, understood.body));
    }
}
