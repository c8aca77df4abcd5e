//! Damaged files: cut, flipped, empty, huge, or made to keep a reader busy.

use std::fs::{self, OpenOptions};

use super::{SECRET, refused, sandbox, works};
use crate::forge::{Key, encrypt_with_passphrase};

/// Runs `list` after each change of the vault; the first and every 40th time, runs every verb.
fn refused_after_each(change: impl Fn(&mut Vec<u8>, usize)) {
    let sandbox = sandbox();
    let path = sandbox.vault("a");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        change(&mut bytes, at);
        fs::write(&path, bytes).unwrap();
        sandbox.cast(["list", "a"]).refuses(5, "the vault of agent 'a' ", &[SECRET]);
        if at % 40 == 0 {
            refused(&sandbox, "the vault of agent 'a' ");
        }
    }
    fs::write(&path, good).unwrap();
    works(&sandbox);
}

#[test]
fn cut_at_any_byte() {
    refused_after_each(Vec::truncate);
}

#[test]
fn any_byte_flipped() {
    refused_after_each(|bytes, at| bytes[at] ^= 1);
}

#[test]
fn bytes_added_at_the_end() {
    let sandbox = sandbox();
    let path = sandbox.vault("a");
    for tail in ["x", "\n", &"\0".repeat(70_000)] {
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(tail.bytes());
        fs::write(&path, bytes).unwrap();
        refused(&sandbox, "is damaged");
    }
}

#[test]
fn no_age_file_at_all() {
    let sandbox = sandbox();
    for bytes in [&b""[..], b"\n", b"KEY=hunter2\n", b"age-encryption.org/v1\n", b"age-encryption.org/v1\n--- \n"] {
        fs::write(sandbox.vault("a"), bytes).unwrap();
        refused(&sandbox, "is damaged");
    }
}

#[test]
fn a_sparse_gigabyte() {
    let sandbox = sandbox();
    // Appended to a good vault, as a sparse file.
    for start in [None, Some(0)] {
        let file = OpenOptions::new().write(true).open(sandbox.vault("a")).unwrap();
        if let Some(start) = start {
            file.set_len(start).unwrap();
        }
        file.set_len(1 << 30).unwrap();
        refused(&sandbox, "is damaged");
    }
}

#[test]
fn headers_that_keep_age_busy_for_minutes() {
    let sandbox = sandbox();
    let good = fs::read(sandbox.vault("a")).unwrap();
    let first_line = b"age-encryption.org/v1\n".len();
    for (stanza, count) in [("-> x\n\n", 250_000 / 6), ("-> X25519 a\nAAAA\n", 250_000 / 17), ("-> x\n\n", 1_300)] {
        let mut bytes = good.clone();
        let junk = stanza.repeat(count).into_bytes();
        bytes.splice(first_line..first_line, junk);
        fs::write(sandbox.vault("a"), bytes).unwrap();
        refused(&sandbox, "is damaged");
    }
    let mut one = b"age-encryption.org/v1\n-> x\n".to_vec();
    one.extend("A".repeat(2 << 20).bytes());
    fs::write(sandbox.vault("a"), one).unwrap();
    refused(&sandbox, "is damaged");
}

#[test]
fn a_passphrase_instead_of_keys() {
    let sandbox = sandbox();
    let text = super::text(&sandbox);
    let file = encrypt_with_passphrase(text.plain().as_bytes(), "guess me");
    fs::write(sandbox.vault("a"), &file).unwrap();
    refused(&sandbox, "is damaged");
    // A scrypt stanza among good ones, with a work factor that would take too long.
    let mut bytes = text.seal(Key::master(&sandbox));
    let first_line = b"age-encryption.org/v1\n".len();
    let stanza = "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    bytes.splice(first_line..first_line, stanza.bytes());
    fs::write(sandbox.vault("a"), &bytes).unwrap();
    refused(&sandbox, "is damaged");
}
