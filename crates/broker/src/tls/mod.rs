//! TLS on both sides of a brokered connection: versions 1.2 and 1.3, `http/1.1` only, nothing kept between connections.

pub mod client;
pub mod roots;
pub mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one protocol that the broker speaks (RFC 7301).
pub const ALPN: &[u8] = b"http/1.1";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
