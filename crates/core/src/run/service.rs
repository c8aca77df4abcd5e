//! The broker as a service of the supervisor: with its folder, and the variables that lead CMD's programs to it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use age::secrecy::ExposeSecret;
use cast_broker::{Broker, Tally};
use cast_vault::SecretValue;

use super::brokering::Brokering;
use crate::audit_log::{AuditLog, Event, OK};
use crate::broker_folder::BrokerFolder;
use crate::failure::{Cause, Failure, Result};
use crate::platform::exec::{Image, OwnFailure};
use crate::session::Session;
use crate::settings::Audit;
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
    pub(super) fn prepare(brokering: Brokering) -> std::result::Result<(Self, SecretValue), String> {
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

/// The broker of a program that this process started itself, and does not supervise. Dropped, it stops, and the end of
/// the run is recorded.
pub struct Serving {
    running: Option<Box<Running>>,
    /// That of the run's end.
    event: Event,
    log: Option<AuditLog>,
    must_be_recorded: bool,
}

impl Serving {
    /// Serves a program that is started from `image`, with `event` as the start of its run.
    pub(super) fn start(
        session: &Session,
        brokering: Brokering,
        event: &Event,
        image: &mut Image,
    ) -> std::result::Result<Self, String> {
        let said = |cause: io::Error| Cause(&cause).to_string();
        let (mut running, _) = Running::prepare(brokering)?;
        for (name, value) in running.prepare().map_err(said)? {
            image.set_variable(&name, &value).map_err(said)?;
        }
        running.start().map_err(said)?;
        let log = session.audit_log().map_err(|failure| failure.to_string())?;
        let must_be_recorded = session.settings().is_ok_and(|settings| settings.audit == Audit::Required);
        Ok(Self { running: Some(Box::new(running)), event: event.clone(), log, must_be_recorded })
    }

    /// Stops. Fails only if the audit log is required and cannot be written.
    pub fn end(mut self) -> Result<()> {
        let recorded = self.stop();
        if self.must_be_recorded { recorded.map_err(|failure| unrecorded(&failure)) } else { Ok(()) }
    }

    fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let tallies = running.tallies();
        running.stop();
        let tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(log), Some(event)) = (&self.log, self.event.brokered(&tallies)) else { return Ok(()) };
        log.append(&event, OK)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Records the end of a run with brokered secrets, which `event` began: which hosts were asked, and how often.
pub(super) fn note_end(session: &Session, mut event: Event, program: &OsStr, tallies: &Tallies) -> Result<()> {
    event.set_program(program);
    let tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(event) = event.brokered(&tallies) else { return Ok(()) };
    session.note(&event, OK).map_err(|failure| unrecorded(&failure))
}

fn unrecorded(failure: &Failure) -> Failure {
    let what = format!("the end of the run is not recorded in the audit log: {failure}");
    failure.hints().iter().fold(Failure::new(failure.kind(), what), Failure::hint)
}
