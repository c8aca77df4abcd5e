//! Which host gets the value: the one that was named, verified, and no other.

use std::sync::atomic::Ordering;

use rcgen::CertificateParams;

use super::HOSTILE;
use super::client::{Run, tls};
use super::upstream::{Host, Line, Root};
use super::world::{KEY, NAME, TO_NAME, VALUE, WAITS, World, answer, vault};
use crate::sandbox::{Sandbox, Tries};
use crate::supervise::process::Running;

/// The same host in other words is brokered; other hosts get a tunnel, in which the stand-in is text.
#[test]
fn only_the_listed_authority_is_brokered() {
    let world = World::new();
    let mut run = world.run(&[]);
    for authority in ["api.example.test:443", "API.Example.TEST:443", "api.example.test.:443"] {
        let mut client = Line::new(tls(run.tunnel(authority), NAME, &run.authority()));
        client.send(run.get_request("/"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{authority}");
    }
    assert_eq!(world.host.seen.count(VALUE), 3);
    for authority in ["api.example.test:8443", "x.api.example.test:443", "example.test:443", "127.0.0.1:443"] {
        // The host itself answers: its own certificate, not one of this run.
        let mut client = Line::new(tls(run.tunnel(authority), NAME, &world.root.pem()));
        client.send(run.get_request("/"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{authority}");
    }
    let seen = &world.host.seen;
    assert_eq!((seen.count(VALUE), seen.count(run.stand_in())), (3, 4), "{}", seen.text());
    run.end();
}

/// SNI of another name, or none: there is no certificate for it, and nothing is sent.
#[test]
fn a_client_must_name_the_host() {
    let world = World::new();
    let mut run = world.run(&[]);
    for name in ["other.test", "x.api.example.test", "127.0.0.1"] {
        let mut client = Line::new(tls(run.tunnel(&format!("{NAME}:443")), name, &run.authority()));
        assert!(client.try_send(run.get_request("/")).is_err(), "{name}");
    }
    assert_eq!(world.host.seen.connections.load(Ordering::SeqCst), 0);
    run.end();
}

/// Host and target of another name, inside of a connection for the named one.
#[test]
fn a_request_must_name_the_host() {
    let world = World::new();
    let mut run = world.run(&[]);
    let bearer = format!("Authorization: Bearer {}\r\n", run.stand_in());
    let tries = Tries::at(1, HOSTILE);
    for request in [
        format!("GET / HTTP/1.1\r\nHost: other.test\r\n{bearer}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x.{NAME}\r\n{bearer}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {NAME}:8443\r\n{bearer}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {NAME}\r\nHost: other.test\r\n{bearer}\r\n"),
        format!("GET https://other.test/ HTTP/1.1\r\nHost: {NAME}\r\n{bearer}\r\n"),
        format!("GET https://{NAME}/ HTTP/1.1\r\nHost: {NAME}\r\n{bearer}\r\n"),
    ] {
        tries.next();
        let mut client = run.client();
        client.send(&request);
        let answer = client.all();
        assert!(answer.starts_with("HTTP/1.1 421 ") && answer.contains("\r\n\r\ncast: "), "{request}: {answer}");
    }
    assert_eq!(world.host.seen.text(), "");
    run.end();
}

/// A client that follows a redirect elsewhere has only the stand-in to send.
#[test]
fn a_redirect_leads_the_stand_in_elsewhere() {
    let world = World::with(TO_NAME, |mut line| {
        line.head();
        line.send("HTTP/1.1 302 Found\r\nLocation: https://other.test/\r\nContent-Length: 0\r\n\r\n");
        line.all();
    });
    let mut run = world.run(&[]);
    let mut client = run.client();
    client.send(run.get_request("/"));
    assert!(client.head().contains("\r\nLocation: https://other.test/\r\n"));
    assert_eq!(world.host.seen.count(VALUE), 1);
    // The other name, as the host has it in this test, and its answer.
    let mut client = Line::new(tls(run.tunnel("other.test:443"), NAME, &world.root.pem()));
    client.send(run.get_request("/"));
    client.head();
    assert_eq!((world.host.seen.count(VALUE), world.host.seen.count(run.stand_in())), (1, 1));
    run.end();
}

#[track_caller]
fn refused(root: Root, host: Host, settings: impl Fn(&World) -> Option<String>, why: &str) {
    let _try = Tries::one(HOSTILE);
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME)]);
    let world = World::around(sandbox, root, host);
    if let Some(settings) = settings(&world) {
        world.set(&settings);
    }
    // Whatever the caller believes: that is for CMD's other hosts.
    let words = ["run", "a", "--"].into_iter().chain(WAITS);
    let command = world.sandbox.cast(words).env("SSL_CERT_FILE", world.root.path()).env("SSLKEYLOGFILE", "keys");
    let mut run = Run::of(&world.sandbox, Running::start(command.command()));
    let mut client = run.client();
    client.send(run.get_request("/"));
    let answer = client.all();
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains(why), "{answer}");
    assert!(!answer.contains(VALUE) && !answer.contains(run.stand_in()), "{answer}");
    assert_eq!(world.host.seen.text(), "");
    assert!(!world.sandbox.home().join("keys").exists());
    run.end();
}

fn host_with(root: &Root, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Host {
    Host::new(root.server(name, change), answer)
}

#[test]
fn a_host_that_does_not_verify_gets_nothing() {
    let as_set = |_: &World| None;
    let root = Root::new();
    let host = host_with(&root, "other.test", |_| {});
    refused(root, host, as_set, "cast: the certificate of 'api.example.test' does not verify: ");
    let root = Root::new();
    let host = host_with(&root, NAME, |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    refused(root, host, as_set, "nothing was sent");
    // A root that only the caller's variable names.
    let root = Root::new();
    let host = host_with(&root, NAME, |_| {});
    let no_roots = |world: &World| Some(format!("proxy = \"http://{}\"\n", world.lead.address));
    refused(root, host, no_roots, "its issuer is not known; nothing was sent");
}
