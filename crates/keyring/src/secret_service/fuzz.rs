//! The fuzzer's door to a whole conversation: all that the bus and the service say is there before the first call, and then the
//! connection ends. So nothing is waited for.

#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's path is not general enough in its lifetime")]

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::{Bus, Instant, Keyring, LIMITS, Presence, Result, SecretString, greet};

/// Fetches the key from a service that sends `stream`, at most 64 KiB.
pub fn load(stream: &[u8]) -> Result<Option<SecretString>> {
    converse(stream, |keyring| keyring.load())
}

/// Stores a key at a service that sends `stream`.
pub fn save(stream: &[u8], key: &SecretString) -> Result<()> {
    converse(stream, |keyring| keyring.save(key))
}

/// Removes the key at a service that sends `stream`.
pub fn delete(stream: &[u8]) -> Result<bool> {
    converse(stream, |keyring| keyring.delete())
}

/// Looks for the key at a service that sends `stream`.
pub fn look(stream: &[u8]) -> Result<Presence> {
    converse(stream, |keyring| keyring.look())
}

fn converse<T>(stream: &[u8], verb: impl FnOnce(Keyring) -> Result<T>) -> Result<T> {
    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
    theirs.write_all(&stream[..stream.len().min(64 << 10)]).expect("the socket holds it");
    theirs.shutdown(Shutdown::Write).expect("an open socket");
    let mut bus = Bus::on(ours.into(), Instant::now() + LIMITS.service);
    let owner = greet(&mut bus)?;
    verb(Keyring { bus, owner, limits: LIMITS, waiting: &mut || () })
}
