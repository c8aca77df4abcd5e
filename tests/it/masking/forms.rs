//! The forms of a secret as real programs write them, and texts that only look like one.

use std::process::Command;

use crate::sandbox::{Sandbox, skip};
use crate::supervise::sandbox;

/// A token of this length, with characters that every encoding changes.
fn token(length: usize) -> String {
    "tok/+=\"$ é'&<\\"
        .chars()
        .chain("Az09_-.~%".chars().cycle())
        .scan(0, |used, letter| {
            *used += letter.len_utf8();
            (*used <= length).then_some(letter)
        })
        .collect()
}

/// A token as most are: letters and digits.
fn plain_token(length: usize) -> String {
    (0..length).map(|place| char::from(b"0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT"[(place * 7 + place / 30) % 30])).collect()
}

const ENCODERS: [(&str, &str); 15] = [
    ("printf", "printf '%s' \"$K\""),
    ("base64", "printf '%s' \"$K\" | base64"),
    ("base64", "printf '%s' \"$K\" | base64 -w0"),
    ("base64", "printf '%s' \"$K\" | base64 -w 20"),
    ("base64", "echo \"$K\" | base64"),
    ("base64", "printf 'a:%s' \"$K\" | base64 -w0"),
    ("base64", "printf 'ab:%s:' \"$K\" | base64"),
    ("xxd", "printf '%s' \"$K\" | xxd -p"),
    ("xxd", "printf '%s' \"$K\" | xxd -p -u -c 256"),
    ("od", "printf '%s' \"$K\" | od -An -v -tx1 | tr -d ' '"),
    ("jq", "printf '%s' \"$K\" | jq -R ."),
    ("jq", "printf '%s' \"$K\" | jq -sRr @uri"),
    ("jq", "printf '%s' \"$K\" | jq -sRr @sh"),
    (
        "python3",
        "python3 -c 'import os, urllib.parse as u; print(u.quote(os.environ[\"K\"]), u.quote_plus(os.environ[\"K\"], safe=\"\"))'",
    ),
    (
        "python3",
        "python3 -c 'import os, json, base64 as b; k = os.environ[\"K\"]; print(json.dumps(k), b.urlsafe_b64encode(k.encode()).decode(), ascii(k.encode().hex()))'",
    ),
];

#[test]
fn real_encoders() {
    for program in ["base64", "xxd", "od", "jq", "python3"] {
        if Command::new(program).arg("--version").output().is_err() {
            skip(&format!("masking: {program} is not installed"));
        }
    }
    for length in [20, 108, 164] {
        for token in [plain_token(length), token(length)] {
            assert_eq!(token.len(), length);
            let sandbox = Sandbox::with("a", &[("K", &token)]);
            for (program, script) in ENCODERS {
                if Command::new(program).arg("--version").output().is_err() {
                    continue;
                }
                let bare = sandbox.cast(["run", "a", "--no-mask", "--", "bash", "-c", script]).succeeds().out;
                let masked = sandbox.cast(["run", "a", "--", "bash", "-c", script]).succeeds().out;
                assert!(masked.contains("[cast:K]"), "{script} of {length} bytes: {masked}");
                // Around the marker only digits that do not belong to the secret alone: the ends that an encoding
                // shares with its surroundings.
                let rest = masked.replace("[cast:K]", "");
                let told = longest_common(&rest, &bare);
                assert!(told < 8, "{script} of {length} bytes tells {told} in a row: {masked}, of {bare}");
            }
        }
    }
}

/// The length of the longest common substring.
fn longest_common(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    (0..one.len())
        .map(|from| {
            (0..=one.len() - from)
                .rev()
                .find(|length| *length == 0 || other.windows(*length).any(|window| window == &one[from..from + length]))
                .unwrap_or(0)
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn lines_of_a_key_file() {
    let lines: Vec<String> =
        (0..6).map(|line| plain_token(64).chars().cycle().skip(line * 5).take(64).collect()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let sandbox = Sandbox::new();
    sandbox.cast(["set", "a", "K"]).input(&pem).succeeds();
    for script in [
        "printf '%s' \"$K\"",
        "printf '%s' \"$K\" | sed 's/$/\\r/'",
        "printf '%s' \"$K\" | sed 's/^/> /'",
        "printf '%s' \"$K\" | sort",
        "printf '%s' \"$K\" | sed -n 3p",
        "printf '%s' \"$K\" | jq -sR .",
        "printf '%s' \"$K\" | base64",
        "printf '%s' \"$K\" | xxd -p",
    ] {
        let masked = sandbox.cast(["run", "a", "--", "bash", "-c", script]).succeeds().out;
        assert!(masked.contains("[cast:K]"), "{script}: {masked}");
        assert!(lines.iter().all(|line| !masked.contains(&line[..8])), "{script}: {masked}");
    }
    // An armour line by itself is not secret.
    let armour = "-----BEGIN PRIVATE KEY-----\nand more\n";
    assert_eq!(sandbox.cast(["run", "a", "--", "printf", "%s", armour]).succeeds().out, armour);
}

#[test]
fn everyday_text_is_not_corrupted() {
    let sandbox = sandbox();
    for (key, value) in [("FLAG", "true"), ("PORT", "3000"), ("MODE", "production"), ("EMPTY", ""), ("SHORT", "ok\"")] {
        sandbox.set("a", key, value);
    }
    let text = "{\"ok\":true,\"port\":3000}\n{\"env\":\"production\",\"ok\":\"ok\"}\n";
    assert_eq!(sandbox.cast(["run", "a", "--", "cat"]).input(text).succeeds().out, text);
    let near = "sk-live-012345678 sk-live-\nsk-live-01234567889 [cast:K] sk-live-0123456788";
    assert_eq!(sandbox.cast(["run", "a", "--", "cat"]).input(near).succeeds().out, near);
}

#[test]
fn overlapping_secrets_are_one_marker_of_the_longest() {
    let sandbox = Sandbox::with(
        "a",
        &[("A", "abcdefgh"), ("B", "efghijklmn"), ("C", "abcdefghi-and-more"), ("B2", "efghijklmn")],
    );
    let masked = |text: &str| sandbox.cast(["run", "a", "--", "printf", "%s", text]).succeeds().out;
    assert_eq!(masked("<abcdefghijklmn>"), "<[cast:B]>");
    assert_eq!(masked("<abcdefgh>"), "<[cast:A]>");
    assert_eq!(masked("<abcdefghabcdefgh>"), "<[cast:A][cast:A]>");
    assert_eq!(masked("<abcdefghi-and-more>"), "<[cast:C]>");
    assert_eq!(masked("<abcdefghi-and-mor"), "<[cast:C]");
}

#[test]
fn the_beginning_of_a_secret_at_the_end_is_masked() {
    let sandbox = sandbox();
    let masked = |text: &str| sandbox.cast(["run", "a", "--", "printf", "%s", text]).succeeds().out;
    assert_eq!(masked("see sk-live-"), "see [cast:K]");
    assert_eq!(masked("see sk-live"), "see sk-live");
    assert_eq!(masked("see sk-live-01234"), "see [cast:K]");
    // CMD is killed in the middle of a secret.
    let killed = sandbox.cast(["run", "a", "--", "sh", "-c", "printf 'see sk-live-0123'; kill -9 $$"]).run();
    assert_eq!((killed.code, killed.out.as_str()), (137, "see [cast:K]"));
}
