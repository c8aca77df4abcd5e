//! The SDKs: the same operations from the command line, Node and Rust, and what each promises beyond.

mod node;
mod rust;
mod scenario;
