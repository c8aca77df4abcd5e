//! cargo, with the registry that it has by default, and with others.

use std::path::Path;

use serde_json::json;

use super::host::{Answer, Request};
use super::{Client, check};

/// Asks who owns a package: with the token, as all that changes something does.
const CARGO: &str = r#"export CARGO_HOME=$PWD/.cargo CARGO_REGISTRIES_R_TOKEN=$CARGO_REGISTRY_TOKEN CARGO_NET_RETRY=0
mkdir -p .cargo
case $ERRAND in
other | doubtful)
    printf '[registries.r]\nindex = "sparse+https://other.test/%s/"\n' "$ERRAND" >.cargo/config.toml
    set -- --registry r ;;
esac
exec "$CARGO" owner --list "$ERRAND" "$@""#;

/// Of the registry that cargo has by default.
const HOST: &str = "crates.io";

pub const ALL: [Client; 1] = [Client {
    key: "CARGO_REGISTRY_TOKEN",
    host: HOST,
    reply: registry,
    ..Client::new("`cargo`", "\"$CARGO\" --version", CARGO)
}];

fn registry(request: &Request, _: &Path) -> Option<Answer> {
    let json = |value: serde_json::Value| Some(Answer::new("application/json", value.to_string()));
    match request.path() {
        // The index has no secret, and says where to go.
        "/other/config.json" => json(json!({ "dl": "https://other.test", "api": "https://other.test" })),
        "/doubtful/config.json" => json(json!({ "dl": "https://doubtful.test", "api": "https://doubtful.test" })),
        "/config.json" => json(json!({ "dl": format!("https://{HOST}/crates"), "api": format!("https://{HOST}") })),
        path if path.ends_with("/owners") => {
            let key = Some(request.key()).filter(|key| !key.is_empty())?;
            let name = if path.contains("echo") { key.as_str() } else { "fine" };
            json(json!({ "users": [{ "id": 1, "login": name, "name": name }] }))
        }
        _ => None,
    }
}

#[test]
fn cargo() {
    check(ALL[0]);
}
