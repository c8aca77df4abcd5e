//! The broker over loopback, without a binary: real TLS on both sides, a host that does what the test says, and a proxy
//! that leads every name to it. A test waits for bytes and ends of connections, never for a time.

mod authority;
mod careless;
mod clients;
mod credential;
mod hosts;
mod refusals;
mod requests;
mod responses;
mod sides;
mod tunnels;
mod websocket;
