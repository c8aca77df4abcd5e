//! What cast answers itself, to a request that it does not pass on or cannot: the status, the words, and the one writer
//! of such a response. The words name KEYs, hosts, headers and parameters, never a path or a value.

use std::fmt::{self, Write};

use crate::authority::Authority;
use crate::http::Fault;

/// Why cast answers itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// 400, 431 or 505: the request is not HTTP/1.1 as the broker reads it.
    Malformed(Fault),
    /// 421: the target or `Host` is not that of the connection.
    Misdirected {
        /// What the connection is for.
        host: Authority,
    },
    /// 405: a method that would return the request, or open a tunnel.
    Method,
    /// 501.
    Grpc,
    /// 400: not a websocket handshake, although it asks to become one.
    Websocket,
    /// 403: a stand-in where its value is not put in.
    Misplaced {
        /// The KEY.
        key: String,
        /// Where it is.
        place: Spot,
    },
    /// 413: a body in which a value may have to be put in is longer than `limits::BODY`.
    BodyTooLong,
    /// 415: a body in which a value may have to be put in has a content coding.
    BodyCoded,
    /// 415: a value belongs in the query or the body, and the host would read them in another charset than UTF-8, or may: a form beside a query
    /// could name one.
    Charset,
    /// 407: the proxy's credential is missing or wrong.
    Credential,
    /// 405: not CONNECT.
    NotConnect,
    /// 400: CONNECT to something that is not a host and a port.
    Authority,
    /// 502: no connection to the host.
    Unreachable {
        /// The host.
        host: Authority,
        /// A cause in words.
        reason: String,
    },
    /// 502: the certificate of the host does not verify.
    Unverified {
        /// The host.
        host: Authority,
        /// A cause in words.
        reason: String,
    },
    /// 502: the host's response cannot be passed on.
    BadResponse {
        /// The host.
        host: Authority,
        /// Why.
        fault: Fault,
    },
}

/// Where a stand-in is in a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Spot {
    /// In the value of the header with this name, in lower case.
    Header(String),
    /// In the name of a header.
    HeaderName,
    /// In the path.
    Path,
    /// In the value of the query parameter with this name, as it is after percent-decoding.
    Query(String),
    /// Elsewhere in the request line, such as in a parameter's name.
    Line,
}

impl Refusal {
    /// The status code.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(Fault::HeadTooLong | Fault::TooManyFields) => 431,
            Self::Malformed(Fault::Version) => 505,
            Self::Malformed(_) | Self::Websocket | Self::Authority => 400,
            Self::Misdirected { .. } => 421,
            Self::Method | Self::NotConnect => 405,
            Self::Grpc => 501,
            Self::Misplaced { .. } => 403,
            Self::BodyTooLong => 413,
            Self::BodyCoded | Self::Charset => 415,
            Self::Credential => 407,
            Self::Unreachable { .. } | Self::Unverified { .. } | Self::BadResponse { .. } => 502,
        }
    }

    /// Whether the host failed, as opposed to a request that cast refused.
    pub fn is_failure(&self) -> bool {
        self.status() == 502
    }

    /// A remedy, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Misplaced { place, .. } => {
                let place = match place {
                    // A cookie is never equal to a stand-in: it has a name.
                    Spot::Header(name) if name != "cookie" => format!("header:{name}"),
                    Spot::Query(name) => format!("query:{}", escaped(name)),
                    _ => return None,
                };
                Some(format!("if it belongs there, the owner can allow it with '--in {place}'"))
            }
            Self::Unverified { .. } => Some("add its root to 'roots' in 'config.toml'".to_owned()),
            _ => None,
        }
    }

    /// Appends the whole response: `text/plain`, one line that begins with `cast: `, a second one with the hint. All
    /// but 407 say `Connection: close`; after a 407 the client may try again.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut text = format!("cast: {self}\n");
        if let Some(hint) = self.hint() {
            writeln!(text, "cast: hint: {hint}").expect("a String takes everything");
        }
        let status = self.status();
        let more = match self {
            Self::Credential => "Proxy-Authenticate: Basic realm=\"cast\"\r\n",
            Self::NotConnect => "Allow: CONNECT\r\nConnection: close\r\n",
            _ => "Connection: close\r\n",
        };
        let head = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n{more}\r\n",
            reason(status),
            text.len()
        );
        out.extend(head.bytes());
        out.extend(text.bytes());
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(fault) => write!(f, "the request cannot be passed on: {fault}"),
            Self::Misdirected { host } => {
                write!(f, "this connection is only for '{host}': 'Host' must be that, and the target a path")
            }
            Self::Method => f.write_str("the broker does not pass on this method"),
            Self::Grpc => f.write_str("gRPC needs HTTP/2, which the broker does not speak"),
            Self::Websocket => f.write_str("the request is not a websocket handshake"),
            Self::Misplaced { key, place } => {
                write!(f, "the stand-in of '{key}' is in {place}, where its value is not put in")
            }
            Self::BodyTooLong => f.write_str("the body is too long to put a value in: at most 1 MiB is possible"),
            Self::BodyCoded => f.write_str("a value cannot be put into a compressed body"),
            Self::Charset => f.write_str(
                "a value cannot be put into a query beside a form, nor into a query or body that names another charset than UTF-8",
            ),
            Self::Credential => f.write_str("the proxy needs the credential that is in 'HTTPS_PROXY'"),
            Self::NotConnect => f.write_str("this proxy speaks only CONNECT"),
            Self::Authority => f.write_str("CONNECT needs a host and a port"),
            Self::Unreachable { host, reason } => write!(f, "cannot connect to '{host}': {}", escaped(reason)),
            Self::Unverified { host, reason } => {
                write!(f, "the certificate of '{host}' does not verify: {}; nothing was sent", escaped(reason))
            }
            Self::BadResponse { host, fault } => write!(f, "the response of '{host}' cannot be passed on: {fault}"),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header '{}'", escaped(name)),
            Self::HeaderName => f.write_str("the name of a header"),
            Self::Path => f.write_str("the path"),
            Self::Query(name) => write!(f, "query parameter '{}'", escaped(name)),
            Self::Line => f.write_str("the request line"),
        }
    }
}

/// `text` on one line, without control characters.
fn escaped(text: &str) -> impl fmt::Display {
    text.escape_debug().to_string()
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        _ => "HTTP Version Not Supported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status, the head behind the status line, and the text of a refusal.
    fn written(refusal: &Refusal) -> (String, String, String) {
        let mut out = b"before".to_vec();
        refusal.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.strip_prefix("before").unwrap().split_once("\r\n\r\n").unwrap();
        let (status, lines) = head.split_once("\r\n").unwrap();
        assert!(lines.contains(&format!("Content-Length: {}\r\n", body.len())), "{lines}");
        (status.to_owned(), lines.to_owned(), body.to_owned())
    }

    #[test]
    fn every_refusal_has_a_status_and_words() {
        let host = Authority::parse(b"api.a.b:8443").unwrap();
        let reason = "no route\r\nX-Injected: y\u{1b}[2J".to_owned();
        for (refusal, status, words) in [
            (Refusal::Malformed(Fault::Line), "HTTP/1.1 400 Bad Request", "the request cannot be passed on: a line"),
            (Refusal::Malformed(Fault::HeadTooLong), "HTTP/1.1 431 Request Header Fields Too Large", "the request"),
            (Refusal::Malformed(Fault::TooManyFields), "HTTP/1.1 431 Request Header Fields Too Large", "the request"),
            (Refusal::Malformed(Fault::Version), "HTTP/1.1 505 HTTP Version Not Supported", "the request"),
            (
                Refusal::Misdirected { host: host.clone() },
                "HTTP/1.1 421 Misdirected Request",
                "this connection is only for 'api.a.b:8443'",
            ),
            (Refusal::Method, "HTTP/1.1 405 Method Not Allowed", "the broker does not pass on this method"),
            (Refusal::Grpc, "HTTP/1.1 501 Not Implemented", "gRPC needs HTTP/2, which the broker does not speak"),
            (Refusal::Websocket, "HTTP/1.1 400 Bad Request", "the request is not a websocket handshake"),
            (Refusal::BodyTooLong, "HTTP/1.1 413 Content Too Large", "the body is too long"),
            (Refusal::BodyCoded, "HTTP/1.1 415 Unsupported Media Type", "a value cannot be put into a compressed body"),
            (
                Refusal::Charset,
                "HTTP/1.1 415 Unsupported Media Type",
                "a value cannot be put into a query beside a form, nor into a query or body that names another charset than UTF-8",
            ),
            (Refusal::NotConnect, "HTTP/1.1 405 Method Not Allowed", "this proxy speaks only CONNECT"),
            (Refusal::Authority, "HTTP/1.1 400 Bad Request", "CONNECT needs a host and a port"),
            (
                Refusal::Unreachable { host: host.clone(), reason: reason.clone() },
                "HTTP/1.1 502 Bad Gateway",
                "cannot connect to 'api.a.b:8443': no route\\r\\nX-Injected: y\\u{1b}[2J",
            ),
            (
                Refusal::Unverified { host: host.clone(), reason },
                "HTTP/1.1 502 Bad Gateway",
                "the certificate of 'api.a.b:8443' does not verify: no route",
            ),
            (
                Refusal::BadResponse { host, fault: Fault::Coding },
                "HTTP/1.1 502 Bad Gateway",
                "the response of 'api.a.b:8443' cannot be passed on: its content coding is not supported",
            ),
        ] {
            let (line, lines, text) = written(&refusal);
            assert_eq!(line, status);
            assert!(text.starts_with(&format!("cast: {words}")) && text.ends_with('\n'), "{text}");
            assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
            assert!(lines.ends_with("Connection: close"), "{lines}");
            assert_eq!(refusal.is_failure(), status.contains("502"));
            assert_eq!(text.lines().count(), 1 + usize::from(refusal.hint().is_some()));
        }
        let (line, lines, _) = written(&Refusal::Credential);
        assert_eq!(line, "HTTP/1.1 407 Proxy Authentication Required");
        assert!(lines.contains("\r\nProxy-Authenticate: Basic realm=\"cast\"") && !lines.contains("Connection"));
    }
}
