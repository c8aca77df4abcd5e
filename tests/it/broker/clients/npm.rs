//! npm, with a private registry.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::host::{Answer, Request};
use super::stage::runs;
use super::{Client, check};
use crate::broker::upstream::Root;

/// Installs a package, and asks who it is.
const NPM: &str = r#"echo "//$HOST/$ERRAND/:_authToken=\${NPM_TOKEN}" >>.npmrc
export npm_config_registry="https://$HOST/$ERRAND/" npm_config_update_notifier=false npm_config_fetch_retries=0
npm whoami || exit 1
[ "$ERRAND" = work ] || exit 0
echo '{"name":"project","version":"1.0.0"}' >package.json
npm install --no-audit --no-fund thing && cat node_modules/thing/text"#;

const PLAIN: Client = Client {
    key: "NPM_TOKEN",
    host: "registry.npmjs.org",
    prepare: pack,
    reply: registry,
    ..Client::new("`npm`", "npm --version", NPM)
};

pub const ALL: [Client; 2] =
    [PLAIN, Client { name: "`npm`, a `cafile` in `.npmrc`", prepare: pack_for_a_company, ..PLAIN }];

/// A package at the host.
fn pack(home: &Path) {
    let folder = home.join("host/package");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), "{\"name\":\"thing\",\"version\":\"1.0.0\"}").unwrap();
    fs::write(folder.join("text"), "fine\n").unwrap();
    runs(home, "tar -czf host/thing.tgz -C host package");
}

/// With authorities of its own, npm does not look at those of Node.
fn pack_for_a_company(home: &Path) {
    pack(home);
    fs::write(home.join("corp.pem"), Root::new().pem()).unwrap();
    fs::write(home.join(".npmrc"), "cafile=${HOME}/corp.pem\n").unwrap();
}

fn registry(request: &Request, home: &Path) -> Option<Answer> {
    let key = Some(request.key()).filter(|key| !key.is_empty())?;
    let path = request.path();
    let json = |value: serde_json::Value| Some(Answer::new("application/json", value.to_string()));
    match path.rsplit('/').next().unwrap_or_default() {
        "whoami" => json(json!({ "username": if path.contains("echo") { key.as_str() } else { "me" } })),
        "thing" => {
            let tarball = format!("https://{}/work/thing/-/thing-1.0.0.tgz", PLAIN.host);
            let version = json!({ "name": "thing", "version": "1.0.0", "dist": { "tarball": tarball } });
            json(json!({ "name": "thing", "dist-tags": { "latest": "1.0.0" }, "versions": { "1.0.0": version } }))
        }
        "thing-1.0.0.tgz" => {
            Some(Answer::new("application/octet-stream", fs::read(home.join("host/thing.tgz")).unwrap()))
        }
        _ => None,
    }
}

#[test]
fn as_it_is() {
    check(ALL[0]);
}

#[test]
fn with_authorities_of_its_own() {
    check(ALL[1]);
}
