//! The error codes of the Keychain and the Credential Manager, each with a message and hints. These are tables without
//! system calls, so their tests run on every system. Codes that are not listed here are shown as numbers.

#![allow(dead_code)] // each platform uses one of them

/// The meaning of an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    pub(super) what: &'static str,
    pub(super) hints: &'static [&'static str],
    /// This process has no keyring at all, rather than one that may contain the key.
    pub(super) absent: bool,
}

const fn there(what: &'static str, hints: &'static [&'static str]) -> Meaning {
    Meaning { what, hints, absent: false }
}

const fn absent(what: &'static str) -> Meaning {
    Meaning { what, hints: &[], absent: true }
}

/// The meaning of an `OSStatus` of Security.framework (`SecBase.h`).
pub(super) fn of_keychain(code: i32) -> Option<Meaning> {
    Some(match code {
        // errSecInteractionNotAllowed, errSecInteractionRequired, errSecInDarkWake: over ssh, from a daemon, asleep.
        -25308 | -25315 | -25320 => there(
            "the Keychain is locked and cannot show its dialog here",
            &[
                "unlock it first: 'security unlock-keychain', then try again in the same session",
                "or provide the key with CAST_KEY_FILE",
            ],
        ),
        // errSecUserCanceled
        -128 => there("the Keychain dialog was dismissed", &["try again, and choose 'Always Allow' in the dialog"]),
        // errSecAuthFailed
        -25293 => there(
            "the Keychain refused access: the password is wrong, or cast is not allowed to use the entry",
            &[
                "try again, and choose 'Always Allow' in the dialog",
                "or allow cast in Keychain Access: the entry 'cast', tab 'Access Control'",
            ],
        ),
        // errSecNotAvailable
        -25291 => absent("there is no Keychain in this session"),
        // errSecNoDefaultKeychain, errSecNoSuchKeychain
        -25307 | -25294 => there(
            "there is no default Keychain",
            &["choose one: 'security default-keychain -s login.keychain-db', then try again"],
        ),
        // errSecInvalidKeychain
        -25295 => there(
            "the Keychain is damaged",
            &["use a backup of the key for now, with CAST_KEY_FILE, and repair or restore the Keychain"],
        ),
        // wrPermErr, errSecInvalidOwnerEdit, errSecReadOnly, errSecDuplicateItem for an entry that cannot be changed
        -61 | -25244 | -25292 | -25299 => there(
            "the Keychain does not let cast change its entry",
            &["allow cast in Keychain Access: the entry 'cast', tab 'Access Control', then try again"],
        ),
        _ => return None,
    })
}

/// The meaning of a Win32 error, from its text in `windows-native-keyring-store`.
pub(super) fn of_credential_manager(text: &str) -> Option<Meaning> {
    Some(match text {
        "Windows ERROR_NO_SUCH_LOGON_SESSION" => {
            absent("this logon session has no Credential Manager (a service, or an ssh login with a key)")
        }
        // ERROR_ACCESS_DENIED
        "Windows error code 5" => there(
            "the Credential Manager refused access",
            &["check the entry 'master-key.cast' in Credential Manager, or provide the key with CAST_KEY_FILE"],
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyringError;

    #[test]
    fn codes_are_told_apart_in_the_voice_of_the_house() {
        let codes = [-25308, -128, -25293, -25291, -25307, -25295, -61];
        let windows = ["Windows ERROR_NO_SUCH_LOGON_SESSION", "Windows error code 5"];
        let meanings: Vec<_> =
            codes.map(of_keychain).into_iter().chain(windows.map(of_credential_manager)).map(Option::unwrap).collect();
        for (at, meaning) in meanings.iter().enumerate() {
            assert!(
                meaning.what.starts_with(char::is_lowercase)
                    && !meaning.what.ends_with('.')
                    && meaning.hints.len() <= 2,
                "{meaning:?}"
            );
            assert!(meaning.absent == meaning.hints.is_empty(), "a keyring that exists has a hint: {meaning:?}");
            assert!(meanings[..at].iter().all(|other| other.what != meaning.what), "{meaning:?}");
            let error = KeyringError::Native(*meaning);
            assert_eq!((error.to_string().as_str(), error.is_absent()), (meaning.what, meaning.absent));
        }
        assert_eq!((of_keychain(-50), of_credential_manager("Windows error code 87")), (None, None));
    }
}
