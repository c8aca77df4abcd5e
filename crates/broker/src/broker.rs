//! The broker of one run: made before CMD starts, serving beside it, ended with it.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::SystemTime;

use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::authority::Authority;
use crate::ca::Ca;
use crate::limits;
use crate::proxy::credential::Credential;
use crate::proxy::listener;
use crate::proxy::outer::Outer;
use crate::proxy::shared::Shared;
use crate::secret::Secret;
use crate::tally::{Tallies, Tally};
use crate::tls::roots::{PemFile, Roots};

/// What a run brokers, and how hosts are reached.
#[derive(Debug)]
pub struct Order {
    /// The secrets.
    pub secrets: Vec<Secret>,
    /// The way to all hosts.
    pub outer: Outer,
    /// Roots besides the system's.
    pub roots: Vec<PemFile>,
}

/// A proxy on the loopback address. Dropped, it stops.
pub struct Broker {
    url: SecretString,
    ca_pem: String,
    roots: Roots,
    tallies: Arc<Mutex<Tallies>>,
    /// What the thread takes when it starts.
    parts: Option<Parts>,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct Parts {
    listener: TcpListener,
    credential: Credential,
    outer: Outer,
    known: (Vec<Authority>, Vec<Arc<Secret>>),
    ca: Ca,
}

impl Broker {
    /// Binds, makes the authority and reads the roots. Starts no thread and parses no root. An error if there are no
    /// roots, a host is an address, or there are more than `limits::HOSTS`.
    pub fn prepare(order: Order, now: SystemTime) -> io::Result<Self> {
        let Order { secrets, outer, roots } = order;
        let hosts: BTreeSet<_> = secrets.iter().flat_map(|secret| &secret.hosts).cloned().collect();
        let invalid = |problem: String| Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        if hosts.len() > limits::HOSTS {
            return invalid(format!("{} hosts are brokered, and {} are possible", hosts.len(), limits::HOSTS));
        }
        if let Some(address) = hosts.iter().find(|host| host.host().parse::<IpAddr>().is_ok()) {
            return invalid(format!("'{address}' is an address, and only names can be brokered"));
        }
        let hosts: Vec<_> = hosts.into_iter().collect();
        let roots = Roots::read(&roots)?;
        let ca = Ca::new(&hosts, now)?;
        let credential = Credential::new()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = credential.url(listener.local_addr()?.port());
        let known = (hosts, secrets.into_iter().map(Arc::new).collect());
        Ok(Self {
            url,
            ca_pem: ca.pem(),
            roots,
            tallies: Arc::default(),
            parts: Some(Parts { listener, credential, outer, known, ca }),
            thread: None,
        })
    }

    /// The address of the proxy, with its credential: `http://cast:CREDENTIAL@127.0.0.1:PORT`.
    pub fn proxy_url(&self) -> &SecretString {
        &self.url
    }

    /// The run's authority, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The roots of the system, as PEM: what CMD's programs believe besides.
    pub fn bundle(&self) -> io::Result<Vec<u8>> {
        self.roots.bundle()
    }

    /// Starts the one thread. Nothing happens if it was started before.
    pub fn start(&mut self) -> io::Result<()> {
        let Some(parts) = self.parts.take() else { return Ok(()) };
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::channel();
        let (roots, tallies) = (self.roots.clone(), self.tallies.clone());
        // The runtime is made on its thread, so that no descriptor of it is there before.
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .max_blocking_threads(limits::RESOLVERS)
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(report.send(Err(error))),
            };
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async {
                let Parts { listener, credential, outer, known, ca } = parts;
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return drop(report.send(Err(error))),
                };
                let shared = Rc::new(Shared::new(credential, outer, known, (roots, ca), tallies));
                let _ = report.send(Ok(()));
                listener::serve_until(shared, listener, stopped).await;
            });
            drop(tasks);
            // A thread that hangs in the system's resolver is not waited for. It has no value.
            runtime.shutdown_background();
        };
        let thread = Builder::new().name("cast-broker".to_owned()).spawn(serve)?;
        self.thread = Some((stop, thread));
        started.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended")))
    }

    /// Ends all connections at once, and returns what happened with each host.
    pub fn stop(mut self) -> Vec<Tally> {
        self.end();
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn end(&mut self) {
        self.parts = None;
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end();
    }
}
