//! Helpers for the unit tests of the other crates.

use std::io::Write;

/// Reports that a test, or part of one, did not run. `.ci/test` counts these reports at its end, because the test
/// runner hides the output of tests that pass.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {why}");
    if let Some(list) = std::env::var_os("CAST_TEST_SKIPS") {
        let mut list = std::fs::OpenOptions::new().append(true).create(true).open(list).expect("the list of skips");
        list.write_all(format!("{why}\n").as_bytes()).expect("the list of skips");
    }
}
