//! Why bytes are not HTTP/1.1 as the broker reads it.

use std::fmt;

/// Why a head, a body or a response is refused. It quotes nothing of what was read. `Display` is a clause that follows
/// a colon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The head is longer than its limit.
    HeadTooLong,
    /// The head has more than `limits::FIELDS` fields.
    TooManyFields,
    /// A line of the head does not end in CRLF, or has a control character.
    Line,
    /// The first line is not a request or status line.
    FirstLine,
    /// A field has no name, a name that is not a token, or a blank before its colon; or its line is folded.
    Field,
    /// Another version of HTTP.
    Version,
    /// `Content-Length` or `Transfer-Encoding` twice, both, or not in their one plain form.
    Framing,
    /// A chunk's size is not hexadecimal digits, its line is too long, or no line end is where the chunk ends.
    Chunk,
    /// The trailer section is longer than its limit, or not fields.
    Trailers,
    /// The stream ended before the head or the body did.
    Cut,
    /// More came than the body that was said.
    Surplus,
    /// The body has two content codings, an unknown one, or one together with status 206.
    Coding,
    /// The body is in a charset that writes ASCII in other bytes.
    Charset,
    /// A change of protocol that nobody asked for.
    Upgrade,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadTooLong => "the head is too long",
            Self::TooManyFields => "the head has too many fields",
            Self::Line => "a line of the head has a control character or does not end in CRLF",
            Self::FirstLine => "the first line is malformed",
            Self::Field => "a header is malformed",
            Self::Version => "the version is not HTTP/1.1",
            Self::Framing => "the length of the body is not clear",
            Self::Chunk => "a chunk of the body is malformed",
            Self::Trailers => "the trailers are malformed or too long",
            Self::Cut => "it ends too early",
            Self::Surplus => "it goes on behind its end",
            Self::Coding => "its content coding is not supported",
            Self::Charset => "its charset is not one that is like ASCII",
            Self::Upgrade => "it changes to a protocol that was not asked for",
        })
    }
}

impl std::error::Error for Fault {}
