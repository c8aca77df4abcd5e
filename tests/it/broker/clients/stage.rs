//! Where a client does an errand: the host that its key is for, another one, and one whose certificate does not verify.
//! A proxy leads every name to one of them, so the client sees the real names.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, SanType};

use super::Client;
use crate::broker::outer::Lead;
use crate::broker::upstream::{AtHost, Host, Root};
use crate::broker::world::{VALUE, forms, vault};
use crate::sandbox::{Outcome, Sandbox};

/// Its certificate verifies, and nothing is brokered for it.
pub const OTHER: &str = "other.test";
/// The key is for this host, too, but its certificate does not verify.
const DOUBTFUL: &str = "doubtful.test";

/// What a client is sent to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    /// What it is for.
    Work,
    /// A request whose answer has the key in it.
    Echo,
    /// The same key, for a host that it is not for.
    Other,
    /// The named host sends it to the other one.
    Redirect,
    /// A host that does not verify.
    Doubtful,
}

impl Errand {
    pub const ALL: [Self; 5] = [Self::Work, Self::Echo, Self::Other, Self::Redirect, Self::Doubtful];

    /// As paths have it.
    fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Echo => "echo",
            Self::Other => "other",
            Self::Redirect => "redirect",
            Self::Doubtful => "doubtful",
        }
    }
}

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
struct Reply(fn(&Request, &Path) -> Option<Answer>, PathBuf);

/// A host, and the keys of the requests that it got.
struct Side {
    host: Host,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Side {
    fn new(root: &Root, names: &[&str], reply: Reply) -> Self {
        let all = |params: &mut CertificateParams| {
            let more = names[1..].iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
            params.subject_alt_names.extend(more);
        };
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let (all_keys, name) = (keys.clone(), names[0].to_owned());
        let host = Host::new(root.server(names[0], all), move |line| serve(line, &name, &reply, &all_keys));
        Self { host, keys }
    }

    fn keys(&self) -> Vec<String> {
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

/// All of it, for one errand.
pub struct Stage {
    pub sandbox: Sandbox,
    errand: Errand,
    pub stand_in: String,
    pub ended: Outcome,
    named: Side,
    other: Side,
    doubtful: Side,
}

impl Stage {
    /// Sends the client on its errand, and waits for it.
    pub fn new(client: &Client, errand: Errand) -> Self {
        let sandbox = Sandbox::new();
        let (root, unknown) = (Root::new(), Root::new());
        let reply = Reply(client.reply, sandbox.home().to_owned());
        let named = Side::new(&root, &[client.host], reply.clone());
        let other = Side::new(&root, &[OTHER, "index.crates.io"], reply.clone());
        let doubtful = Side::new(&unknown, &[DOUBTFUL], reply);
        let port = named.host.address.port();
        let mut hosts = [client.host.to_owned(), format!("{}:{port}", client.host), DOUBTFUL.to_owned()];
        hosts.sort_unstable();
        let flags = format!("hosts = {hosts:?}\n");
        vault(&sandbox, "a", &[(client.key, VALUE, &(flags + client.flags))]);
        let places = [(client.host, named.host.address), (DOUBTFUL, doubtful.host.address)];
        let elsewhere = other.host.address;
        let lead = Lead::by(move |name| places.iter().find(|place| place.0 == name).map_or(elsewhere, |place| place.1));
        let settings = format!("proxy = \"http://{}\"\nroots = [{:?}]\n", lead.address, root.path());
        let file = sandbox.home().join(".config/cast/config.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, settings).unwrap();
        (client.prepare)(sandbox.home());

        let host = match errand {
            Errand::Work | Errand::Echo | Errand::Redirect => client.host,
            Errand::Other => OTHER,
            Errand::Doubtful => DOUBTFUL,
        };
        let script = format!("printf %s \"${}\" >stand-in; {}", client.key, client.script);
        // What a caller believes for its other hosts stays; cast itself believes its settings alone.
        let mut call = sandbox.cast(["run", "a", "--no-mask", "--", "sh", "-c", &script]);
        for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
            call = call.env(name, root.path());
        }
        for (name, value) in client.variables() {
            call = call.env(name, value);
        }
        let word = errand.word();
        call = call.env("HOST", host).env("ERRAND", word).env("URL", format!("https://{host}/{word}"));
        let ended = call.env("PORT", port.to_string()).run();
        let stand_in = fs::read_to_string(sandbox.home().join("stand-in")).unwrap();
        let stage = Self { sandbox, errand, stand_in, ended, named, other, doubtful };
        stage.has_no_value(client.name);
        stage
    }

    /// The client has the value nowhere, and no host has it but the named one.
    fn has_no_value(&self, client: &str) {
        let what = format!("{client}, {:?}: {:?}", self.errand, self.ended);
        assert!(self.stand_in.len() == VALUE.len() && self.stand_in != VALUE, "{what}");
        let forms = forms(VALUE);
        let has = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
        assert!(!has(&self.ended.out) && !has(&self.ended.err), "{what}");
        for side in [&self.other, &self.doubtful] {
            assert!(!has(&side.host.seen.text()) && !side.keys().iter().any(|key| has(key)), "{what}");
        }
        for (path, (_, bytes)) in self.sandbox.snapshot() {
            assert!(!has(&String::from_utf8_lossy(&bytes)), "{what}: {}", path.display());
        }
    }

    /// What the table says of this errand.
    pub fn cell(&self, client: &Client) -> &'static str {
        let what = format!("{}, {:?}: {:?}", client.name, self.errand, self.ended);
        let (named, other) = (self.named.keys(), self.other.keys());
        let said = format!("{}{}", self.ended.out, self.ended.err) + &self.written();
        let goes_past = !named.is_empty() && named.iter().all(|key| key.contains(&self.stand_in));
        if goes_past {
            return "**past the broker**";
        }
        assert!(named.iter().all(|key| key.contains(VALUE)), "{what}: {named:?}");
        assert!(other.iter().all(|key| key.contains(&self.stand_in)), "{what}: {other:?}");
        match self.errand {
            Errand::Work => {
                assert!(!named.is_empty() && self.ended.code == 0 && said.contains("fine"), "{what}");
                "yes"
            }
            Errand::Echo => {
                assert!(!named.is_empty() && said.contains(&self.stand_in), "{what}");
                "the stand-in"
            }
            Errand::Other => {
                assert!(named.is_empty() && !other.is_empty(), "{what}");
                "the stand-in"
            }
            Errand::Redirect => {
                assert!(!named.is_empty(), "{what}");
                match (other.is_empty(), self.other.keys.lock().unwrap().is_empty()) {
                    (false, _) => "the stand-in",
                    (true, false) => "no key",
                    (true, true) => "not followed",
                }
            }
            Errand::Doubtful => {
                assert!(self.ended.code != 0, "{what}");
                let asked = self.doubtful.host.seen.connections.load(std::sync::atomic::Ordering::SeqCst);
                assert!(asked > 0 && self.doubtful.host.seen.text().is_empty() && named.is_empty(), "{what}");
                "nothing"
            }
        }
    }

    /// What the client wrote into its folder for results.
    fn written(&self) -> String {
        let files = fs::read_dir(self.sandbox.home().join("results")).into_iter().flatten();
        files.map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned()).collect()
    }
}

/// Runs a command of a test's own, in a folder.
#[track_caller]
pub fn runs(folder: &Path, script: &str) {
    let output = std::process::Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
