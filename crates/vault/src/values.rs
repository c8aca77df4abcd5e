//! The last part of a vault: its values, and when they were set. The owner or a person whom the owner permitted seals it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use age::secrecy::zeroize::Zeroizing;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::name::SecretName;
use crate::text::{Length, Reader, write_string};
use crate::time::Timestamp;
use crate::value::SecretValue;

/// A value and its times.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The value.
    pub value: SecretValue,
    /// When this name was first set.
    pub created: Timestamp,
    /// When the value was last set.
    pub updated: Timestamp,
}

impl Secret {
    /// What a diff shows of the value: the first 4 bytes of HMAC-SHA256 under the vault's `fp`, over KEY, 00 and the value. `None` of a value under
    /// 8 bytes, which could be guessed by who has the vault's key of old.
    pub fn fingerprint(&self, name: &SecretName, fp: [u8; 16]) -> Option<[u8; 4]> {
        if self.value.len() < SHORTEST_FINGERPRINTED {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&fp).expect("HMAC takes a key of any length");
        mac.update(name.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(self.value.expose().as_bytes());
        mac.finalize().into_bytes().first_chunk().copied()
    }
}

/// In bytes.
const SHORTEST_FINGERPRINTED: usize = 8;

/// The values by name.
pub(crate) type Values = BTreeMap<SecretName, Secret>;

/// The one written form, in memory that is wiped.
pub(crate) fn to_text(values: &Values) -> Zeroizing<String> {
    const NEVER: &str = "memory takes everything";
    let mut length = Length::default();
    write(&mut length, values).expect(NEVER);
    let mut text = Zeroizing::new(String::with_capacity(length.0));
    write(&mut *text, values).expect(NEVER);
    text
}

fn write(out: &mut impl Write, values: &Values) -> fmt::Result {
    for (name, Secret { value, created, updated }) in values {
        write!(out, "\n[secrets.{name}]\nvalue = ")?;
        write_string(out, value.expose())?;
        write!(out, "\ncreated = {created}\nupdated = {updated}\n")?;
    }
    Ok(())
}

/// Reads that form, and no other. Each value is copied once, into memory of its own that is wiped.
pub(crate) fn from_text(text: &str) -> Option<Values> {
    // A map is made of a sorted list at once.
    let mut values: Vec<(SecretName, Secret)> = Vec::new();
    let mut reader = Reader::new(text);
    while !reader.is_at_end() {
        reader.token("\n[secrets.")?;
        let name = SecretName::parse(reader.heading()?).ok()?;
        if values.last().is_some_and(|(last, _)| *last >= name) {
            return None;
        }
        let value = SecretValue::from_text(reader.entry("value")?).ok()?;
        let secret = Secret { value, created: reader.time("created")?, updated: reader.time("updated")? };
        values.push((name, secret));
    }
    Some(values.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(list: &[(&str, &str)]) -> Values {
        let secret = |text: &str| Secret {
            value: SecretValue::from_text(text.to_owned()).unwrap(),
            created: Timestamp::parse("2026-01-15T10:30:00Z").unwrap(),
            updated: Timestamp::parse("2026-01-16T10:30:00Z").unwrap(),
        };
        list.iter().map(|(name, text)| (SecretName::parse(name).unwrap(), secret(text))).collect()
    }

    #[test]
    fn reads_as_the_readme_shows_it() {
        assert_eq!(
            *to_text(&values(&[("OPENAI_API_KEY", "sk-1"), ("PEM", "a\nb\n")])),
            "\n[secrets.OPENAI_API_KEY]\n\
             value = \"sk-1\"\n\
             created = 2026-01-15T10:30:00Z\n\
             updated = 2026-01-16T10:30:00Z\n\
             \n[secrets.PEM]\n\
             value = \"\"\"\na\nb\n\"\"\"\n\
             created = 2026-01-15T10:30:00Z\n\
             updated = 2026-01-16T10:30:00Z\n"
        );
    }

    #[test]
    fn unknown_missing_moved_and_doubled_fields_are_refused() {
        let good = to_text(&values(&[("A", "v"), ("B", "w")])).to_string();
        assert_eq!(from_text(&good).unwrap().len(), 2);
        assert_eq!(from_text("").unwrap().len(), 0);
        for bad in [
            good.replace("value", "valeu"),
            format!("\ncolour = 1\n{good}"),
            format!("{good}expires = 1\n"),
            format!("{good}\n"),
            good.replace("\n[secrets.B]", "[secrets.B]"),
            good.replace("\"v\"", "\"\\u0000\""),
            good.replace("\"v\"", "1"),
            good.replace("\"v\"", "'v'"),
            good.replace("[secrets.A]", "[secrets.\"A\"]"),
            good.replace("[secrets.A]", "[secrets.C]"),
            good.replace("[secrets.A]", "[secrets.B]"),
            good.replace("[secrets.A]", "[secrets.CAST_A]"),
            good.replacen("created = 2026-01-15T10:30:00Z", "created = 2026-01-15T11:30:00+01:00", 1),
            good.replacen("created = 2026-01-15T10:30:00Z\n", "", 1),
        ] {
            assert!(bad != good && from_text(&bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back_byte_for_byte(one in "[^\0]*", two in "[\u{1}-\u{1f}\u{7f}\"'\\\\# ]*") {
            let list = values(&[("A", &one), ("B", &two)]);
            let text = to_text(&list);
            let back = from_text(&text).unwrap();
            prop_assert_eq!(back["A"].value.expose(), &one);
            prop_assert_eq!(back["B"].value.expose(), &two);
            prop_assert_eq!(&*to_text(&back), &*text);
            let table: toml::Table = text.parse().unwrap();
            prop_assert_eq!(table["secrets"]["A"]["value"].as_str(), Some(&*one));
            prop_assert_eq!(table["secrets"]["B"]["value"].as_str(), Some(&*two));
        }
    }
}
