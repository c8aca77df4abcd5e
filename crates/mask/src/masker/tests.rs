//! What the masker finds, what it holds and releases, and its bounds on work and memory.

mod compared;
mod guesses;
mod rule;
mod shapes;
mod streams;
mod whole;

use std::fmt::Write as _;
use std::sync::Arc;

use super::oracle::streams::Random;
use super::oracle::{Event, Mode, Needle, outputs};
use super::{Masker, Plan};
use crate::forms;

fn needle(name: &str, bytes: &str) -> Needle {
    Needle { name: name.into(), bytes: bytes.as_bytes().to_vec(), wraps: false }
}

fn wrapping(name: &str, bytes: &str) -> Needle {
    Needle { wraps: true, ..needle(name, bytes) }
}

/// Feeds `text` in chunks of `size`, and compares the output with the oracle's after each.
fn check_chunks(needles: &[Needle], text: &[u8], size: usize) {
    let mut masker = Masker::new(Arc::new(Plan::of_forms(needles)));
    let mut script: Vec<Event> = text.chunks(size).map(|chunk| Event::Read(chunk.len())).collect();
    script.push(Event::End);
    let expected = outputs(needles, text, &script, Mode::default());
    let mut out = Vec::new();
    for (chunk, expected) in text.chunks(size).zip(&expected) {
        masker.write(chunk, &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected));
    }
    masker.finish(&mut out).unwrap();
    assert_eq!(Some(&out), expected.last());
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

fn plan(secrets: &[(&str, &str)]) -> Arc<Plan> {
    Arc::new(Plan::new(secrets.iter().copied()))
}

/// What a masker writes for each piece; `~` is a silence.
fn steps(mut masker: Masker, pieces: &[&str]) -> Vec<String> {
    let mut shown = Vec::new();
    for piece in pieces {
        let mut out = Vec::new();
        if *piece == "~" {
            masker.idle(&mut out).unwrap();
        } else {
            masker.write(piece.as_bytes(), &mut out).unwrap();
        }
        shown.push(String::from_utf8(out).unwrap());
    }
    let mut out = Vec::new();
    masker.finish(&mut out).unwrap();
    shown.push(String::from_utf8(out).unwrap());
    shown
}

#[test]
fn masks_a_value_and_nothing_else() {
    check(&[("KEY", "hunter2hunter2")], "a hunter2hunter2 b\n", "a [cast:KEY] b\n");
    check(&[("KEY", "hunter2hunter2")], "hunter2hunter2hunter2", "[cast:KEY]");
    check(&[("KEY", "hunter2hunter2")], "hunter2hunter", "[cast:KEY]");
    check(&[("KEY", "hunter2hunter2")], "hunter2", "hunter2");
    check(&[("PIN", "ab12")], "x ab12,ab12", "x [cast:PIN],[cast:PIN]");
    check(&[("PIN", "ab12")], "xab12 ab12x ab12_", "xab12 ab12x ab12_");
}

#[test]
fn merges_overlapping_finds_and_names_the_longest() {
    check(&[("A", "abcdabcd"), ("B", "cdefghijkl")], "abcdabcdefghijkl", "[cast:B]");
    check(&[("A", "sk-live-abc"), ("B", "sk-live-abcdef")], "sk-live-abcdef sk-live-abc!", "[cast:B] [cast:A]!");
    check(&[("B", "sk-live-abc"), ("A", "sk-live-abcdef")], "sk-live-abc", "[cast:B]");
    check(&[("A", "12345678"), ("B", "12345678")], "12345678", "[cast:A]");
    check(&[("A", "aabaabaab"), ("B", "zzzz")], "aabaabaabaab", "[cast:A]");
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
    check(&[("KEY", "ab12")], "x ab12,ab12", "x [cas,[cas");
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
fn a_prompt_waits_no_longer_than_a_silence() {
    let plan = plan(&[("KEY", "  : > hunter2hunter2"), ("BRACE", "}])\">: hunter2")]);
    for prompt in [
        "Password: ",
        "> ",
        "$ ",
        "name>",
        "Continue? [y/N] ",
        "ready\n",
        "\"}\n",
        "(gdb) ",
        "irb(main):001> ",
        "100%",
        "&",
        "\\",
    ] {
        let mut masker = Masker::new(Arc::clone(&plan));
        let mut out = Vec::new();
        masker.write(prompt.as_bytes(), &mut out).unwrap();
        masker.idle(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), prompt);
    }
}

#[test]
fn an_escape_that_is_not_complete_is_never_held() {
    let plan = plan(&[("KEY", "hunter2hunter2")]);
    for text in ["100%", "100%2", "x\\", "x\\u00", "x\\\\u00", "&", "&#1", "&am"] {
        assert_eq!(steps(Masker::new(Arc::clone(&plan)), &[text])[0], text);
    }
    assert_eq!(
        steps(Masker::new(plan), &["x%", "68unter2", "hunter2%2"]),
        ["x%", "", "", "[cast:KEY]%2"],
        "what is out is remembered"
    );
}

#[test]
fn silence_releases_a_quarter_and_at_most_seven_bytes() {
    let hex = "0f3a9c1d2b4e5f60718293a4b5c6d7e8";
    let masker = || Masker::new(plan(&[("T", hex)]));
    // A flush packet of git, and what follows it.
    assert_eq!(steps(masker(), &["0000", "~", "0032want"]), ["000", "0", "0032want", ""]);
    assert_eq!(steps(masker(), &["0f3a9c1d2b", "~", "~", &hex[10..]]), ["", "0f3a9c1", "", "[cast:T]", ""]);
    // One by one, in however many silences.
    let drops: Vec<&str> = (0..hex.len()).flat_map(|at| [&hex[at..=at], "~"]).collect();
    assert_eq!(steps(masker(), &drops).concat(), "0f3a9c1[cast:T]");
    let masker = || Masker::new(plan(&[("P", "hunter2xyzw"), ("G", "ghp_0123456789012345678901234567890")]));
    assert_eq!(steps(masker(), &["hunter2xyz", "~", "w"]), ["", "hu", "[cast:P]", ""]);
    assert_eq!(steps(masker(), &["ghp_01234567", "~", "!"]), ["", "ghp_0123456", "7!", ""]);
    assert_eq!(steps(masker(), &["\\u0068unter2", "~", "xyzw"]), ["", "\\u0068u", "[cast:P]", ""]);
}

#[test]
fn real_protocols_go_on_after_a_silence() {
    let account = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"abcdefgh0123\"\n}";
    assert_eq!(steps(Masker::new(plan(&[("SA", account)])), &["{\n", "~"]).concat(), "{\n");
    assert_eq!(steps(Masker::new(plan(&[("H", "HTTP/1.0 200 is odd")])), &["HTTP/1.0 20", "~"])[1], "HTTP");
    assert_eq!(steps(Masker::new(plan(&[("H", "HTTP/1.0 200 is odd")])), &["HTTP/1.1", "~"]).concat(), "HTTP/1.1");
}

#[test]
fn lines_that_are_masked_either_way_leave_at_a_silence() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nAAAABBBBCCCCDDDD\n-----END PRIVATE KEY-----\n";
    let shown = steps(Masker::new(plan(&[("KEY", pem)])), &[&pem[..61], "~", &pem[61..]]);
    assert_eq!(shown[..2], ["", "-----BEGIN PRIVATE KEY-----\n[cast:KEY]\n[cast:KEY]"]);
    assert_eq!(shown[2..].concat(), "[cast:KEY]\n");
}

#[test]
fn a_terminal_shows_what_is_typed() {
    let masker = || Masker::new(plan(&[("K", "lsblk-0123456789"), ("S", "shopping")])).for_terminal();
    assert_eq!(steps(masker(), &["l", "s", "b", "l", "x"]), ["l", "s", "b", "", "lx", ""]);
    assert_eq!(steps(masker(), &["shopping list"]).concat(), "[cast:S] list");
    assert_eq!(steps(masker(), &["lsblk-\x1b[1;31m0123\x1b[m456789"]).concat(), "[cast:K********]");
    // Titles, links and images are not text.
    for string in ["\x1b]0;lsblk-0123456789\x07", "\x1b_Gi=1;lsblk-0123456789\x1b\\", "\x1bPqlsblk-0123456789\x1b\\"] {
        let text = format!("{string}lsblk-0123456789");
        assert_eq!(steps(masker(), &[&text]).concat(), format!("{string}[cast:K********]"));
    }
    // A string ends with its line, so a stray beginning of one leaves nothing unmasked.
    assert_eq!(steps(masker(), &["\x1b]\nlsblk-0123456789"]).concat(), "\x1b]\n[cast:K********]");
    // Lines stay lines, and columns count: a wide character takes two.
    let masker =
        Masker::new(plan(&[("K", "first line\n\u{5bc6}\u{7801}\u{5bc6}\u{7801}\u{5bc6}\u{7801}\nend")])).for_terminal();
    let text = "first line\r\n\u{5bc6}\u{7801}\u{5bc6}\u{7801}\u{5bc6}\u{7801}\r\nend";
    assert_eq!(steps(masker, &[text]).concat(), "[cast:K**]\r\n[cast:K****]\r\n[ca");
}

#[test]
fn fixed_markers_have_as_many_bytes() {
    let masker = || Masker::new(plan(&[("LONG_NAME", "abcdefgh"), ("K", "0123456789abcdef")])).fixed();
    assert_eq!(steps(masker(), &["<abcdefgh>"]).concat(), "<[cast:LO>");
    assert_eq!(steps(masker(), &["<0123456789abcdef>"]).concat(), "<[cast:K********]>");
    assert_eq!(steps(masker(), &["<01", "~", "23456789abcdef>"]).concat(), "<01[cast:K******]>");
}

#[test]
fn a_short_value_needs_borders() {
    let masker = || Masker::new(plan(&[("APP", "shop")]));
    for (text, shown) in [
        ("shop", "[cast:APP]"),
        ("a shopping cart, a workshop, shop_id", "a shopping cart, a workshop, shop_id"),
        ("\"shop\"/shop:shop", "\"[cast:APP]\"/[cast:APP]:[cast:APP]"),
        ("a\\nshop\\t", "a\\n[cast:APP]\\t"),
        ("%20shop%20", "%20[cast:APP]%20"),
        ("\x1b[31mshop\x1b[m", "\x1b[31m[cast:APP]\x1b[m"),
        ("\\u003cshop", "\\u003c[cast:APP]"),
        ("c3Nob3A=", "c3Nob3A="),
    ] {
        assert_eq!(steps(masker(), &[text]).concat(), shown, "{text}");
        let bytewise: Vec<&str> = text.split("").filter(|piece| !piece.is_empty()).collect();
        assert_eq!(steps(masker(), &bytewise).concat(), shown, "{text}");
    }
    assert_eq!(steps(masker(), &["a shop", "~", "ping"]), ["a ", "[cast:APP]", "ping", ""]);
    assert_eq!(steps(masker(), &["a work", "~", "shop"]).concat(), "a work[cast:APP]");
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
    for (line_end, width) in [
        ("\n", 6),
        ("\r\n", 7),
        ("\n    ", 8),
        ("\\n", 10),
        ("\\r\\n", 13),
        ("%0A", 9),
        ("\\\\n  ", 9),
        ("&#10;", 8),
        ("\n", 40),
    ] {
        for first in 1..digits.len() {
            let mut text = format!("${}", &digits[..first]);
            for line in digits.as_bytes()[first..].chunks(width) {
                write!(text, "{line_end}{}", str::from_utf8(line).unwrap()).unwrap();
            }
            text.push('$');
            check_chunks(&[wrapping("KEY", digits)], text.as_bytes(), 1);
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

/// A log of at least `len` bytes that contains forms of all kinds, and escapes.
fn long_text(needles: &[Needle], len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut text = Vec::new();
    while text.len() < len {
        let form = &random.one(needles).bytes;
        let line_end = *random.one(&["\n", "\r\n", "\\n", "\\r\\n", "\n  "]);
        match random.below(9) {
            0 => text.extend(form),
            1 => text.extend(&form[..random.below(form.len() + 1)]),
            2 | 3 => {
                let width = 1 + random.below(80);
                let (first, rest) = form.split_at(random.below(width + 1).min(form.len()));
                text.extend(first);
                for line in rest.chunks(width) {
                    text.extend(line_end.bytes());
                    text.extend(line);
                }
            }
            4 => text.extend(line_end.bytes()),
            5 => text.push(b"\\\r\nnr %&+"[random.below(9)]),
            6 => {
                for &byte in form {
                    match random.below(5) {
                        0 => text.extend(format!("\\u{byte:04x}").bytes()),
                        1 if random.below(20) == 0 => text.extend(b"\\\""),
                        _ => text.push(byte),
                    }
                }
            }
            _ => text.extend(
                b"2026-01-15 INFO some\\path\\new {\"ok\":true,\"t\":\"a\\nb \\\"c\\\" 100% &amp; a+b\"}\n"
                    .repeat(random.below(12))
                    .iter()
                    .skip(random.below(60)),
            ),
        }
    }
    text
}

#[test]
fn skipping_changes_nothing_in_long_texts() {
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
            for chunk in [33, 100, 1000, 4096, 1 << 20] {
                let [skipping, reading] = [false, true].map(|reads_all| {
                    let mut masker = Masker::new(Arc::clone(&plan));
                    masker.reads_all = reads_all;
                    let mut out = Vec::new();
                    for chunk in text.chunks(chunk) {
                        masker.write(chunk, &mut out).unwrap();
                    }
                    masker.finish(&mut out).unwrap();
                    String::from_utf8_lossy(&out).into_owned()
                });
                let same = skipping.bytes().zip(reading.bytes()).take_while(|(a, b)| a == b).count();
                let near = |text: &str| {
                    String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(60)..][..120]).into_owned()
                };
                assert!(
                    skipping == reading,
                    "set {seed}, round {round}, chunks of {chunk}:\n {:?}\n {:?}",
                    near(&skipping),
                    near(&reading)
                );
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
        ("backslashes, and a key of them", plan(&[&"\\".repeat(5000)]), "\\".repeat(100_000)),
        ("escapes of JSON", plan(&[&a(5000)]), "\\u0061".repeat(20_000)),
        ("escapes twice over", plan(&[&a(5000)]), "\\\\u0061\\\\x61".repeat(10_000)),
        ("percent", plan(&[&a(5000)]), "%61%61".repeat(20_000)),
        ("entities", plan(&[&a(5000)]), "&#97;".repeat(20_000)),
        ("plain and escaped", plan(&[&a(5000)]), "aaaaaaa%61aaa&#97;aaa\\x61".repeat(5000)),
        ("escapes that are none", plan(&[&"\\xz".repeat(1000)]), "\\\\xz".repeat(20_000)),
        ("beginnings of escapes", plan(&[token]), "\\u00%4&#x1".repeat(10_000)),
        ("blanks of forms", plan(&[&"a ".repeat(1000)]), "a+a%20".repeat(20_000)),
    ];
    for (what, plan, text) in cases {
        for chunk in [100, 1 << 16] {
            // Each of seven views has two cursors, each with one step forward and at most as many back.
            let work = work(&plan, text.as_bytes(), chunk);
            assert!(work <= 2000, "{what}, chunks of {chunk}: {work}");
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
