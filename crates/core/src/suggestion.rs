//! "Did you mean": finds the known name that is closest to an unknown one.

/// The Jaro-Winkler similarity (0 to 1) from which a name looks like a typo of another.
const CLOSE: f64 = 0.8;

/// The known name that a new one is probably a misspelling of. Stricter than [`closest`], for the new one may well be meant: `agent-2` beside
/// `agent-1`, `app-eu` beside `app-us`.
pub fn misspelt<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    let last_word = |name: &str| name.rsplit(['-', '.', '_']).next().map_or(0, str::len);
    let is_like = |name: &&str| {
        let shorter = word.len().min(name.len());
        let mistakes = if shorter < SHORT { 1 } else { 2 };
        shorter >= SHORTEST
            && last_word(word).min(last_word(name)) >= SHORTEST
            && digits(word) == digits(name)
            && strsim::damerau_levenshtein(word, name) <= mistakes
    };
    known.filter(|name| *name != word).filter(is_like).min_by_key(|name| strsim::damerau_levenshtein(word, name))
}

/// A name or a last word that is shorter is no misspelling of another, but one of a kind: `eu` and `us`.
const SHORTEST: usize = 4;
/// From this length on, two letters may be wrong.
const SHORT: usize = 8;

/// The closest of the `known` names, if it is close enough.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(similarity, _)| *similarity >= CLOSE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_that_may_be_meant_is_no_misspelling() {
        let known = ["my-agent", "builtin", "github-mcp", "agent-1", "app-us", "a", "deploy"];
        for (word, like) in [
            ("my-agnt", "my-agent"),
            ("my-agetn", "my-agent"),
            ("myagent", "my-agent"),
            ("my-agents", "my-agent"),
            ("builtn", "builtin"),
            ("depoly", "deploy"),
        ] {
            assert_eq!(misspelt(word, known.into_iter()), Some(like), "{word}");
        }
        for word in ["agent-2", "app-eu", "b", "ab", "github-mcp", "github-mcp2", "other", "your-tool", "my-agent-dev"]
        {
            assert_eq!(misspelt(word, known.into_iter()), None, "{word}");
        }
    }
}
