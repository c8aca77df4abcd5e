//! The caller's own proxy: whether there is one, which hosts go past it, and CONNECT through it.

use std::io;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::credential::{User, is_like_one};
use super::dial::dial;
use super::incoming::{Incoming, NoHead};
use super::stream::Early;
use crate::authority::Authority;
use crate::http::{Head, Response, Sent};
use crate::limits;

/// The way to all hosts.
#[derive(Debug)]
pub enum Outer {
    /// No proxy.
    Direct,
    /// A proxy for all hosts but some.
    Through {
        /// The proxy.
        proxy: Proxy,
        /// Which hosts go past it.
        except: NoProxy,
    },
}

/// A proxy that speaks HTTP and CONNECT.
#[derive(Clone, Debug)]
pub struct Proxy {
    host: String,
    port: u16,
    user: Option<(String, SecretString)>,
}

/// Why an address is not that of a usable proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoUse {
    /// A scheme other than `http`.
    Scheme,
    /// Not `http://[USER:PASSWORD@]HOST[:PORT]`.
    Form,
}

impl Proxy {
    /// Reads `http://HOST:PORT`, `http://USER:PASSWORD@HOST:PORT`, or the same without `http://`, as curl does. The
    /// port is 80 if it is not given, user and password are percent-decoded.
    pub fn parse(text: &str) -> Result<Self, NoUse> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(NoUse::Scheme),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let has_port = place.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let authority = Authority::parse(place.as_bytes()).ok_or(NoUse::Form)?;
        let user = match user {
            None => None,
            Some(user) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                Some((decoded(user).ok_or(NoUse::Form)?, decoded(password).ok_or(NoUse::Form)?.into()))
            }
        };
        Ok(Self { host: authority.host().to_owned(), port: if has_port { authority.port() } else { 80 }, user })
    }

    /// Whether it is the broker of a run around this one: by its user, its password's length and its address.
    pub fn is_broker(&self) -> bool {
        let is_ours = |(user, password): &(String, SecretString)| {
            user == User::Cast.name() && is_like_one(password.expose_secret())
        };
        let is_loopback = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        is_loopback && self.user.as_ref().is_some_and(is_ours)
    }

    /// A tunnel to `host`. A broker around this one gives a tunnel without its own values if `is_brokered`.
    async fn connect(&self, host: &Authority, is_brokered: bool) -> io::Result<Early> {
        let mut stream = dial(&self.host, self.port).await?;
        let bracketed = match host.host() {
            name if name.contains(':') => format!("[{name}]"),
            name => name.to_owned(),
        };
        let target = format!("{bracketed}:{}", host.port());
        let mut head = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
        if let Some((user, password)) = &self.user {
            let user = if is_brokered && self.is_broker() { User::Tunnel.name() } else { user };
            let pair = Zeroizing::new(format!("{user}:{}", password.expose_secret()));
            head.push_str("Proxy-Authorization: Basic ");
            head.push_str(&Zeroizing::new(STANDARD.encode(pair.as_bytes())));
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut incoming = Incoming::new(stream, Vec::new());
        loop {
            let head = incoming.head(limits::OUTER_HEAD).await.map_err(|none| match none {
                NoHead::Nothing | NoHead::Broken => io::Error::other("the proxy closed the connection"),
                NoHead::Fault(fault) => io::Error::other(format!("the answer of the proxy: {fault}")),
            })?;
            let head = Head::read(&head).map_err(io::Error::other)?;
            // Success makes a tunnel, whatever the head says of a body (RFC 9110 §9.3.6).
            let response = Response::read(&head, &Sent { is_head: true, is_websocket: false });
            match response.map_err(io::Error::other)?.status {
                100..=199 => {}
                200..=299 => break,
                status => return Err(io::Error::other(format!("the proxy answered {status}"))),
            }
        }
        let (stream, rest) = incoming.into_parts();
        Ok(Early::new(rest, stream))
    }
}

/// Connects to `host`, within `limits::NAME_TIME`.
pub(super) async fn reach(outer: &Outer, host: &Authority, is_brokered: bool) -> io::Result<Early> {
    let way = async {
        match outer {
            Outer::Through { proxy, except } if !except.has(host) => proxy.connect(host, is_brokered).await,
            _ => Ok(Early::new(Vec::new(), dial(host.host(), host.port()).await?)),
        }
    };
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
    timeout(limits::NAME_TIME, way).await.unwrap_or_else(late)
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let (digits, behind) = rest.split_at_checked(2)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Hosts that go past a proxy, as curl reads `NO_PROXY`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoProxy(Vec<Entry>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    All,
    /// An address and how many of its first bits count.
    Addresses(IpAddr, u32),
    /// A name and all below it; perhaps only this port.
    Name(String, Option<u16>),
}

impl NoProxy {
    /// Reads names, `.suffix`, `*`, addresses and `address/bits`, between commas or blanks, some with a port. An entry
    /// that is none of these matches nothing.
    pub fn parse(text: &str) -> Self {
        let entries = text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(entry).collect())
    }

    /// Whether a host goes past the proxy.
    pub fn has(&self, host: &Authority) -> bool {
        let address = host.host().parse::<IpAddr>().ok();
        self.0.iter().any(|entry| match entry {
            Entry::All => true,
            Entry::Addresses(network, bits) => address.is_some_and(|address| is_in(address, *network, *bits)),
            Entry::Name(name, port) => {
                let is_below = |rest: &str| rest.is_empty() || rest.ends_with('.');
                let is_name = address.is_none() && host.host().strip_suffix(name.as_str()).is_some_and(is_below);
                is_name && port.is_none_or(|port| port == host.port())
            }
        })
    }
}

fn entry(text: &str) -> Option<Entry> {
    if text == "*" {
        return Some(Entry::All);
    }
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    if let Ok(address) = address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all))?;
        return Some(Entry::Addresses(address, bits));
    }
    let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let has_port = name.contains(':');
    let authority = Authority::parse(name.as_bytes())?;
    Some(Entry::Name(authority.host().to_owned(), has_port.then(|| authority.port())))
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (one.to_bits() ^ other.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            (one.to_bits() ^ other.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts<'a> = (&'a str, u16, Option<(&'a str, &'a str)>);

    #[track_caller]
    fn check(text: &str, expected: Result<Parts<'_>, NoUse>) {
        let found = Proxy::parse(text);
        let shown = found.as_ref().map_err(|no| *no).map(|proxy| {
            let user = proxy.user.as_ref().map(|(user, password)| (user.as_str(), password.expose_secret()));
            (proxy.host.as_str(), proxy.port, user)
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_proxy_is_read_as_curl_reads_it() {
        check("http://proxy.corp:3128", Ok(("proxy.corp", 3128, None)));
        check("HTTP://proxy.corp:3128/", Ok(("proxy.corp", 3128, None)));
        check("proxy.corp", Ok(("proxy.corp", 80, None)));
        check("http://[::1]:8080", Ok(("::1", 8080, None)));
        check("http://[::1]", Ok(("::1", 80, None)));
        check("http://u:p%40%3a@h:1", Ok(("h", 1, Some(("u", "p@:")))));
        check("http://u@h:1", Ok(("h", 1, Some(("u", "")))));
        for scheme in ["https://h:1", "socks5://h:1", "socks5h://h"] {
            check(scheme, Err(NoUse::Scheme));
        }
        for form in
            ["", "http://", "http://h:1/path", "http://u:%4@h:1", "http://u:%+1@h:1", "http://h:x", "http://a b"]
        {
            check(form, Err(NoUse::Form));
        }
    }

    #[test]
    fn a_broker_around_this_one_is_known() {
        let password = "a".repeat(43);
        let is_broker = |text: &str| Proxy::parse(text).unwrap().is_broker();
        assert!(is_broker(&format!("http://cast:{password}@127.0.0.1:4000")));
        for other in [
            format!("http://cast:{password}@10.0.0.1:4000"),
            format!("http://cast:{password}x@127.0.0.1:4000"),
            format!("http://me:{password}@127.0.0.1:4000"),
            "http://127.0.0.1:4000".to_owned(),
        ] {
            assert!(!is_broker(&other), "{other}");
        }
    }

    #[test]
    fn hosts_go_past_the_proxy_as_with_curl() {
        let has = |list: &str, host: &str| NoProxy::parse(list).has(&Authority::parse(host.as_bytes()).unwrap());
        for (list, host) in [
            ("*", "a.b"),
            ("a.b", "a.b"),
            ("a.b", "x.a.b"),
            (".a.b", "x.a.b"),
            (".a.b", "a.b"),
            ("*.a.b", "x.a.b"),
            ("x, A.B ,y", "a.b:8443"),
            ("x y a.b", "a.b"),
            ("a.b:8443", "a.b:8443"),
            ("127.0.0.1", "127.0.0.1:9"),
            ("127.0.0.0/8", "127.9.9.9"),
            ("0.0.0.0/0", "1.2.3.4"),
            ("::1", "[::1]:9"),
            ("[::1]", "[::1]"),
            ("fe80::/10", "[fe80::9]"),
        ] {
            assert!(has(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("", "a.b"),
            (",", "a.b"),
            ("a.b", "xa.b"),
            ("a.b:8443", "a.b"),
            ("b", "a.bb"),
            ("127.0.0.1", "127.0.0.2"),
            ("127.0.0.0/33", "127.0.0.1"),
            ("10.0.0.0/8", "10.a"),
            ("1", "127.0.0.1"),
            ("::/0", "1.2.3.4"),
        ] {
            assert!(!has(list, host), "{list} {host}");
        }
    }
}
