//! What the head of a response means.

use super::{Fault, Framing, Head, charset, is_value_byte};

/// What a reader of a response has to know of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    /// Whether the method was HEAD.
    pub is_head: bool,
    /// Whether the request asked to become a websocket.
    pub is_websocket: bool,
}

/// The content coding of a body (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// None.
    Identity,
    /// `gzip` or `x-gzip`.
    Gzip,
    /// `deflate`: zlib's format, or, as some servers understand it, the bare one.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

/// The head of a response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// 100 to 599.
    pub status: u16,
    /// Where the body ends, for this method and status.
    pub framing: Framing,
    /// What `Content-Length` and `Transfer-Encoding` say. It differs from `framing` where a head describes a body that
    /// does not come.
    pub declared: Option<Framing>,
    /// The coding of the body. Without a body it may be any.
    pub coding: Coding,
    /// Whether nothing more can come on this connection.
    pub closes: bool,
}

impl Coding {
    /// The coding with this name, in any case, or `None`.
    pub fn by_name(name: &[u8]) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            b"identity" => Self::Identity,
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            b"br" => Self::Brotli,
            b"zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

impl Response {
    /// Reads the head of a response to a request. Faults: `FirstLine`, `Version` (neither 1.1 nor 1.0), `Framing`,
    /// `Coding`, `Charset`, `Upgrade`.
    pub fn read(head: &Head<'_>, sent: &Sent) -> Result<Self, Fault> {
        let (status, is_old) = status_line(head.first)?;
        let declared = Framing::of(head)?;
        if is_old && declared == Some(Framing::Chunked) {
            return Err(Fault::Framing);
        }
        let has_no_body = sent.is_head || matches!(status, 100..=199 | 204 | 304);
        let framing = if has_no_body { Framing::None } else { declared.unwrap_or(Framing::UntilClose) };
        let coding = match coding(head, status) {
            Err(_) if has_no_body => Coding::Identity,
            coding => coding?,
        };
        // There a value would pass in bytes that nothing looks for.
        if !has_no_body && !head.all("content-type").all(|field| charset::is_like_ascii(field.value)) {
            return Err(Fault::Charset);
        }
        if status == 101 {
            let is_websocket = head.has_element("connection", "upgrade") && head.has_element("upgrade", "websocket");
            // cast took the client's extensions out, so nobody can have agreed to one.
            if !sent.is_websocket || !is_websocket || head.all("sec-websocket-extensions").next().is_some() {
                return Err(Fault::Upgrade);
            }
        }
        // A status without a body that declares one: a server that sends it all the same would be read as another
        // response.
        let is_doubtful = matches!(status, 100..=199 | 204) && !matches!(declared, None | Some(Framing::Length(0)));
        let closes = is_old || is_doubtful || framing == Framing::UntilClose || head.has_element("connection", "close");
        Ok(Self { status, framing, declared, coding, closes })
    }

    /// Whether another head follows, for the same request: 1xx but 101.
    pub fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// How the body is passed on: a body that is decoded, or that ends with the connection, is chunked.
    pub fn relayed(&self) -> Framing {
        match self.framing {
            Framing::None => Framing::None,
            Framing::Length(length) if self.coding == Coding::Identity => Framing::Length(length),
            _ => Framing::Chunked,
        }
    }
}

/// The status, and whether the version is 1.0. The reason may be missing, and the blank before it, too.
fn status_line(first: &[u8]) -> Result<(u16, bool), Fault> {
    let is_old = match first {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1', b' ', ..] => false,
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0', b' ', ..] => true,
        [b'H', b'T', b'T', b'P', b'/', ..] => return Err(Fault::Version),
        _ => return Err(Fault::FirstLine),
    };
    let (digits, reason) = first[9..].split_at_checked(3).ok_or(Fault::FirstLine)?;
    let is_plain = digits.iter().all(u8::is_ascii_digit) && reason.iter().all(|byte| is_value_byte(*byte));
    let status = digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit.wrapping_sub(b'0')));
    if is_plain && matches!(reason, [] | [b' ', ..]) && (100..=599).contains(&status) {
        Ok((status, is_old))
    } else {
        Err(Fault::FirstLine)
    }
}

fn coding(head: &Head<'_>, status: u16) -> Result<Coding, Fault> {
    let mut names = head.elements("content-encoding");
    let coding = names.next().map_or(Some(Coding::Identity), Coding::by_name).ok_or(Fault::Coding)?;
    let is_manipulated = head.all("im").next().is_some();
    let is_part = status == 206 && coding != Coding::Identity;
    if names.next().is_some() || is_manipulated || is_part { Err(Fault::Coding) } else { Ok(coding) }
}
