//! The two lines of a vault that are not TOML: the first says whose vault this is and signs the owner's part, the second signs the values.
//! Each has one written form; a line that is read is written again byte for byte.

use std::fmt;

use crate::error::Refusal;
use crate::hex::{Hex, parse_counter, parse_hex, parse_number};
use crate::key::{VaultId, VerificationKey};
use crate::name::AgentName;
use crate::vector::Vector;

/// What every version's first line begins with, and this version's.
const FIRST: &str = "# cast-vault ";
const FIRST_1: &str = "# cast-vault 1 ";
/// The same for the second line.
const SECOND: &str = "# cast-values ";
const SECOND_1: &str = "# cast-values 1 ";
/// What stands before a line's signature, and is not signed.
const SIGNATURE: &str = " sig=";

/// The first line: `# cast-vault 1 id= agent= epoch= owner= rules= bytes= sig=`.
#[derive(Clone)]
pub(super) struct First {
    pub(super) id: VaultId,
    pub(super) agent: AgentName,
    /// Counts revocations and changes of the owner's key, from 1.
    pub(super) epoch: u64,
    /// Whose signature the line carries. Says nothing of whose it should be.
    pub(super) owner: VerificationKey,
    /// Counts changes of the owner's part.
    pub(super) rules: Vector,
    /// The length of the owner's part.
    pub(super) bytes: usize,
}

/// The second line: `# cast-values 1 at= sealer= sig=`.
#[derive(Clone)]
pub(super) struct Second {
    /// Counts changes of the values, and of which there are.
    pub(super) at: Vector,
    /// Whose signature the line carries.
    pub(super) sealer: VerificationKey,
}

/// A line, and where in it the part ends that is signed.
pub(super) struct Signed<T> {
    pub(super) line: T,
    pub(super) head: usize,
    pub(super) signature: [u8; 64],
}

impl<T: Line> Signed<T> {
    /// Reads a line, without its end, in its one form.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(line).map_err(|_| Refusal::Damaged)?;
        T::check_version(text)?;
        let parsed = text.split_once(SIGNATURE).and_then(|(head, signature)| {
            Some(Self { line: T::parse(head)?, head: head.len(), signature: parse_hex(signature)? })
        });
        parsed.ok_or(Refusal::Damaged)
    }
}

/// What a line says, without its signature.
pub(super) trait Line: fmt::Display + Sized {
    fn check_version(line: &str) -> Result<(), Refusal>;
    fn parse(head: &str) -> Option<Self>;
}

impl Line for First {
    fn check_version(line: &str) -> Result<(), Refusal> {
        let newer = line.starts_with(FIRST) && !line.starts_with(FIRST_1);
        if newer {
            return Err(Refusal::Newer);
        }
        if is_development_build(line) { Err(Refusal::DevelopmentBuild) } else { Ok(()) }
    }

    fn parse(head: &str) -> Option<Self> {
        let mut fields = Fields::of(head, FIRST_1)?;
        let first = Self {
            id: VaultId::parse(fields.next("id=")?)?,
            agent: AgentName::parse(fields.next("agent=")?).ok()?,
            epoch: parse_counter(fields.next("epoch=")?)?,
            owner: VerificationKey::read(fields.next("owner=")?)?,
            rules: Vector::parse(fields.next("rules=")?)?,
            bytes: usize::try_from(parse_number(fields.next("bytes=")?)?).ok()?,
        };
        fields.next("").is_none().then_some(first)
    }
}

impl Line for Second {
    fn check_version(line: &str) -> Result<(), Refusal> {
        let newer = line.starts_with(SECOND) && !line.starts_with(SECOND_1);
        if newer { Err(Refusal::Newer) } else { Ok(()) }
    }

    fn parse(head: &str) -> Option<Self> {
        let mut fields = Fields::of(head, SECOND_1)?;
        let second =
            Self { at: Vector::parse(fields.next("at=")?)?, sealer: VerificationKey::read(fields.next("sealer=")?)? };
        fields.next("").is_none().then_some(second)
    }
}

/// Up to, and without, ` sig=`: what is signed of the line.
impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, agent, epoch, owner, rules, bytes } = self;
        write!(f, "{FIRST_1}id={id} agent={agent} epoch={epoch} owner={owner} rules={rules} bytes={bytes}")
    }
}

/// Up to, and without, ` sig=`: what is signed of the line.
impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::start(&self.at), self.sealer)
    }
}

impl Second {
    /// What the line begins with in a state that counts `at`.
    pub(super) fn start(at: &Vector) -> String {
        format!("{SECOND_1}at={at} sealer=")
    }
}

/// A line's end, from ` sig=` to its line feed.
pub(super) fn ending(signature: &[u8; 64]) -> String {
    format!("{SIGNATURE}{}\n", Hex(signature))
}

/// The fields of a line, one blank between them.
struct Fields<'t>(std::str::Split<'t, char>);

impl<'t> Fields<'t> {
    fn of(head: &'t str, start: &str) -> Option<Self> {
        head.strip_prefix(start).map(|fields| Self(fields.split(' ')))
    }

    /// The value of the next field, which is `name`.
    fn next(&mut self, name: &str) -> Option<&'t str> {
        self.0.next()?.strip_prefix(name)
    }
}

/// Whether a development build wrote this line: `# cast-vault 1 id= epoch= generation= mac=`. Such a vault was authenticated by every reader.
fn is_development_build(line: &str) -> bool {
    let Some(mut fields) = Fields::of(line, FIRST_1) else { return false };
    ["id=", "epoch=", "generation=", "mac="].iter().all(|name| fields.next(name).is_some()) && fields.next("").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::UnlockKey;

    fn key() -> VerificationKey {
        let text = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";
        let UnlockKey::Master(keys) = UnlockKey::parse(text).unwrap() else { panic!("a master key") };
        keys[0].verification()
    }

    fn refusal<T: Line>(line: &str) -> Option<Refusal> {
        Signed::<T>::parse(line.as_bytes()).err()
    }

    #[test]
    fn the_first_line_has_one_form() {
        let signature = "c2".repeat(64);
        let line = format!(
            "# cast-vault 1 id={} agent=a.b epoch=7 owner={} rules=0000000a.1,0000000b.2 bytes=417 sig={signature}",
            "a0".repeat(16),
            key(),
        );
        let parsed = Signed::<First>::parse(line.as_bytes()).unwrap();
        assert_eq!(format!("{}{}", parsed.line, ending(&parsed.signature)), format!("{line}\n"));
        assert_eq!((parsed.line.bytes, parsed.head), (417, line.len() - 133));
        for (from, to, why) in [
            ("# cast-vault 1 ", "# cast-vault 2 ", Refusal::Newer),
            ("# cast-vault 1 ", "# cast-vault 10 ", Refusal::Newer),
            ("# cast-vault 1 ", "# cast-vault  1 ", Refusal::Newer),
            ("# cast-vault", "#cast-vault", Refusal::Damaged),
            ("epoch=7", "epoch=07", Refusal::Damaged),
            ("epoch=7", "epoch=+7", Refusal::Damaged),
            ("epoch=7", "epoch=0", Refusal::Damaged),
            ("epoch=7", "epoch=9007199254740992", Refusal::Damaged),
            (" epoch", "  epoch", Refusal::Damaged),
            (" epoch=7", "", Refusal::Damaged),
            ("a0a0", "A0a0", Refusal::Damaged),
            ("a0a0", "a0", Refusal::Damaged),
            ("agent=a.b", "agent=a..b", Refusal::Damaged),
            ("agent=a.b", "agent=A.b", Refusal::Damaged),
            ("a.1,0000000b.2", "a.1,0000000a.2", Refusal::Damaged),
            ("0000000a.1,0000000b.2", "", Refusal::Damaged),
            ("bytes=417", "bytes=0417", Refusal::Damaged),
            ("bytes=417", "bytes=-1", Refusal::Damaged),
            ("bytes=417", "bytes=18446744073709551616", Refusal::Damaged),
            ("bytes=417", "bytes=417 colour=1", Refusal::Damaged),
            (" sig=", " sig=c2", Refusal::Damaged),
            (" sig=c2", " sig=C2", Refusal::Damaged),
            (" sig=", " sig= sig=", Refusal::Damaged),
            (" sig=", "\tsig=", Refusal::Damaged),
        ] {
            assert_eq!(refusal::<First>(&line.replacen(from, to, 1)), Some(why), "{from} {to}");
        }
        let owner = key().to_string();
        for bad in [owner.to_uppercase(), "00".repeat(32), owner[2..].to_owned()] {
            assert_eq!(refusal::<First>(&line.replace(&owner, &bad)), Some(Refusal::Damaged));
        }
        for bad in [format!("{line} "), format!("{line}\r"), line[..line.len() - 1].to_owned(), String::new()] {
            assert_eq!(refusal::<First>(&bad), Some(Refusal::Damaged), "{bad:?}");
        }
        assert_eq!(Signed::<First>::parse(b"\xff").err(), Some(Refusal::Damaged));
    }

    #[test]
    fn the_second_line_has_one_form() {
        let signature = "c2".repeat(64);
        let line = format!("# cast-values 1 at=0000000a.1 sealer={} sig={signature}", key());
        let parsed = Signed::<Second>::parse(line.as_bytes()).unwrap();
        assert_eq!(format!("{}{}", parsed.line, ending(&parsed.signature)), format!("{line}\n"));
        for (from, to, why) in [
            ("# cast-values 1 ", "# cast-values 2 ", Refusal::Newer),
            ("# cast-values 1 ", "# cast-vault 1 ", Refusal::Damaged),
            ("at=0000000a.1", "at=", Refusal::Damaged),
            ("at=0000000a.1", "at=0000000a.1 x=1", Refusal::Damaged),
            (" sealer=", "  sealer=", Refusal::Damaged),
            (" sig=", "", Refusal::Damaged),
        ] {
            assert_eq!(refusal::<Second>(&line.replacen(from, to, 1)), Some(why), "{from} {to}");
        }
    }

    #[test]
    fn a_development_build_is_recognised() {
        let line = format!("# cast-vault 1 id={} epoch=1 generation=17 mac={}", "a0".repeat(16), "b1".repeat(32));
        assert_eq!(refusal::<First>(&line), Some(Refusal::DevelopmentBuild));
        assert_eq!(refusal::<First>(&line.replace(" mac=", " cam=")), Some(Refusal::Damaged));
    }
}
