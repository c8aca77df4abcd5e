//! A body, in pieces. Any split gives the same bytes, the same end and the same fault; a second reader agrees; and what
//! is written of it is read as the same.
#![no_main]

use cast_broker::http::naive::{Habits, Message};
use cast_broker::http::{Body, Fault, Framing, Piece, head, write};
use libfuzzer_sys::fuzz_target;

/// The body in `text`, which arrives in pieces of `size`: its bytes, its trailers, whether it is whole, its length.
fn read(framing: Framing, text: &[u8], size: usize) -> Result<(Vec<u8>, Vec<u8>, bool, usize), Fault> {
    let (mut body, mut data, mut at) = (Body::new(framing), Vec::new(), 0);
    for end in (0..=text.len()).filter(|end| end % size == 0 || *end == text.len()) {
        loop {
            let (piece, taken) = body.take(&text[at..end])?;
            at += taken;
            match piece {
                Piece::Data(piece) => {
                    assert!(!piece.is_empty());
                    data.extend(piece);
                }
                Piece::Nothing => {
                    assert_eq!(at, end, "all was taken");
                    break;
                }
                Piece::End => return Ok((data, body.trailers().to_vec(), true, at)),
            }
        }
    }
    assert!(!body.is_done() && body.trailers().is_empty());
    assert_eq!(body.end().is_ok(), framing == Framing::UntilClose);
    Ok((data, Vec::new(), false, at))
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, text)) = data.split_first() else { return };
    let (head, framing) = match kind & 3 {
        0 => (String::new(), Framing::None),
        1 => (format!("Content-Length: {}\r\n", kind >> 2), Framing::Length(u64::from(kind >> 2))),
        2 => (String::new(), Framing::UntilClose),
        _ => ("Transfer-Encoding: chunked\r\n".to_owned(), Framing::Chunked),
    };
    let whole = read(framing, text, usize::MAX);
    for size in [1, 2, 3, 7] {
        assert_eq!(read(framing, text, size), whole, "pieces of {size}");
    }
    let Ok((body, trailers, is_whole, length)) = whole else { return };
    if !is_whole {
        return;
    }
    let habits = Habits::all().next().expect("no bad habits");
    let mut message = format!("POST / HTTP/1.1\r\n{head}\r\n").into_bytes();
    message.extend(text);
    let naive = Message::request(&message, habits).expect("a second reader reads it");
    assert_eq!((&naive.body, &*naive.rest), (&body, &text[length..]));
    let mut written = Vec::new();
    body.chunks(5).for_each(|data| write::chunk(data, &mut written));
    write::last_chunk(&trailers, &mut written).expect("the trailers were read");
    let (again, kept, is_whole, length) = read(Framing::Chunked, &written, 4).expect("what is written is read");
    assert!(again == body && is_whole && length == written.len());
    let kept = head::fields(&kept, 0).unwrap();
    let all = if trailers.is_empty() { Vec::new() } else { head::fields(&trailers, 0).unwrap() };
    assert!(kept.iter().all(|field| all.iter().any(|one| one.name == field.name && one.value == field.value)));
    assert!(!kept.iter().any(|field| field.is("content-length") || field.is("transfer-encoding") || field.is("host")));
});
