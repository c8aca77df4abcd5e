//! What the verbs about the key take.

use clap::{Args, ValueEnum};

use crate::key_store::KeyPlace;

/// Make the master key, if there is none yet
///
/// Harmless when there is a key: says where it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast init
  cast init --key-store passphrase")]
pub(crate) struct InitArgs {
    /// Where to keep the key; 'auto' takes the OS keyring, else asks, else a plain file
    #[arg(long, value_enum, default_value_t = KeyStoreChoice::Auto)]
    pub(crate) key_store: KeyStoreChoice,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum KeyStoreChoice {
    /// The OS keyring; where there is none, as a terminal's user says, else a plain file
    Auto,
    /// The OS keyring
    Keyring,
    /// A file that a passphrase opens
    Passphrase,
    /// A file that only its mode protects
    File,
}

impl KeyStoreChoice {
    pub(crate) fn place(self) -> Option<KeyPlace> {
        match self {
            Self::Auto => None,
            Self::Keyring => Some(KeyPlace::Keyring),
            Self::Passphrase => Some(KeyPlace::Passphrase),
            Self::File => Some(KeyPlace::File),
        }
    }
}
