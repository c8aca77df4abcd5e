//! Values that nobody has filled in yet: `your-key-here`, `changeme`, `<token>`. Only to tell a person; nothing is refused because of it.

/// Words that are a placeholder by themselves.
const WHOLE: [&str; 14] = [
    "changeme",
    "changeit",
    "changethis",
    "replaceme",
    "replacethis",
    "fillme",
    "fillmein",
    "placeholder",
    "todo",
    "tbd",
    "fixme",
    "dummy",
    "redacted",
    "insertkey",
];

/// Words that make a value a placeholder if it stands in the example, too: there it was written for everybody.
const TELLING: [&str; 13] = [
    "your",
    "example",
    "change",
    "replace",
    "placeholder",
    "dummy",
    "sample",
    "fake",
    "here",
    "secret",
    "password",
    "token",
    "key",
];

/// Whether `value` looks as if it still had to be filled in; `example` is what the example file has for it.
///
/// By itself: words such as `changeme` or `todo`, with or without `-`, `_` and blanks in them; `your-...` and `...-here`, also after a
/// prefix such as `sk-`; three `x`, `*` or `.` and more at the end and nothing but a short prefix before them; `<...>`, `{{...}}`. As in
/// the example, and not by itself: a word such as `secret`, `token` or `example` in it. An empty value is none: it may be meant.
pub(crate) fn is_placeholder(value: &str, example: Option<&str>) -> bool {
    let value = value.trim().to_ascii_lowercase();
    looks_unfilled(&value)
        || example.is_some_and(|example| {
            value == example.trim().to_ascii_lowercase() && TELLING.iter().any(|word| value.contains(word))
        })
}

/// For a value in lower case, without blanks around it.
fn looks_unfilled(value: &str) -> bool {
    let within =
        |open, close| value.len() > 2 && value.starts_with(open) && value.ends_with(close) && !value.contains('\n');
    if within("<", ">") || within("{{", "}}") {
        return true;
    }
    let words: Vec<&str> = value.split(['-', '_', ' ']).filter(|word| !word.is_empty()).collect();
    if WHOLE.contains(&words.concat().as_str()) {
        return true;
    }
    // `your-key`, `sk-your-key`, `key_goes_here`: words, not a token that has such letters in it.
    let spoken = words.len() > 1 && value.len() < 64 && !value.bytes().any(|byte| b"/:@=".contains(&byte));
    if spoken && (words.iter().take(3).any(|word| *word == "your") || words.ends_with(&["here"])) {
        return true;
    }
    let filler = ['x', '*', '.'].iter().map(|letter| value.len() - value.trim_end_matches(*letter).len()).max();
    filler.is_some_and(|filler| filler >= 3 && value.len() - filler <= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_still_has_to_be_filled_in() {
        for value in [
            "your-key-here",
            "your_api_key",
            "YOUR-API-KEY-HERE",
            "sk-your-key",
            "sk-ant-your-key-here",
            "put_key_here",
            "changeme",
            "change-me",
            "CHANGE_ME",
            "replace me",
            "xxx",
            "XXXXXXXX",
            "sk-xxxxxxxx",
            "***",
            "sk-...",
            "<token>",
            "<your token>",
            "{{ token }}",
            "TODO",
            "tbd",
            " changeme ",
        ] {
            assert!(is_placeholder(value, None), "{value}");
        }
    }

    #[test]
    fn what_is_filled_in() {
        for value in [
            "",
            "sk-live-0123456789",
            "true",
            "3000",
            "production",
            "x",
            "xx",
            "hereby",
            "yours",
            "postgres://your-host/here",
            "AKIAIOSFODNN7EXAMPLE",
            "secret",
            "password",
            "my-key",
            "<",
            "<>",
            "a-real-token-that-ends-in-xxx",
            "sphere",
            "https://example.com",
            "<a>\n<b>",
        ] {
            assert!(!is_placeholder(value, None), "{value}");
        }
    }

    #[test]
    fn what_is_still_as_in_the_example() {
        for value in ["secret", "password", "AKIAIOSFODNN7EXAMPLE", "my-key", "Secret"] {
            assert!(!is_placeholder(value, Some("x")) && is_placeholder(value, Some(value)), "{value}");
        }
        // Settings that the example recommends.
        for value in ["info", "3000", "gpt-4o", "production", "", "http://localhost:3000"] {
            assert!(!is_placeholder(value, Some(value)), "{value}");
        }
    }
}
