//! The variables that lead CMD's programs to the broker and make them believe it, and the files that these variables
//! name. Each adds to what the caller has, so that CMD reaches its other hosts as before. `docs/design/broker.md` lists them.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret, SecretString};
use cast_broker::{Authority, NoProxy};

use super::npmrc;
use crate::broker_folder::BrokerFolder;
use crate::disk;

/// Where programs find their proxy for `https`.
pub(super) const PROXY: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
/// Which hosts go past it.
pub(super) const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// Makes `fetch` of Node.js look at the two above.
const NODE_PROXY: &str = "NODE_USE_ENV_PROXY";
/// Names a file of authorities that are added to those that Node.js knows.
const EXTRA: &str = "NODE_EXTRA_CA_CERTS";
/// Each names a file of authorities that replaces those that a program knows.
const BUNDLES: [&str; 12] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "CODEX_CA_CERTIFICATE",
    "BUNDLE_SSL_CA_CERT",
    "NIX_SSL_CERT_FILE",
    "HTTPLIB2_CA_CERTS",
];
/// The same for npm, which without one, here or in its files, believes [`EXTRA`]. npm reads its variables in any case.
const NPM: &str = "npm_config_cafile";

/// Hosts that never go to a proxy: CMD's own servers.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Far more than all authorities of a system need, in bytes.
const LONGEST_FILE: usize = 8 << 20;

/// Whether cast sets this variable where a secret is brokered.
pub(super) fn sets(name: &str) -> bool {
    replaces(name) || NO_PROXY.contains(&name) || name.eq_ignore_ascii_case(NPM)
}

/// Whether nothing of the caller's value of this variable reaches CMD.
pub(super) fn replaces(name: &str) -> bool {
    PROXY.contains(&name) || BUNDLES.contains(&name) || name == NODE_PROXY || name == EXTRA
}

/// What of the caller's variables goes into those of CMD.
pub(super) struct Callers {
    no_proxy: [Option<String>; 2],
    extra: Option<PathBuf>,
    bundles: Vec<PathBuf>,
    /// The names by which npm has a file of its own.
    npm: Vec<OsString>,
}

impl Callers {
    /// `variable` are the caller's variables, and `names` those that CMD would get.
    pub(super) fn read<'a>(
        variable: &dyn Fn(&str) -> Option<OsString>,
        names: impl Iterator<Item = &'a OsStr>,
    ) -> Self {
        let file = |name: &str| variable(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let is_npms = |name: &&OsStr| name.to_str().is_some_and(|name| name.eq_ignore_ascii_case(NPM));
        let mut npm: Vec<_> = names.filter(is_npms).map(OsStr::to_owned).collect();
        // A variable wins over its files.
        let mut npms: Vec<_> = npm.iter().filter_map(|name| file(name.to_str()?)).collect();
        if npm.is_empty() {
            npms = npmrc::cafiles(variable);
            npm.extend((!npms.is_empty()).then(|| NPM.into()));
        }
        Self {
            no_proxy: NO_PROXY.map(|name| variable(name).map(|list| list.to_string_lossy().into_owned())),
            extra: file(EXTRA),
            bundles: BUNDLES.into_iter().filter_map(file).chain(npms).collect(),
            npm,
        }
    }

    /// The file that replaces what a program knows: the run's authority, the system's, and what the caller replaces
    /// these with, that of an outer run among them.
    pub(super) fn bundle(&self, own: &str, system: &[u8]) -> Vec<u8> {
        let mut seen = HashSet::new();
        let callers = self.bundles.iter().filter(|path| seen.insert(*path)).filter_map(read);
        certificates([own.to_owned(), text(system.to_vec())].into_iter().chain(callers))
    }

    /// The file that adds to what a program knows.
    pub(super) fn extra(&self, own: &str) -> Vec<u8> {
        certificates([own.to_owned()].into_iter().chain(self.extra.as_deref().and_then(read)))
    }

    /// CMD's variables; the proxy's address `url` has the credential in it.
    pub(super) fn variables(
        &self,
        url: &SecretString,
        folder: &BrokerFolder,
        hosts: &[Authority],
    ) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        let mut set = |name: &OsStr, value: OsString| variables.push((name.to_owned(), value));
        for name in PROXY {
            set(name.as_ref(), url.expose_secret().into());
        }
        let [small, large] = &self.no_proxy;
        for (name, list) in
            NO_PROXY.into_iter().zip([small.as_ref().or(large.as_ref()), large.as_ref().or(small.as_ref())])
        {
            set(name.as_ref(), without_hosts(list.map_or("", String::as_str), hosts).into());
        }
        set(NODE_PROXY.as_ref(), "1".into());
        set(EXTRA.as_ref(), folder.extra().into());
        for name in BUNDLES.iter().map(OsStr::new).chain(self.npm.iter().map(OsString::as_os_str)) {
            set(name, folder.bundle().into());
        }
        variables
    }
}

/// The entries of a list of hosts that go past the proxy, and the loopback ones: those by which no program leaves out a
/// brokered host.
fn without_hosts(list: &str, hosts: &[Authority]) -> String {
    let mut seen = HashSet::new();
    let entries = list.split([',', ' ', '\t']).chain(LOOPBACK).filter(|entry| !entry.is_empty());
    let kept = entries.filter(|entry| !hosts.iter().any(|host| may_match(entry, host)) && seen.insert(*entry));
    kept.collect::<Vec<_>>().join(",")
}

/// Whether some program takes this host for one of the entry: each reads them in its own way.
fn may_match(entry: &str, host: &Authority) -> bool {
    let entry = entry.to_ascii_lowercase();
    let name = entry.trim_start_matches(['*', '.']);
    let name = match name.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    // Some compare only the end, and not whole labels.
    NoProxy::parse(&entry).has(host) || name.contains('*') || host.host().ends_with(name.trim_end_matches('.'))
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    let path = path.as_ref();
    let file = disk::open_regular_behind_links(path).ok()??;
    let bytes = disk::read_limited(&file, path, LONGEST_FILE).ok().filter(|bytes| bytes.len() <= LONGEST_FILE)?;
    Some(text(bytes))
}

/// Such files are ASCII, and long: only others are looked at byte by byte.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The certificates of these texts, each once, as PEM (RFC 7468). Whatever else is in a text stays out: it may be a key.
/// A run waits for this, so it looks at each byte of the system's 200 KB few times, and at no text twice.
fn certificates(texts: impl Iterator<Item = String>) -> Vec<u8> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    const WIDTH: usize = 64;
    let (mut seen, mut all, mut whole) = (HashSet::new(), String::new(), Vec::<String>::new());
    for text in texts.filter(|text| !text.is_empty()) {
        if whole.contains(&text) {
            continue;
        }
        for block in text.split(BEGIN).skip(1).filter_map(|rest| Some(rest.split_once(END)?.0)) {
            let mut digits = String::with_capacity(block.len());
            block.split('\n').for_each(|line| digits += line.trim_ascii());
            if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
                || seen.contains(&digits)
            {
                continue;
            }
            all.extend([BEGIN, "\n"]);
            let mut rest = &*digits;
            while !rest.is_empty() {
                let (line, behind) = rest.split_at(WIDTH.min(rest.len()));
                all.extend([line, "\n"]);
                rest = behind;
            }
            all.extend([END, "\n"]);
            seen.insert(digits);
        }
        whole.push(text);
    }
    all.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_list(list: &str, hosts: &[&str], expected: &str) {
        let hosts: Vec<_> = hosts.iter().map(|host| Authority::parse(host.as_bytes()).unwrap()).collect();
        assert_eq!(without_hosts(list, &hosts), expected, "{list}");
    }

    #[test]
    fn no_brokered_host_goes_past_the_broker() {
        let api = &["api.openai.com", "other.test:8443"];
        let rest = "localhost,127.0.0.1,::1";
        for gone in [
            "",
            "*",
            "api.openai.com",
            "API.OpenAI.com",
            ".openai.com",
            "*.openai.com",
            "openai.com",
            "com",
            // Python's requests compares the end only.
            "penai.com",
            "i.openai.com",
            "api.openai.com:443",
            "api.openai.com:8443",
            "api.openai.com.",
            "openai.com.",
            "api.*.com",
            "*openai.com",
            "other.test",
            "other.test:8443",
            " , ,",
            ".",
        ] {
            check_list(gone, api, rest);
        }
        check_list("corp.test, 10.0.0.0/8 .corp,*", api, &format!("corp.test,10.0.0.0/8,.corp,{rest}"));
        check_list(
            "xapi.openai.com,api.openai.co,127.0.0.1,::1",
            api,
            "xapi.openai.com,api.openai.co,127.0.0.1,::1,localhost",
        );
        check_list("::1,[::1]:80", api, "::1,[::1]:80,localhost,127.0.0.1");
        check_list("localhost,a.test", &["localhost:8443"], "a.test,127.0.0.1,::1");
    }

    #[test]
    fn only_certificates_are_copied() {
        let one = "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----\n";
        let long = format!("-----BEGIN CERTIFICATE-----\n{}\nB\n-----END CERTIFICATE-----\n", "A".repeat(64));
        let two = "-----BEGIN CERTIFICATE-----\nR0hJ\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let nested = format!("-----BEGIN CERTIFICATE-----\n{key}-----END CERTIFICATE-----\n");
        let spaced = "-----BEGIN CERTIFICATE-----\r\n QUJDREVG\r\n-----END CERTIFICATE-----";
        let texts =
            [one.to_owned(), format!("# A comment\n{two}{key}{nested}{spaced}{one}{long}"), "nothing".to_owned()];
        let copied = certificates(texts.iter().cloned().chain(texts.clone()));
        let one = one.replace("QUJD\nREVG", "QUJDREVG");
        assert_eq!(String::from_utf8(copied).unwrap(), format!("{one}{two}{long}"));
    }

    #[test]
    fn what_cast_sets() {
        for name in
            ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE"]
        {
            assert!(sets(name), "{name}");
        }
        for name in ["HTTP_PROXY", "ALL_PROXY", "SSL_CERT_DIR"] {
            assert!(!sets(name), "{name}");
        }
        assert!(!replaces("NO_PROXY") && !replaces(NPM));
    }
}
