//! A head anew: the same fields in their order and case, without those that belong to one connection, and with one
//! framing. So what an upstream or a client reads has only what the broker has understood.

use secrecy::zeroize::Zeroizing;

use super::{Coding, Fault, Field, Framing, Head, Request, Response, charset, head};
use crate::authority::Authority;

/// Bytes to be written in the place of as many bytes of a head or body. `Debug` does not show them: they are a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where the first byte is.
    pub at: usize,
    /// What is written there.
    pub with: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edit").field("at", &self.at).field("length", &self.with.len()).finish_non_exhaustive()
    }
}

impl Edit {
    /// Writes it into `bytes`, which are those that it was made for, from their byte `start` on. What lies outside of
    /// them is not written.
    pub fn apply(&self, start: usize, bytes: &mut [u8]) {
        for (at, byte) in (self.at..).zip(self.with.iter()) {
            if let Some(place) = at.checked_sub(start).and_then(|at| bytes.get_mut(at)) {
                *place = *byte;
            }
        }
    }
}

/// Writes the head of a request to `host`: `Host` in its one form, the framing where it stood, `Accept-Encoding` cut
/// down to what the broker decodes (with `Range`: to `identity`), no wish for a charset, no field of the connection, `Upgrade` only for a
/// websocket and that without extensions. `edits` are spans of `head`. `out` then has values: whoever owns it wipes it.
pub fn request(head: &Head<'_>, request: &Request, host: &Authority, edits: &[Edit], out: &mut Vec<u8>) {
    // No reallocation, which would leave a copy. A head grows by a blank for each field and each coding.
    out.reserve(2 * head.bytes.len() + 128);
    let has_range = head.all("range").next().is_some();
    copy(head.first, 0, edits, out);
    out.extend(b"\r\n");
    for field in &head.fields {
        if field.is("host") {
            line(field.name, host.to_string().as_bytes(), out);
        } else if is_framing(field) {
            framing(field, request.framing, out);
        } else if is_of_connection(head, field)
            || field.is("trailer")
            || field.is_like("accept-charset")
            || field.is_like("a-im")
            || request.sent.is_websocket && field.is("sec-websocket-extensions")
        {
        } else if field.is("accept-encoding") {
            line(field.name, &codings(field.value, has_range), out);
        } else if field.is("accept") && charset::without_charset(field.value) != field.value {
            let elements = field.value.split(|byte| *byte == b',').map(super::trim).map(charset::without_charset);
            line(field.name, &elements.collect::<Vec<_>>().join(&b", "[..]), out);
        } else {
            out.extend(field.name);
            out.extend(b": ");
            copy(field.value, field.at, edits, out);
            out.extend(b"\r\n");
        }
    }
    out.extend(match (request.sent.is_websocket, request.closes) {
        (true, true) => &b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n"[..],
        (true, false) => b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        (false, true) => b"Connection: close\r\n",
        (false, false) => b"",
    });
    out.extend(b"\r\n");
}

/// Writes the head of a response with the framing `Response::relayed`, as HTTP/1.1, without the fields of the
/// connection and `Alt-Svc`, and without `Content-Encoding` if the body is decoded. `closes`: it says `Connection:
/// close`.
pub fn response(head: &Head<'_>, response: &Response, closes: bool, out: &mut Vec<u8>) {
    out.reserve(head.bytes.len() + 128);
    let is_decoded = response.coding != Coding::Identity;
    out.extend(b"HTTP/1.1");
    out.extend(&head.first[b"HTTP/1.1".len()..]);
    out.extend(b"\r\n");
    let mut relayed = match response.relayed() {
        // What HEAD and 304 tell of a body that does not come, but nothing about one that would be decoded.
        Framing::None if matches!(response.status, 100..=199 | 204) || is_decoded => None,
        Framing::None => response.declared,
        framing => Some(framing),
    };
    for field in &head.fields {
        if is_framing(field) {
            if let Some(relayed) = relayed.take() {
                framing(field, relayed, out);
            }
        } else if !(is_of_connection(head, field) || field.is("alt-svc") || is_decoded && field.is("content-encoding"))
        {
            line(field.name, field.value, out);
        }
    }
    if relayed == Some(Framing::Chunked) {
        out.extend(b"Transfer-Encoding: chunked\r\n");
    }
    if response.status == 101 {
        out.extend(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
    } else if closes && !response.is_interim() {
        out.extend(b"Connection: close\r\n");
    }
    out.extend(b"\r\n");
}

/// Writes one chunk. Nothing for no data: an empty chunk would end the body.
pub fn chunk(data: &[u8], out: &mut Vec<u8>) {
    if !data.is_empty() {
        out.extend(format!("{:x}\r\n", data.len()).bytes());
        out.extend(data);
        out.extend(b"\r\n");
    }
}

/// Writes the last chunk, and the trailers of `section`, which is `Body::trailers`, without those that would mean
/// something for the connection or the framing. For a request `section` is empty: nothing may come after the judgement.
/// Fails only if `section` is not fields.
pub fn last_chunk(section: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    out.extend(b"0\r\n");
    if !section.is_empty() {
        for field in head::fields(section, 0)? {
            let is_kept = !(is_framing(&field)
                || is_hop(&field)
                || ["host", "alt-svc", "content-encoding", "trailer"].iter().any(|name| field.is(name)));
            if is_kept {
                line(field.name, field.value, out);
            }
        }
    }
    out.extend(b"\r\n");
    Ok(())
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend(name);
    out.extend(b": ");
    out.extend(value);
    out.extend(b"\r\n");
}

/// The framing field, under the name that the other side gave it.
fn framing(field: &Field<'_>, framing: Framing, out: &mut Vec<u8>) {
    let is_length = field.is("content-length");
    match framing {
        Framing::Length(length) if is_length => line(field.name, length.to_string().as_bytes(), out),
        Framing::Chunked if !is_length => line(field.name, b"chunked", out),
        Framing::Length(length) => line(b"Content-Length", length.to_string().as_bytes(), out),
        Framing::Chunked => line(b"Transfer-Encoding", b"chunked", out),
        Framing::None | Framing::UntilClose => {}
    }
}

/// Writes `bytes`, which begin at `at` in the head, with the edits that lie in them.
fn copy(bytes: &[u8], at: usize, edits: &[Edit], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(bytes);
    for edit in edits {
        edit.apply(at, &mut out[start..]);
    }
}

fn is_framing(field: &Field<'_>) -> bool {
    field.is("content-length") || field.is("transfer-encoding")
}

/// Whether a field belongs to one connection (RFC 9110 §7.6.1): by its name, or as `Connection` names it. `Connection`
/// cannot name what the broker itself goes by.
fn is_of_connection(head: &Head<'_>, field: &Field<'_>) -> bool {
    let is_named = || head.elements("connection").any(|name| name.eq_ignore_ascii_case(field.name));
    is_hop(field) || is_named()
}

fn is_hop(field: &Field<'_>) -> bool {
    ["connection", "keep-alive", "te", "upgrade", "http2-settings"].iter().any(|name| field.is(name))
        || field.name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"proxy-"))
}

/// The elements of `Accept-Encoding` that the broker can decode, or `identity` if there is none.
fn codings(value: &[u8], has_range: bool) -> Vec<u8> {
    let name = |element: &[u8]| super::trim(element.split(|byte| *byte == b';').next().unwrap_or_default()).to_vec();
    let elements = value.split(|byte| *byte == b',').map(super::trim);
    let known: Vec<_> = elements.filter(|element| !has_range && Coding::by_name(&name(element)).is_some()).collect();
    if known.is_empty() { b"identity".to_vec() } else { known.join(&b", "[..]) }
}
