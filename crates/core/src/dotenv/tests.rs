//! Compares the parser with the npm package itself, on odd files and on generated ones.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use cast_testing::skip;

/// Files as people write them, including malformed ones.
const ODD: &[&str] = &[
    "A=b",
    "A = b ",
    " A=b",
    "\tA=b",
    "A: b",
    "A:b",
    "A : b",
    "A:\nB: c",
    "A:\n\nb",
    "A:",
    "A: ",
    "A:b=c",
    "A=:b",
    "A:=b",
    "export A=b",
    "export  A = b",
    "export\tA=b",
    "exportA=b",
    "export=b",
    "export =b",
    "export: b",
    "export\nA=b",
    "export A",
    "export export A=b",
    "export export=b",
    "export A\n=b",
    "export.A=b",
    "export A:b",
    "A=",
    "A= ",
    "A=\nB=c",
    "A= \n B=c",
    "A",
    "=b",
    "A\n=b",
    "A B=c",
    "1A=b",
    "A.B-C=d",
    "-=b",
    "é=b",
    "A=é ",
    "A=b=c",
    "A==b",
    "?A=b",
    "\"A\"=b",
    "A=b;B=c",
    "A=b B=c",
    "constructor=x",
    "A=\"b\"",
    "A='b'",
    "A=`b`",
    "A=\"b\" # c",
    "A=\"b\"#c",
    "A=\"b\"c",
    "A=\"b\" c",
    "A=\"b",
    "A='b",
    "A=`",
    "A=\"",
    "A=\"\"",
    "A=''",
    "A=\"\" ",
    "A=\"\"\"b\"\"\"",
    "A='''",
    "A=\"a\" \"b\"",
    "A=\"a\"b\"c\"",
    "A=\"a'b\"",
    "A=`b\"c'd`",
    "A='a\"b' \"c\"",
    "A=a\"b",
    "A=\" b \"",
    "A=\"'\\n'\"",
    "A='\"b\\n\"'",
    "A=\"b\\\"c\"",
    "A='b\\'c'",
    "A=`b\\`c`",
    "A=\"\\\"\"",
    "A=\"\\\\\"",
    "A='\\\\''",
    "A=\"b\\",
    "A=\"\\\"x\" y",
    "A=\"b\\nc\\rd\\te\"",
    "A=\"\\\\n\"",
    "A='b\\nc'",
    "A=b\\nc",
    "A=\"b\\n",
    "A=\"b\nc\"",
    "A='b\nc'",
    "A=`b\nc`",
    "A=\n\"b\nc\"\nD=e",
    "A=\"b\nc\" x\nC=d",
    "A=\"b\nc\" # x\nC=d",
    "A=\"a\nB=b",
    "A=\"a\nB=\"b\"",
    "A=\"b\n\nB=\"c\"\nD=\"e\"",
    "A=\"a\"\n\"b\"",
    "A=\"b\n\n# c\n\"",
    "A=b#c",
    "A=b #c",
    "A=#c",
    "A= #c",
    "A=\"#c\"",
    "A=b # \"c\"",
    "A=\"b#c",
    "A=`b#c` #d",
    "A=\"x\" # it's\nB='y'",
    "A=\"b # x\nB=\"c",
    "A=\"b\" # \"c\nd\"",
    "#A=b",
    " # A=b",
    "A=b\n#B=c\nC=d",
    "A=\n  # c\nB=d",
    "A=$B ${C} $(d)",
    "A=\"$B ${C}\"",
    "A=b\r\nB=c\r\n",
    "A=b\rB=c",
    "A=\"b\r\nc\"",
    "A=1\r\r\nB=2",
    "A:\r\nb",
    "\u{feff}A=b",
    "A=b\n\u{feff}B=c",
    "A=\u{feff}b\u{feff}",
    "A\u{a0}=b\u{a0}",
    "A=b\u{85}c",
    "A=b\u{b}c \u{b}",
    "A=b\u{c}\nB=c",
    "A\u{2028}=b",
    "A=b\u{2028}B=c",
    "A=b\u{2028}\"c\"\u{2029}'d'",
    "A=\"b\"\u{2028}B=c",
    "#\u{2028}A=b",
    "#\u{85}A=b",
    "A=b#\u{2029}B=c",
    "A:\u{2028}b",
    "\u{180e}A=b",
    "\u{200b}A=b",
    "A=\0b",
    "A=a\nB=c\nA=b",
    "",
    "\n",
    "   ",
    "\n\n\nx",
    "A=1\n x\nB=2",
];

/// What the package reads from each text. `None` without the package.
fn package(texts: &[String]) -> Option<Vec<BTreeMap<String, String>>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let modules = root.join("target/tools/dotenv");
    if !modules.join("node_modules/dotenv").exists() || Command::new("node").arg("--version").output().is_err() {
        skip("dotenv: node or the npm package dotenv is not installed; 'sh .ci/setup' does that");
        return None;
    }
    let mut node = Command::new("node");
    node.arg(root.join("tests/dotenv/parse.js")).arg(modules).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().unwrap();
    let mut input = node.stdin.take().unwrap();
    let texts = serde_json::to_vec(texts).unwrap();
    let writer = std::thread::spawn(move || input.write_all(&texts));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let said: Vec<Vec<(String, String)>> = serde_json::from_slice(&output.stdout).unwrap();
    Some(said.into_iter().map(|pairs| pairs.into_iter().collect()).collect())
}

fn compare(texts: &[String]) {
    let Some(theirs) = package(texts) else { return };
    assert_eq!(theirs.len(), texts.len());
    for (text, theirs) in texts.iter().zip(theirs) {
        let ours = parse(text).assignments.into_iter().map(|found| (found.key, found.value.to_string()));
        let ours: BTreeMap<String, String> = ours.filter(|(key, _)| key != "__proto__").collect();
        assert_eq!(ours, theirs, "{text:?}");
    }
}

#[test]
fn odd_files_as_the_package_reads_them() {
    let texts: Vec<String> = ODD.iter().map(|text| (*text).to_owned()).collect();
    compare(&texts);
    // Two assignments in a row, to see where the first one ends.
    let pairs = texts.iter().flat_map(|one| texts.iter().map(move |other| format!("{one}\n{other}")));
    compare(&pairs.collect::<Vec<_>>());
}

#[test]
fn generated_files_as_the_package_reads_them() {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["\n", "=", "A", "\"", "'", "`", " ", "#", "\\", "b"]),
        3 => prop::sample::select(vec!["B=", "\nC=\"", "\\n", "\\\"", "export ", ": ", "\r\n", "\r", ":", "\"\n", "' #", "D='x'\n"]),
        1 => prop::sample::select(vec!["\u{feff}", "\u{2028}", "\u{a0}", "\u{85}", "é", "\t", ".", "-", "$B", "\u{b}", "\0", "\u{2029}"]),
    ];
    let text = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..20_000).map(|_| text.new_tree(&mut runner).unwrap().current()).collect();
    compare(&texts);
}

#[track_caller]
fn check(text: &str, assignments: &[(&str, usize)], ignored: &[usize]) {
    let found = parse(text);
    let lines: Vec<_> = found.assignments.iter().map(|found| (found.key.as_str(), found.line)).collect();
    assert_eq!(lines, assignments, "{text:?}");
    assert_eq!(found.ignored, ignored, "{text:?}");
}

#[test]
fn lines_are_counted_as_editors_do_and_none_is_dropped_in_silence() {
    check("A=1\n\n# x\nB=\"2\n3\"\nC=4\n", &[("A", 1), ("B", 4), ("C", 6)], &[]);
    check("A=1\r\n\r\nB=2\r\nno\r\n", &[("A", 1), ("B", 3)], &[4]);
    check("what is this\nA=1\n# no\n  # nor this\nA:b\n=c\n", &[("A", 2)], &[1, 5, 6]);
    // With an unclosed quote the rest is not in the value, and is reported.
    check("K=\"-----BEGIN\nMIIE\nMIIF/x\nB=1\n", &[("K", 1), ("B", 4)], &[2, 3]);
    check("\n\nA\n\n=b\nx", &[("A", 3)], &[6]);
    check("x\u{2028}y\nz", &[], &[1, 2]);
}

#[test]
fn doubts() {
    let doubt = |text: &str| parse(text).assignments[0].doubt;
    for text in ["A=b#c", "A=#fff", "A=\"b#c", "A=\"b #c", "A='b' c #d"] {
        assert_eq!(doubt(text), Some(Doubt::CutAtHash), "{text}");
    }
    for text in ["A=\"b", "A='b' c", "A=`"] {
        assert_eq!(doubt(text), Some(Doubt::OpenQuote), "{text}");
    }
    for text in ["A=b # c", "A= #c", "A=\"b\"#c", "A='b#c'", "A=\"a\" \"b\"", "A=it's", "A="] {
        assert_eq!(doubt(text), None, "{text}");
    }
}

#[test]
fn a_line_of_a_key_is_no_name() {
    check("A=-----BEGIN X-----\nMIIEabc=\nB=\n-----END X-----\nC=1\n", &[("A", 1), ("C", 5)], &[]);
    check("A=-----BEGIN X-----\r\nMIIEabc=\r\n  -----END X-----\r\nC=1", &[("A", 1), ("C", 4)], &[]);
    // Nobody knows where this one ends.
    check("A=-----BEGIN X-----\nMIIEabc=\n\nB=1\n", &[("A", 1)], &[]);
    check("A=\"-----BEGIN X-----\nMIIEabc=\n-----END X-----\"\nC=1\n", &[("A", 1), ("C", 4)], &[]);
    for text in
        ["A=\"-----BEGIN X-----\nMIIEabc=\nC=1", "A='-----BEGIN X----- # c\nMIIEabc=\n-----END X-----\nC=\"'1\""]
    {
        assert_eq!(parse(text).assignments[0].doubt, Some(Doubt::OneLineOfKey), "{text}");
        assert!(parse(text).assignments.iter().all(|found| found.key != "MIIEabc"), "{text}");
    }
    check("A=-----BEGIN\nB=1\n", &[("A", 1), ("B", 2)], &[]);
    check("A=-----BEGIN X-----\\nMIIE\\n-----END X-----\nB=1\n", &[("A", 1), ("B", 2)], &[]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let lines = text.matches(['\n', '\r']).count() + 1;
        let found = parse(&text);
        let numbers = found.assignments.iter().map(|found| found.line).chain(found.ignored);
        prop_assert!(numbers.into_iter().all(|number| (1..=lines).contains(&number)));
    }
}

#[test]
fn a_large_file_takes_no_longer_than_its_size() {
    for text in
        ["\n", " ", "A=\"\\\"", "A='\n", "A", "A=\"\n", "export ", "A\n", "A:\n", "'\\'", "A=#\n", "\"\n\"\u{2028}"]
    {
        let large = format!("A=\"{}x", text.repeat((1 << 20) / text.len()));
        parse(&large);
        parse(&large[3..]);
    }
}
