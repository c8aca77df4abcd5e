//! A run whose CMD waits, and a client that has what CMD has: its variables, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::upstream::{Line, PATIENCE};
use super::world::{KEY, NAME};
use crate::sandbox::Sandbox;
use crate::supervise::process::{Running, code};

pub type AtClient = Line<StreamOwned<ClientConnection, TcpStream>>;

/// A run of `WAITS`.
pub struct Run {
    pub cast: Running,
    /// The process id of CMD.
    pub cmd: i32,
    pub variables: BTreeMap<String, String>,
}

impl Run {
    /// Waits until CMD has noted its environment.
    #[track_caller]
    pub fn of(sandbox: &Sandbox, mut cast: Running) -> Self {
        let cmd = cast.line().parse().unwrap();
        let file = sandbox.home().join(format!("env.{cmd}"));
        let variables = variables(&file);
        fs::remove_file(file).unwrap();
        Self { cast, cmd, variables }
    }

    pub fn get(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("CMD has no {name}"))
    }

    pub fn stand_in(&self) -> &str {
        self.get(KEY)
    }

    /// The address and the credential of the proxy.
    pub fn way_in(&self) -> (&str, &str) {
        let (credential, address) =
            self.get("HTTPS_PROXY").strip_prefix("http://cast:").unwrap().split_once('@').unwrap();
        (address, credential)
    }

    /// A connection to the proxy.
    pub fn plain(&self) -> Line<TcpStream> {
        Line::new(connect(self.way_in().0))
    }

    /// The field with the credential.
    pub fn field(&self) -> String {
        field("cast", self.way_in().1)
    }

    /// A connection through the proxy to this authority, after its 200.
    pub fn tunnel(&self, authority: &str) -> TcpStream {
        let mut line = self.plain();
        line.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", self.field()));
        let head = line.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        line.stream
    }

    /// TLS with `NAME`, which CMD believes by the file that this variable names.
    pub fn client_by(&self, variable: &str) -> AtClient {
        let pem = fs::read_to_string(self.get(variable)).unwrap();
        Line::new(tls(self.tunnel(&format!("{NAME}:443")), NAME, &pem))
    }

    pub fn client(&self) -> AtClient {
        self.client_by("NODE_EXTRA_CA_CERTS")
    }

    /// The run's own authority.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.get("NODE_EXTRA_CA_CERTS")).unwrap()
    }

    /// A request with the stand-in where a key belongs.
    pub fn get_request(&self, path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {}\r\n\r\n", self.stand_in())
    }

    /// The folder of the run.
    pub fn folder(&self) -> PathBuf {
        Path::new(self.get("SSL_CERT_FILE")).parent().unwrap().to_owned()
    }

    /// Lets CMD end.
    #[track_caller]
    pub fn end(&mut self) {
        self.cast.hears("go on\n");
        assert_eq!(code(self.cast.ends()), 7);
    }
}

/// What `env -0` wrote.
pub fn variables(file: &Path) -> BTreeMap<String, String> {
    let text = String::from_utf8(fs::read(file).unwrap()).unwrap();
    let split = |variable: &str| variable.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split('\0').filter_map(split).collect()
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The field with a credential.
pub fn field(user: &str, credential: &str) -> String {
    format!("Proxy-Authorization: Basic {}\r\n", base64(&format!("{user}:{credential}")))
}

pub fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// TLS with a host of this name, which the authorities in `pem` vouch for.
pub fn tls(stream: TcpStream, name: &str, pem: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap));
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}
