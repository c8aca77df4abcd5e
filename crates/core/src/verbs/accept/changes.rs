//! What is different between the state of a vault that this machine knows and the one that is reviewed.

use std::collections::BTreeSet;

use crate::listing;
use crate::seen::{Name, PERSON, Summary};

/// What a line about a changed value says.
const ANOTHER_VALUE: &str = "another value";

/// What is different, by name, a line each. `same_values` says whether all values are.
pub(super) fn lines(known: &Summary, now: &Summary, same_values: bool) -> Vec<String> {
    let keys: BTreeSet<_> = known.names.keys().chain(now.names.keys()).collect();
    let line = |key: &&String| {
        let what = match (known.names.get(*key), now.names.get(*key)) {
            (None, Some(name)) => format!("added{}", with(name)),
            (Some(_), None) => "removed".to_owned(),
            (Some(old), Some(new)) if old.flags != new.flags && key.starts_with(PERSON) => {
                format!("may set: {} (was {})", keys_of(&new.flags), keys_of(&old.flags))
            }
            (Some(old), Some(new)) if old.flags != new.flags => {
                format!("flags changed: {} (was {})", words(&new.flags), words(&old.flags))
            }
            (Some(old), Some(new)) if old.updated != new.updated && key.starts_with(PERSON) => {
                "another card".to_owned()
            }
            (Some(old), Some(new)) if old.updated != new.updated => ANOTHER_VALUE.to_owned(),
            _ => return None,
        };
        Some(format!("{key}: {what}"))
    };
    let mut lines: Vec<_> = keys.iter().filter_map(line).collect();
    // Times are the writer's word, also those of a value that is named. The values themselves are compared by their hash.
    if !same_values {
        let secrets = |summary: &Summary| -> BTreeSet<String> {
            summary.names.keys().filter(|key| !key.starts_with(PERSON)).cloned().collect()
        };
        // With another value, or a secret more or less, the hash says nothing of the others.
        let is_told = lines.iter().any(|line| line.ends_with(ANOTHER_VALUE)) || secrets(known) != secrets(now);
        let what = if is_told {
            "other values may be different, too, though their times are the same"
        } else {
            "some values are different, though their times are the same"
        };
        lines.push(what.to_owned());
    }
    lines
}

fn with(name: &Name) -> String {
    if name.flags.is_empty() { String::new() } else { format!(" ({})", listing::line(&name.flags)) }
}

/// Of a person, the flags are the secrets that may be set.
fn keys_of(flags: &[String]) -> String {
    if flags.is_empty() { "nothing".to_owned() } else { flags.join(", ") }
}

fn words(flags: &[String]) -> String {
    if flags.is_empty() { "no flags".to_owned() } else { format!("'{}'", listing::line(flags)) }
}
