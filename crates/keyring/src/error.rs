//! The errors of a keyring, told apart, each with a message and hints. Promises that no error contains a byte of a key.

use std::fmt;

/// Why the keyring did not return or store the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code)] // each system uses only some of these
pub enum KeyringError {
    /// No session bus is reachable; `detail` is the reason.
    NoBus { detail: String },
    /// The session bus belongs to another user: after `su`, under `sudo`.
    OtherUsersBus,
    /// The bus has no Secret Service and cannot start one.
    NoService,
    /// The service has no default collection for a new entry.
    NoDefaultCollection,
    /// The keyring is locked and cannot show its dialog.
    Locked,
    /// The user dismissed the dialog.
    Refused,
    /// The service did not answer in time.
    Silent,
    /// The user did not answer the dialog in time.
    DialogTimeout,
    /// There is more than one entry for the key; this is their number.
    Ambiguous(usize),
    /// The entry is not text, so it is not a key.
    NotUtf8,
    /// The keys are longer than the limit of the keyring, in bytes.
    TooLong { limit: u32 },
    /// An error code of the Keychain or the Credential Manager that cast knows.
    #[cfg(any(not(target_os = "linux"), test))]
    Native(super::codes::Meaning),
    /// Any other failure; `detail` is the name of the D-Bus error, if there is one.
    Protocol { detail: String },
}

impl KeyringError {
    /// Whether this process has no keyring at all, rather than one that is locked, silent or damaged and may contain
    /// the key.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::NoBus { .. } | Self::OtherUsersBus | Self::NoService => true,
            #[cfg(any(not(target_os = "linux"), test))]
            Self::Native(meaning) => meaning.absent,
            _ => false,
        }
    }

    /// Returns at most two hints, most likely first.
    pub fn hints(&self) -> &'static [&'static str] {
        match self {
            Self::NoBus { .. } | Self::NoService => {
                &["start a keyring in this session (GNOME Keyring, KWallet or KeePassXC), then try again"]
            }
            Self::OtherUsersBus => {
                &["log in as that user in a separate session ('ssh' or 'machinectl shell', not 'su' or 'sudo')"]
            }
            Self::NoDefaultCollection => {
                &["create a keyring in 'Passwords and Keys' (seahorse) and set it as the default, then try again"]
            }
            Self::Locked => &[
                "try again in the desktop session, where the keyring can show its dialog",
                "without a desktop, provide the key with CAST_KEY_FILE",
            ],
            Self::Refused | Self::DialogTimeout => &["try again, and unlock the keyring in the dialog"],
            Self::Silent => {
                &["look for an unlock dialog behind other windows, or restart the keyring service, then try again"]
            }
            // Vaults may depend on any of these keys, and `clear` deletes them all, so the first hint saves them.
            Self::Ambiguous(_) => &[
                "save all of them first: (umask 077; secret-tool search --all --unlock service cast username master-key > cast-keys.txt)",
                "then delete all of them with 'secret-tool clear service cast username master-key', and store the right one again",
            ],
            Self::NotUtf8 => &[
                "use a backup of the key for now, with CAST_KEY_FILE",
                "if you have a backup, replace the entry: 'secret-tool clear service cast username master-key', then 'cast key import'",
            ],
            Self::TooLong { .. } => &[
                "drop the former keys first: 'cast key rotate --retire', or keep the keys in a file: 'cast key move file'",
            ],
            #[cfg(any(not(target_os = "linux"), test))]
            Self::Native(meaning) => meaning.hints,
            Self::Protocol { .. } => &["try again; if the error persists, restart the keyring service or the session"],
        }
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBus { detail } => write!(f, "no D-Bus session is reachable: {detail}"),
            Self::OtherUsersBus => f.write_str("the D-Bus session belongs to another user"),
            Self::NoService => f.write_str("no Secret Service is running"),
            Self::NoDefaultCollection => f.write_str("the keyring has no default collection"),
            Self::Locked => f.write_str("the keyring is locked"),
            Self::Refused => f.write_str("the keyring stayed locked: the dialog was dismissed"),
            Self::Silent => f.write_str("the keyring did not answer in time"),
            Self::DialogTimeout => f.write_str("the keyring stayed locked: the dialog was not answered in time"),
            Self::Ambiguous(count) => write!(f, "the keyring has {count} entries for the master key"),
            Self::NotUtf8 => f.write_str("the key entry is damaged: it is not text"),
            Self::TooLong { limit } => {
                write!(f, "the keys are too long for the keyring, which takes at most {limit} bytes")
            }
            #[cfg(any(not(target_os = "linux"), test))]
            Self::Native(meaning) => f.write_str(meaning.what),
            Self::Protocol { detail } => write!(f, "the keyring failed: {detail}"),
        }
    }
}

impl std::error::Error for KeyringError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<KeyringError> {
        vec![
            KeyringError::NoBus { detail: "no such file or directory".into() },
            KeyringError::OtherUsersBus,
            KeyringError::NoService,
            KeyringError::NoDefaultCollection,
            KeyringError::Locked,
            KeyringError::Refused,
            KeyringError::Silent,
            KeyringError::DialogTimeout,
            KeyringError::Ambiguous(2),
            KeyringError::NotUtf8,
            KeyringError::TooLong { limit: 2560 },
            KeyringError::Protocol { detail: "org.example.Error".into() },
        ]
    }

    #[test]
    fn every_error_speaks_as_the_house_does() {
        for error in all() {
            let text = error.to_string();
            assert!(text.starts_with(char::is_lowercase) && !text.ends_with('.') && !text.contains('\n'), "{text}");
            assert!(error.hints().len() <= 2, "{text}");
            assert!(error.hints().iter().all(|hint| !hint.contains("  ") && !hint.ends_with('.')), "{text}");
        }
    }

    #[test]
    fn only_what_has_no_keyring_is_absent() {
        let absent: Vec<_> = all().into_iter().filter(KeyringError::is_absent).map(|error| error.to_string()).collect();
        assert_eq!(
            absent,
            [
                "no D-Bus session is reachable: no such file or directory",
                "the D-Bus session belongs to another user",
                "no Secret Service is running"
            ]
        );
    }
}
