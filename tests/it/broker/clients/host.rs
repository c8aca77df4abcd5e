//! A host that speaks HTTP with a client, notes the keys that it gets, and sends some of them back.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, SanType};

use crate::broker::upstream::{AtHost, Host, Root};

/// Its certificate verifies, and nothing is brokered for it.
pub const OTHER: &str = "other.test";
/// A request, as a host got it.
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap()
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let value = |line: &'_ str| line.split_once(':').is_some_and(|(other, _)| other.eq_ignore_ascii_case(name));
        self.head.lines().skip(1).find(|line| value(line)).map(|line| line[name.len() + 1..].trim())
    }

    /// The key that it has, decoded; empty if it has none.
    pub fn key(&self) -> String {
        let field = ["authorization", "x-api-key"].into_iter().find_map(|name| self.field(name)).unwrap_or_default();
        match field.split_once(' ') {
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
                String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap()
            }
            Some((_, key)) => key.to_owned(),
            None => field.to_owned(),
        }
    }
}

/// What a host answers.
pub struct Answer {
    pub status: &'static str,
    /// Fields, each with its line end.
    pub fields: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", fields: format!("Content-Type: {kind}\r\n"), body: body.into() }
    }
}

/// What a host answers where it is not what every host does, and the home with its files.
#[derive(Clone)]
pub struct Reply(pub fn(&Request, &Path) -> Option<Answer>, pub PathBuf);

/// A host, and the keys of the requests that it got.
pub struct Side {
    pub host: Host,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Side {
    pub fn new(root: &Root, names: &[&str], reply: Reply) -> Self {
        let all = |params: &mut CertificateParams| {
            let more = names[1..].iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
            params.subject_alt_names.extend(more);
        };
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let (all_keys, name) = (keys.clone(), names[0].to_owned());
        let host = Host::new(root.server(names[0], all), move |line| serve(line, &name, &reply, &all_keys));
        Self { host, keys }
    }

    /// Whether anybody asked anything.
    pub fn was_asked(&self) -> bool {
        !self.keys.lock().unwrap().is_empty()
    }

    /// The keys that it got, each time.
    pub fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().iter().filter(|key| !key.is_empty()).cloned().collect()
    }
}

/// Answers one request after the other.
fn serve(mut line: AtHost, host: &str, reply: &Reply, keys: &Mutex<Vec<String>>) {
    loop {
        let mut request = Request { head: line.head(), body: Vec::new() };
        if request.head.is_empty() {
            return;
        }
        if request.field("expect").is_some() {
            line.send("HTTP/1.1 100 Continue\r\n\r\n");
        }
        if request.field("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(line.until("\r\n").trim(), 16).unwrap();
                request.body.extend(line.exactly(size));
                line.until("\r\n");
                if size == 0 {
                    break;
                }
            }
        } else {
            request.body = line.exactly(request.field("content-length").map_or(0, |length| length.parse().unwrap()));
        }
        let key = request.key();
        keys.lock().unwrap().push(key.clone());
        let Answer { status, fields, body } = answer(&request, host, &key, reply);
        let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
        if line.try_send([head.into_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn answer(request: &Request, host: &str, key: &str, reply: &Reply) -> Answer {
    let path = request.path();
    if host != OTHER && path.contains("redirect") && !key.is_empty() {
        let place = format!("Location: https://{OTHER}{}\r\n", path.replace("redirect", "landed"));
        return Answer { status: "302 Found", fields: place, body: Vec::new() };
    }
    if let Some(answer) = (reply.0)(request, &reply.1) {
        return answer;
    }
    if key.is_empty() {
        let fields = "WWW-Authenticate: Basic realm=\"x\"\r\n".to_owned();
        return Answer { status: "401 Unauthorized", fields, body: Vec::new() };
    }
    if !path.contains("echo") {
        return Answer::new("text/plain", "fine\n");
    }
    let text = format!("{key} {} {}\n", STANDARD.encode(key), key.replace('-', "\\u002d"));
    let mut answer = Answer::new("text/plain", text);
    if request.field("accept-encoding").is_some_and(|codings| codings.contains("gzip")) {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&answer.body).unwrap();
        answer.body = packed.finish().unwrap();
        answer.fields += "Content-Encoding: gzip\r\n";
    }
    answer
}
