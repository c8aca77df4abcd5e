//! A host over loopback, a home whose secret is brokered for it, and connections to the host: direct, and by a run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::home::Home;
use crate::upstream::{AtHost, Host, Line, Root};

/// Found without a name service.
pub const NAME: &str = "localhost";
pub const VALUE: &str = "sk-test-4bQ9ZtLw0Xk7Rm2Vn5Pc8Ys1";

pub type AtClient = Line<StreamOwned<ClientConnection, TcpStream>>;

pub struct World {
    pub home: Home,
    pub host: Host,
    pub root: Root,
}

impl World {
    /// The agent `a` has a secret for the host.
    pub fn new(script: impl Fn(AtHost) + Send + Sync + 'static) -> io::Result<Self> {
        let (home, root) = (Home::new()?, Root::new());
        let host = Host::new(root.server(NAME, |_| {}), script);
        home.file("config.toml", format!("roots = [\"{}\"]\nproxy = \"none\"\n", root.path().display()).as_bytes())?;
        let to = format!("{NAME}:{}", host.address.port());
        home.succeeds(&["set", "a", "API_KEY", "--host", &to], VALUE)?;
        Ok(Self { home, host, root })
    }

    /// A connection that nobody else takes part in.
    pub fn direct(&self) -> io::Result<AtClient> {
        Ok(tls(TcpStream::connect(self.host.address)?, &self.root.pem()))
    }

    pub fn url(&self) -> String {
        format!("https://{NAME}:{}/", self.host.address.port())
    }

    /// A run whose CMD waits.
    pub fn run(&self) -> io::Result<Run> {
        // By a file: in its output the credential is masked.
        let file = self.home.file("variables", b"")?;
        let script = format!("env >'{}'; echo; read x", file.display());
        let mut cast = self.home.masked("a", &["sh", "-c", &script]);
        let mut cast = cast.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        BufReader::new(cast.stdout.as_mut().expect("a pipe")).read_line(&mut String::new())?;
        let variables = fs::read_to_string(file)?;
        let split = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = variables.lines().filter_map(split).collect();
        Ok(Run { cast, variables, authority: format!("{NAME}:{}", self.host.address.port()) })
    }
}

pub struct Run {
    cast: Child,
    pub variables: BTreeMap<String, String>,
    authority: String,
}

impl Run {
    /// A connection by the broker.
    pub fn brokered(&self) -> io::Result<AtClient> {
        let (pair, address) = self.variables["HTTPS_PROXY"][7..].split_once('@').expect("a credential");
        let mut line = Line::new(TcpStream::connect(address)?);
        let (to, pair) = (&self.authority, STANDARD.encode(pair));
        line.send(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {pair}\r\n\r\n"));
        assert!(line.head().starts_with("HTTP/1.1 200 "));
        Ok(tls(line.stream, &fs::read_to_string(&self.variables["NODE_EXTRA_CA_CERTS"])?))
    }

    pub fn stand_in(&self) -> &str {
        &self.variables["API_KEY"]
    }

    pub fn end(mut self) -> io::Result<()> {
        self.cast.stdin.take().expect("a pipe").write_all(b"\n")?;
        assert!(self.cast.wait()?.success());
        Ok(())
    }
}

fn tls(stream: TcpStream, pem: &str) -> AtClient {
    stream.set_nodelay(true).expect("a socket");
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap));
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).expect("a name");
    Line::new(StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a configuration"), stream))
}
