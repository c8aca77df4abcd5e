//! Every message of the product with its hints, in one committed list, `messages.txt`, so that a reader can go through
//! them in one sitting. The list comes from the string literals of the sources; a message that is added or changed
//! without rewriting the list fails here. Help texts and manual pages have files of their own.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where messages are written.
const FOLDERS: [&str; 3] = ["crates/core/src", "crates/keyring/src", "src"];

/// Help texts, and modules that their parents compile only for tests.
const OTHERS: [&str; 5] =
    ["src/args.rs", "src/args/", "/tests.rs", "/secret_service/real.rs", "/secret_service/scripted.rs"];

/// Calls whose words no user sees: they state why something cannot fail.
const UNSEEN: [&str; 7] = ["expect", "expect_err", "panic", "unreachable", "assert", "assert_eq", "debug_assert"];

#[test]
fn every_message_is_in_the_list() {
    let mut list = String::from(
        "Every message of cast, by file and in the order of the source. A hint is indented below its message; a hint that\n\
         stands alone has no message above it. The test tests/it/messages.rs writes this file:\n\
         CAST_TEST_REWRITE=1 cargo test --locked --test it -- messages\n",
    );
    for path in FOLDERS.into_iter().flat_map(|folder| rust_files(&Path::new(ROOT).join(folder))) {
        let name = path.strip_prefix(ROOT).unwrap().to_string_lossy().into_owned();
        if OTHERS.iter().any(|other| name.starts_with(other) || name.ends_with(other)) {
            continue;
        }
        let messages = messages(&fs::read_to_string(&path).unwrap());
        if !messages.is_empty() {
            write!(list, "\n{name}\n").unwrap();
        }
        for (kind, text) in messages {
            let mark = match kind {
                Kind::Message => "  ",
                Kind::Hint => "      hint: ",
                Kind::LoneHint => "  hint: ",
            };
            writeln!(list, "{mark}{}", text.trim()).unwrap();
        }
    }
    let committed = Path::new(ROOT).join("tests/it/messages.txt");
    if std::env::var_os("CAST_TEST_REWRITE").is_some() {
        fs::write(&committed, &list).unwrap();
    }
    let there = fs::read_to_string(&committed).unwrap_or_default();
    let behind = list.lines().find(|line| !there.lines().any(|other| other == *line));
    assert!(
        there == list,
        "tests/it/messages.txt is behind the sources, first in {behind:?}.\nRewrite it, read the difference and commit \
         it:\n\n    CAST_TEST_REWRITE=1 cargo test --locked --test it -- messages\n"
    );
}

#[test]
fn literals_are_found_and_the_rest_is_skipped() {
    let code = r##"
        //! A "comment in words".
        #[command(about = "an attribute in words")]
        fn a<'a>(quote: char) -> Failure {
            /* "a block /* within */ in words" */
            let json = r#"a "raw" text"#; let short = "one"; let bytes = b"bytes in words";
            if quote == '"' || quote == '\'' { report.hint("a hint alone"); }
            Failure::new(Kind::Io, format!("cannot \
                read {}", b.expect("this cannot fail"))).hint(format!("type '{c}' again")).hint(ADVICE)
        }
        #[cfg(test)]
        mod tests { fn b() { c("a test in words"); } }
        #[cfg(test)]
        const D: &str = "a constant in words";
        fn hints() -> [&str] { ["in a function"] }
        const FIX: Finding = Finding { message: "not in order", fix: vec!["put it in order"] };
    "##;
    let found: Vec<_> = messages(code).into_iter().map(|(kind, text)| format!("{kind:?}: {text}")).collect();
    let expected = [
        "Message: a \"raw\" text",
        "LoneHint: a hint alone",
        "Message: cannot read {}",
        "Hint: type '{c}' again",
        "Hint: in a function",
        "Message: not in order",
        "Hint: put it in order",
    ];
    assert_eq!(found, expected);
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Message,
    Hint,
    /// One that a verb prints by itself.
    LoneHint,
}

enum Token {
    /// A name, or a macro's name.
    Word(String),
    /// The text of a string literal; empty for other literals.
    Text(String),
    Sign(char),
}

/// The literals of a source that read as words, in its order.
fn messages(code: &str) -> Vec<(Kind, String)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    // For each open bracket, the words before it: `["fix", "vec"]` for `fix: vec![`.
    let mut open: Vec<Vec<String>> = Vec::new();
    let mut before: Vec<String> = Vec::new();
    let mut function = None;
    let mut next = 0;
    while let Some(token) = tokens.get(next) {
        next += 1;
        match token {
            Token::Sign('#') => {
                let end = attribute_end(&tokens, next);
                next = if is_for_tests(&tokens[next..end]) { item_end(&tokens, end) } else { end };
            }
            Token::Word(word) => {
                if before.last().is_some_and(|last| last == "fn") {
                    function = Some(word.clone());
                }
                before.push(word.clone());
            }
            Token::Sign('(' | '[') => open.push(std::mem::take(&mut before)),
            Token::Sign('{') => {
                let words = std::mem::take(&mut before);
                open.push(function.take().map_or(words, |name| vec![name]));
            }
            Token::Sign(')' | ']' | '}') => {
                open.pop();
                before.clear();
            }
            Token::Sign(',' | ';' | '=') => before.clear(),
            Token::Sign(_) => {}
            Token::Text(text) => {
                before.clear();
                let inside = |names: &[&str]| {
                    open.iter().any(|words| words.last().is_some_and(|word| names.contains(&word.as_str())))
                };
                let lone = |words: &Vec<String>| words.ends_with(&["report".to_owned(), "hint".to_owned()]);
                let fix = |words: &Vec<String>| words.iter().any(|word| word == "fix" || word == "hints");
                // A keyring's codes: `there("what it means", &["what to do"])`.
                let in_list = open.last().is_some_and(Vec::is_empty) && inside(&["there"]);
                if !reads_as_words(text) || inside(&UNSEEN) {
                    continue;
                }
                let kind = if open.iter().any(lone) || inside(&["exposure_hint"]) {
                    Kind::LoneHint
                } else if inside(&["hint", "hints"]) || open.iter().any(fix) || in_list {
                    Kind::Hint
                } else {
                    Kind::Message
                };
                found.push((kind, text.clone()));
            }
        }
    }
    found
}

/// Whether a literal reads as words: it has a word among others or placeholders, and is not merely a command of cast.
fn reads_as_words(text: &str) -> bool {
    let outside: String = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect();
    let is_word = |word: &str| word.chars().filter(|letter| letter.is_lowercase()).count() > 2;
    let has_words = outside.split_whitespace().any(is_word) && text.trim().contains(' ');
    let is_command = text.starts_with("cast ") && text.split(' ').count() <= 5 && !text.contains('{');
    has_words && !is_command
}

/// Where the attribute ends whose `#` is just before `start`.
fn attribute_end(tokens: &[Token], start: usize) -> usize {
    let start = if matches!(tokens.get(start), Some(Token::Sign('!'))) { start + 1 } else { start };
    if matches!(tokens.get(start), Some(Token::Sign('['))) { closing(tokens, start) } else { start }
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let mut words =
        attribute.iter().filter_map(|token| if let Token::Word(word) = token { Some(word.as_str()) } else { None });
    words.next() == Some("cfg") && words.next() == Some("test")
}

/// Where the item ends that begins at `start`: after its block, or its semicolon.
fn item_end(tokens: &[Token], mut start: usize) -> usize {
    while let Some(token) = tokens.get(start) {
        match token {
            Token::Sign('{') => return closing(tokens, start),
            Token::Sign('(' | '[') => start = closing(tokens, start),
            Token::Sign(';') => return start + 1,
            _ => start += 1,
        }
    }
    start
}

/// The place after the bracket that closes the one at `start`.
fn closing(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Rust's tokens, without comments and lifetimes.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else if let Some((text, after)) = literal(rest) {
            tokens.push(Token::Text(text));
            rest = after;
        } else if first == '\'' {
            // A lifetime, or a character: that has a closing quote.
            let body = &rest[1..];
            let length = if body.starts_with('\\') { 2 } else { body.chars().next().map_or(0, char::len_utf8) };
            let end = body[length..].find('\'').filter(|end| *end == 0 || body.starts_with('\\'));
            rest = end.map_or(body, |end| &body[length + end + 1..]);
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

fn after_block_comment(code: &str) -> &str {
    let mut depth = 0;
    for (place, _) in code.char_indices() {
        if code[place..].starts_with("/*") {
            depth += 1;
        } else if code[place..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return &code[place + 2..];
            }
        }
    }
    ""
}

/// The literal that `code` begins with, as a reader sees its text, and the code after it. Bytes have no text.
fn literal(code: &str) -> Option<(String, &str)> {
    let is_bytes = code.starts_with('b');
    let code = code.strip_prefix(['b', 'c']).unwrap_or(code);
    if let Some(raw) = code.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let (text, after) = body.split_once(&format!("\"{}", "#".repeat(hashes)))?;
        return Some((if is_bytes { String::new() } else { text.replace('\n', "\\n") }, after));
    }
    let body = code.strip_prefix('"')?;
    let mut text = String::new();
    let mut letters = body.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((if is_bytes { String::new() } else { text }, &body[place + 1..])),
            '\n' => text.push_str("\\n"),
            '\\' => match letters.next()?.1 {
                // The line goes on at the next word.
                '\n' => {
                    let left = letters.as_str();
                    let blanks = left.len() - left.trim_start().len();
                    letters = left[blanks..].char_indices();
                }
                escaped @ ('"' | '\'' | '\\') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            letter => text.push(letter),
        }
    }
    None
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let files = entries.into_iter().flat_map(|path| match path {
        path if path.is_dir() => rust_files(&path),
        path if path.extension().is_some_and(|ending| ending == "rs") => vec![path],
        _ => vec![],
    });
    files.collect()
}
