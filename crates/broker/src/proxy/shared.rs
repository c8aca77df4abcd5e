//! What all connections of a run have in common. It lives on the broker's thread.

use std::cell::{OnceCell, RefCell};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cast_mask::Plan;
use rustls::{ClientConfig, ServerConfig};

use super::credential::Credential;
use super::outer::Outer;
use crate::authority::{Authority, HostIndex, Target};
use crate::ca::Ca;
use crate::put_in::Permitted;
use crate::secret::Secret;
use crate::take_out::scrub;
use crate::tally::Tallies;
use crate::tls::roots::Roots;
use crate::tls::{client, server};

/// The state of a run. What is costly is made when the first connection needs it.
pub(crate) struct Shared {
    pub(super) credential: Credential,
    pub(super) outer: Outer,
    hosts: Vec<Authority>,
    secrets: Vec<Arc<Secret>>,
    known: Vec<OnceCell<Host>>,
    roots: Roots,
    client: OnceCell<Arc<ClientConfig>>,
    ca: Arc<Mutex<Ca>>,
    tallies: Arc<Mutex<Tallies>>,
    pub(super) strangers: RefCell<super::listener::Strangers>,
}

/// A brokered host.
pub(super) struct Host {
    pub(super) authority: Authority,
    pub(super) permitted: Permitted,
    pub(super) plan: Arc<Plan>,
    pub(super) server: Arc<ServerConfig>,
}

impl Shared {
    pub(crate) fn new(
        credential: Credential,
        outer: Outer,
        (hosts, secrets): (Vec<Authority>, Vec<Arc<Secret>>),
        (roots, ca): (Roots, Ca),
        tallies: Arc<Mutex<Tallies>>,
    ) -> Self {
        let known = hosts.iter().map(|_| OnceCell::new()).collect();
        let (client, strangers) = (OnceCell::new(), RefCell::default());
        let ca = Arc::new(Mutex::new(ca));
        Self { credential, outer, hosts, secrets, known, roots, client, ca, tallies, strangers }
    }

    pub(super) fn target(&self, host: &Authority) -> Target {
        host.target(&self.hosts)
    }

    pub(super) fn host(&self, HostIndex(index): HostIndex) -> io::Result<&Host> {
        let (known, authority) = (&self.known[index], &self.hosts[index]);
        if known.get().is_none() {
            let host = Host {
                authority: authority.clone(),
                permitted: Permitted::new(authority, &self.secrets),
                // Of all of them: one host may know what another one got.
                plan: scrub::plan(self.secrets.iter().map(Arc::as_ref)),
                server: server::config(authority.host(), &self.ca).map_err(io::Error::other)?,
            };
            return Ok(known.get_or_init(|| host));
        }
        Ok(known.get().expect("just looked at"))
    }

    /// How hosts are spoken to; the first call parses the roots.
    pub(super) fn client(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.client.get() {
            return Ok(config.clone());
        }
        let config = client::config(self.roots.verifier()?).map_err(io::Error::other)?;
        Ok(self.client.get_or_init(|| config).clone())
    }

    pub(super) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
