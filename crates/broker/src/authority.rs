//! A host and a port, as CONNECT, `Host` and the owner's `--host` name them. Keeps the promise that a connection is
//! brokered only if its authority is a listed one, whatever case, final dot or default port it is written with.

use std::fmt;
use std::net::Ipv6Addr;

/// The port of `https` (RFC 9110 §4.2.2).
const HTTPS: u16 = 443;
/// The longest host name, in bytes (RFC 1035 §2.3.4, without dots at the ends).
const LONGEST_HOST: usize = 253;
/// The longest label of a host name, in bytes.
const LONGEST_LABEL: usize = 63;

/// A host and a port. The host is in lower case and without a final dot; an IPv6 address is in its shortest form and
/// without brackets. `Display` writes `host` or `host:port`, with brackets around an IPv6 address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Authority {
    host: String,
    port: u16,
}

/// The number of a listed authority, in the list that it was looked up in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostIndex(pub usize);

/// What happens with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Its authority is this listed one: cast speaks TLS with both sides.
    Brokered(HostIndex),
    /// Bytes pass both ways, unread.
    Opaque,
}

impl Authority {
    /// Reads `host`, `host:port` or `[IPv6]:port` (RFC 3986 §3.2.2, but with neither percent-encoding nor user
    /// information). The host has letters, digits, `-`, `_` and dots, at most 253 bytes, labels of 1 to 63. The port is
    /// 1 to 65535 without leading zeros, and 443 if it is not given. Returns `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            (address.to_string(), port)
        } else {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            (name(host)?, port)
        };
        Some(Self { host, port: port.map_or(Some(HTTPS), parse_port)? })
    }

    /// The host, to be looked up and to be verified. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether a connection to this authority is brokered, where `listed` are the authorities that the owners named.
    pub fn target(&self, listed: &[Self]) -> Target {
        listed.iter().position(|one| one == self).map_or(Target::Opaque, |index| Target::Brokered(HostIndex(index)))
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.contains(':'), self.port) {
            (false, HTTPS) => f.write_str(&self.host),
            (true, HTTPS) => write!(f, "[{}]", self.host),
            (false, port) => write!(f, "{}:{port}", self.host),
            (true, port) => write!(f, "[{}]:{port}", self.host),
        }
    }
}

/// A host name in lower case, without its final dot.
fn name(text: &str) -> Option<String> {
    let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        matches!(label.len(), 1..=LONGEST_LABEL)
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    (host.len() <= LONGEST_HOST && host.split('.').all(is_label)).then_some(host)
}

fn parse_port(text: &str) -> Option<u16> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if is_canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            Authority::parse(text.as_bytes()).map(|authority| authority.to_string()).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn one_authority_has_one_form() {
        for text in ["api.openai.com", "API.OpenAI.com", "api.openai.com.", "api.openai.com:443", "API.openai.COM.:443"]
        {
            check(text, Some("api.openai.com"));
        }
        check("a.b:8443", Some("a.b:8443"));
        check("a.b.:65535", Some("a.b:65535"));
        check("127.0.0.1:80", Some("127.0.0.1:80"));
        check("[::1]", Some("[::1]"));
        check("[0:0:0:0:0:0:0:1]:8443", Some("[::1]:8443"));
        check("my_host", Some("my_host"));
    }

    #[test]
    fn refuses_what_is_not_one() {
        let (long_label, long_host) = (format!("{}.b", "a".repeat(64)), format!("{}com", "a.".repeat(126)));
        let others = [
            "",
            ".",
            "a..b",
            "a.b..",
            ".a",
            "a b",
            " a",
            "a ",
            "a\t",
            "a\0",
            "a/b",
            "a?b",
            "a#b",
            "u@a",
            "a%2eb",
            "*.a",
            "ä.de",
            "a:",
            "a:0",
            "a:0443",
            "a:65536",
            "a:+443",
            "a:443 ",
            "a:443:443",
            "a:-1",
            "a:x",
            "::1",
            "[::1",
            "[]",
            "[::1]x",
            "[::1]:",
            "[::1]443",
            "[a]",
            "[127.0.0.1]",
            "[fe80::1%25eth0]",
            "http://a",
            "a,b",
            "a\\b",
        ];
        for text in others.into_iter().chain([&*long_label, &*long_host]) {
            check(text, None);
        }
        assert_eq!(Authority::parse(b"a\xff.b"), None);
    }

    #[test]
    fn only_an_equal_authority_is_brokered() {
        let listed = ["api.openai.com", "localhost:8443"].map(|text| Authority::parse(text.as_bytes()).unwrap());
        let target = |text: &str| Authority::parse(text.as_bytes()).unwrap().target(&listed);
        assert_eq!(target("API.openai.com.:443"), Target::Brokered(HostIndex(0)));
        assert_eq!(target("localhost:8443"), Target::Brokered(HostIndex(1)));
        for other in
            ["openai.com", "x.api.openai.com", "api.openai.com:8443", "localhost", "127.0.0.1:8443", "[::1]:8443"]
        {
            assert_eq!(target(other), Target::Opaque, "{other}");
        }
    }
}
