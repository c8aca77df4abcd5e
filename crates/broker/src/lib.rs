//! The broker of cast: a program works with a secret and never holds it. It gets a stand-in; a proxy on the loopback
//! address puts the value in on the way out, to the named hosts, in the places where a key belongs. `docs/design/broker.md` is
//! the design. Bytes, names and hosts in; nothing here knows a vault, prints or asks.
//!
//! | room | what it is |
//! |---|---|
//! | `limits` | every number |
//! | `broker` | the whole: prepared, started, stopped |
//! | `authority` | a host and a port, and whether it is brokered |
//! | `place` | where the owner allows a value besides the usual headers |
//! | `secret` | a secret of a run, with all that the broker knows of it |
//! | `stand_in` | what CMD gets instead of a value |
//! | `known` | the table of well-known keys |
//! | `refusal` | what cast answers itself, and the words |
//! | `http` | a strict reader and a writer of HTTP/1.1, without input or output |
//! | `put_in` | where in a request a value is put in, or why the request is refused |
//! | `ca` | the certificate authority of one run |
//! | `tls` | TLS with clients and hosts, and whom cast believes |
//! | `random` | random bytes |
//! | `take_out` | what comes back: decoded, and with stand-ins where values stand |
//! | `tally` | how often which host was asked |
//! | `proxy` | the connections; the one room besides `tls` that knows sockets |
//!
//! Only cast-core uses this crate; other users get no stability promise.

pub mod authority;
mod broker;
pub mod ca;
pub mod http;
pub mod known;
pub mod limits;
pub mod place;
mod proxy;
pub mod put_in;
mod random;
pub mod refusal;
pub mod secret;
pub mod stand_in;
pub mod take_out;
pub mod tally;
pub mod tls;

pub use authority::{Authority, HostIndex, Target};
pub use broker::{Broker, Order};
pub use place::Place;
pub use proxy::outer::{NoProxy, NoUse, Outer, Proxy};
pub use refusal::Refusal;
pub use secret::Secret;
pub use stand_in::{StandIn, Unfit};
pub use tally::Tally;
