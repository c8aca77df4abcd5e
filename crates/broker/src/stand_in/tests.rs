//! Stand-ins: the vectors of SECURITY.md, form, and what is refused.

use proptest::prelude::*;

use super::*;

/// The stand-in keys of SECURITY.md.
const MASTER: &str = "3c784f34ebb2127ed2c3f2f9a38c6c35772f95560d38853617140da2792fe72f";
const AGENT: &str = "86e373637aaebe2742501357e01b48675884bf4b48dfc7d5973ecc6a92032474";

fn key(hex: &str) -> [u8; 32] {
    std::array::from_fn(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
}

/// A value whose letters and digits are of the alphabet with this number, and its prefix.
fn value() -> impl Strategy<Value = (usize, String, String)> {
    let letters = ["0-9", "0-9a-f", "0-9A-F", "0-9a-z", "0-9A-Z", "0-9A-Za-z"];
    (0..letters.len()).prop_flat_map(move |index| {
        let rest = format!("([{}][!-/:-@\\[-`{{-~]?){{16,60}}", letters[index]);
        let rest = proptest::string::string_regex(&rest).unwrap();
        (Just(index), "([a-z]{2,5}[_-]){0,2}", rest)
    })
}

#[test]
fn they_are_as_security_md_says() {
    let long = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789_-ABCDEFGH";
    let hex = "0123456789abcdef".repeat(5);
    for (key_hex, secret, value, own, expected) in [
        (MASTER, "OPENAI_API_KEY", long, None, "sk-proj-K0SIaETRBwYD5ODyWYSB6Zr0nbqbV3RdkqjG_-8ReP7HUJ"),
        (AGENT, "OPENAI_API_KEY", long, None, "sk-proj-2eth5GXjciXCqP93vzDWP4g5EZNnspu0xa9f_-gXOZuYjN"),
        (MASTER, "DIGITS", "1234567890-1234567890", None, "0553884554-0235578523"),
        (MASTER, "A", "acme_0123456789ABCDEF0123", Some("acme_"), "acme_86C1A3B0BD6A8105052E"),
        (MASTER, "HEX", &hex, None, "9a18e8b210deea936acb4c2550890693fcdd9482020fc8c3200341bdcb075bfe7ad0c794c5d42ce7"),
    ] {
        assert_eq!(derive(&key(key_hex), secret, value, own).unwrap().as_str(), expected, "{secret}");
        let security = include_str!("../../../../SECURITY.md");
        assert!(security.contains(&format!("`{expected}`")) && security.contains(&format!("`{key_hex}`")), "{secret}");
    }
}

#[test]
fn unfit_values_are_refused_in_words() {
    let sixteen = "a".repeat(16);
    for (value, own, expected) in [
        ("", None, Unfit::TooShort { have: 0 }),
        ("sk-ant-api03-abcdefghi", None, Unfit::TooShort { have: 9 }),
        ("abcdefgh-ijklmno", None, Unfit::TooShort { have: 15 }),
        ("0123456789abcdefg", Some("01"), Unfit::TooShort { have: 15 }),
        ("0123456789abcdefg", Some("1"), Unfit::Prefix),
        (&format!("{sixteen} "), None, Unfit::Bytes),
        (&"a".repeat(8193), None, Unfit::TooLong),
        (&format!("{sixteen}\n"), None, Unfit::Bytes),
        (&format!("{sixteen}\u{7f}"), None, Unfit::Bytes),
        (&format!("{sixteen}ä"), None, Unfit::Bytes),
    ] {
        assert_eq!(check(value, own), Err(expected), "{value}");
        assert_eq!(derive(&[7; 32], "K", value, own).map(|_| ()), Err(expected), "{value}");
    }
    // The scheme of a URL is not a prefix: its letters count.
    assert_eq!(check("https://short.example", None), Ok(()));
    let words = "it has 9 letters and digits beyond its prefix, and 16 are needed";
    assert_eq!(Unfit::TooShort { have: 9 }.to_string(), words);
}

#[test]
fn it_depends_on_key_secret_and_value() {
    let one = |key: u8, secret: &str, value: &str| derive(&[key; 32], secret, value, None).unwrap().as_str().to_owned();
    let base = one(1, "K", "abcdefghijklmnopq");
    assert_eq!(base, one(1, "K", "abcdefghijklmnopq"));
    for other in [one(2, "K", "abcdefghijklmnopq"), one(1, "L", "abcdefghijklmnopq"), one(1, "K", "abcdefghijklmnopr")]
    {
        assert_ne!(base, other);
    }
}

#[test]
fn debug_shows_nothing() {
    let stand_in = derive(&[1; 32], "K", "abcdefghijklmnopq", None).unwrap();
    assert!(!format!("{stand_in:?}").contains(stand_in.as_str()));
}

proptest! {
    #[test]
    fn it_has_the_length_and_the_form_of_its_value((index, prefix, rest) in value()) {
        let value = format!("{prefix}{rest}");
        let own = Some(prefix.as_str()).filter(|prefix| !prefix.is_empty());
        // Without a prefix of the owner's the table may know one, and then too few letters are left.
        let Ok(stand_in) = derive(&[3; 32], "K", &value, own) else { return Ok(()) };
        let stand_in = stand_in.as_str();
        prop_assert_eq!(stand_in.len(), value.len());
        prop_assert_ne!(stand_in, &value);
        let public = public_prefix(&value, own).unwrap().len();
        prop_assert_eq!(&stand_in[..public], &value[..public]);
        for (one, other) in stand_in.bytes().zip(value.bytes()).skip(public) {
            prop_assert_eq!(one.is_ascii_alphanumeric(), other.is_ascii_alphanumeric());
            prop_assert!(one == other || ALPHABETS[index].contains(&one));
        }
    }
}
