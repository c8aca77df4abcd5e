//! Programs as they are, with the variables that a run gives them.

use std::path::Path;
use std::process::Command;

use secrecy::ExposeSecret;

use crate::sides::{AtHost, NAME, Run, VALUE, stand_in};

/// Answers with the head and the body that it got, and keeps the connection.
fn echo(mut line: AtHost) {
    loop {
        let head = line.head();
        if head.is_empty() {
            return;
        }
        let lower = head.to_lowercase();
        let body = if lower.contains("transfer-encoding: chunked") {
            line.chunks().0
        } else {
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
            line.exactly(length.map_or(0, |length| length.parse().unwrap()))
        };
        let text = format!("{head}{}", String::from_utf8_lossy(&body));
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()));
    }
}

/// Runs a program in the environment of a run. `None`, with a report, if it is not there.
fn run(program: &str, folder: &Path, run: &Run, arguments: &[String]) -> Option<String> {
    let bundle = folder.join("bundle.pem");
    std::fs::write(&bundle, run.broker().ca_pem()).unwrap();
    let url = run.broker().proxy_url().expose_secret();
    let mut command = Command::new(program);
    command.args(arguments).env("API_KEY", stand_in()).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTPS_PROXY", "https_proxy"] {
        command.env(name, url);
    }
    for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        command.env(name, &bundle);
    }
    let Ok(output) = command.output() else {
        cast_testing::skip(&format!("the broker: there is no '{program}'"));
        return None;
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.is_empty(), "{program}: {said}");
    Some(said)
}

/// The host got the value, and the program the stand-in.
#[track_caller]
fn check(broker: &Run, said: &str, count: usize) {
    let seen = broker.host.seen.text();
    assert_eq!(seen.matches(&format!("Bearer {VALUE}")).count(), count, "{seen} {said}");
    assert!(said.contains(&format!("Bearer {}", stand_in())), "{said}");
    assert!(!said.contains(VALUE), "{said}");
}

#[test]
fn curl() {
    let (broker, folder) = (Run::new(echo), tempfile::tempdir().unwrap());
    let large = folder.path().join("large");
    std::fs::write(&large, vec![b'x'; 3 << 20]).unwrap();
    let url = format!("https://{NAME}/v1");
    let field = format!("Authorization: Bearer {}", stand_in());
    let with = |more: &[&str]| {
        let words = ["-sS", "--fail", "-H", &field, &url].into_iter().chain(more.iter().copied());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let large = format!("@{}", large.display());
    let ways: [&[&str]; 5] = [
        &[],
        &["--http2"],
        &["--proxy-anyauth"],
        &["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data", "hello"],
        &["-H", "Expect:", "--data-binary", &large],
    ];
    for (number, way) in ways.iter().enumerate() {
        let Some(said) = run("curl", folder.path(), &broker, &with(way)) else { return };
        check(&broker, &said, number + 1);
    }
}

const PYTHON: &str = r#"
import os, urllib.request
for body in [None, b"x" * 100000]:
    request = urllib.request.Request("https://api.example.test/v1", data=body)
    request.add_header("Authorization", "Bearer " + os.environ["API_KEY"])
    print(urllib.request.urlopen(request).read().decode())
"#;

#[test]
fn python() {
    let (broker, folder) = (Run::new(echo), tempfile::tempdir().unwrap());
    let arguments = ["-c".to_owned(), PYTHON.to_owned()];
    let Some(said) = run("python3", folder.path(), &broker, &arguments) else { return };
    check(&broker, &said, 2);
}

/// Node without a proxy agent of its own: CONNECT and TLS by hand, as its agents do.
const NODE: &str = r"
const https = require('https'), http = require('http'), tls = require('tls');
const proxy = new URL(process.env.HTTPS_PROXY);
const pair = Buffer.from(proxy.username + ':' + proxy.password).toString('base64');
const connect = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'api.example.test:443',
    headers: { 'Proxy-Authorization': 'Basic ' + pair } });
connect.on('connect', (answer, socket) => {
    if (answer.statusCode != 200) throw new Error(answer.statusCode);
    const secure = tls.connect({ socket, servername: 'api.example.test', ALPNProtocols: ['http/1.1'] });
    const request = https.request({ host: 'api.example.test', port: 443, createConnection: () => secure, method: 'POST',
        headers: { Authorization: 'Bearer ' + process.env.API_KEY } }, (answer) => {
        answer.pipe(process.stdout);
        answer.on('end', () => process.exit(0));
    });
    request.end('hello');
}).end();
";

#[test]
fn node() {
    let (broker, folder) = (Run::new(echo), tempfile::tempdir().unwrap());
    let Some(said) = run("node", folder.path(), &broker, &["-e".to_owned(), NODE.to_owned()]) else { return };
    check(&broker, &said, 1);
}
