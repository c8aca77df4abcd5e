//! The first head of a connection: who asks, and for what.

use super::credential::{Credential, User};
use crate::authority::Authority;
use crate::http::{Fault, Framing, Head, request};
use crate::refusal::Refusal;

/// What a head with the right credential asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Connect {
    pub(super) user: User,
    pub(super) host: Authority,
}

/// Why a head is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// Whether the client may try again on this connection.
    pub(super) may_retry: bool,
}

/// Judges a head. Without the right credential nothing of it is looked at.
pub(super) fn judge(bytes: &[u8], credential: &Credential) -> Result<Connect, Refused> {
    let refused = |refusal| Refused { refusal, may_retry: false };
    let head = Head::read(bytes).map_err(|_| refused(Refusal::Credential))?;
    let Some(user) = credential.check(&head) else {
        // A body would be read as the next head.
        let has_body = !matches!(Framing::of(&head), Ok(None | Some(Framing::Length(0))));
        return Err(Refused { refusal: Refusal::Credential, may_retry: !has_body });
    };
    // Python's `http.client` and OpenSSL's `s_client` say HTTP/1.0. There is no other difference: all that follows is
    // TLS.
    let mut first = head.first.to_vec();
    if first.ends_with(b" HTTP/1.0")
        && let Some(last) = first.last_mut()
    {
        *last = b'1';
    }
    let line = request::line(&first).map_err(|fault| refused(fault.into()))?;
    if line.method != b"CONNECT" {
        return Err(refused(Refusal::NotConnect));
    }
    // CONNECT has no body (RFC 9110 §9.3.6); what follows is the tunnel's.
    if !matches!(Framing::of(&head), Ok(None | Some(Framing::Length(0)))) {
        return Err(refused(Fault::Framing.into()));
    }
    let host = Authority::parse(line.target).ok_or_else(|| refused(Refusal::Authority))?;
    Ok(Connect { user, host })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn nothing_is_looked_at_without_the_credential() {
        let credential = Credential::new().unwrap();
        for (head, may_retry) in [
            ("CONNECT a.b:443 HTTP/1.1\r\n\r\n", true),
            ("GET http://a.b/ HTTP/1.1\r\n\r\n", true),
            ("nonsense\r\n\r\n", true),
            ("POST http://a.b/ HTTP/1.1\r\nContent-Length: 3\r\n\r\n", false),
            ("POST http://a.b/ HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n", false),
            ("GET / HTTP/1.1\r\n: x\r\n\r\n", false),
        ] {
            let expected = Refused { refusal: Refusal::Credential, may_retry };
            assert_eq!(judge(head.as_bytes(), &credential), Err(expected), "{head}");
        }
    }

    #[test]
    fn only_connect_to_a_host_is_possible() {
        let credential = Credential::new().unwrap();
        let url = credential.url(1);
        let url = url.expose_secret();
        let pair = url["http://".len()..].split('@').next().unwrap();
        let field = format!("Proxy-Authorization: Basic {}\r\n\r\n", STANDARD.encode(pair));
        let check = |first: &str, more: &str| judge(format!("{first}\r\n{more}{field}").as_bytes(), &credential);
        let host = Authority::parse(b"a.b").unwrap();
        for version in ["1.1", "1.0"] {
            let expected = Connect { user: User::Cast, host: host.clone() };
            assert_eq!(check(&format!("CONNECT A.b.:443 HTTP/{version}"), ""), Ok(expected));
        }
        for (first, more, refusal) in [
            ("GET http://a.b/ HTTP/1.1", "", Refusal::NotConnect),
            ("connect a.b:443 HTTP/1.1", "", Refusal::NotConnect),
            ("CONNECT a.b:443 HTTP/2.0", "", Fault::Version.into()),
            ("CONNECT a.b:443", "", Fault::FirstLine.into()),
            ("CONNECT http://a.b HTTP/1.1", "", Refusal::Authority),
            ("CONNECT a.b:443 HTTP/1.1", "Content-Length: 5\r\n", Fault::Framing.into()),
        ] {
            assert_eq!(check(first, more), Err(Refused { refusal, may_retry: false }), "{first}");
        }
    }
}
