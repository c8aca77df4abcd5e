//! Translates an error of the bus into one of the keyring.

use crate::KeyringError;
use crate::dbus::BusError;

impl From<BusError> for KeyringError {
    fn from(cause: BusError) -> Self {
        match cause {
            BusError::NoBus(detail) | BusError::Gone(detail) => Self::NoBus { detail },
            BusError::OtherUser => Self::OtherUsersBus,
            BusError::Timeout => Self::Silent,
            BusError::Broken(detail) => Self::Protocol { detail },
            BusError::Malformed => Self::Protocol { detail: "the answer is malformed".into() },
            BusError::Refused(name) => match name.as_str() {
                "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
                _ if is_no_service(&name) => Self::NoService,
                _ => Self::Protocol { detail: name },
            },
        }
    }
}

/// The errors of a bus on which no process owns the name and no service could be started for it.
fn is_no_service(name: &str) -> bool {
    let Some(kind) = name.strip_prefix("org.freedesktop.DBus.Error.") else {
        return false;
    };
    matches!(kind, "ServiceUnknown" | "NameHasNoOwner") || kind.starts_with("Spawn.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_are_told_apart() {
        let from = |name: &str| KeyringError::from(BusError::Refused(name.into()));
        assert_eq!(from("org.freedesktop.DBus.Error.ServiceUnknown"), KeyringError::NoService);
        assert_eq!(from("org.freedesktop.DBus.Error.Spawn.ChildExited"), KeyringError::NoService);
        assert_eq!(from("org.freedesktop.Secret.Error.IsLocked"), KeyringError::Locked);
        let denied = "org.freedesktop.DBus.Error.AccessDenied";
        assert_eq!(from(denied), KeyringError::Protocol { detail: denied.into() });
    }
}
