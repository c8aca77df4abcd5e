//! What `cast mask` cannot do, it says before it passes a byte; and what it cannot pass on is a failure.

use std::fs;

use crate::sandbox::Sandbox;
use crate::supervise::{SECRET, bash, sandbox};

#[test]
fn before_any_byte() {
    let sandbox = sandbox();
    sandbox.set("damaged", "K", "another-0123456789");
    fs::write(sandbox.vault("damaged"), "damaged").unwrap();
    let call = |words: &[&str]| sandbox.cast(["mask"].iter().chain(words)).input(format!("text {SECRET}\n"));
    for (words, code, message) in [
        (&["unknown"][..], 3, "agent 'unknown' has no vault"),
        (&["a", "unknown"], 3, "agent 'unknown' has no vault"),
        (&["unknown", "a"], 3, "agent 'unknown' has no vault"),
        (&["damaged"], 5, "'damaged'"),
        (&["a", "damaged"], 5, "'damaged'"),
        (&["a", "SK-LIVE-0123456789"], 2, "AGENT"),
        (&["SK-LIVE-0123456789"], 2, "AGENT"),
        (&["sk-ant-api03-abcdefghijkl"], 2, "AGENT"),
        (&[], 2, "missing: <AGENT>"),
        (&["a", "--marker", SECRET], 2, "invalid value"),
        (&["a", "--marker"], 2, "--marker"),
        (&["a", "--only=K"], 2, "not an option"),
        (&["a", "--", "-x"], 2, "AGENT"),
    ] {
        call(words).refuses(code, message, &[SECRET, "another-", "SK-LIVE", "sk-ant"]);
    }
    call(&["a"]).env("CAST_KEY", "sk-live-abc").refuses(4, "CAST_KEY", &[SECRET, "sk-live"]);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "mask = \"hunter22\"\n").unwrap();
    call(&["a"]).refuses(2, "line 1 of the settings", &[SECRET, "hunter22"]);
    // A log that is required and cannot be written.
    fs::write(&settings, "audit = \"required\"\n").unwrap();
    let log = sandbox.state().join("audit.jsonl");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    call(&["a"]).refuses(6, "audit", &[SECRET]);
    // Nor is a key made for it.
    let empty = Sandbox::empty();
    empty.cast(["mask", "a"]).input(SECRET).refuses(3, "has no vault", &[SECRET]);
    fs::remove_file(sandbox.key_file()).unwrap();
    fs::remove_file(&settings).unwrap();
    call(&["a"]).refuses(4, "", &[SECRET]);
}

#[test]
fn what_cannot_be_read_or_written() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("f"), format!("text {SECRET}\n")).unwrap();
    let output = "cast: error: cannot write to standard output: ";
    let input = "cast: error: cannot read standard input: ";
    for (streams, expected) in [
        ("<f >/dev/full", format!("{output}no space left on device\n")),
        ("<f 1<f", format!("{output}bad file descriptor\n")),
        ("0>>f", format!("{input}bad file descriptor\n")),
        ("<.", format!("{input}is a directory\n")),
    ] {
        assert_eq!(bash(&sandbox, &format!("$CAST mask a {streams}; echo $?")), format!("{expected}6\n"), "{streams}");
    }
    assert_eq!(fs::read_to_string(sandbox.home().join("f")).unwrap(), format!("text {SECRET}\n"));
}
