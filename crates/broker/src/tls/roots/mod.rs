//! Which authorities cast believes: those of the system and those of `config.toml`. No variable of the caller is read.
//! The one seam of this crate: systems differ in where their roots are.

#[cfg(not(any(target_os = "macos", windows)))]
mod file;
#[cfg(any(target_os = "macos", windows))]
mod platform;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

#[cfg(not(any(target_os = "macos", windows)))]
use file as system;
#[cfg(any(target_os = "macos", windows))]
use platform as system;

/// The roots, read and not yet parsed.
#[derive(Clone)]
pub struct Roots {
    system: system::System,
    extra: Vec<CertificateDer<'static>>,
}

/// A file of roots as its reader found it good: what is at its path by now does not matter.
#[derive(Clone, Debug)]
pub struct PemFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its certificates, in PEM.
    pub text: Vec<u8>,
}

impl Roots {
    /// Reads the system's roots, and those in `extra`. An error names the file that has no certificate. A system without roots is one only if
    /// there are no others.
    pub fn read(extra: &[PemFile]) -> io::Result<Self> {
        let mut roots = Vec::new();
        for file in extra {
            roots.extend(certificates(file)?);
        }
        Ok(Self { system: system::System::read(!roots.is_empty())?, extra: roots })
    }

    /// What CMD's programs get to believe besides the run's own authority: the system's roots as PEM.
    pub fn bundle(&self) -> io::Result<Vec<u8>> {
        self.system.bundle()
    }

    /// Parses the roots.
    pub fn verifier(&self) -> io::Result<Arc<dyn ServerCertVerifier>> {
        self.system.verifier(&self.extra, super::provider())
    }
}

fn certificates(PemFile { path, text }: &PemFile) -> io::Result<Vec<CertificateDer<'static>>> {
    let named = |problem: &dyn std::fmt::Display| io::Error::other(format!("{problem}: '{}'", path.display()));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(named(&"not certificates in PEM")),
    }
}
