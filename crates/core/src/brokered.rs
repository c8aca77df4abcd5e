//! What there is to say of a brokered secret before anything runs: its hosts in their one form, whether its value is fit
//! for a stand-in, and what the table of well-known keys has on its name. Keeps the promise that an unfit value is
//! refused where it enters.

use cast_broker::{Authority, Unfit, known, stand_in};
use cast_vault::{Flags, SecretName, SecretValue};

use crate::failure::{Failure, Kind, Result};

pub use cast_broker::known::Doubt;

/// How a secret is to be brokered. What is `None` stays as it is; what is empty is taken back.
#[derive(Clone, Debug, Default)]
pub struct Brokering {
    /// The hosts, as the owner wrote them.
    pub hosts: Option<Vec<String>>,
    /// Where in a request the value may stand besides the usual headers.
    pub places: Option<Vec<String>>,
    /// The public beginning of the value.
    pub prefix: Option<String>,
}

impl Brokering {
    /// Whether nothing is to change.
    pub fn is_nothing(&self) -> bool {
        self.hosts.is_none() && self.places.is_none() && self.prefix.is_none()
    }

    /// The same with hosts in their one form: lower case, without the final dot and the port of `https`. Fails if a part
    /// has the wrong shape, before anything is asked or read.
    pub fn checked(mut self) -> Result<Self> {
        for host in self.hosts.iter_mut().flatten() {
            // What is not one is for the vault to refuse.
            if let Some(authority) = Authority::parse(host.as_bytes()) {
                *host = authority.to_string();
            }
        }
        let mut flags = Flags::default();
        self.apply(&mut flags);
        flags.checked()?;
        Ok(self)
    }

    /// Puts it into the flags of a secret.
    pub(crate) fn apply(&self, flags: &mut Flags) {
        if let Some(hosts) = &self.hosts {
            flags.hosts.clone_from(hosts);
        }
        if let Some(places) = &self.places {
            flags.places.clone_from(places);
        }
        if let Some(prefix) = &self.prefix {
            flags.prefix = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
        }
    }
}

/// Why `value` cannot be brokered with these flags; `None` if it can.
pub(crate) fn unfit(value: &SecretValue, flags: &Flags) -> Option<Unfit> {
    let is_for_parameters = || flags.places.iter().any(|place| !place.starts_with("header:"));
    let marks = || (is_for_parameters() && !stand_in::is_unreserved(value.expose())).then_some(Unfit::Marks);
    stand_in::check(value.expose(), flags.prefix.as_deref()).err().or_else(marks)
}

/// Refuses a value that is to be brokered and cannot be; `what` names it, and `otherwise` is how it is given as it is.
pub(crate) fn refuse_unfit(what: &str, value: &SecretValue, flags: &Flags, otherwise: &str) -> Result<()> {
    match unfit(value, flags).filter(|_| !flags.hosts.is_empty()) {
        Some(unfit) => Err(Failure::new(Kind::Usage, format!("{what} cannot be brokered: {unfit}"))
            .hint(format!("to give it to the program as it is{otherwise}"))),
        None => Ok(()),
    }
}

/// The hosts that a key of this name usually is for; none if the name is not well known.
pub fn usual_hosts(name: &SecretName) -> &'static [&'static str] {
    known::by_name(name.as_str()).map_or(&[], |known| known.hosts)
}

/// The headers besides `Authorization` that carry a key of this name, or a key for these hosts; in lower case.
pub fn usual_headers<'a>(name: &SecretName, hosts: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let own = known::by_name(name.as_str()).into_iter().flat_map(|known| known.headers.iter().copied());
    let hosts = hosts.into_iter().filter_map(|host| Authority::parse(host.as_bytes()));
    let mut headers: Vec<_> = own.chain(hosts.flat_map(|host| known::headers_of(&host).collect::<Vec<_>>())).collect();
    headers.sort_unstable();
    headers.dedup();
    headers
}

/// Whether the table of well-known keys has this host.
pub fn is_usual_host(host: &str) -> bool {
    Authority::parse(host.as_bytes()).is_some_and(|host| known::is_host(&host))
}

/// Why a secret of this name rarely works brokered.
pub fn doubt(name: &SecretName) -> Option<Doubt> {
    known::doubt(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokering(hosts: &[&str]) -> Brokering {
        Brokering { hosts: Some(hosts.iter().map(|host| (*host).to_owned()).collect()), ..Brokering::default() }
    }

    #[test]
    fn a_host_has_one_form() {
        for (host, expected) in [
            ("api.openai.com", "api.openai.com"),
            ("API.OpenAI.com.", "api.openai.com"),
            ("api.openai.com:443", "api.openai.com"),
            ("localhost:8443", "localhost:8443"),
        ] {
            assert_eq!(brokering(&[host]).checked().unwrap().hosts.unwrap(), [expected]);
        }
        for host in
            ["", "*.a.com", "127.0.0.1", "[::1]:8443", "https://a.com", "a.com/x", "a_b.c", "a.com:0", "hunter2 "]
        {
            let refused = brokering(&["a.b", host]).checked().unwrap_err();
            assert_eq!(refused.kind(), Kind::Usage);
            assert!(!refused.message().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut flags = Flags {
            hosts: vec!["a.b".into()],
            places: vec!["query:key".into()],
            prefix: Some("sk-".into()),
            ..Flags::default()
        };
        let before = flags.clone();
        Brokering::default().apply(&mut flags);
        assert_eq!(flags, before);
        Brokering { prefix: Some(String::new()), ..brokering(&[]) }.apply(&mut flags);
        assert_eq!((flags.hosts.len(), flags.places.len(), flags.prefix), (0, 1, None));
    }

    #[test]
    fn headers_of_a_name_and_of_hosts() {
        let headers = |name, hosts: &[&str]| usual_headers(&SecretName::parse(name).unwrap(), hosts.iter().copied());
        assert_eq!(headers("ANTHROPIC_API_KEY", &["gateway.corp"]), ["x-api-key"]);
        assert_eq!(
            headers("MY_KEY", &["gitlab.com", "api.anthropic.com"]),
            ["job-token", "private-token", "x-api-key"]
        );
        assert!(headers("OPENAI_API_KEY", &["api.openai.com"]).is_empty());
    }
}
