//! The sides of a connection: a host, an outer proxy, a client, and a broker between them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cast_broker::tls::roots::PemFile;
use cast_broker::{Authority, Broker, NoProxy, Order, Outer, Place, Proxy, Secret, Tally, stand_in};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use secrecy::ExposeSecret;

pub(crate) const VALUE: &str = "sk-test-4bQ9ZtLw0Xk7Rm2Vn5Pc8Ys1";
pub(crate) const KEY: &str = "API_KEY";
/// After so long a read that gets nothing fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn stand_in() -> String {
    stand_in::derive(&[7; 32], KEY, VALUE, None).unwrap().as_str().to_owned()
}

/// The root that the hosts of the tests have.
pub(crate) struct Root {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Root {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn file(&self) -> PemFile {
        let path = self.folder.path().join("root.pem");
        PemFile { text: std::fs::read(&path).unwrap(), path }
    }

    pub(crate) fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

/// What a host got.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    bytes: Mutex<Vec<u8>>,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Whether the host got a byte behind TLS.
    #[track_caller]
    pub(crate) fn assert_nothing(&self) {
        assert_eq!(self.text(), "", "the host got bytes");
    }
}

/// A connection, as one side has it.
pub(crate) struct Line<C> {
    pub(crate) stream: C,
    seen: Option<Arc<Seen>>,
    rest: Vec<u8>,
}

pub(crate) type AtHost = Line<StreamOwned<ServerConnection, TcpStream>>;
pub(crate) type AtClient = Line<StreamOwned<ClientConnection, TcpStream>>;

impl<C: Read + Write> Line<C> {
    pub(crate) fn new(stream: C) -> Self {
        Self { stream, seen: None, rest: Vec::new() }
    }

    /// Without a note of what comes.
    #[allow(dead_code, reason = "the test of memory uses it")]
    pub(crate) fn unseen(self) -> Self {
        Self { seen: None, ..self }
    }

    /// How much was read and not taken.
    #[allow(dead_code, reason = "the test of memory uses it")]
    pub(crate) fn rest_len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
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
    pub(crate) fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.rest.windows(end.len()).position(|window| window == end.as_bytes()) {
                return String::from_utf8_lossy(&self.rest.drain(..at + end.len()).collect::<Vec<_>>()).into_owned();
            }
            if self.more() == 0 {
                return String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned();
            }
        }
    }

    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.more() > 0, "it ended after {} of {count} bytes", self.rest.len());
        }
        self.rest.drain(..count).collect()
    }

    /// All that comes until the other side ends.
    pub(crate) fn all(&mut self) -> String {
        while self.more() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }

    /// A whole chunked body, with its trailers.
    pub(crate) fn chunks(&mut self) -> (Vec<u8>, String) {
        let mut body = Vec::new();
        loop {
            match self.chunk() {
                data if data.is_empty() => return (body, self.until("\r\n")),
                data => body.extend(data),
            }
        }
    }

    /// The next chunk; empty for the last one, before its trailers.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let line = self.until("\r\n");
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("no chunk: {line:?}"));
        let data = self.exactly(size);
        if size > 0 {
            assert_eq!(self.exactly(2), b"\r\n");
        }
        data
    }
}

/// A host that does what `script` says on each connection.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

impl Host {
    pub(crate) fn new(config: ServerConfig, script: impl Fn(AtHost) + Send + Sync + 'static) -> Self {
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

/// An outer proxy that leads every name to one address. It notes the heads.
pub(crate) struct Lead {
    pub(crate) address: SocketAddr,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

impl Lead {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let all = heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, heads) = (stream.unwrap(), all.clone());
                thread::spawn(move || {
                    let mut line = Line::new(stream);
                    heads.lock().unwrap().push(line.head());
                    let to = TcpStream::connect(to).unwrap();
                    line.send("HTTP/1.1 200 OK\r\n\r\n");
                    both_ways(line.stream, to);
                });
            }
        });
        Self { address, heads }
    }
}

/// Copies both ways, with half-closes.
pub(crate) fn both_ways(one: TcpStream, other: TcpStream) {
    for stream in [&one, &other] {
        stream.set_nodelay(true).unwrap();
    }
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (other, one);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = up.join();
}

/// A broker, the host that it reaches for every name, and the way to it.
pub(crate) struct Run {
    pub(crate) broker: Option<Broker>,
    pub(crate) host: Host,
    pub(crate) lead: Lead,
    pub(crate) root: Root,
}

pub(crate) const NAME: &str = "api.example.test";

/// A secret that goes to these hosts.
pub(crate) fn secret(hosts: &[&str], places: Vec<Place>) -> Secret {
    Secret {
        name: KEY.to_owned(),
        value: VALUE.to_owned().into(),
        stand_in: stand_in::derive(&[7; 32], KEY, VALUE, None).unwrap(),
        hosts: hosts.iter().map(|host| Authority::parse(host.as_bytes()).unwrap()).collect(),
        places,
    }
}

impl Run {
    /// A broker for `NAME`, and a host that has this name.
    pub(crate) fn new(script: impl Fn(AtHost) + Send + Sync + 'static) -> Self {
        let root = Root::new();
        let host = Host::new(root.server(NAME, |_| {}), script);
        Self::of(secret(&[NAME], Vec::new()), root, host)
    }

    pub(crate) fn of(secret: Secret, root: Root, host: Host) -> Self {
        Self::of_all(vec![secret], root, host)
    }

    pub(crate) fn of_all(secrets: Vec<Secret>, root: Root, host: Host) -> Self {
        let lead = Lead::new(host.address);
        let proxy = Proxy::parse(&format!("http://{}", lead.address)).unwrap();
        let outer = Outer::Through { proxy, except: NoProxy::default() };
        let mut broker =
            Broker::prepare(Order { secrets, outer, roots: vec![root.file()] }, SystemTime::now()).unwrap();
        broker.start().unwrap();
        Self { broker: Some(broker), host, lead, root }
    }

    pub(crate) fn broker(&self) -> &Broker {
        self.broker.as_ref().unwrap()
    }

    /// A connection to the proxy.
    pub(crate) fn plain(&self) -> Line<TcpStream> {
        Line::new(plain(self.broker()))
    }

    /// A connection through the proxy to this authority, after its 200.
    pub(crate) fn tunnel(&self, authority: &str) -> TcpStream {
        tunnel(self.broker(), "cast", authority)
    }

    /// TLS with `NAME`.
    pub(crate) fn client(&self) -> AtClient {
        Line::new(tls(self.tunnel(&format!("{NAME}:443")), NAME, self.broker().ca_pem()))
    }

    /// Ends the broker.
    pub(crate) fn stop(&mut self) -> Vec<Tally> {
        self.broker.take().unwrap().stop()
    }
}

/// The port and the credential of a broker.
pub(crate) fn way_in(broker: &Broker) -> (String, String) {
    let url = broker.proxy_url().expose_secret();
    let (credential, address) = url.strip_prefix("http://cast:").unwrap().split_once('@').unwrap();
    (address.to_owned(), credential.to_owned())
}

pub(crate) fn plain(broker: &Broker) -> TcpStream {
    let stream = TcpStream::connect(way_in(broker).0).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The field with a credential.
pub(crate) fn field(user: &str, credential: &str) -> String {
    format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{credential}")))
}

pub(crate) fn tunnel(broker: &Broker, user: &str, authority: &str) -> TcpStream {
    let mut line = Line::new(plain(broker));
    let field = field(user, &way_in(broker).1);
    line.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{field}\r\n"));
    let head = line.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(line.rest.is_empty());
    line.stream
}

/// How a client trusts an authority.
pub(crate) fn trusting(pem: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

pub(crate) fn tls(stream: TcpStream, name: &str, pem: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(trusting(pem)), name).unwrap(), stream)
}

/// A GET with the stand-in where a key belongs.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {}\r\n\r\n", stand_in())
}
