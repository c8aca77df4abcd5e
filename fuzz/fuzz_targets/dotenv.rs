//! `.env` text: what is read is found again when it is written in quotes, an assignment is on its line, and no line is dropped in
//! silence. Whether npm's `dotenv` reads the same is tested in cast-core, which can ask it.
#![no_main]

use cast_core::dotenv::{self, Dotenv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let found = dotenv::parse(text);
    let plain = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = plain.split('\n').collect();
    check_lines(&found, &lines);
    let has_quotes = plain.contains(['\'', '"', '`', '\u{2028}', '\u{2029}']);
    if !has_quotes && !["export", "-----BEGIN "].iter().any(|word| plain.contains(word)) {
        check_none_is_dropped(&found, &lines);
    }

    let mut all = String::new();
    let mut expected = Vec::new();
    for assignment in &found.assignments {
        let (key, value) = (&assignment.key, assignment.value.as_str());
        // A line end is `\n` in the end, and no quote can be written within itself.
        let quote = ['\'', '`'].into_iter().find(|quote| !value.contains([*quote, '\r']));
        let Some(quote) = quote else { continue };
        let line = format!("{key}={quote}{value}{quote}\n");
        check(&line, &[(key, value)]);
        // A quote after a backslash closes only where no other does.
        if !value.ends_with('\\') {
            all += &line;
            expected.push((key.as_str(), value));
        }
    }
    check(&all, &expected);
});

/// Checks that `text` is these assignments and nothing else.
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = dotenv::parse(text);
    let pairs: Vec<_> = found.assignments.iter().map(|found| (found.key.as_str(), found.value.as_str())).collect();
    assert_eq!(pairs, expected);
    assert!(found.ignored.is_empty() && found.assignments.iter().all(|found| found.doubt.is_none()), "{text:?}");
}

fn check_lines(found: &Dotenv, lines: &[&str]) {
    assert!(found.ignored.is_sorted_by(|one, next| one < next));
    assert!(found.ignored.iter().all(|line| (1..=lines.len()).contains(line)));
    assert!(found.assignments.is_sorted_by_key(|found| found.line));
    for assignment in &found.assignments {
        assert!(lines[assignment.line - 1].contains(&assignment.key), "line {}", assignment.line);
    }
}

/// For text without quotes and keys, where only these are on two lines: a key and its `=`, and a value below `KEY:`.
fn check_none_is_dropped(found: &Dotenv, lines: &[&str]) {
    let is_blank = |letter: char| (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}';
    let mut before = "";
    for (line, number) in lines.iter().zip(1..) {
        let start = line.trim_start_matches(is_blank);
        let told = found.ignored.contains(&number) || found.assignments.iter().any(|found| found.line == number);
        assert!(
            told || start.is_empty() || start.starts_with(['#', '=']) || before.ends_with(':'),
            "line {number} is dropped"
        );
        before = line;
    }
}
