//! HTTP/1.1 (RFC 9112), read strictly and written anew. No input, no output: bytes in, spans and verdicts out.
//!
//! What two readers could read in two ways is refused: a line end that is not CRLF, a folded line, a blank before the
//! colon, two framings, a size that is not plain digits. Any way to cut the input into pieces gives the same answer.
//!
//! | room | what it is |
//! |---|---|
//! | `fault` | why bytes are refused |
//! | `head` | where a head ends, and its fields as spans of its bytes |
//! | `framing` | where a body ends |
//! | `request`, `response` | what a head means |
//! | `write` | heads, chunks and trailers anew |

pub mod charset;
mod fault;
pub mod framing;
pub mod head;
#[cfg(any(test, feature = "oracle"))]
pub mod naive;
pub mod request;
pub mod response;
pub mod write;

pub use fault::Fault;
pub use framing::{Body, Framing, Piece};
pub use head::{Ending, Field, Head};
pub use request::Request;
pub use response::{Coding, Response, Sent};
pub use write::Edit;

/// Whether a byte may be in a token, such as a method or the name of a field (RFC 9110 §5.6.2).
pub const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// Whether a byte may be in the value of a field: visible ASCII, blank, tab, and what is beyond ASCII (RFC 9110 §5.5).
pub const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// `bytes` without blanks and tabs at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

#[cfg(test)]
mod tests;
