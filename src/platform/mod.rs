//! What differs between operating systems, and nothing else: the one place with `cfg`. Each function means the same everywhere; what a
//! system cannot do is a no-op there, said in its file.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;

mod heap;
pub(crate) mod keyring;
mod stream;

pub use heap::{HEAP, Heap};
pub(crate) use stream::{Carries, Ended, Filter, Sink, Supervised, Wire};
