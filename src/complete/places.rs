//! What the shell offers for a secret that is to be brokered, from the table of well-known keys.

use super::cursor::Cursor;
use super::{Answer, Candidate, HOST, bare};
use cast_core::brokered;
use cast_vault::SecretName;

/// How a place in a header begins.
const HEADER: &str = "header:";

/// The usual hosts of the key on this command line.
pub(super) fn hosts(cursor: &Cursor) -> &'static [&'static str] {
    name(cursor).map_or(&[], |name| brokered::usual_hosts(&name))
}

/// The kinds of places, and the usual headers of this key and these hosts.
pub(super) fn answer(cursor: &Cursor, current: &str, prefix: &str) -> Answer {
    let headers = name(cursor).map(|name| brokered::usual_headers(&name, cursor.all(HOST))).unwrap_or_default();
    let headers = headers.into_iter().map(|header| format!("{HEADER}{header}")).filter(|_| current.starts_with(HEADER));
    let kinds = [
        (HEADER, "a header of the request"),
        ("query:", "a parameter of the address"),
        ("form:", "a field of a form"),
        ("json:", "a string of a JSON body, at a JSON pointer"),
    ];
    let kinds = kinds.into_iter().map(|(word, help)| Candidate { word: word.to_owned(), help: help.to_owned() });
    let offered = |candidates: Vec<Candidate>| -> Vec<Candidate> {
        let offered = candidates.into_iter().filter(|one| one.word.starts_with(current));
        offered.map(|one| Candidate { word: format!("{prefix}{}", one.word), ..one }).collect()
    };
    match offered(bare(headers)) {
        headers if headers.is_empty() => Answer::Beginnings(offered(kinds.collect())),
        headers => Answer::Words(headers),
    }
}

fn name(cursor: &Cursor) -> Option<SecretName> {
    cursor.all("key").next().and_then(|word| SecretName::parse(word).ok())
}
