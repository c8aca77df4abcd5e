//! Who may use the broker: who has the credential of this run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::HOSTILE;
use super::client::{connect, field};
use super::upstream::Line;
use super::world::{KEY, NAME, World};
use crate::sandbox::{Tries, skip};

#[test]
fn without_it_nothing_is_looked_at() {
    let world = World::new();
    let mut run = world.run(&[]);
    let (_, credential) = run.way_in();
    assert_eq!(credential.len(), 43);
    let wrong: String = credential.chars().rev().collect();
    let tries = Tries::at(4, HOSTILE);
    for more in [String::new(), field("cast", &wrong), field("root", credential), field("cast", "")] {
        for first in [format!("CONNECT {NAME}:443 HTTP/1.1"), "GET / HTTP/1.1".to_owned()] {
            tries.next();
            let mut line = run.plain();
            line.send(format!("{first}\r\n{more}\r\n"));
            let head = line.head();
            assert!(head.starts_with("HTTP/1.1 407 "), "{head}");
            assert!(head.contains("\r\nProxy-Authenticate: Basic realm=\"cast\"\r\n"), "{head}");
        }
    }
    assert!(world.lead.heads().is_empty());
    // A second try on the same connection, as curl and Java make it.
    let mut line = run.plain();
    line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n"));
    let head = line.head();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    line.exactly(length);
    line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{}\r\n", run.field()));
    assert!(line.head().starts_with("HTTP/1.1 200 "));
    run.end();
}

/// Those who say nothing get no place that others need: the oldest makes room, and none stays.
#[test]
fn who_is_silent_makes_room() {
    let world = World::new();
    let mut run = world.run(&[]);
    let mut silent: Vec<_> = (0..17).map(|_| run.plain()).collect();
    let mut client = run.client();
    client.send(run.get_request("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    for line in &mut silent {
        let _ = line.all();
    }
    run.end();
}

/// Each run has its own.
#[test]
fn one_run_does_not_open_another() {
    let world = World::new();
    let (mut one, mut two) = (world.run(&[]), world.run(&[]));
    assert_eq!(world.folders(), 2);
    let mut line = Line::new(connect(one.way_in().0));
    line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{}\r\n", two.field()));
    assert!(line.head().starts_with("HTTP/1.1 407 "));
    assert_ne!(one.authority(), two.authority());
    one.end();
    two.end();
}

/// Another user finds neither the credential nor the certificates.
#[test]
fn another_user_learns_nothing() {
    let world = World::new();
    let mut run = world.run(&[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&run.folder()), 0o700);
    for entry in fs::read_dir(run.folder()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    if rustix::process::geteuid().is_root() {
        for path in [format!("/proc/{}/environ", run.cast.pid()), run.get("SSL_CERT_FILE").to_owned()] {
            let read =
                Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "cat", &path]).output().unwrap();
            assert!(!read.status.success() && read.stdout.is_empty(), "{path}: {read:?}");
        }
    } else {
        skip("broker: only root can be another user");
    }
    run.end();
}

/// CMD has it; who reads its output need not.
#[test]
fn it_is_masked_in_output() {
    let world = World::new();
    let script = format!(
        "echo $HTTPS_PROXY; echo ${{https_proxy#http://}}; echo \"<${{HTTPS_PROXY#*@}}>\"; \
         c=${{HTTPS_PROXY#http://}}; printf %s ${{c%@*}} | base64 -w0; echo; printf %s \"${KEY}\""
    );
    let said = world.sandbox.cast(["run", "a", "--", "sh", "-c", &script]).succeeds();
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines[0], "[cast:HTTPS_PROXY]");
    assert!(lines[1].starts_with("[cast:HTTPS_PROXY]@127.0.0.1:"), "{said:?}");
    assert!(lines[2].starts_with("<127.0.0.1:"), "{said:?}");
    assert!(lines[3].contains("[cast:HTTPS_PROXY]"), "{said:?}");
    // The stand-in is no secret.
    assert!(lines[4].starts_with("sk-"), "{said:?}");
    let plain = world.sandbox.cast(["run", "a", "--no-mask", "--", "sh", "-c", "echo $HTTPS_PROXY"]).succeeds();
    assert!(plain.out.starts_with("http://cast:"), "{plain:?}");
}
