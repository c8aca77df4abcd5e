//! How the owner wants a secret treated. Checked where it enters, and again where a vault is read.

use std::fmt::{self, Write};

use crate::error::{Error, FlagFault, Result};
use crate::hex::parse_number;
use crate::text::{Reader, write_string, write_strings};

/// The most hosts, places or words that one secret has.
const MAX_LIST: usize = 64;
/// The longest place, and the longest word of a command, in bytes.
const MAX_PLACE: usize = 256;
const MAX_WORD: usize = 4096;
/// The longest public prefix, in bytes.
const MAX_PREFIX: usize = 64;

/// How a secret is treated. All of it is the owner's: a person who sets a value changes none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// A name that makes programs load code is allowed.
    pub dangerous: bool,
    /// A plain setting, not to be masked in output.
    pub unmasked: bool,
    /// The hosts that a brokered secret goes to, `host` or `host:port`, sorted. Empty: it is not brokered.
    pub hosts: Vec<String>,
    /// Where in a request it may stand besides the usual headers: `header:NAME`, `query:NAME`, `form:FIELD`, `json:/POINTER`; sorted.
    pub places: Vec<String>,
    /// The public beginning of the value, which its stand-in has, too.
    pub prefix: Option<String>,
    /// Given as a file.
    pub file: bool,
    /// Fetched by this command, its words, when an agent starts. The vault has no value for it.
    pub from: Option<Vec<String>>,
}

impl Flags {
    /// Checks the shapes, and puts hosts and places in order. The failure quotes nothing.
    pub fn checked(mut self) -> Result<Self> {
        for list in [&mut self.hosts, &mut self.places] {
            list.sort_unstable();
            list.dedup();
        }
        self.fault().map_or(Ok(self), |fault| Err(Error::Flag(fault)))
    }

    /// Whether nobody but the owner may set the value: its name makes programs load code, or a command fetches it.
    pub fn is_for_owner_alone(&self) -> bool {
        self.dangerous || self.from.is_some()
    }

    fn fault(&self) -> Option<FlagFault> {
        let list = |list: &[String], is_valid: fn(&str) -> bool| {
            list.is_sorted_by(|one, two| one < two) && list.iter().all(|word| is_valid(word))
        };
        let words = |words: &Vec<String>| {
            (1..=MAX_LIST).contains(&words.len())
                && !words[0].is_empty()
                && words.iter().all(|word| word.len() <= MAX_WORD && !word.contains(char::is_control))
        };
        [
            (self.hosts.len().max(self.places.len()) <= MAX_LIST, FlagFault::TooMany { most: MAX_LIST }),
            (list(&self.hosts, is_host), FlagFault::Host),
            (list(&self.places, is_place), FlagFault::Place),
            (self.prefix.as_deref().is_none_or(is_prefix), FlagFault::Prefix),
            (self.from.as_ref().is_none_or(words), FlagFault::Command),
        ]
        .into_iter()
        .find_map(|(is_valid, fault)| (!is_valid).then_some(fault))
    }

    /// In the order of the fields; what is not set is not written.
    pub(super) fn write(&self, out: &mut impl Write) -> fmt::Result {
        let Self { dangerous, unmasked, hosts, places, prefix, file, from } = self;
        write_flag(out, "dangerous", *dangerous)?;
        write_flag(out, "unmasked", *unmasked)?;
        write_list(out, "hosts", hosts)?;
        write_list(out, "in", places)?;
        if let Some(prefix) = prefix {
            out.write_str("prefix = ")?;
            write_string(out, prefix)?;
            out.write_str("\n")?;
        }
        write_flag(out, "file", *file)?;
        write_list(out, "from", from.as_deref().unwrap_or_default())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = Self {
            dangerous: reader.flag("dangerous")?,
            unmasked: reader.flag("unmasked")?,
            hosts: reader.list("hosts")?,
            places: reader.list("in")?,
            prefix: if reader.is_next("prefix") { Some(reader.entry("prefix")?) } else { None },
            file: reader.flag("file")?,
            from: Some(reader.list("from")?).filter(|words| !words.is_empty()),
        };
        flags.fault().is_none().then_some(flags)
    }
}

fn write_flag(out: &mut impl Write, name: &str, is_set: bool) -> fmt::Result {
    if is_set { writeln!(out, "{name} = true") } else { Ok(()) }
}

fn write_list(out: &mut impl Write, name: &str, words: &[String]) -> fmt::Result {
    if words.is_empty() {
        return Ok(());
    }
    write!(out, "{name} = ")?;
    write_strings(out, words.iter().map(String::as_str))?;
    out.write_str("\n")
}

/// An ASCII name in lower case, and a port where it is not 443. Not an address: a certificate is checked against a name.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        matches!(label.len(), 1..=63)
            && label.bytes().all(|byte| plain(byte) || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What ends in a number is an IPv4 address to a URL parser, `0x7f` and `1` included (https://url.spec.whatwg.org/#ends-in-a-number-checker).
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let is_number = hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = |port| parse_number(port).is_some_and(|port| (1..=65535).contains(&port) && port != 443);
    name.len() <= 253 && name.split('.').all(is_label) && !is_number && port.is_none_or(is_port)
}

/// A kind of place, and a name in it: a header's is a token of RFC 9110, a JSON pointer begins with a slash.
fn is_place(text: &str) -> bool {
    let Some((kind, name)) = text.split_once(':') else { return false };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let printable = text.len() <= MAX_PLACE && !text.contains(char::is_control) && !name.is_empty();
    printable
        && match kind {
            "header" => name.bytes().all(token),
            "query" | "form" => true,
            "json" => name.starts_with('/'),
            _ => false,
        }
}

/// What a stand-in can begin with: visible ASCII.
fn is_prefix(text: &str) -> bool {
    (1..=MAX_PREFIX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_valid: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is_valid(text), "{text:?}");
        }
        for text in bad {
            assert!(!is_valid(text), "{text:?}");
        }
    }

    #[test]
    fn hosts() {
        let long = format!("{}com", "a.".repeat(126));
        check(
            is_host,
            &["api.openai.com", "localhost", "a-b.c:8443", "xn--e1afmkfd.xn--p1ai", "1.a", "a.b:65535", "a0x1"],
            &[
                "",
                "A.com",
                "*.a.com",
                "a..b",
                "a.b.",
                ".a",
                "-a.b",
                "a-.b",
                "a_b.c",
                "127.0.0.1",
                "1",
                "a.1",
                "0x7f",
                "a.0x",
                "[::1]",
                "::1",
                "a.b:443",
                "a.b:0",
                "a.b:65536",
                "a.b:08",
                "a.b:",
                "a.b:x",
                "é.com",
                "a b.c",
                "a/b",
                "u@a.b",
                "a\n",
                &long,
                &"a".repeat(64),
            ],
        );
    }

    #[test]
    fn places() {
        check(
            is_place,
            &["header:X-Api-Key", "query:key", "form:a b", "json:/a/0", "json:/"],
            &[
                "",
                "header",
                "header:",
                "header:a b",
                "header:a:b",
                "header:é",
                "query:",
                "query:a\n",
                "json:a",
                "json:",
                "cookie:a",
                "Header:a",
                " header:a",
                &format!("query:{}", "a".repeat(MAX_PLACE)),
            ],
        );
    }

    #[test]
    fn prefixes() {
        check(is_prefix, &["sk-", "ghp_", "!~"], &["", "a b", "é", "a\n", &"a".repeat(65)]);
    }

    #[test]
    fn a_fault_says_which_field_and_quotes_nothing() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (flags, fault) in [
            (Flags { hosts: words(&["hunter2 "]), ..Flags::default() }, FlagFault::Host),
            (Flags { places: words(&["hunter2"]), ..Flags::default() }, FlagFault::Place),
            (Flags { prefix: Some("hunter2 ".into()), ..Flags::default() }, FlagFault::Prefix),
            (Flags { from: Some(Vec::new()), ..Flags::default() }, FlagFault::Command),
            (Flags { from: Some(words(&["", "x"])), ..Flags::default() }, FlagFault::Command),
            (Flags { from: Some(words(&["op", "hunter2\n"])), ..Flags::default() }, FlagFault::Command),
        ] {
            assert_eq!(flags.checked(), Err(Error::Flag(fault)));
        }
        let many = |count| (0..count).map(|number| format!("a{number}.b")).collect::<Vec<_>>();
        for flags in [
            Flags { hosts: many(MAX_LIST + 1), ..Flags::default() },
            Flags { places: many(MAX_LIST + 1), ..Flags::default() },
        ] {
            assert_eq!(flags.checked(), Err(Error::Flag(FlagFault::TooMany { most: MAX_LIST })));
        }
        assert!(Flags { hosts: many(MAX_LIST), ..Flags::default() }.checked().is_ok());
        let flags = Flags { hosts: words(&["b.c", "a.b", "b.c"]), ..Flags::default() };
        assert_eq!(flags.checked().unwrap().hosts, ["a.b", "b.c"]);
    }
}
