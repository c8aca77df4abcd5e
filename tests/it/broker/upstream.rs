//! A host: real TLS with a root of its own, which does what a test says and notes all that it gets.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// After so long a read that gets nothing fails the test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The root that the hosts of a test have.
pub struct Root {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Root {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        // Two roots of one name would be taken for one with a wrong key.
        params.distinguished_name.push(DnType::CommonName, key.public_key_raw().escape_ascii().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = cast_broker::ca::pem(params.self_signed(&key).unwrap().der());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), pem).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    pub fn pem(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    /// A server with a certificate for `name`.
    pub fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .unwrap()
    }
}

/// What a host got.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    bytes: Mutex<Vec<u8>>,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    pub fn count(&self, text: &str) -> usize {
        self.text().matches(text).count()
    }
}

/// A connection, as one side has it.
pub struct Line<C> {
    pub stream: C,
    seen: Option<Arc<Seen>>,
    rest: Vec<u8>,
}

pub type AtHost = Line<StreamOwned<ServerConnection, TcpStream>>;

impl<C: Read + Write> Line<C> {
    pub fn new(stream: C) -> Self {
        Self { stream, seen: None, rest: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// Reads once more. 0: the other side has ended, in order or not.
    fn more(&mut self) -> usize {
        let mut bytes = [0; 16 << 10];
        let count = match self.stream.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("nothing came; so far: {}", self.rest.escape_ascii())
            }
            Err(_) => 0,
        };
        if let Some(seen) = &self.seen {
            seen.bytes.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
        self.rest.extend_from_slice(&bytes[..count]);
        count
    }

    /// Up to and with `end`; less if the other side ends before.
    pub fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.rest.windows(end.len()).position(|window| window == end.as_bytes()) {
                return String::from_utf8_lossy(&self.rest.drain(..at + end.len()).collect::<Vec<_>>()).into_owned();
            }
            if self.more() == 0 {
                return String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned();
            }
        }
    }

    pub fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.more() > 0, "it ended after {} of {count} bytes", self.rest.len());
        }
        self.rest.drain(..count).collect()
    }

    /// All that comes until the other side ends.
    pub fn all(&mut self) -> String {
        while self.more() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// A host that does what `script` says on each connection.
pub struct Host {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
}

impl Host {
    pub fn new(config: ServerConfig, script: impl Fn(AtHost) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Seen>::default());
        let (config, script, all) = (Arc::new(config), Arc::new(script), seen.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                all.connections.fetch_add(1, Ordering::SeqCst);
                let (config, script, seen) = (config.clone(), script.clone(), all.clone());
                thread::spawn(move || {
                    let stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    script(Line { stream, seen: Some(seen), rest: Vec::new() });
                });
            }
        });
        Self { address, seen }
    }
}
