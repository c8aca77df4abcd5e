//! "Did you mean": finds the known name that is closest to an unknown one.

/// The Jaro-Winkler similarity (0 to 1) from which a name looks like a typo of another.
const CLOSE: f64 = 0.8;

/// The closest of the `known` names, if it is close enough.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(similarity, _)| *similarity >= CLOSE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
