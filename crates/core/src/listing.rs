//! How a secret is treated, in the words that every listing uses.

use cast_vault::{Flags, Sealer, Vault};

pub use cast_vault::OWNER;

const TO: &str = "to ";
const PART: &str = "in ";
const FILE: &str = "as a file";
const COMMAND: &str = "from a command";

/// The flags of a secret, each in a few words; none for a plain secret.
pub fn flags(flags: &Flags) -> Vec<String> {
    let mut words = Vec::new();
    if flags.dangerous {
        words.push("dangerous name".to_owned());
    }
    if flags.unmasked {
        words.push("unmasked".to_owned());
    }
    words.extend(flags.hosts.iter().map(|host| format!("{TO}{host}")));
    words.extend(flags.places.iter().map(|place| format!("{PART}{place}")));
    words.extend(flags.prefix.iter().map(|prefix| format!("prefix {prefix}")));
    if flags.file {
        words.push(FILE.to_owned());
    }
    if flags.from.is_some() {
        words.push(COMMAND.to_owned());
    }
    words
}

/// The same, with the words of the command, for who has to judge them.
pub(crate) fn details(flags: &Flags) -> Vec<String> {
    let mut details = self::flags(flags);
    if let (Some(command), Some(last)) = (&flags.from, details.last_mut()) {
        let words: Vec<_> = command.iter().map(|word| format!("{word:?}")).collect();
        *last = format!("{last} {}", words.join(" "));
    }
    details
}

/// Whether a flag in words is a way by which alone a secret goes: to hosts, into a file, from a command. Without one it is given as it is.
pub(crate) fn is_a_way(flag: &str) -> bool {
    flag.starts_with(TO) || flag == FILE || flag.starts_with(COMMAND)
}

/// Whether a flag in words says into which part of a request a secret goes.
pub(crate) fn is_a_part(flag: &str) -> bool {
    flag.starts_with(PART)
}

/// Flags in one line. One that could be taken for two, or for a quoted one, is in quotes.
pub fn line(flags: &[String]) -> String {
    let one = |flag: &String| {
        // In records and JSON it is the short form.
        if flag.starts_with(TO) {
            return format!("brokered {flag}");
        }
        if flag.contains([',', '"']) && !flag.starts_with(COMMAND) { format!("{flag:?}") } else { flag.clone() }
    };
    let line = flags.iter().map(one).collect::<Vec<_>>().join(", ");
    if line.is_ascii() {
        return line;
    }
    line.chars().map(|letter| if turns(letter) { letter.escape_unicode().to_string() } else { letter.into() }).collect()
}

/// Whether a letter is written from right to left, and so may change where the words beside it are shown.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

/// Who sealed the values last: `owner`, or a person's name.
pub fn sealer(vault: &Vault) -> String {
    sealer_name(vault.sealer())
}

/// The same of a sealer.
pub fn sealer_name(sealer: &Sealer) -> String {
    match sealer {
        Sealer::Owner => OWNER.to_owned(),
        Sealer::Person(name) => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_passes_for_two() {
        let flags = |places: &[&str], from: Option<&[&str]>| Flags {
            places: places.iter().map(ToString::to_string).collect(),
            from: from.map(|words| words.iter().map(ToString::to_string).collect()),
            ..Flags::default()
        };
        for (flags, expected) in [
            (flags(&["query:a"], None), "in query:a"),
            (flags(&["query:a, unmasked"], None), r#""in query:a, unmasked""#),
            (flags(&["query:a\", \"unmasked"], None), r#""in query:a\", \"unmasked""#),
            (flags(&[], Some(&["a", "b, c", "\" \u{202e}"])), r#"from a command "a" "b, c" "\" \u{202e}""#),
        ] {
            assert_eq!(line(&details(&flags)), expected);
        }
    }
}
