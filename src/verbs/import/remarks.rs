//! What else to know about an import: remarks on the file and on its secrets. They name only valid names.

use std::collections::BTreeMap;

use crate::plaintext;
use cast_core::dotenv::{Dotenv, Doubt};
use cast_core::masking::exemption;
use cast_vault::{SecretName, SecretValue};

/// What the user may have meant in another way than cast read it, though nothing of it is lost.
pub(super) fn on_file(file: &Dotenv) -> Vec<String> {
    let open = file.assignments.iter().filter(|found| found.doubt == Some(Doubt::OpenQuote));
    let open: Vec<_> = open.map(|found| found.line).collect();
    if open.is_empty() {
        return Vec::new();
    }
    vec![format!("a quote that is not closed became part of the value: {}", plaintext::lines(&open))]
}

/// Secrets that are not masked, or whose values are not what they look like.
pub(super) fn on_secrets(secrets: &BTreeMap<SecretName, SecretValue>) -> Vec<String> {
    let unmasked: Vec<_> =
        secrets.iter().filter_map(|(name, value)| Some(format!("'{name}', because {}", exemption(value)?))).collect();
    let named = |which: &dyn Fn(&SecretName, &SecretValue) -> bool| {
        let names = secrets.iter().filter(|(name, value)| which(name, value)).map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let unexpanded = named(&|_, value| value.has_reference());
    let foreign = named(&|_, value| value.is_foreign());
    let unfilled = named(&|_, value| value.is_placeholder(None));
    let unusual = named(&|name, _| !name.is_conventional());
    let mut remarks = Vec::new();
    if !unmasked.is_empty() {
        remarks.push(format!("not masked in output: {}", unmasked.join("; ")));
    }
    if !unexpanded.is_empty() {
        remarks.push(format!("'${{...}}' is not expanded and stays as it is: {unexpanded}"));
    }
    if !foreign.is_empty() {
        remarks.push(format!("stored as it is, though only dotenvx or 1Password can read it: {foreign}"));
    }
    if !unfilled.is_empty() {
        remarks.push(format!("the value looks like a placeholder: {unfilled}"));
    }
    if !unusual.is_empty() {
        remarks.push(format!("not UPPERCASE_WITH_UNDERSCORES, as environment variables usually are: {unusual}"));
    }
    remarks
}
