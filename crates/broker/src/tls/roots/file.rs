//! Linux and others: one file with all roots.

use std::io;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Where systems keep it, as Go's `crypto/x509` has the list. `SSL_CERT_FILE` is not asked: the caller sets it.
const FILES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Alpine, Gentoo, NixOS
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                  // Alpine, the BSDs
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
];

#[derive(Clone)]
pub(super) struct System {
    bundle: Arc<[u8]>,
}

impl System {
    pub(super) fn read(may_be_missing: bool) -> io::Result<Self> {
        for file in FILES {
            match std::fs::read(file) {
                Ok(bundle) => return Ok(Self { bundle: bundle.into() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{error}: {file}"))),
            }
        }
        if may_be_missing {
            return Ok(Self { bundle: Arc::default() });
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "this system has no bundle of root certificates"))
    }

    #[expect(clippy::unnecessary_wraps, reason = "other systems ask for it here")]
    pub(super) fn bundle(&self) -> io::Result<Vec<u8>> {
        Ok(self.bundle.to_vec())
    }

    pub(super) fn verifier(
        &self,
        extra: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let mut roots = RootCertStore::empty();
        // Some systems have roots that webpki cannot read; these verify nothing then.
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&self.bundle).flatten());
        for root in extra {
            roots.add(root.clone()).map_err(io::Error::other)?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(verifier.build().map_err(io::Error::other)?)
    }
}
