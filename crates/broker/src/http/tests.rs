//! The reader and the writer as a connection uses them: pieces in, a message out.

mod attacks;
mod requests;
mod responses;
mod splits;

use super::*;
use crate::authority::Authority;
use crate::refusal::Refusal;

/// The host of the tests.
pub(super) fn host() -> Authority {
    Authority::parse(b"api.a.b").unwrap()
}

/// A request as it was understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Understood {
    pub(super) request: Request,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<u8>,
    /// How many bytes the request has.
    pub(super) length: usize,
    /// The head as it is passed on.
    pub(super) written: Vec<u8>,
}

/// Reads one request from pieces, as a connection does. `None`: more bytes are needed.
pub(super) fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Understood>, Refusal> {
    let mut ending = Ending::new(crate::limits::HEAD);
    let mut kept = Vec::new();
    let mut reading: Option<(Understood, Body)> = None;
    for piece in pieces {
        kept.extend(piece);
        if reading.is_none() {
            let Some(end) = ending.look(&kept)? else { continue };
            let head = Head::read(&kept[..end])?;
            let request = Request::read(&head, &host())?;
            let mut written = Vec::new();
            write::request(&head, &request, &host(), &[], &mut written);
            let body = Body::new(request.framing);
            let trailers = Vec::new();
            reading = Some((Understood { request, body: Vec::new(), trailers, length: end, written }, body));
            kept.drain(..end);
        }
        let Some((understood, body)) = &mut reading else { continue };
        loop {
            let (piece, taken) = body.take(&kept)?;
            let is_end = piece == Piece::End;
            let needs_more = piece == Piece::Nothing;
            if let Piece::Data(data) = piece {
                assert!(!data.is_empty());
                understood.body.extend(data);
            }
            understood.length += taken;
            kept.drain(..taken);
            if is_end {
                understood.trailers = body.trailers().to_vec();
                assert_eq!(body.end(), Ok(()));
                return Ok(Some(understood.clone()));
            }
            if needs_more {
                assert!(kept.is_empty());
                break;
            }
        }
    }
    Ok(None)
}

/// What comes of `text`, which must not depend on how it is cut: at each place, and into single bytes.
#[track_caller]
pub(super) fn at_every_cut(text: &[u8]) -> Result<Option<Understood>, Refusal> {
    let whole = receive([text]);
    for cut in 1..text.len() {
        let (one, other) = text.split_at(cut);
        assert_eq!(receive([one, other]), whole, "cut at {cut}");
    }
    assert_eq!(receive(text.chunks(1)), whole, "single bytes");
    whole
}
