//! A vault's plain text, and what its signatures cover. Keeps the promise that it is split at the length which the first line states, never by
//! looking for a line: a value may hold one like it.
//!
//! ```text
//! # cast-vault 1 ... bytes=<n> sig=<128 hex>
//! <n bytes: the owner's part>
//! # cast-values 1 ... sig=<128 hex>
//! <to the end: the values>
//! ```

use age::secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

use super::lines::{First, Second, Signed, ending};
use super::state::{Digest, State};
use crate::error::Refusal;
use crate::key::Verifier;
use crate::part::Part;

/// What a signature of the owner's part begins with, and one of the values: no message of one kind is one of the other.
const OWNER: &[u8] = b"cast/v1/owner\0";
const SEAL: &[u8] = b"cast/v1/seal\0";
/// Where in the first line the counters begin.
const COUNTERS: &[u8] = b" rules=";

/// The whole plain text, its first line read, and nothing of it verified.
pub(super) struct Plain {
    bytes: Zeroizing<Vec<u8>>,
    pub(super) first: Signed<First>,
    part: usize,
    part_end: usize,
}

/// The second line, what it signs of itself, and what stands below it.
pub(super) struct Below<'a> {
    pub(super) second: Signed<Second>,
    head: &'a [u8],
    pub(super) values: &'a [u8],
}

impl Plain {
    /// Reads the first line and splits off the owner's part.
    pub(super) fn split(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Refusal> {
        let end = line_end(&bytes)?;
        let first = Signed::<First>::parse(&bytes[..end])?;
        let part = end + 1;
        let part_end = part.checked_add(first.line.bytes).filter(|end| *end <= bytes.len()).ok_or(Refusal::Damaged)?;
        if !bytes[part..part_end].ends_with(b"\n") {
            return Err(Refusal::Damaged);
        }
        Ok(Self { bytes, first, part, part_end })
    }

    /// Reads the second line.
    pub(super) fn below(&self) -> Result<Below<'_>, Refusal> {
        let rest = &self.bytes[self.part_end..];
        let end = line_end(rest)?;
        let second = Signed::<Second>::parse(&rest[..end])?;
        let head = &rest[..second.head];
        Ok(Below { second, head, values: &rest[end + 1..] })
    }

    /// Whether the counters of both lines are those of `state`; of the second line, which may not have been verified, only these bytes are
    /// looked at.
    pub(super) fn counts_as(&self, state: &State) -> bool {
        self.first.line.rules == state.rules
            && self.bytes[self.part_end..].starts_with(Second::start(&state.at).as_bytes())
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first line and the owner's part.
    pub(super) fn above(&self) -> &[u8] {
        &self.bytes[..self.part_end]
    }

    /// The owner's part.
    pub(super) fn part(&self) -> &[u8] {
        &self.bytes[self.part..self.part_end]
    }

    /// What depends on the owner's key, the agent and the epoch alone: the first line up to its counters, and the three lines of the
    /// owner's part that name the owner's card and the agent key, with the nonce of which that is derived. These bytes are compared, and not parsed.
    pub(super) fn ownership(&self) -> [&[u8]; 2] {
        let (head, part) = (self.head(), self.part());
        let line = head.windows(COUNTERS.len()).position(|bytes| bytes == COUNTERS).unwrap_or(head.len());
        let mut ends = part.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
        let three = ends.nth(2).unwrap_or(part.len());
        [&head[..line], &part[..three]]
    }

    fn head(&self) -> &[u8] {
        &self.bytes[..self.first.head]
    }

    /// Whether `owner` signed the first line and the owner's part.
    pub(super) fn is_owners(&self, owner: &Verifier) -> bool {
        owner.verifies(&owner_message(self.head(), self.part()), &self.first.signature)
    }

    /// Whether the one whom the second line names as sealer signed it, all that stands above it and the values. `owner` is the one whom the
    /// first line names.
    pub(super) fn is_sealed(&self, below: &Below<'_>, owner: &Verifier) -> bool {
        let Signed { line: Second { sealer, .. }, signature, .. } = &below.second;
        let message = seal_message(self.above(), below.head, below.values);
        if *sealer == self.first.line.owner {
            return owner.verifies(&message, signature);
        }
        sealer.verifier().is_some_and(|sealer| sealer.verifies(&message, signature))
    }

    /// Which state this is. The sealer is not part of it: two people who merge the same states apart from each other come to the same one.
    pub(super) fn state(&self) -> Result<State, Refusal> {
        let below = self.below()?;
        let First { id, epoch, ref rules, .. } = self.first.line;
        let at = below.second.line.at.clone();
        let values_hash = digest(&[format!(" at={at}\n").as_bytes(), below.values]);
        let owner_hash = digest(&[self.head(), b"\n", self.part()]);
        let nonce = Part::nonce_of(self.part()).ok_or(Refusal::Newer)?;
        Ok(State { id, epoch, nonce, rules: rules.clone(), owner_hash, at, values_hash })
    }
}

/// The first line and the owner's part, signed by `sign`. States the length of the part itself.
pub(super) fn sign_part(first: &First, part: &str, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
    let head = First { bytes: part.len(), ..first.clone() }.to_string();
    let signature = sign(&owner_message(head.as_bytes(), part.as_bytes()));
    [head.as_bytes(), ending(&signature).as_bytes(), part.as_bytes()].concat()
}

/// The whole plain text, sealed by `sign`, in memory that is wiped.
pub(super) fn seal(
    above: &[u8],
    second: &Second,
    values: &str,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Zeroizing<Vec<u8>> {
    let head = second.to_string();
    let ending = ending(&sign(&seal_message(above, head.as_bytes(), values.as_bytes())));
    joined(&[above, head.as_bytes(), ending.as_bytes(), values.as_bytes()])
}

fn owner_message(head: &[u8], part: &[u8]) -> Zeroizing<Vec<u8>> {
    joined(&[OWNER, head, b"\n", part])
}

fn seal_message(above: &[u8], head: &[u8], values: &[u8]) -> Zeroizing<Vec<u8>> {
    joined(&[SEAL, above, head, b"\n", values])
}

fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(parts.concat())
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// Where the line feed of the first line is.
fn line_end(bytes: &[u8]) -> Result<usize, Refusal> {
    bytes.iter().position(|byte| *byte == b'\n').ok_or(Refusal::Damaged)
}
