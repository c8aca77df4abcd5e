//! TLS with a client: a certificate is shown only to a client that names the host of the connection.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{ALPN, provider};
use crate::ca::Ca;

/// The configuration for connections to `host`. No tickets, no early data, no certificates of clients.
pub fn config(host: &str, ca: &Arc<Mutex<Ca>>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(OnlyHost { host: host.to_owned(), ca: ca.clone() }));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

struct OnlyHost {
    host: String,
    ca: Arc<Mutex<Ca>>,
}

impl std::fmt::Debug for OnlyHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnlyHost").field("host", &self.host).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for OnlyHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if !is_for(hello.server_name(), &self.host) {
            return None;
        }
        self.ca.lock().ok()?.leaf(&self.host, SystemTime::now()).ok()
    }
}

/// Whether a client that names this server means `host`.
pub fn is_for(server_name: Option<&str>, host: &str) -> bool {
    server_name.is_some_and(|name| name.eq_ignore_ascii_case(host))
}
