//! Compares the masker with its oracle, and checks its bounds on work and memory.

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::oracle::{Needle, masked};
use super::{Masker, Plan};
use crate::forms;

/// A short run by default; set `PROPTEST_CASES=100000` for a long one.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn needle(name: &str, bytes: &str) -> Needle {
    Needle { name: name.into(), bytes: bytes.as_bytes().to_vec(), wraps: false }
}

fn wrapping(name: &str, bytes: &str) -> Needle {
    Needle { wraps: true, ..needle(name, bytes) }
}

/// Feeds `text` in chunks and compares the output with the oracle after each.
fn check_chunks(needles: &[Needle], text: &[u8], cuts: &[usize]) {
    let mut masker = Masker::new(Arc::new(Plan::of_forms(needles)));
    let mut out = Vec::new();
    let (mut at, mut turn) = (0, 0);
    while at < text.len() {
        let end = text.len().min(at + cuts[turn % cuts.len()]);
        masker.write(&text[at..end], &mut out).unwrap();
        let expected = masked(needles, &text[..end], false);
        assert_eq!(
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&expected),
            "after {:?} | {:?}",
            String::from_utf8_lossy(&text[..at]),
            String::from_utf8_lossy(&text[at..end])
        );
        (at, turn) = (end, turn + 1);
    }
    masker.finish(&mut out).unwrap();
    let expected = masked(needles, text, true);
    assert_eq!(
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&expected),
        "at the end of {:?}",
        String::from_utf8_lossy(text)
    );
}

fn run(plan: &Arc<Plan>, text: &[u8], chunk: usize) -> Vec<u8> {
    let mut masker = Masker::new(Arc::clone(plan));
    let mut out = Vec::new();
    for chunk in text.chunks(chunk) {
        masker.write(chunk, &mut out).unwrap();
    }
    masker.finish(&mut out).unwrap();
    out
}

fn check(secrets: &[(&str, &str)], text: &str, expected: &str) {
    let plan = Arc::new(Plan::new(secrets.iter().copied()));
    for chunk in [1, 2, 3, 7, 4096] {
        assert_eq!(String::from_utf8_lossy(&run(&plan, text.as_bytes(), chunk)), expected, "in chunks of {chunk}");
    }
}

#[test]
fn masks_a_value_and_nothing_else() {
    check(&[("KEY", "hunter2hunter2")], "a hunter2hunter2 b\n", "a [cast:KEY] b\n");
    check(&[("KEY", "hunter2hunter2")], "hunter2hunter2hunter2", "[cast:KEY]");
    check(&[("KEY", "hunter2hunter2")], "hunter2hunter", "[cast:KEY]");
    check(&[("KEY", "hunter2hunter2")], "hunter2", "hunter2");
    check(&[("PIN", "ab12")], "xab12ab12", "x[cast:PIN][cast:PIN]");
}

#[test]
fn merges_overlapping_finds_and_names_the_longest() {
    check(&[("A", "abcd"), ("B", "cdefgh")], "abcdefgh", "[cast:B]");
    check(&[("A", "sk-live-abc"), ("B", "sk-live-abcdef")], "sk-live-abcdef sk-live-abc!", "[cast:B] [cast:A]!");
    check(&[("B", "sk-live-abc"), ("A", "sk-live-abcdef")], "sk-live-abc", "[cast:B]");
    check(&[("A", "12345678"), ("B", "12345678")], "12345678", "[cast:A]");
    check(&[("A", "aabaab"), ("B", "zzzz")], "aabaabaab", "[cast:A]");
}

#[test]
fn a_fixed_marker_has_the_length_of_what_it_replaces() {
    let check = |secrets: &[(&str, &str)], text: &str, expected: &str| {
        let plan = Arc::new(Plan::new(secrets.iter().copied()));
        for chunk in [1, 2, 3, 7, 4096] {
            let mut masker = Masker::new(Arc::clone(&plan)).fixed();
            let mut out = Vec::new();
            for chunk in text.as_bytes().chunks(chunk) {
                masker.write(chunk, &mut out).unwrap();
                // The process that continues a stream goes on in the same way.
                masker = Masker::resume(Arc::clone(&plan), &masker.suspend()).unwrap();
            }
            masker.finish(&mut out).unwrap();
            assert_eq!(String::from_utf8_lossy(&out), expected, "in chunks of {chunk}");
            assert_eq!(out.len(), text.len());
        }
    };
    check(&[("KEY", "hunter2hunter2")], "a hunter2hunter2 b\n", "a [cast:KEY****] b\n");
    check(&[("LONG_NAME", "hunter2hunter2")], "hunter2hunter2.", "[cast:LONG_NAM.");
    check(&[("KEY", "ab12")], "xab12ab12", "x[cas[cas");
    check(&[("KEYS", "hunter2hunt")], "hunter2hunt", "[cast:KEYS]");
    check(&[("KEY", "hunter2hunter2")], &"hunter2".repeat(30), &format!("[cast:KEY{}]", "*".repeat(200)));
    // A value that is cut off, and base64 over two lines.
    check(&[("KEY", "hunter2hunter2")], "hunter2hunter", "[cast:KEY***]");
    check(&[("KEY", "hunter2hunter2hun")], "aHVudGVyMmh1\nbnRlcjJodW4=", "[cast:KEY**************]=");
}

#[test]
fn leaves_settings_alone() {
    let text = "{\"ok\":true,\"port\":3000}\n";
    check(&[("A", "true"), ("B", "3000"), ("C", "production")], text, text);
}

#[test]
fn a_frame_never_waits_for_a_credential_that_is_json() {
    let credential =
        "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE\\n\"\n}\n";
    let plan = Arc::new(Plan::new([("CREDENTIAL", credential)]));
    let mut masker = Masker::new(plan);
    let mut out = Vec::new();
    let mut sent = String::new();
    for id in 0..1000 {
        let mut frame = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n");
        if id % 3 == 0 {
            frame = "{}\n".into();
        }
        write!(sent, "{frame}").unwrap();
        masker.write(frame.as_bytes(), &mut out).unwrap();
        assert_eq!(out, sent.as_bytes());
    }
}

#[test]
fn prompts_do_not_wait() {
    let plan = Arc::new(Plan::new([("KEY", "  : > hunter2hunter2")]));
    for prompt in
        ["Password: ", "> ", "$ ", "name>", "Continue? [y/N] ", "ready\n", "\"}\n", "(gdb) ", "irb(main):001> "]
    {
        let mut out = Vec::new();
        Masker::new(Arc::clone(&plan)).write(prompt.as_bytes(), &mut out).unwrap();
        assert_eq!(out, prompt.as_bytes());
    }
}

#[test]
fn armour_is_no_secret_at_the_end_of_a_stream() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";
    check(&[("KEY", pem)], pem, "[cast:KEY]\n");
    check(&[("KEY", pem)], "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n");
    check(&[("KEY", pem)], "-----BEGIN PRIV", "-----BEGIN PRIV");
    check(&[("KEY", pem)], "-----BEGIN PRIVATE KEY-----\nMIIEvQI", "[cast:KEY]");
    check(
        &[("KEY", pem)],
        "x\r\nMIIEvQIBADANBgkq\r\n-----END PRIVATE KEY-----",
        "x\r\n[cast:KEY]\r\n-----END PRIVATE KEY-----",
    );
}

#[test]
fn wrapped_encodings_are_found_wherever_lines_end() {
    let digits = "c2stbGl2ZS1hYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg";
    for (line_end, width) in [("\n", 6), ("\r\n", 7), ("\\n", 10), ("\\r\\n", 13), ("\n", 40)] {
        for first in 1..digits.len() {
            let mut text = format!("${}", &digits[..first]);
            for line in digits.as_bytes()[first..].chunks(width) {
                write!(text, "{line_end}{}", str::from_utf8(line).unwrap()).unwrap();
            }
            text.push('$');
            check_chunks(&[wrapping("KEY", digits)], text.as_bytes(), &[1]);
            let plan = Arc::new(Plan::of_forms(&[wrapping("KEY", digits)]));
            let left = if first < 6 { format!("{}{line_end}", &digits[..first]) } else { String::new() };
            assert_eq!(run(&plan, text.as_bytes(), 4096), format!("${left}[cast:KEY]$").as_bytes());
        }
    }
}

fn forms(secrets: &[(&str, &str)]) -> Vec<Needle> {
    let mut all = Vec::new();
    for (name, value) in secrets {
        forms::each_form(value, &mut |form| {
            all.push(Needle { name: (*name).into(), bytes: form.bytes.to_vec(), wraps: form.wraps });
        });
    }
    all
}

/// Pieces of forms with line ends and filler between them: rich in near misses.
fn texts(needles: &[Needle], pieces: usize) -> impl Strategy<Value = Vec<u8>> + use<> {
    let needles = needles.to_vec();
    let piece =
        (0..needles.len().max(1), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..24_u8, 1..20_usize)
            .prop_map(move |(which, a, b, kind, width)| {
                let Some(needle) = needles.get(which) else { return b"filler".to_vec() };
                let form = &needle.bytes;
                let (a, b) = (a.index(form.len() + 1), b.index(form.len() + 1));
                let wrapped = |line_end: &str, first: usize| {
                    let (head, tail) = form.split_at(first.min(form.len()));
                    let mut text = head.to_vec();
                    for line in tail.chunks(width) {
                        text.extend(line_end.bytes());
                        text.extend(line);
                    }
                    text
                };
                match kind {
                    0..=3 => form.clone(),
                    4..=6 => form[..a].to_vec(),
                    7 => form[a..].to_vec(),
                    8 => form[a.min(b)..a.max(b)].to_vec(),
                    9 => wrapped("\n", width),
                    10 => wrapped("\r\n", width),
                    11 => wrapped("\\n", width),
                    12 => wrapped("\\r\\n", width),
                    13 => wrapped("\n", a % 8),
                    14 => wrapped("\\n", a % 8),
                    15 => b"\n".to_vec(),
                    16 => b"\r".to_vec(),
                    17 => b"\\".to_vec(),
                    18 => b"\\n".to_vec(),
                    19 => b"\\r".to_vec(),
                    20 => b"n".to_vec(),
                    21 => vec![b'.'; width],
                    22 => b"some filler, as logs have it: ".repeat(width / 2),
                    _ => wrapped("\r\n", a % 8),
                }
            });
    vec(piece, 0..pieces).prop_map(|pieces| pieces.concat())
}

fn small_needles() -> impl Strategy<Value = Vec<Needle>> {
    let exact = (
        0..4_u8,
        prop_oneof![
            "[ab]{4,9}",
            "[ab]{8,20}",
            "[abc\n]{4,18}",
            "[ab\\\\\nnr]{4,20}",
            "(ab){2,12}a?",
            "a{4,30}",
            "[a-z]{20,50}"
        ],
    )
        .prop_map(|(name, bytes)| needle(&format!("N{name}"), &bytes));
    let wraps =
        (0..4_u8, prop_oneof!["[ab]{10,20}", "[nr]{10,18}", "[anr]{10,30}", "(ab){5,20}", "[a-z]{24,70}", "a{10,30}"])
            .prop_map(|(name, bytes)| wrapping(&format!("N{name}"), &bytes));
    vec(prop_oneof![exact, wraps], 1..6)
}

fn small_cases() -> impl Strategy<Value = (Vec<Needle>, Vec<u8>, Vec<usize>)> {
    small_needles().prop_flat_map(|needles| {
        let texts = texts(&needles, 9);
        (
            Just(needles),
            texts,
            prop_oneof![Just(vec![1]), vec(1..12_usize, 1..8), vec(1..300_usize, 1..4), Just(vec![100_000])],
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3000), ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_oracle_on_small_forms((needles, text, cuts) in small_cases()) {
        check_chunks(&needles, &text, &cuts);
    }
}

fn values() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof![
        "[a-z]{4,7}",
        "[A-Za-z0-9]{8,24}",
        "sk-[a-z0-9]{20}",
        "[ -~]{8,20}",
        "[a-c'\"\\\\/ é$\n]{8,24}",
        "[a-z]{9}\n[a-z\"]{9}\r?\n",
        "\\{\n  \"[a-z]{8}\": \"[a-z]{3}\"\n\\}\n",
    ];
    vec(value, 1..4)
        .prop_map(|values| values.into_iter().enumerate().map(|(i, value)| (format!("S{i}"), value)).collect())
}

fn value_cases() -> impl Strategy<Value = (Vec<(String, String)>, Vec<u8>, Vec<usize>)> {
    values().prop_flat_map(|values| {
        let secrets: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let texts = texts(&forms(&secrets), 8);
        (Just(values), texts, prop_oneof![vec(1..12_usize, 1..8), vec(1..300_usize, 1..4), Just(vec![100_000])])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_oracle_on_values((values, text, cuts) in value_cases()) {
        let secrets: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let needles = forms(&secrets);
        check_chunks(&needles, &text, &cuts);

        let out = run(&Arc::new(Plan::new(secrets)), &text, cuts[0]);
        prop_assert_eq!(&out, &masked(&needles, &text, true));
        let out = String::from_utf8_lossy(&out);
        for needle in needles.iter().filter(|needle| !needle.bytes.iter().any(|b| b"[]:".contains(b))) {
            let form = str::from_utf8(&needle.bytes).unwrap();
            prop_assert!(form.len() < 8 || !out.contains(form), "{form:?} is readable in {out:?}");
        }
    }
}

/// A log of at least `len` bytes that contains forms of all kinds.
fn long_text(needles: &[Needle], len: usize, mut seed: u64) -> Vec<u8> {
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut text = Vec::new();
    while text.len() < len {
        let form = &needles[random(needles.len())].bytes;
        let line_end: &[u8] = [&b"\n"[..], b"\r\n", b"\\n", b"\\r\\n"][random(4)];
        match random(8) {
            0 => text.extend(form),
            1 => text.extend(&form[..random(form.len() + 1)]),
            2 | 3 => {
                let width = 1 + random(80);
                let (first, rest) = form.split_at(random(width + 1).min(form.len()));
                text.extend(first);
                for line in rest.chunks(width) {
                    text.extend(line_end);
                    text.extend(line);
                }
            }
            4 => text.extend(line_end),
            5 => text.push(b"\\\r\nnr "[random(6)]),
            _ => text
                .extend(b"2026-01-15 INFO some\\path\\new {\"ok\":true}\n".repeat(random(12)).iter().skip(random(60))),
        }
    }
    text
}

#[test]
fn cutting_changes_nothing_in_long_texts() {
    let pem =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEA\n-----END PRIVATE KEY-----\n";
    let sets: [&[(&str, &str)]; 4] = [
        &[("A", "sk-live-4eC39HqLyjWDarjtT1zdp7dc")],
        &[("A", "rn-live-4eC39HqLyjWDarjtT1zdp7dc"), ("B", "rn-live-4eC39"), ("C", pem), ("D", "it's \"odd\" + \\new")],
        &[("A", "12345678"), ("B", "n2n2n2n2n2n2n2n2n2n2"), ("C", "abcdefghijk")],
        &[("A", "n\\nr"), ("B", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ("C", "INFO so")],
    ];
    for (seed, secrets) in (0..).zip(sets) {
        let needles = forms(secrets);
        let plan = Arc::new(Plan::new(secrets.iter().copied()));
        for round in 0..8 {
            let text = long_text(&needles, 40_000, seed * 100 + round);
            let bytewise = run(&plan, &text, 1);
            for chunk in [33, 100, 1000, 4096, 1 << 20] {
                assert!(run(&plan, &text, chunk) == bytewise, "set {seed}, round {round}, chunks of {chunk}");
            }
        }
    }
}

/// The work for one byte of `text`, in hundredths: bytes read one by one and states failed through.
fn work(plan: &Arc<Plan>, text: &[u8], chunk: usize) -> u64 {
    let mut masker = Masker::new(Arc::clone(plan));
    let before = super::trie::moves();
    let mut most_held = 0;
    for chunk in text.chunks(chunk) {
        masker.write(chunk, &mut std::io::sink()).unwrap();
        most_held = most_held.max(masker.held.len());
    }
    assert!(most_held <= 5 * 600_000, "holds {most_held} bytes");
    masker.finish(&mut std::io::sink()).unwrap();
    (super::trie::moves() - before) * 100 / text.len() as u64
}

#[test]
fn work_is_bounded_whatever_the_text() {
    let token = "sk-live-4eC39HqLyjWDarjtT1zdp7dc";
    let a = |count| "a".repeat(count);
    let plan = |values: &[&str]| {
        let names: Vec<String> = (0..values.len()).map(|i| format!("N{i:04}")).collect();
        Arc::new(Plan::new(names.iter().map(String::as_str).zip(values.iter().copied())))
    };
    let thousand: Vec<String> = (0..1000).map(|i| format!("https://example.com/{}{i}", i % 10)).collect();
    let thousand = plan(&thousand.iter().map(String::as_str).collect::<Vec<_>>());
    let cases = [
        ("near misses", plan(&[token]), token[..28].repeat(4000)),
        ("7/8 of it, shared by a thousand", Arc::clone(&thousand), "https://example.com/".repeat(5000)),
        ("zeros", plan(&[&a(5000)]), "\0".repeat(100_000)),
        ("a run", plan(&[&a(5000)]), a(100_000)),
        ("runs that end early", plan(&[&a(5000)]), format!("{}b", a(4999)).repeat(40)),
        ("a very long run", plan(&[&a(100_000)]), a(400_000)),
        ("very long runs that end early", plan(&[&a(100_000)]), format!("{}b", a(99_999)).repeat(4)),
        ("its base64", plan(&[&a(5000)]), format!("{}\n", "YWFh".repeat(16)).repeat(3000)),
        ("its base64 in short lines", plan(&[&a(5000)]), "YWFhYW\nFhYWF\n".repeat(9000)),
        ("backslashes", plan(&[token, "n\\nr"]), "\\".repeat(100_000)),
        ("line ends", plan(&[token]), "\n".repeat(100_000)),
    ];
    for (what, plan, text) in cases {
        for chunk in [100, 1 << 16] {
            // Three cursors, each with one step forward and at most as many back.
            let work = work(&plan, text.as_bytes(), chunk);
            assert!(work <= 700, "{what}, chunks of {chunk}: {work}");
        }
    }
}

#[test]
fn an_endless_find_is_not_kept() {
    let plan = Arc::new(Plan::of_forms(&[needle("A", "aaaaaaaaaa"), wrapping("B", "aaaaaaaaaaaa")]));
    let mut masker = Masker::new(plan);
    let mut out = Vec::new();
    for _ in 0..1000 {
        masker.write(&[b'a'; 1000], &mut out).unwrap();
        assert!(masker.held.len() < 40 && masker.held.capacity() < 5000 && out.is_empty());
    }
    masker.finish(&mut out).unwrap();
    assert_eq!(out, b"[cast:B]");
}
