//! The master key: one user's identity. It opens the user's vaults, and a signing key derived from it seals them.

use std::sync::OnceLock;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};
use age::x25519::{Identity, Recipient};
use ed25519_dalek::{Signer, SigningKey};

use super::agent::AgentKey;
use super::card::Card;
use super::derive::{derive, secret_bytes};
use super::id::VaultId;
use super::verification::VerificationKey;
use crate::name::AgentName;
use crate::time::Timestamp;

/// The comment that says when the key below it was made; age-keygen writes the same.
pub(super) const CREATED: &str = "# created: ";

/// A user's key: an age X25519 identity, and the Ed25519 signing key derived from it. Neither `Debug` nor `Clone`.
pub struct MasterKey {
    identity: Identity,
    /// When it was made, where that is known.
    created: Option<Timestamp>,
    /// Both cost a multiplication on the curve, and a run of an unchanged vault needs neither: computed once, when asked for.
    recipient: OnceLock<Recipient>,
    signing: OnceLock<SigningKey>,
}

impl MasterKey {
    /// Makes a new key from the system's random numbers; `now` is written down as the time it was made.
    pub fn generate(now: Timestamp) -> Self {
        Self::new(Identity::generate(), Some(now))
    }

    pub(super) fn new(identity: Identity, created: Option<Timestamp>) -> Self {
        Self { identity, created, recipient: OnceLock::new(), signing: OnceLock::new() }
    }

    /// The public half, `age1...`.
    pub fn recipient(&self) -> &Recipient {
        self.recipient.get_or_init(|| self.identity.to_public())
    }

    /// Whose signature this key makes.
    pub fn verification(&self) -> VerificationKey {
        let bytes = self.signing().verifying_key().to_bytes();
        VerificationKey::from_bytes(bytes).expect("a derived key is canonical and of the group's order")
    }

    /// The public line to be handed to others.
    pub fn card(&self) -> Card {
        Card::new(self.recipient(), self.verification())
    }

    /// The identity, for age.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it was made, where that is known.
    pub fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// Whether two lists hold the same keys in the same order.
    pub fn same(one: &[Self], other: &[&Self]) -> bool {
        one.iter().map(Self::recipient).eq(other.iter().map(|key| key.recipient()))
    }

    /// Whether this key is one of `keys`.
    pub fn is_among<'a>(&self, keys: impl IntoIterator<Item = &'a Self>) -> bool {
        keys.into_iter().any(|key| key.recipient() == self.recipient())
    }

    /// The age identity file that holds `keys`, for the key store; stock age reads it.
    pub fn identity_file(keys: &[&Self]) -> SecretString {
        let mut text = Zeroizing::new(String::with_capacity(keys.len() * 256));
        for key in keys {
            if let Some(created) = key.created {
                for part in [CREATED, &created.to_string(), "\n"] {
                    *text += part;
                }
            }
            let identity = key.identity.to_string();
            for part in ["# public key: ", &key.recipient().to_string(), "\n", identity.expose_secret(), "\n"] {
                *text += part;
            }
        }
        SecretString::from(&**text)
    }

    /// The key of `agent`'s vault `id` in `epoch`, which two machines may have started apart from each other: `nonce` tells the two.
    pub fn agent_key(&self, agent: &AgentName, id: VaultId, epoch: u64, nonce: &[u8; 16]) -> AgentKey {
        // Everything before the name has a fixed length, so no two inputs run together into the same bytes.
        let mut info = b"cast/v1/agent-key\0".to_vec();
        info.extend_from_slice(&id.0);
        info.extend_from_slice(&epoch.to_be_bytes());
        info.extend_from_slice(nonce);
        info.extend_from_slice(agent.as_str().as_bytes());
        AgentKey::from_bytes(&derive(&secret_bytes(&self.identity), &info))
    }

    /// Signs a message that begins with a label of its own and binds a vault and an agent.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing().sign(message).to_bytes()
    }

    /// The key of this user's receipts for one vault, verified against one kind of anchor.
    pub(crate) fn receipt_key(&self, id: VaultId, anchor: u8) -> Zeroizing<[u8; 32]> {
        let mut info = b"cast/v1/receipt\0".to_vec();
        info.extend_from_slice(&id.0);
        info.push(anchor);
        derive(&secret_bytes(&self.identity), &info)
    }

    fn signing(&self) -> &SigningKey {
        self.signing.get_or_init(|| SigningKey::from_bytes(&derive(&secret_bytes(&self.identity), b"cast/v1/sign\0")))
    }
}
