//! What the head of a request means, and whether it is one that the broker passes on.

use std::ops::Range;

use super::{Fault, Framing, Head, Sent, is_token_byte};
use crate::authority::Authority;
use crate::refusal::Refusal;

/// A request that may be passed on, if no stand-in is in a wrong place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Where the target is in the head: origin form, `/path` with or without a query, visible ASCII without `#`.
    pub target: Range<usize>,
    /// What a reader of the response has to know.
    pub sent: Sent,
    /// Where the body ends; never `UntilClose`.
    pub framing: Framing,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Whether the client wants the connection closed after the response.
    pub closes: bool,
    /// Whether its method comes with a body, as hosts know it: they may not read that of another one.
    pub brings_body: bool,
}

/// A request line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// A token.
    pub method: &'a [u8],
    /// Not empty, visible ASCII.
    pub target: &'a [u8],
}

/// Reads a request line without its line end: method, one blank, target, one blank, `HTTP/1.1`. Faults: `FirstLine`,
/// `Version` (an HTTP version other than 1.1).
pub fn line(first: &[u8]) -> Result<Line<'_>, Fault> {
    let mut words = first.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Fault::FirstLine);
    };
    let is_method = !method.is_empty() && method.iter().all(|byte| is_token_byte(*byte));
    let is_target = !target.is_empty() && target.iter().all(u8::is_ascii_graphic);
    match version {
        _ if !is_method || !is_target => Err(Fault::FirstLine),
        b"HTTP/1.1" => Ok(Line { method, target }),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Err(Fault::Version)
        }
        _ => Err(Fault::FirstLine),
    }
}

impl Request {
    /// Reads the head of a request on a connection to `host`. The order of the checks is that of `docs/design/broker.md`: 400
    /// and 505 for the first line, 400 for the framing, 421 for target and `Host`, 405 for the method, 501 for gRPC,
    /// 400 for a websocket that is not one.
    pub fn read(head: &Head<'_>, host: &Authority) -> Result<Self, Refusal> {
        let Line { method, target } = line(head.first)?;
        let framing = Framing::of(head)?.unwrap_or(Framing::None);
        if target.contains(&b'#') {
            return Err(Fault::FirstLine.into());
        }
        if target[0] != b'/' || !is_for(head, host) {
            return Err(Refusal::Misdirected { host: host.clone() });
        }
        if [&b"CONNECT"[..], b"TRACE", b"TRACK"].iter().any(|refused| method.eq_ignore_ascii_case(refused)) {
            return Err(Refusal::Method);
        }
        if head.all("content-type").any(|field| is_grpc(field.value)) {
            return Err(Refusal::Grpc);
        }
        let is_websocket = head.has_element("connection", "upgrade") && head.has_element("upgrade", "websocket");
        if is_websocket {
            let has_body = !matches!(framing, Framing::None | Framing::Length(0));
            if method != b"GET" || has_body || head.all("sec-websocket-key").count() != 1 {
                return Err(Refusal::Websocket);
            }
        }
        let start = method.len() + 1;
        Ok(Self {
            target: start..start + target.len(),
            sent: Sent { is_head: method == b"HEAD", is_websocket },
            framing,
            expects_continue: head.has_element("expect", "100-continue"),
            closes: head.has_element("connection", "close"),
            brings_body: [&b"POST"[..], b"PUT", b"PATCH"].contains(&method),
        })
    }

    /// Whether this is the last exchange of its connection, as a careless host may take something of it for the next one. A body that it did not read
    /// it would take for the next request, and the next head, with its value, for the body of that. And a body that it sends where there is none
    /// would be read as the next response, which CMD could choose.
    pub fn is_last(&self, status: u16) -> bool {
        let has_body = !matches!(self.framing, Framing::None | Framing::Length(0));
        let may_be_unread = has_body && !(self.brings_body && (200..300).contains(&status));
        may_be_unread || self.sent.is_head || matches!(status, 204 | 304)
    }
}

/// Whether the one Host field is `host`. A name that differs from `Host` only by `_` does not exist: it has no `-`.
fn is_for(head: &Head<'_>, host: &Authority) -> bool {
    let mut hosts = head.all("host");
    let first = hosts.next().and_then(|field| Authority::parse(field.value));
    hosts.next().is_none() && first.as_ref() == Some(host)
}

fn is_grpc(content_type: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    content_type.get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}
