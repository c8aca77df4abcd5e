//! TLS with a host: its name is verified, and nothing that the caller or CMD has set changes by what.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;

use super::{ALPN, provider};

/// The configuration for connections to hosts. No resumption, no early data, no key log.
pub fn config(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>, rustls::Error> {
    // rustls calls any verifier that is not its own dangerous. `roots` makes this one, and it is the platform's or
    // webpki's.
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
