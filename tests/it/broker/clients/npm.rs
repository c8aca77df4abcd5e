//! npm, with a private registry.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::stage::{Answer, Request, runs};
use super::{Client, check};

/// Installs a package, and asks who it is.
const NPM: &str = r#"echo "//$HOST/$ERRAND/:_authToken=\${NPM_TOKEN}" >.npmrc
export npm_config_registry="https://$HOST/$ERRAND/" npm_config_update_notifier=false npm_config_fetch_retries=0
# Not what this machine has for all its users.
export npm_config_globalconfig="$PWD/none"
npm whoami || exit 1
[ "$ERRAND" = work ] || exit 0
echo '{"name":"project","version":"1.0.0"}' >package.json
npm install --no-audit --no-fund thing && cat node_modules/thing/text"#;

pub const ALL: [Client; 1] = [Client {
    key: "NPM_TOKEN",
    host: "registry.npmjs.org",
    prepare: pack,
    reply: registry,
    ..Client::new("`npm`", "npm --version", NPM)
}];

/// A package at the host.
fn pack(home: &Path) {
    let folder = home.join("host/package");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), "{\"name\":\"thing\",\"version\":\"1.0.0\"}").unwrap();
    fs::write(folder.join("text"), "fine\n").unwrap();
    runs(home, "tar -czf host/thing.tgz -C host package");
}

fn registry(request: &Request, home: &Path) -> Option<Answer> {
    let key = Some(request.key()).filter(|key| !key.is_empty())?;
    let path = request.path();
    let json = |value: serde_json::Value| Some(Answer::new("application/json", value.to_string()));
    match path.rsplit('/').next().unwrap_or_default() {
        "whoami" => json(json!({ "username": if path.contains("echo") { key.as_str() } else { "me" } })),
        "thing" => {
            let tarball = "https://registry.npmjs.org/work/thing/-/thing-1.0.0.tgz";
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
fn npm() {
    check(ALL[0]);
}
