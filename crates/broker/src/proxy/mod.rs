//! The proxy: sockets, times and tasks. All of it is on one thread. What bytes mean is decided in the rooms below.
//!
//! | room | what it is |
//! |---|---|
//! | `listener` | accepts, and bounds how many |
//! | `credential` | who may use the proxy |
//! | `connect` | the first head of a connection |
//! | `tunnel` | bytes both ways, unread |
//! | `brokered` | one brokered connection |
//! | `upstream` | the connection to a brokered host, verified |
//! | `upload`, `relay` | one request, and its response |
//! | `outer`, `dial` | the way to a host |
//! | `websocket` | a connection that became a WebSocket |
//! | `shared` | what all connections have in common |
//! | `incoming`, `stream`, `wait` | what is read of a connection, and when |

mod brokered;
mod connect;
pub(crate) mod credential;
mod dial;
mod incoming;
pub(crate) mod listener;
pub(crate) mod outer;
mod relay;
pub(crate) mod shared;
mod stream;
mod tunnel;
mod upload;
mod upstream;
mod wait;
mod websocket;
