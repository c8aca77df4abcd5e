//! `--marker fixed`: a marker has as many bytes as what it replaces, so that a reader who counts bytes reads on at the
//! right place.

use std::fs::OpenOptions;
use std::io::Write;

use crate::sandbox::Sandbox;
use crate::supervise::process::Running;
use crate::supervise::{SECRET, bash, has, sandbox};

#[test]
fn cut_or_filled() {
    let sandbox = Sandbox::with("a", &[("K", SECRET), ("A_LONGER_NAME_THAN_THAT", "hunter2-hunter2"), ("S", "ab-12")]);
    let print = "echo $K.; echo $A_LONGER_NAME_THAN_THAT.; echo $S.; printf %s $K | base64; echo $K >&2";
    let expected = "[cast:K**********].\n[cast:A_LONGER_.\n[cast.\n[cast:K****************]\n";
    for options in [&["--marker", "fixed"][..], &["--marker=fixed"]] {
        let words = [&["run", "a"], options, &["--", "sh", "-c", print]].concat();
        let outcome = sandbox.cast(words).succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), (expected, "[cast:K**********]\n"));
    }
    let words = ["run", "--marker", "name", "a", "--", "sh", "-c", "echo $K $S"];
    assert_eq!(sandbox.cast(words).succeeds().out, "[cast:K] [cast:S]\n");
    sandbox.cast(["run", "a", "--marker", SECRET, "--", "touch", "started"]).refuses(125, "invalid value", &[SECRET]);
    sandbox.cast(["run", "a", "--marker", "--", "touch", "started"]).refuses(125, "--marker", &[SECRET]);
    assert!(!sandbox.home().join("started").exists());
}

/// As language servers do it: each frame says how long it is.
#[test]
fn frames_that_count_their_bytes_stay_whole() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = Sandbox::with("a", &[("K", SECRET), ("LONGER_NAME", "hunter2-hunter2")]);
    let write = "import os, sys, json
for number in range(100):
    frame = json.dumps({'id': number, 'result': [os.environ['K'], os.environ['LONGER_NAME']]})
    sys.stdout.write(f'Content-Length: {len(frame)}\\r\\n\\r\\n{frame}')";
    let read = "import sys, json
for number in range(100):
    length = int(sys.stdin.readline().split(':')[1]); sys.stdin.readline()
    frame = json.loads(sys.stdin.read(length))
    assert frame['id'] == number and frame['result'][0].startswith('[cast:K*'), frame
print('whole', len(sys.stdin.read()))";
    let said = bash(&sandbox, &format!("$CAST run a --marker fixed -- python3 -c \"{write}\" | python3 -c \"{read}\""));
    assert_eq!(said, "whole 0\n");
}

#[test]
fn also_what_outlives_cmd() {
    let sandbox = sandbox();
    let gate = sandbox.home().join("gate");
    assert!(sandbox.command("mkfifo").arg(&gate).status().unwrap().success());
    let mut gate = OpenOptions::new().read(true).write(true).open(gate).unwrap();
    let script = "(read x <gate; echo late $K) & echo early $K";
    let mut cast = Running::cast(&sandbox, &["run", "a", "--marker", "fixed", "--", "sh", "-c", script]);
    assert_eq!(cast.ends().code(), Some(0));
    gate.write_all(b"go\n").unwrap();
    assert_eq!(cast.rest(), "early [cast:K**********]\nlate [cast:K**********]\n");
}
