//! How a secret is treated, in the words that every listing uses.

use cast_vault::{Flags, Sealer, Vault};

pub use cast_vault::OWNER;

/// The flags of a secret, each in a few words; none for a plain secret.
pub fn flags(flags: &Flags) -> Vec<String> {
    let mut words = Vec::new();
    if flags.dangerous {
        words.push("dangerous name".to_owned());
    }
    if flags.unmasked {
        words.push("unmasked".to_owned());
    }
    words.extend(flags.hosts.iter().map(|host| format!("to {host}")));
    words.extend(flags.places.iter().map(|place| format!("in {place}")));
    words.extend(flags.prefix.iter().map(|prefix| format!("prefix {prefix}")));
    if flags.file {
        words.push("as a file".to_owned());
    }
    if flags.from.is_some() {
        words.push("from a command".to_owned());
    }
    words
}

/// Who sealed the values last: `owner`, or a person's name.
pub fn sealer(vault: &Vault) -> String {
    sealer_name(vault.sealer())
}

/// The same of a sealer.
pub fn sealer_name(sealer: &Sealer) -> String {
    match sealer {
        Sealer::Owner => OWNER.to_owned(),
        Sealer::Person(name) => name.to_string(),
    }
}
