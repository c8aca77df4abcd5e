//! The authority is accepted for its hosts and refused for all else, by those who will look at it: the libraries of
//! CMD's programs.

use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::SanType;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};

use super::*;

const HOST: &str = "api.example.test";

fn ca() -> Ca {
    let hosts = [HOST, "files.example.test:8443", "localhost:9"];
    Ca::new(&hosts.map(|host| Authority::parse(host.as_bytes()).unwrap()), SystemTime::now()).unwrap()
}

/// A leaf with these names, which the authority itself would never make.
fn forged(ca: &Ca, names: &[SanType]) -> CertificateDer<'static> {
    let mut params = params("cast run", SystemTime::now(), LEAF_TIME).unwrap();
    params.subject_alt_names = names.to_vec();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.signed_by(&ca.leaf_pair, &ca.issuer).unwrap().der().clone()
}

fn name(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// Leaves, the name that a client asks for, and whether it is to accept.
fn cases(ca: &mut Ca) -> Vec<(&'static str, CertificateDer<'static>, bool)> {
    let own = |ca: &mut Ca, host| ca.leaf(host, SystemTime::now()).unwrap().cert[0].clone();
    let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
    vec![
        (HOST, own(ca, HOST), true),
        ("files.example.test", own(ca, "files.example.test"), true),
        ("localhost", own(ca, "localhost"), true),
        ("other.test", own(ca, HOST), false),
        ("other.test", forged(ca, &[name("other.test")]), false),
        ("example.test", forged(ca, &[name("example.test")]), false),
        ("test", forged(ca, &[name("test")]), false),
        (HOST, forged(ca, &[name(HOST), name("other.test")]), false),
        ("127.0.0.1", forged(ca, &[address("127.0.0.1")]), false),
        ("::1", forged(ca, &[address("::1")]), false),
        (HOST, forged(ca, &[name(HOST), address("127.0.0.1")]), false),
    ]
}

#[test]
fn only_listed_names_get_a_leaf() {
    let mut ca = ca();
    for other in ["other.test", "x.api.example.test", "127.0.0.1", "", "API.example.test"] {
        assert!(ca.leaf(other, SystemTime::now()).is_err(), "{other}");
    }
}

#[test]
fn a_leaf_is_kept_for_six_days() {
    let (mut ca, now) = (ca(), SystemTime::now());
    let first = ca.leaf(HOST, now).unwrap();
    assert!(Arc::ptr_eq(&first, &ca.leaf(HOST, now + DAY * 5).unwrap()));
    let second = ca.leaf(HOST, now + DAY * 6).unwrap();
    assert_ne!(first.cert, second.cert);
    // A clock that is set back makes one that is valid then.
    assert_ne!(second.cert, ca.leaf(HOST, now).unwrap().cert);
}

#[test]
fn webpki_accepts_it_for_its_hosts_only() {
    let mut ca = ca();
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    for (asked, leaf, is_accepted) in cases(&mut ca) {
        let name = ServerName::try_from(asked).unwrap();
        let result = verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::now());
        assert_eq!(result.is_ok(), is_accepted, "{asked}: {result:?}");
    }
}

/// Writes what a client needs to a folder: `ca.pem`, `key.pem`, and `leaf.pem` for each case.
fn write(folder: &Path, ca: &Ca, leaf: &CertificateDer<'_>) {
    let key = STANDARD.encode(ca.leaf_pair.serialized_der());
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    std::fs::write(folder.join("leaf.pem"), pem(leaf)).unwrap();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    std::fs::write(folder.join("key.pem"), key).unwrap();
}

/// Asks a program about each case. It gets the folder and the name, and succeeds if it accepts the leaf.
#[track_caller]
fn check(program: &str, arguments: impl Fn(&Path, &str) -> Vec<String>) {
    let is_there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if is_there.is_err() {
        cast_testing::skip(&format!("the run's authority: there is no '{program}'"));
        return;
    }
    let (mut ca, folder) = (ca(), tempfile::tempdir().unwrap());
    for (asked, leaf, is_accepted) in cases(&mut ca) {
        write(folder.path(), &ca, &leaf);
        let output = Command::new(program).args(arguments(folder.path(), asked)).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.success(), is_accepted, "{program} asked for {asked}: {said}");
        // A program that cannot even begin would refuse all.
        let is_about_it = ["verif", "cert", "violation"].iter().any(|word| said.to_lowercase().contains(word));
        assert!(is_accepted || is_about_it, "{program}: {said}");
    }
}

#[test]
fn openssl_accepts_it_for_its_hosts_only() {
    check("openssl", |folder, name| {
        let file = |file: &str| folder.join(file).to_str().unwrap().to_owned();
        let kind = if name.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
        ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", &file("ca.pem"), kind, name, &file("leaf.pem")]
            .map(str::to_owned)
            .into()
    });
}

const PYTHON: &str = r#"
import ssl, sys
folder, name = sys.argv[1:]
client = ssl.create_default_context(cafile=folder + "/ca.pem")
client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from 3.13 on
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(folder + "/leaf.pem", folder + "/key.pem")
up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
sides = [client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, server_side=True)]
for _ in range(4):
    for side in sides:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
print(sides[0].version())
assert sides[0].getpeercert()
"#;

#[test]
fn python_accepts_it_for_its_hosts_only() {
    check("python3", |folder, name| {
        vec!["-c".to_owned(), PYTHON.to_owned(), folder.to_str().unwrap().to_owned(), name.to_owned()]
    });
}

const NODE: &str = r"
const [folder, name] = process.argv.slice(1), fs = require('fs'), tls = require('tls');
const read = (file) => fs.readFileSync(folder + '/' + file);
const server = tls.createServer({ cert: read('leaf.pem'), key: read('key.pem') }, () => {}).on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => {
    const options = { host: '127.0.0.1', port: server.address().port, ca: read('ca.pem') };
    options.checkServerIdentity = (_, certificate) => tls.checkServerIdentity(name, certificate);
    if (!require('net').isIP(name)) options.servername = name;
    tls.connect(options, () => process.exit(0)).on('error', (error) => { console.error(error.code, error); process.exit(1); });
});
";

#[test]
fn node_accepts_it_for_its_hosts_only() {
    check("node", |folder, name| {
        vec!["-e".to_owned(), NODE.to_owned(), folder.to_str().unwrap().to_owned(), name.to_owned()]
    });
}

/// What the page promises of the certificates, as OpenSSL reads them.
#[test]
fn the_extensions_are_those_that_the_design_has() {
    let (mut ca, folder) = (ca(), tempfile::tempdir().unwrap());
    let leaf = ca.leaf(HOST, SystemTime::now()).unwrap().cert[0].clone();
    write(folder.path(), &ca, &leaf);
    let text = |file: &str| {
        let words = ["x509", "-noout", "-text", "-in"];
        let output = Command::new("openssl").args(words).arg(folder.path().join(file)).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (Some(ca), Some(leaf)) = (text("ca.pem"), text("leaf.pem")) else {
        cast_testing::skip("the run's authority: there is no 'openssl'");
        return;
    };
    for expected in [
        "Subject: CN = cast run, O = cast",
        "CA:TRUE, pathlen:0",
        "X509v3 Basic Constraints: critical",
        "X509v3 Key Usage: critical\n                Certificate Sign\n",
        "TLS Web Server Authentication",
        "X509v3 Name Constraints: critical",
        "DNS:api.example.test",
        "DNS:files.example.test",
        "IP:0.0.0.0/0.0.0.0",
        "IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(ca.contains(expected), "{expected}: {ca}");
    }
    for expected in
        ["Subject: CN = cast run\n", "DNS:api.example.test\n", "X509v3 Authority Key Identifier", "Digital Signature\n"]
    {
        assert!(leaf.contains(expected), "{expected}: {leaf}");
    }
}
