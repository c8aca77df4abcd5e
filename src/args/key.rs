//! The arguments of `cast init` and `cast key`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use cast_core::key_store::KeyPlace;

/// Create the master key if there is none yet
///
/// If there is a key already, prints where it is and changes nothing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast init
  cast init --key-store passphrase")]
pub(crate) struct InitArgs {
    /// Where to keep the key; 'auto' uses the OS keyring, or else asks, or else uses a plain file
    #[arg(long, value_enum, default_value_t = KeyStoreChoice::Auto)]
    pub(crate) key_store: KeyStoreChoice,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum KeyStoreChoice {
    /// The OS keyring; without one, ask on a terminal, or else use a plain file
    Auto,
    /// The OS keyring
    Keyring,
    /// A file encrypted with a passphrase, which a person types at each use
    Passphrase,
    /// A plain file, protected only by its mode; agents and MCP servers can use it without a person
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
#[command(defer = true)]
pub(crate) enum KeyCommand {
    Status(KeyStatusArgs),
    Card(KeyCardArgs),
    Export(KeyExportArgs),
    Import(KeyImportArgs),
    Rotate(KeyRotateArgs),
    Move(KeyMoveArgs),
    Revoke(KeyRevokeArgs),
}

/// Show where the key is and how many vaults it opens
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key status
  cast key status --json | jq '.keys[].public'")]
pub(crate) struct KeyStatusArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print your card, for others to share vaults with you
///
/// The card is public: it says where to encrypt to, and whose signature to expect. Whoever takes it compares the
/// fingerprint with you, by another way than the card came. After 'cast key rotate' there is a new one.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key card
  cast key card --json | jq -r .fingerprint")]
pub(crate) struct KeyCardArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Export the master key as a backup, or an agent key for CI
///
/// The backup is an age identity file, which 'cast key import' and stock age can read. An agent key is one line for
/// CAST_KEY. It opens that agent's vault and nothing else, until 'cast key revoke' or 'cast key rotate'. Anyone who has
/// the exported key can open these vaults. So the master key goes to a pipe only with '--output -', and below a coding
/// agent only with --yes.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key export --output /media/usb/cast-master.key
  cast key export --output - | age -p > cast-master.key.age
  cast key export --to cast-card:age1...:... --output laptop.age
  cast key export --agent my-agent | gh secret set CAST_KEY")]
pub(crate) struct KeyExportArgs {
    /// Export the agent key of this agent, not the master key
    #[arg(long)]
    pub(crate) agent: Option<OsString>,

    /// Seal the master key to the card of your other machine, which opens it with 'cast key import'
    #[arg(long = "to", value_name = "CARD", conflicts_with = "agent")]
    pub(crate) card: Option<OsString>,

    /// Write to a new file that only you can read; '-' is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Do not ask before a key appears on a terminal, and export the master key below a coding agent
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Restore the master key from a backup
///
/// If there are vaults here, the key must open at least one of them; before there is any, it becomes the key. A
/// different key that is already here stays as a fallback. The file may also be one that was sealed to this machine's
/// card ('cast key export --to CARD').
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key import /media/usb/cast-master.key
  age -d master.key.age | cast key import -")]
pub(crate) struct KeyImportArgs {
    /// The backup file; '-' is standard input
    pub(crate) file: PathBuf,

    /// Use it ahead of a different key that is already here
    #[arg(long)]
    pub(crate) replace: bool,

    /// Do not ask whether the fingerprint of a key that was sealed to this machine's card is right
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Where to keep it if there is no key yet; 'auto' uses the OS keyring, or else asks, or else uses a plain file
    #[arg(long, value_enum, default_value_t = KeyStoreChoice::Auto)]
    pub(crate) key_store: KeyStoreChoice,
}

/// Create a new master key and seal every vault here to it
///
/// You can interrupt it: the next 'cast key rotate' finishes the rotation, and creates another key only if there is
/// nothing to finish. The former key stays as a fallback for vaults elsewhere, until you pass --retire; that knows only
/// the vaults in this machine's records. Agent keys made from the former key stop working: hand out new ones.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key rotate
  cast key rotate --retire     drops the former keys once no vault needs them")]
pub(crate) struct KeyRotateArgs {
    /// Drop the former keys; creates a new key only if there is no former one
    #[arg(long)]
    pub(crate) retire: bool,

    /// Retire even if vaults that cast cannot read, or those of another home, may need the former keys
    #[arg(short, long, requires = "retire")]
    pub(crate) yes: bool,
}

/// Move the keys to another place
///
/// cast reads the keys back from the new place before it removes them from the old one. If it is interrupted, run the
/// same command again to finish.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast key move keyring
  cast key move passphrase")]
pub(crate) struct KeyMoveArgs {
    /// The new place
    #[arg(value_enum)]
    pub(crate) to: PlaceChoice,

    /// Remove the keys from the OS keyring even if another home's vaults may need them
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Revoke the agent keys that were handed out for one agent
///
/// They no longer open its vault. They still open old copies of it, in git history or backups: change the secrets that
/// they have seen at their source.
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
    /// A file encrypted with a passphrase
    Passphrase,
    /// A plain file, protected only by its mode
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
