//! What the verbs about the key take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use cast_core::key_store::KeyPlace;

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

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    Status(KeyStatusArgs),
    Export(KeyExportArgs),
    Import(KeyImportArgs),
    Rotate(KeyRotateArgs),
    Move(KeyMoveArgs),
    Revoke(KeyRevokeArgs),
}

/// Say where the key is, and which vaults open with it
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key status
  cast key status --json | jq '.keys[].public'")]
pub(crate) struct KeyStatusArgs {
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write the master key as a backup, or one agent's key for CI
///
/// The backup is an age identity file, which 'cast key import' and stock age take. An agent key is one line for CAST_KEY; it opens that
/// agent's vault and nothing else, until 'cast key revoke' or 'cast key rotate'. Whoever has what is written here opens the vaults.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key export --output /media/usb/cast-master.key
  cast key export --agent my-agent | gh secret set CAST_KEY")]
pub(crate) struct KeyExportArgs {
    /// The key of this agent's vault alone
    #[arg(long)]
    pub(crate) agent: Option<OsString>,

    /// Write a new file that only you can read, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Take a master key back from a backup
///
/// It must open at least one of the vaults that are here. A different key that is here already stays behind it as a fallback.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key import /media/usb/cast-master.key
  age -d master.key.age | cast key import -")]
pub(crate) struct KeyImportArgs {
    /// The backup; '-' is standard input
    pub(crate) file: PathBuf,

    /// Put it before another key that is here already
    #[arg(long)]
    pub(crate) replace: bool,

    /// Where to keep it if there is no key here yet; 'auto' takes the OS keyring, else asks, else a plain file
    #[arg(long, value_enum, default_value_t = KeyStoreChoice::Auto)]
    pub(crate) key_store: KeyStoreChoice,
}

/// Make a new master key and seal every vault here to it
///
/// Safe to interrupt, and finished by the next 'cast key rotate'; only when there is nothing to finish, that makes another key. The former
/// key stays as a fallback for vaults elsewhere, until --retire; vaults that this machine's records do not name are not known to that.
/// Agent keys end with the key they were made from: hand out new ones.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key rotate
  cast key rotate --retire     drops the former keys, once no vault needs them")]
pub(crate) struct KeyRotateArgs {
    /// Drop the former keys; makes a new key only if there is no former one
    #[arg(long)]
    pub(crate) retire: bool,

    /// Retire also if vaults that cannot be looked at, or another home's, may need the former keys
    #[arg(short, long, requires = "retire")]
    pub(crate) yes: bool,
}

/// Move the keys to another place
///
/// They are read back from the new place before they leave the old one. Interrupted, a second run finishes it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key move keyring
  cast key move passphrase")]
pub(crate) struct KeyMoveArgs {
    /// Where to
    #[arg(value_enum)]
    pub(crate) to: PlaceChoice,

    /// Take the keys out of the OS keyring also if another home's vaults may need them
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// End the agent keys that were handed out for one agent
///
/// From here on they do not open its vault. Old copies of it, in git history or backups, stay open to them: change the secrets that they
/// have seen at their source.
#[derive(Args)]
#[command(after_help = "\
Example:
  cast key revoke --agent my-agent")]
pub(crate) struct KeyRevokeArgs {
    /// The agent
    #[arg(long)]
    pub(crate) agent: OsString,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PlaceChoice {
    /// The OS keyring
    Keyring,
    /// A file that a passphrase opens
    Passphrase,
    /// A file that only its mode protects
    File,
}

impl PlaceChoice {
    pub(crate) fn place(self) -> KeyPlace {
        match self {
            Self::Keyring => KeyPlace::Keyring,
            Self::Passphrase => KeyPlace::Passphrase,
            Self::File => KeyPlace::File,
        }
    }
}
