//! The parts of a structured value that are secret themselves: a program that reads a service account prints its private
//! key alone, and one that reads the URL of a database its password.
//!
//! Of JSON these are the strings whose name speaks of a secret, or that look like a token; of lines like `name: value`
//! the same; of a URL its password, and `user:password`, never the user alone. Lines that only frame them are no
//! secrets: `apiVersion: v1` stands in other files too.

use serde_json::Value;

use super::public;

/// Passes each secret part of `value`, other than the whole and its lines.
pub(super) fn each<'a>(value: &'a str, take: &mut dyn FnMut(&str)) -> Lines<'a> {
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(value.trim()) {
        leaves("", &json, take);
        return Lines(None);
    }
    each_of_url(value, take);
    if value.contains('\n') {
        for (name, text) in value.lines().filter_map(pair) {
            leaf(name, text, take);
        }
    }
    Lines(Some(value))
}

/// The lines of a value that are no pairs, which stand for themselves.
pub(super) struct Lines<'a>(Option<&'a str>);

impl<'a> Lines<'a> {
    pub(super) fn each(self) -> impl Iterator<Item = &'a str> {
        let text = self.0.filter(|text| text.contains('\n')).unwrap_or_default();
        text.lines().filter(|line| !is_frame(line))
    }
}

/// Passes the password in a URL, as it is and decoded, and together with the user.
fn each_of_url(url: &str, take: &mut dyn FnMut(&str)) {
    let Some((scheme, rest)) = url.trim().split_once("://") else { return };
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b)) {
        return;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user_info, _)) = authority.rsplit_once('@') else { return };
    let Some((user, password)) = user_info.split_once(':').filter(|(_, password)| !password.is_empty()) else { return };
    take(password);
    take(user_info);
    let decoded = percent_decoded(password);
    if decoded != password {
        take(&decoded);
        take(&format!("{}:{decoded}", percent_decoded(user)));
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = match behind {
            [high, low, ..] if first == b'%' => {
                let digit = |b: u8| char::from(b).to_digit(16);
                digit(*high).zip(digit(*low)).and_then(|(high, low)| u8::try_from(high << 4 | low).ok())
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn leaves(name: &str, json: &Value, take: &mut dyn FnMut(&str)) {
    match json {
        Value::String(text) => leaf(name, text, take),
        Value::Array(all) => all.iter().for_each(|json| leaves(name, json, take)),
        Value::Object(all) => all.iter().for_each(|(name, json)| leaves(name, json, take)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Passes a leaf if it is secret, and the password in it if it is a URL.
fn leaf(name: &str, text: &str, take: &mut dyn FnMut(&str)) {
    if is_url(text) {
        each_of_url(text, take);
    } else if speaks_of_a_secret(name) || looks_like_a_token(text) {
        take(text);
    }
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(char::is_whitespace))
}

/// `name: value`, `name = value`, `export NAME="value"`, `- name: value`.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.strip_prefix("- ").unwrap_or(line).trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix(": ").or_else(|| rest.strip_prefix('='))?.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    // Padding of base64 that stands alone is no name.
    (!name.is_empty() && !value.trim_matches('=').is_empty()).then(|| (name, quoted.unwrap_or(value)))
}

/// A line that only says where in a structure the next ones are, or a pair.
fn is_frame(line: &str) -> bool {
    let line = line.trim();
    let is_key = line.strip_suffix(':').is_some_and(|key| !key.contains(char::is_whitespace) || key.starts_with("- "));
    let is_section = line.starts_with('[') && line.ends_with(']');
    is_key || is_section || line.starts_with("# ") || pair(line).is_some()
}

fn speaks_of_a_secret(name: &str) -> bool {
    const WORDS: [&str; 18] = [
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "private",
        "credential",
        "auth",
        "bearer",
        "cookie",
        "session",
        "signature",
        "salt",
        "jwt",
        "cert",
        "pass",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// A long word of letters and digits as nobody writes them by hand.
fn looks_like_a_token(text: &str) -> bool {
    if public::has_token_prefix(text) {
        return true;
    }
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.+/=~".contains(&b);
    if text.len() < 20 || !text.bytes().all(is_part) {
        return false;
    }
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let longest = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max().unwrap_or(0);
    let letters = has(u8::is_ascii_lowercase) || has(u8::is_ascii_uppercase);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    has(u8::is_ascii_digit) && letters && (mixed && longest >= 12 || longest >= 20)
}
