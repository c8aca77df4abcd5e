//! Helpers for the tests of all crates.

use std::io::Write;

/// Reports that a test, or part of one, did not run. `.ci/test` counts these reports at its end, because the test
/// runner hides the output of tests that pass.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {why}");
    append("CAST_TEST_SKIPS", why);
}

/// Reports how a promise was tried: the kind of fault, the points where it can strike, how many tries were made at
/// them, and how many of these ended as promised. `.ci/prove` makes its table of these reports.
pub fn tried(kind: &str, points: usize, tries: usize, survived: usize) {
    append("CAST_TEST_TRIES", &format!("{kind}|{points}|{tries}|{survived}"));
}

/// Adds a line to the file that this variable names. Test processes that run at once share it: one write for a line.
fn append(variable: &str, line: &str) {
    if let Some(path) = std::env::var_os(variable) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("the file of reports");
        file.write_all(format!("{line}\n").as_bytes()).expect("the file of reports");
    }
}
