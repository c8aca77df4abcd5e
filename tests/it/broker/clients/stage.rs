//! Where a client does an errand: the host that its key is for, another one, and one whose certificate does not verify.
//! A proxy leads every name to one of them, so the client sees the real names.

use std::fs;
use std::path::Path;

use super::Client;
use super::host::{OTHER, Reply, Side};
use crate::broker::outer::Lead;
use crate::broker::upstream::Root;
use crate::broker::world::{VALUE, forms, vault};
use crate::sandbox::{Outcome, Sandbox};

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
        let settings = format!("proxy = \"http://{}\"\nroots = [\"{}\"]\n", lead.address, root.path().display());
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
                match (other.is_empty(), !self.other.was_asked()) {
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
