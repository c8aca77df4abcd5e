//! The broker as a service of the supervisor: with its folder, and the variables that lead CMD's programs to it.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use age::secrecy::ExposeSecret;
use cast_broker::{Broker, Tally};
use cast_vault::SecretValue;

use super::brokering::Brokering;
use crate::broker_folder::BrokerFolder;
use crate::failure::Cause;
use crate::platform::exec::OwnFailure;
use crate::supervisor::Service;

/// What happened with each host; filled when the service stops.
pub(super) type Tallies = Arc<Mutex<Vec<Tally>>>;

/// The broker of a run, prepared.
pub(super) struct Running {
    broker: Broker,
    /// Removed with it.
    _folder: BrokerFolder,
    variables: Vec<(OsString, OsString)>,
    tallies: Tallies,
}

impl Running {
    /// Does everything that can fail before CMD exists, and starts no thread. Returns also the address with the
    /// credential, which is masked in CMD's output. The failure says why in words.
    pub(super) fn prepare(brokering: Brokering) -> Result<(Self, SecretValue), String> {
        let said = |cause: io::Error| Cause(&cause).to_string();
        let Brokering { order, callers, state } = brokering;
        let hosts: Vec<_> = order.secrets.iter().flat_map(|secret| secret.hosts.iter().cloned()).collect();
        let folder = BrokerFolder::make(&state).map_err(|failure| failure.to_string())?;
        let broker = Broker::prepare(order, SystemTime::now()).map_err(said)?;
        let system = broker.bundle().map_err(said)?;
        let written = folder.write(&callers.bundle(broker.ca_pem(), &system), &callers.extra(broker.ca_pem()));
        written.map_err(|failure| failure.to_string())?;
        let variables = callers.variables(broker.proxy_url(), &folder, &hosts);
        let url = broker.proxy_url().expose_secret().to_owned();
        let url = SecretValue::from_text(url).expect("an address has no NUL");
        Ok((Self { broker, _folder: folder, variables, tallies: Tallies::default() }, url))
    }

    /// Where the tallies will be.
    pub(super) fn tallies(&self) -> Tallies {
        self.tallies.clone()
    }
}

impl Service for Running {
    fn prepare(&mut self) -> io::Result<Vec<(OsString, OsString)>> {
        Ok(std::mem::take(&mut self.variables))
    }

    fn start(&mut self) -> io::Result<()> {
        let failed = |cause| io::Error::other(OwnFailure(format!("cannot start the broker: {}", Cause(&cause))));
        self.broker.start().map_err(failed)
    }

    fn stop(self: Box<Self>) {
        let Self { broker, tallies, .. } = *self;
        let ended = broker.stop();
        *tallies.lock().unwrap_or_else(PoisonError::into_inner) = ended;
    }
}
