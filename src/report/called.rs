//! The name that the user calls this program by. Another program may be called `cast`, and then this one is renamed: a
//! command to type has to begin with the name that works.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

/// The name in every text of cast.
const OURS: &str = "cast";

/// The text with the user's name for this program in each command to type.
pub(crate) fn as_called(text: &str) -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    let name = NAME.get_or_init(|| env::args_os().next().and_then(|word| name_of(&word)).unwrap_or(OURS.to_owned()));
    if name == OURS { text.to_owned() } else { renamed(text, name) }
}

/// The name of the program in the first word of its command line, if it can be typed.
fn name_of(word: &OsStr) -> Option<String> {
    let name = Path::new(word).file_name()?.to_str()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-+".contains(letter);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

/// Replaces `cast` where it is a command: at the beginning of a quotation, behind a pipe, or behind an assignment.
fn renamed(text: &str, name: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut begun = Vec::new();
    for place in 0..words.len().saturating_sub(1) {
        let before = if place == 0 { "" } else { words[place - 1] };
        let behind = ["|", "&&", ";"].contains(&before) || before.contains('=');
        let opening = words[place].strip_suffix(OURS).filter(|opening| opening.ends_with('\'') || opening.is_empty());
        match opening {
            Some(opening) if !opening.is_empty() || behind => begun.push((place, format!("{opening}{name}"))),
            _ => {}
        }
    }
    for (place, word) in &begun {
        words[*place] = word;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_type_are_renamed_and_nothing_else() {
        for (text, expected) in [
            ("see 'cast doctor' or 'cast man'", "see 'cast2 doctor' or 'cast2 man'"),
            ("the vault's owner types 'cast list'", "the vault's owner types 'cast2 list'"),
            ("'CAST_VAULTS=FOLDER cast key rotate'", "'CAST_VAULTS=FOLDER cast2 key rotate'"),
            ("'... | cast secrets import AGENT -'", "'... | cast2 secrets import AGENT -'"),
            ("cast: hint: run ('cast run a -- b')", "cast: hint: run ('cast2 run a -- b')"),
            ("the entry 'cast', tab 'x'", "the entry 'cast', tab 'x'"),
            ("'secret-tool clear service cast username x'", "'secret-tool clear service cast username x'"),
            ("cast looks it up in PATH", "cast looks it up in PATH"),
            ("word 3 after 'cast'", "word 3 after 'cast'"),
            ("'broadcast it'", "'broadcast it'"),
        ] {
            assert_eq!(renamed(text, "cast2"), expected);
        }
    }

    #[test]
    fn a_name_that_can_be_typed() {
        for (word, name) in [
            ("/usr/bin/cast-secrets", Some("cast-secrets")),
            ("cast.exe", Some("cast")),
            ("./cast", Some("cast")),
            ("a b", None),
            ("it's", None),
            ("", None),
        ] {
            assert_eq!(name_of(OsStr::new(word)).as_deref(), name, "{word}");
        }
    }
}
