//! What comes back: decoded, and with stand-ins where a value stands.

pub mod coding;
pub mod scrub;
pub mod websocket;

/// Paints values in a stream of bytes: what comes out is as long as what went in, with stand-ins where whole values
/// stood. It may hold back some bytes at the end of what it took, by a rule that depends on no value.
pub trait Paint {
    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>);
    /// The stream is over, and whole: lets go what it holds. What follows is another stream.
    fn end(&mut self, out: &mut Vec<u8>);
}
