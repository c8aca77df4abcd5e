//! Random bytes of the system.

use std::io;

use ring::rand::{SecureRandom, SystemRandom};

/// Random bytes. Fails only where the system has none.
pub(crate) fn bytes<const COUNT: usize>() -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random bytes"))?;
    Ok(bytes)
}
