//! The table of well-known keys.

use crate::authority::Authority;

/// A kind of key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// The KEYs under which programs look for it.
    pub names: &'static [&'static str],
    /// The hosts that it is for, on port 443.
    pub hosts: &'static [&'static str],
    /// The headers that carry it besides `Authorization`, in lower case.
    pub headers: &'static [&'static str],
    /// The words before it in `Authorization` besides `Bearer`, `token` and `Basic`; an empty one is for none at all.
    pub schemes: &'static [&'static str],
    /// How such keys begin, as the masker's table has it; may be empty.
    pub prefixes: &'static [&'static str],
    /// Where this is documented.
    pub source: &'static str,
}

/// The table.
pub const KNOWN: &[Known] = &[];

/// The kind of key that usually has this KEY.
pub fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.names.contains(&name))
}

/// The headers that carry keys of this host besides `Authorization`, in lower case. Empty for a host, or a port, that the
/// table does not have.
pub fn headers_of(host: &Authority) -> impl Iterator<Item = &'static str> {
    let host = host.to_string();
    KNOWN.iter().filter(move |known| known.hosts.contains(&&*host)).flat_map(|known| known.headers.iter().copied())
}
