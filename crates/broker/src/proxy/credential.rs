//! Who may use the proxy: a program that knows the credential of this run. It is in CMD's environment and nowhere else.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::http::Head;
use crate::random;

/// 256 bits, as 43 letters of base64url.
pub(crate) struct Credential(SecretString);

/// As whom a program may use the proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    /// A program of CMD: listed hosts are brokered.
    Cast,
    /// The broker of a run within this one: every host is a tunnel.
    Tunnel,
}

impl User {
    /// The name in the proxy's address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Tunnel => "cast-tunnel",
        }
    }
}

/// Whether a password is as long as those that `Credential::new` makes.
pub(crate) fn is_like_one(password: &str) -> bool {
    password.len() == 43
}

impl Credential {
    /// A new one.
    pub(crate) fn new() -> io::Result<Self> {
        let bytes = Zeroizing::new(random::bytes::<32>()?);
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes.as_ref()).into()))
    }

    /// The address of the proxy at this port, with the credential.
    pub(crate) fn url(&self, port: u16) -> SecretString {
        format!("http://{}:{}@127.0.0.1:{port}", User::Cast.name(), self.0.expose_secret()).into()
    }

    /// As whom a head asks, or `None` if it shows no credential or a wrong one. Takes the same time for each wrong one
    /// of the right length.
    pub(crate) fn check(&self, head: &Head<'_>) -> Option<User> {
        let mut fields = head.all("proxy-authorization");
        let (field, None) = (fields.next()?, fields.next()) else { return None };
        let (scheme, digits) = field.value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let pair = Zeroizing::new(STANDARD.decode(digits.trim_ascii()).ok()?);
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (user, password) = (&pair[..colon], &pair[colon + 1..]);
        let is_right = bool::from(password.ct_eq(self.0.expose_secret().as_bytes()));
        let users = [User::Cast, User::Tunnel];
        users.into_iter().find(|one| is_right && one.name().as_bytes() == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(credential: &Credential, fields: &str) -> Option<User> {
        let head = format!("CONNECT a.b:443 HTTP/1.1\r\n{fields}\r\n");
        credential.check(&Head::read(head.as_bytes()).unwrap())
    }

    fn basic(pair: &str) -> String {
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
    }

    #[test]
    fn only_the_one_of_this_run_is_right() {
        let (credential, other) = (Credential::new().unwrap(), Credential::new().unwrap());
        let (right, wrong) = (credential.0.expose_secret(), other.0.expose_secret());
        assert!(is_like_one(right));
        assert_eq!(check(&credential, &basic(&format!("cast:{right}"))), Some(User::Cast));
        assert_eq!(check(&credential, &basic(&format!("cast-tunnel:{right}"))), Some(User::Tunnel));
        let lower = basic(&format!("cast:{right}")).replace("Basic", "bASIC ");
        assert_eq!(check(&credential, &lower), Some(User::Cast));
        for pair in [
            format!("cast:{wrong}"),
            format!("cast:{right}x"),
            format!("cast:{}", &right[1..]),
            format!("root:{right}"),
            format!(":{right}"),
            right.to_owned(),
            "cast:".to_owned(),
        ] {
            assert_eq!(check(&credential, &basic(&pair)), None, "{pair}");
        }
        let twice = basic(&format!("cast:{right}")).repeat(2);
        for fields in ["", "Proxy-Authorization: \r\n", "Proxy-Authorization: Bearer x\r\n", &twice] {
            assert_eq!(check(&credential, fields), None, "{fields}");
        }
        assert_eq!(check(&credential, &format!("Proxy-Authorization: Basic {right}\r\n")), None);
        assert_eq!(check(&credential, &format!("Proxy-Authorization: Bearer {right}\r\n")), None);
    }
}
