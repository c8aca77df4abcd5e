//! What an outer `cast run` put into this environment. Those secrets are for the outer CMD and not for another agent, so an inner run drops
//! them; but only while a variable still has the outer's value. The outer run lists its names for that in one variable:
//!
//! `CAST_INJECTED=<salt>:KEY:<digest>,KEY:<digest>:unmasked,...`
//!
//! The salt is random for each run. A digest is the first 4 bytes of SHA-256 over the salt, `KEY=` and the value, in hexadecimal digits. A
//! process that has the environment has the values, too. In a log, a digest would let a reader test guesses of a value; so the masker hides
//! the salt as it hides a value, and without the salt a digest tells nothing.
//!
//! A list that is too long for one environment string continues in `CAST_INJECTED_2` and so on, without the salt.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use cast_vault::SecretName;
use sha2::{Digest as _, Sha256};

use super::{is_inherited, is_variable};
use crate::platform::exec::VARIABLES_IGNORE_CASE;

/// The variable that lists what a run injects.
pub const INJECTED: &str = "CAST_INJECTED";

/// The length of a salt, in letters and digits. Half of it would be random enough; but the masker looks for it, and is the faster the longer the
/// shortest value is.
pub(crate) const SALT: usize = 44;

/// The most bytes of a list in one variable. The limit of Linux is 131,071 for name and value.
const LONGEST: usize = 120_000;

/// The word for a secret that its owner set with `--unmasked`.
const UNMASKED: &str = "unmasked";

/// A variable that still has the value that the outer run gave it.
pub(crate) struct Outer {
    pub(crate) name: SecretName,
    pub(crate) value: OsString,
    /// Whether its owner said that it is a plain setting.
    pub(crate) unmasked: bool,
}

/// What a list says of one variable.
struct Listed {
    digest: String,
    unmasked: bool,
}

/// Whether this variable is a list, or the continuation of one.
pub(super) fn is_list(name: &OsStr) -> bool {
    let fits = |name: &str| name.strip_prefix(INJECTED).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    name.to_str().is_some_and(|name| fits(&folded(name)))
}

/// The variables for the list of these secrets.
pub(super) fn lists<'a>(
    salt: &str,
    secrets: impl Iterator<Item = (&'a SecretName, &'a [u8], bool)>,
) -> Vec<(String, String)> {
    let mut lists = Vec::new();
    let mut list = format!("{salt}:");
    for (name, value, unmasked) in secrets {
        if list.len() > LONGEST {
            lists.push(list);
            list = String::new();
        } else if !list.ends_with(':') {
            list.push(',');
        }
        for word in [name.as_str(), ":", &digest(salt, name.as_str(), value)] {
            list.push_str(word);
        }
        if unmasked {
            list.push(':');
            list.push_str(UNMASKED);
        }
    }
    lists.push(list);
    let name = |number| if number == 1 { INJECTED.to_owned() } else { format!("{INJECTED}_{number}") };
    (1..).map(name).zip(lists).collect()
}

/// The variables that still are what an outer run made them. `variables` is called only if there is a list. Reads each variable once,
/// whatever the lists say. What is not well-formed in them is passed over: who can write them can also unset the variables themselves.
pub(crate) fn injected<V: Iterator<Item = (OsString, OsString)>>(
    has_list: bool,
    variables: impl Fn() -> V,
) -> Vec<Outer> {
    if !has_list {
        return Vec::new();
    }
    let Some((salt, listed)) = read(variables()) else { return Vec::new() };
    let still = |(name, value): (OsString, OsString)| {
        let text = folded(name.to_str()?);
        let Listed { digest: expected, unmasked } = listed.get(&*text)?;
        let is_same = digest(&salt, &text, value.as_encoded_bytes()) == *expected;
        is_same.then_some(Outer { name: SecretName::parse(&name).ok()?, value, unmasked: *unmasked })
    };
    variables().filter_map(still).collect()
}

/// The salt, and what the lists say, by name.
fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Option<(String, BTreeMap<String, Listed>)> {
    let (mut salt, mut listed) = (None, BTreeMap::new());
    for (name, text) in variables.filter(|(name, _)| is_list(name)) {
        let Some(text) = text.to_str() else { continue };
        let entries = if is_variable(&name, INJECTED) {
            let is_salt = |salt: &str| salt.len() == SALT && salt.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let Some((first, entries)) = text.split_once(':').filter(|(salt, _)| is_salt(salt)) else { continue };
            salt = Some(first.to_owned());
            entries
        } else {
            text
        };
        for entry in entries.split(',') {
            let mut words = entry.split(':');
            let (Some(name), Some(digest)) = (words.next(), words.next()) else { continue };
            // The variables that every program needs are never dropped.
            if SecretName::parse(name).is_ok() && !is_inherited(name.as_ref(), true) {
                let unmasked = words.any(|word| word == UNMASKED);
                listed.insert(folded(name).into_owned(), Listed { digest: digest.to_owned(), unmasked });
            }
        }
    }
    Some((salt?, listed))
}

fn digest(salt: &str, name: &str, value: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [salt.as_bytes(), folded(name).as_bytes(), b"=", value] {
        hash.update(part);
    }
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    hash.finalize()[..4].iter().flat_map(digits).collect()
}

/// A variable's name as this system compares it.
fn folded(name: &str) -> Cow<'_, str> {
    if VARIABLES_IGNORE_CASE { name.to_ascii_uppercase().into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "abcdefghijklmnopqrst22abcdefghijklmnopqrst22";

    fn listed(secrets: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let names: Vec<_> = secrets.iter().map(|(name, value)| (SecretName::parse(name).unwrap(), *value)).collect();
        let secrets = names.iter().map(|(name, value)| (name, value.as_bytes(), name.as_str().starts_with("PLAIN")));
        lists(SALT, secrets).into_iter().map(|(name, text)| (name.into(), text.into())).collect()
    }

    /// The names of the variables that are found to be the outer's, with `-` behind those that need no masking.
    fn check(lists: &[(OsString, OsString)], variables: &[(&str, &str)], expected: &str) {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let all: Vec<(OsString, OsString)> = lists.iter().cloned().chain(variables).collect();
        let found = injected(true, || all.iter().cloned());
        let shown = |outer: &Outer| format!("{}{}", outer.name, if outer.unmasked { "-" } else { "" });
        assert_eq!(found.iter().map(shown).collect::<Vec<_>>().join(" "), expected);
        assert!(injected(false, || all.iter().cloned()).is_empty());
    }

    #[test]
    fn only_what_is_still_the_outers() {
        let lists = listed(&[("A", "one"), ("B", ""), ("PLAIN", "https://example.com")]);
        let now = [("A", "one"), ("B", ""), ("PLAIN", "https://example.com"), ("C", "one")];
        check(&lists, &now, "A B PLAIN-");
        check(&lists, &[("A", "two"), ("B", " "), ("PLAIN", "https://example.com/")], "");
        // The value of another name.
        check(&lists, &[("B", "one")], "");
        check(&[], &now, "");
    }

    #[test]
    fn what_every_program_needs_is_never_dropped() {
        let secrets = [("PATH", "/bin"), ("HOME", "/root"), ("LC_ALL", "C"), ("TERM", "dumb"), ("A", "x")];
        check(&listed(&secrets), &secrets, "A");
    }

    #[test]
    fn a_damaged_list_is_passed_over() {
        let whole = &listed(&[("A", "one"), ("B", "two")])[0].1;
        let whole = whole.to_str().unwrap();
        let digest = whole.split(':').nth(2).unwrap().split(',').next().unwrap();
        let now = [("A", "one"), ("B", "two"), ("CAST_HOME", "/x")];
        for text in [
            "",
            ":",
            ",,,:::",
            &whole[1..],
            &whole.replacen(':', "", 1),
            &whole.replace(SALT, "abcdefghijklmnopqrst22abcdefghijklmnopqrst2\u{e9}"),
            &whole.to_uppercase(),
            &format!("{SALT}:A"),
            &format!("{SALT}:A=:{digest}"),
            &format!("{SALT}:{digest}:A"),
            &format!("{SALT}:CAST_HOME:{digest}"),
            &":".repeat(100_000),
        ] {
            check(&[(INJECTED.into(), text.into())], &now, "");
        }
        // What is good in it counts.
        check(&[(INJECTED.into(), format!("{whole}, ,A B:x,=:,:::unmasked").into())], &now, "A B");
        check(&[(INJECTED.into(), format!("{SALT}:A:{digest}:later:words").into())], &now, "A");
        // A continuation without its beginning has no salt.
        check(&[("CAST_INJECTED_2".into(), whole.into())], &now, "");
    }

    #[test]
    fn a_long_list_continues() {
        let names: Vec<_> = (0..3000).map(|number| format!("{}_{number}", "N".repeat(240))).collect();
        let secrets: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
        let lists = listed(&secrets);
        assert!(lists.len() > 5 && lists.iter().all(|(name, text)| is_list(name) && text.len() < 131_000));
        check(&lists, &secrets, &names.join(" "));
    }

    /// So that other programs, and other versions of cast, agree.
    #[test]
    fn the_form() {
        let lists = listed(&[("A", "one"), ("PLAIN", "two")]);
        let text = format!("{SALT}:A:{},PLAIN:{}:unmasked", digest(SALT, "A", b"one"), digest(SALT, "PLAIN", b"two"));
        assert_eq!(lists, [(INJECTED.into(), text.into())]);
        let whole = Sha256::digest(format!("{SALT}A=one"));
        assert_eq!(
            digest(SALT, "A", b"one"),
            format!("{:02x}{:02x}{:02x}{:02x}", whole[0], whole[1], whole[2], whole[3])
        );
        assert!(
            is_list(INJECTED.as_ref()) && is_list("CAST_INJECTED_2".as_ref()) && !is_list("CAST_INJECTEDX".as_ref())
        );
    }
}
