//! `roots` and `proxy` of the settings, and the caller's proxy without them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::client::Run;
use super::world::{NAME, VALUE, WAITS, World};
use crate::supervise::process::Running;

fn runs(world: &World, variables: &[(&str, &str)]) {
    let call = world.sandbox.cast(["run", "a", "--"].into_iter().chain(WAITS));
    let call = variables.iter().fold(call, |call, (name, value)| call.env(name, value));
    let mut run = Run::of(&world.sandbox, Running::start(call.command()));
    let before = world.host.seen.count(VALUE);
    let mut client = run.client();
    client.send(run.get_request("/"));
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{variables:?}: {head}");
    assert_eq!(world.host.seen.count(VALUE), before + 1);
    run.end();
}

#[test]
fn the_caller_s_proxy_is_used_without_one_in_the_settings() {
    let world = World::new();
    world.set(&format!("roots = [\"{}\"]\n", world.root.path().display()));
    let lead = world.lead.address.to_string();
    let (with, without) = (format!("http://{lead}"), lead.clone());
    runs(&world, &[("HTTPS_PROXY", &with)]);
    runs(&world, &[("HTTPS_PROXY", &without)]);
    runs(&world, &[("https_proxy", &with), ("HTTPS_PROXY", "http://other.test:1")]);
    runs(&world, &[("HTTPS_PROXY", &format!("http://me:p%40ss@{lead}")), ("NO_PROXY", "other.test")]);
    let heads = world.lead.heads();
    assert!(heads.iter().all(|head| head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1\r\n"))), "{heads:?}");
    assert_eq!(heads.iter().filter(|head| head.contains("Basic bWU6cEBzcw==")).count(), 1, "{heads:?}");
}

#[test]
fn the_settings_win_over_the_caller() {
    let world = World::new();
    runs(&world, &[("HTTPS_PROXY", "https://not.read.test"), ("https_proxy", "socks5://not.read.test")]);
}

#[test]
fn what_cannot_be_used_is_refused() {
    let world = World::new();
    let root = world.root.path();
    let refuses = |variables: &[(&str, &str)], message: &str| {
        let call = world.sandbox.cast(["run", "a", "--", "touch", "ran"]);
        let call = variables.iter().fold(call, |call, (name, value)| call.env(name, value));
        let said = call.refuses(125, message, &[VALUE, "hunter2"]);
        assert!(!world.sandbox.home().join("ran").exists() && world.folders() == 0);
        said
    };
    world.set("");
    let scheme = "cast cannot use the proxy in 'HTTPS_PROXY': only 'http://' is supported";
    refuses(&[("HTTPS_PROXY", "https://u:hunter2@proxy.test")], scheme);
    refuses(&[("HTTPS_PROXY", "socks5://u:hunter2@proxy.test")], scheme);
    refuses(&[("https_proxy", "http://u:hunter2@h/x")], "the proxy in 'https_proxy': it is not the address of one");
    world.set("\nproxy = \"https://u:hunter2@h\"\n");
    refuses(&[], "line 2 of the settings has a proxy that cast cannot use");
    world.set("roots = [\"root.pem\"]\n");
    refuses(&[], "line 1 of the settings has a path in 'roots' that is not absolute");
    world.set("roots = [\"/does/not/exist.pem\"]\n");
    refuses(&[], "the settings name roots that are missing: '/does/not/exist.pem'");
    let other = world.sandbox.home().join("hunter2.txt");
    fs::write(&other, "hunter2").unwrap();
    world.set(&format!("roots = [\"{}\"]\n", other.display()));
    let said = world.sandbox.cast(["run", "a", "--", "touch", "ran"]).run();
    assert_eq!(said.code, 125);
    assert!(said.err.contains("cannot start the broker: not certificates in PEM: "), "{said:?}");
    assert!(!world.sandbox.home().join("ran").exists() && world.folders() == 0);
    // Who can write it can make certificates for every host.
    world.set(&format!("roots = [\"{}\"]\n", root.display()));
    fs::set_permissions(&root, Permissions::from_mode(0o666)).unwrap();
    let said = refuses(&[], "because other users can write them");
    assert!(said.err.contains("hint: "), "{said:?}");
    // Nothing of this is looked at without a brokered secret.
    world.sandbox.cast(["run", "a", "--except", "API_KEY", "--", "true"]).succeeds();
}
