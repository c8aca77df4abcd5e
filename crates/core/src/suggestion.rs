//! "Did you mean": the known name closest to a valid but unknown one.

/// Jaro-Winkler similarity from which two names look like one with a slip in it.
const CLOSE: f64 = 0.8;

/// The closest of `known`, if it is close.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(similarity, _)| *similarity >= CLOSE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
