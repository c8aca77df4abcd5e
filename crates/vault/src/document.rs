//! The TOML inside a vault: whose it is, and its secrets. Parse errors of the toml crate quote the line, which is a secret, so none
//! of them leaves this room.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::{AgentName, SecretName};
use crate::time::Timestamp;
use crate::value::SecretValue;

/// What a vault holds. Unknown fields are refused: a newer cast wrote them, and this one would lose them.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub agent: AgentName,
    /// The master key's public half, `age1...`: whom an agent key's holder seals to.
    pub master: String,
    #[serde(default)]
    pub secrets: BTreeMap<SecretName, Secret>,
}

/// One secret of a vault.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    #[serde(serialize_with = "write_value", deserialize_with = "read_value")]
    pub value: SecretValue,
    /// When this name was first set.
    pub created: Timestamp,
    /// When the value was last set.
    pub updated: Timestamp,
    /// The owner allowed a name that makes programs load code.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dangerous: bool,
    /// The owner said that this is a plain setting, not to be masked in output.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unmasked: bool,
}

impl Document {
    /// The TOML text, to be sealed.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("strings, times and flags are TOML")
    }

    /// Reads it again. On failure nothing is said but that it failed: the reason would quote a secret.
    pub fn from_toml(text: &str) -> Option<Self> {
        toml::from_str(text).ok()
    }
}

fn write_value<S: Serializer>(value: &SecretValue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.expose())
}

fn read_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    // TOML can write a NUL; the value's own check refuses it.
    SecretValue::from_text(String::deserialize(deserializer)?).map_err(|_| serde::de::Error::custom("not a value"))
}

// serde wants a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(values: &[(&str, &str)]) -> Document {
        let now = Timestamp::parse("2026-01-15T10:30:00Z").unwrap();
        let secret = |text: &str| Secret {
            value: SecretValue::from_text(text.to_owned()).unwrap(),
            created: now,
            updated: now,
            dangerous: false,
            unmasked: false,
        };
        Document {
            agent: AgentName::parse("a").unwrap(),
            master: "age1x".into(),
            secrets: values.iter().map(|(name, text)| (SecretName::parse(name).unwrap(), secret(text))).collect(),
        }
    }

    #[test]
    fn reads_as_the_readme_shows_it() {
        let text = document(&[("OPENAI_API_KEY", "sk-1")]).to_toml();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..5],
            ["agent = \"a\"", "master = \"age1x\"", "", "[secrets.OPENAI_API_KEY]", "value = \"sk-1\""]
        );
        assert!(lines[5].starts_with("created = 2") && lines[5].ends_with('Z'), "{}", lines[5]);
    }

    #[test]
    fn unknown_fields_missing_fields_and_nul_are_refused() {
        let good = document(&[("K", "v")]).to_toml();
        for bad in [
            good.replace("agent", "agnet"),
            format!("colour = 1\n{good}"),
            format!("{good}\nexpires = 1\n"),
            good.replace("value = \"v\"", "value = \"\\u0000\""),
            good.replace("value = \"v\"", "value = 1"),
            good.replace("[secrets.K]", "[secrets.\"K V\"]"),
        ] {
            assert!(Document::from_toml(&bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back_byte_for_byte(value in "[^\0]*") {
            let back = Document::from_toml(&document(&[("K", &value)]).to_toml()).unwrap();
            prop_assert_eq!(back.secrets.values().next().unwrap().value.expose(), &value);
        }

        #[test]
        fn control_characters_come_back(value in "[\u{1}-\u{1f}\u{7f}\"'\\\\ ]*") {
            let back = Document::from_toml(&document(&[("K", &value)]).to_toml()).unwrap();
            prop_assert_eq!(back.secrets.values().next().unwrap().value.expose(), &value);
        }
    }
}
