//! Which record: a vault by its id, and by whom its reader expects it from.

use std::fmt;

use cast_vault::{Role, Vault, VaultId, VerificationKey};
use sha2::{Digest as _, Sha256};

use super::record::Record;

/// A vault as one reader knows it. Whoever reads a vault can give its id to another one: what one owner's vault is like, or what an agent
/// line led to, changes nothing of what is known of another owner's vault under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: VaultId,
    pub(crate) whose: Whose,
}

/// Whom the reader expects a vault from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// This user, by whichever of the own keys.
    Own,
    /// The owner whose card this user accepted.
    Accepted(VerificationKey),
    /// The owner whom an agent line names.
    Line(VerificationKey),
}

impl Known {
    /// That vault, by the key that opened it.
    pub(crate) fn of(vault: &Vault) -> Self {
        let owner = vault.part().card.verification();
        let whose = match vault.role() {
            Role::Owner => Whose::Own,
            Role::Person(_) => Whose::Accepted(owner),
            Role::Reader => Whose::Line(owner),
        };
        Self { id: vault.id(), whose }
    }

    pub(crate) fn own(id: VaultId) -> Self {
        Self { id, whose: Whose::Own }
    }

    /// That vault, where a line of its owner's led to it.
    pub(crate) fn of_line(vault: &Vault) -> Self {
        Self { id: vault.id(), whose: Whose::Line(vault.part().card.verification()) }
    }

    /// Whether `record` is one of this vault.
    pub(super) fn fits(self, record: &Record) -> bool {
        let is_owner = match self.whose {
            Whose::Own => true,
            Whose::Accepted(owner) | Whose::Line(owner) => record.owner == owner,
        };
        record.state.id == self.id && is_owner
    }
}

/// The name of its record.
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, whose } = self;
        match whose {
            Whose::Own => write!(f, "{id}"),
            Whose::Accepted(owner) => write!(f, "{id}.{}", digits(owner)),
            Whose::Line(owner) => write!(f, "{id}.{}.line", digits(owner)),
        }
    }
}

fn digits(owner: &VerificationKey) -> String {
    let digest = Sha256::digest(owner.as_bytes());
    let number = u64::from_be_bytes(digest[..8].try_into().expect("8 of 32 bytes"));
    format!("{number:016x}")
}
