//! macOS and Windows: the system itself verifies.

use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

#[derive(Clone)]
pub(super) struct System;

impl System {
    #[expect(clippy::unnecessary_wraps, reason = "other systems read a file")]
    pub(super) fn read(_: bool) -> io::Result<Self> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "other systems read a file before")]
    pub(super) fn bundle(&self) -> io::Result<Vec<u8>> {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty()
            && let Some(error) = found.errors.into_iter().next()
        {
            return Err(io::Error::other(error));
        }
        Ok(found.certs.iter().flat_map(|root| crate::ca::pem(root).into_bytes()).collect())
    }

    #[expect(clippy::unused_self, reason = "other systems read a file before")]
    pub(super) fn verifier(
        &self,
        extra: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), provider);
        Ok(Arc::new(verifier.map_err(io::Error::other)?))
    }
}
