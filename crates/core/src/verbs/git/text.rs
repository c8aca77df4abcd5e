//! A vault as lines for `git diff`, `git log -p` and `git blame`: names, times, flags, and a fingerprint of each value, never a value. A line
//! depends on nothing but its own secret, so that a change shows as one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cast_vault::{Part, Secret, SecretName};

use crate::failure::Result;
use crate::listing;
use crate::session::Session;

/// The text of a vault's file; `None` where it does not verify.
pub fn text(session: &Session, file: &[u8]) -> Result<Option<String>> {
    session.authentic_of_any(file, lines)
}

fn lines(part: &Part, values: &BTreeMap<SecretName, Secret>, epoch: u64) -> String {
    const NEVER: &str = "a String takes everything";
    let mut text = String::new();
    for (name, flags) in &part.names {
        let flags = listing::line(&listing::details(flags));
        match values.get(name) {
            Some(secret) => {
                write!(text, "{name}  {}  {}", secret.created, secret.updated).expect(NEVER);
                if !flags.is_empty() {
                    write!(text, "  {flags}").expect(NEVER);
                }
                if let Some(fingerprint) = secret.fingerprint(name, part.fp) {
                    write!(text, "  #{:08x}", u32::from_be_bytes(fingerprint)).expect(NEVER);
                }
                text.push('\n');
            }
            None => writeln!(text, "{name}  {flags}").expect(NEVER),
        }
    }
    for (name, person) in &part.people {
        let may_set = person.may_set.iter().map(SecretName::as_str).collect::<Vec<_>>().join(",");
        let may_set = if may_set.is_empty() { "nothing" } else { &may_set };
        writeln!(text, "person {name}  since {}  may set {may_set}", person.since).expect(NEVER);
    }
    writeln!(text, "agent keys of epoch {epoch}").expect(NEVER);
    text
}
