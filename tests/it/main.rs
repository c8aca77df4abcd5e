//! The binary as a user meets it. One test binary, one feature a file; what several share is in `sandbox`.

#![allow(unreachable_pub, dead_code)] // one crate, no public face

mod house;
mod sandbox;
mod set;
