//! Helpers for the tests of all crates.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Counts the tries of one kind and reports them when it goes, also where a test fails: then the last one did not end
/// as promised.
pub struct Tries {
    kind: &'static str,
    points: usize,
    made: AtomicUsize,
}

impl Tries {
    /// No try yet. `points` is how many places there are where the fault can strike.
    pub fn at(points: usize, kind: &'static str) -> Self {
        Self { kind, points, made: AtomicUsize::new(0) }
    }

    /// One try, which begins now.
    #[must_use]
    pub fn one(kind: &'static str) -> Self {
        Self { kind, points: 1, made: AtomicUsize::new(1) }
    }

    /// The next try begins.
    pub fn next(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Tries {
    fn drop(&mut self) {
        let made = *self.made.get_mut();
        let failed = usize::from(std::thread::panicking());
        tried(self.kind, self.points, made.max(failed), made.saturating_sub(failed));
    }
}

/// Adds a line to the file that this variable names. Test processes that run at once share it: one write for a line.
fn append(variable: &str, line: &str) {
    if let Some(path) = std::env::var_os(variable) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("the file of reports");
        file.write_all(format!("{line}\n").as_bytes()).expect("the file of reports");
    }
}
