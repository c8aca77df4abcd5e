//! The scripts in `.ci`, on a machine that has next to nothing: the programs of a bare Debian, and a few that stand in
//! for cargo and apt-get and fail as those do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::sandbox::{Outcome, Sandbox};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the scripts call, beside what they install.
const BARE: [&str; 20] = [
    "sh", "awk", "cat", "chmod", "cmp", "cp", "dirname", "env", "id", "install", "ln", "mkdir", "mktemp", "paste",
    "rm", "sed", "sort", "touch", "uname", "wc",
];

/// A checkout on such a machine.
struct Machine {
    sandbox: Sandbox,
    checkout: PathBuf,
    bin: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let sandbox = Sandbox::empty();
        let (checkout, bin) = (sandbox.home().join("checkout"), sandbox.home().join("bin"));
        for folder in [&checkout, &bin] {
            fs::create_dir(folder).unwrap();
        }
        for name in [".ci", "tests", "completions", "man", "README.md"] {
            symlink(Path::new(ROOT).join(name), checkout.join(name)).unwrap();
        }
        // The scripts go to the folder above their own, which a link would lead away.
        fs::remove_file(checkout.join(".ci")).unwrap();
        fs::create_dir(checkout.join(".ci")).unwrap();
        for script in ["setup", "test", "install", "bare", "prove"] {
            fs::copy(Path::new(ROOT).join(".ci").join(script), checkout.join(".ci").join(script)).unwrap();
        }
        let path = std::env::var_os("PATH").unwrap();
        for program in BARE {
            let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists());
            symlink(found.unwrap_or_else(|| panic!("{program} is not here")), bin.join(program)).unwrap();
        }
        Self { sandbox, checkout, bin }
    }

    fn has(self, program: &str, script: &str) -> Self {
        let file = self.bin.join(program);
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        self
    }

    fn runs(&self, script: &str, words: &[&str]) -> Outcome {
        let script = format!(".ci/{script}");
        let words = [script.as_str()].into_iter().chain(words.iter().copied());
        self.sandbox.other("sh", words).dir(&self.checkout).env("PATH", &self.bin).run()
    }

    /// What a program that stands in wrote down.
    fn noted(&self) -> String {
        fs::read_to_string(self.sandbox.home().join("noted")).unwrap_or_default()
    }
}

/// Builds nothing; its tests skip one thing and end with this code.
fn cargo(code: u8) -> String {
    format!("case $1 in test) echo 'x: y is not installed' >>\"$CAST_TEST_SKIPS\"; exit {code} ;; *) exit 1 ;; esac")
}

#[test]
fn what_was_skipped_is_the_last_line_on_every_way_out() {
    let last = |outcome: &Outcome| outcome.out.lines().last().unwrap_or_default().to_owned();
    for (code, end) in [(0, "== done"), (101, "== FAILED: tests: word")] {
        let outcome = Machine::new().has("cargo", &cargo(code)).runs("test", &["word"]);
        assert_eq!(outcome.code, i32::from(code), "{outcome:?}");
        assert!(outcome.out.contains(&format!("\n{end}\n")), "{outcome:?}");
        let last = last(&outcome);
        assert!(last.contains(" skipped: ") && last.contains("; x: y is not installed"), "{outcome:?}");
        assert!(
            last.contains("setup: could not install: git ") && last.contains("could not build rage"),
            "{outcome:?}"
        );
        // It is said at once, too.
        assert!(outcome.err.contains("setup: there is no apt-get\n"), "{outcome:?}");
    }
    // A step before the tests.
    let outcome = Machine::new().has("cargo", "exit 1").runs("test", &[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.out.contains("\n== FAILED: format\n"), "{outcome:?}");
    assert!(last(&outcome).contains("setup: there is no apt-get"), "{outcome:?}");
    // A signal.
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let cargo = format!("[ $1 != test ] || kill -{signal} $PPID; exit 1");
        let outcome = Machine::new().has("cargo", &cargo).runs("test", &["word"]);
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(outcome.out.contains("\n== FAILED: tests: word\n"), "{outcome:?}");
        assert!(last(&outcome).contains("setup: there is no apt-get"), "{outcome:?}");
    }
}

#[test]
fn the_table_of_faults_is_printed_also_if_a_test_failed() {
    let report = |survived: usize, code: u8| {
        let report = format!("echo 'forged vaults|7|90|{survived}' >>\"$CAST_TEST_TRIES\"");
        Machine::new().has("cargo", &format!("case $1 in test) {report}; {report}; exit {code} ;; *) exit 1 ;; esac"))
    };
    for (survived, code, expected) in [(90, 0, 0), (89, 101, 101), (89, 0, 1)] {
        let outcome = report(survived, code).runs("test", &["word"]);
        assert_eq!(outcome.code, expected, "{outcome:?}");
        let row: Vec<_> = outcome.out.lines().find(|line| line.starts_with("forged ")).unwrap().split('|').collect();
        let row: Vec<_> = row.iter().map(|cell| cell.trim()).collect();
        assert_eq!(row, ["forged vaults", "14", "180", &(2 * survived).to_string()], "{outcome:?}");
        assert_eq!(outcome.out.contains("prove: forged vaults: 2 did not end as promised"), survived == 89);
        assert!(!outcome.out.contains("not run"), "{outcome:?}");
    }
}

#[test]
fn a_kind_of_fault_that_was_not_tried_fails_unless_a_skip_says_why() {
    let machine = Machine::new();
    let (tries, skips) = (machine.checkout.join("tries"), machine.checkout.join("skips"));
    let table = |kinds: &[&str], skipped: &str| {
        fs::write(&tries, kinds.iter().flat_map(|kind| [kind, "|1|1|1\n"]).collect::<String>()).unwrap();
        fs::write(&skips, skipped).unwrap();
        let call = machine.sandbox.other("sh", [".ci/prove", "--table", "tries"]).dir(&machine.checkout);
        call.env("PATH", &machine.bin).env("CAST_TEST_SKIPS", &skips).run()
    };
    let none = table(&[], "");
    let kinds: Vec<_> = none.out.lines().filter_map(|line| line.split_once('|')?.0.trim().into()).skip(1).collect();
    assert!(none.code == 1 && kinds.len() > 5 && kinds.contains(&"parsers fuzzed"), "{none:?}");
    assert_eq!(table(&kinds, "").code, 0);
    let others: Vec<_> = kinds.iter().copied().filter(|kind| *kind != "parsers fuzzed").collect();
    let missing = table(&others, "faults: strace does not work here\n");
    assert!(missing.code == 1 && missing.out.contains("parsers fuzzed: not run, and nothing says why"), "{missing:?}");
    let skipped = table(&others, "fuzz: there is no C++ compiler for libFuzzer\n");
    assert!(skipped.code == 0 && skipped.out.contains(" skipped "), "{skipped:?}");
    let misspelt = table(&[&kinds[..], &["forged valts"]].concat(), "");
    assert!(misspelt.code == 1 && misspelt.out.contains("forged valts: not in the list of kinds"), "{misspelt:?}");
}

#[test]
fn one_package_that_is_not_to_be_had_keeps_no_other_away() {
    let apt = "case \" $* \" in *' strace '*) exit 100 ;; *' install '*) ;; *) exit 0 ;; esac\n\
               shift 6; echo \"$@\" >>\"$HOME/noted\"\n\
               for program; do cp /bin/true \"$HOME/bin/$program\"; done";
    let machine = Machine::new().has("apt-get", apt).has("id", "echo 0").has("cargo", &cargo(0));
    let outcome = machine.runs("test", &["word"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let noted = machine.noted();
    assert!(noted.starts_with("git\n") && noted.contains("\nage\n") && !noted.contains("strace"), "{noted}");
    let last = outcome.out.lines().last().unwrap();
    let left = last.split("setup: could not install:").nth(1).unwrap();
    assert!(left.contains(" strace") && !left.contains(" git") && !left.contains(" age"), "{outcome:?}");
}

#[test]
fn a_user_without_sudo_is_told_and_the_rest_goes_on() {
    let machine = Machine::new().has("apt-get", "touch \"$HOME/noted\"").has("id", "echo 1000");
    let outcome = machine.has("cargo", &cargo(0)).runs("test", &["word"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.out.lines().last().unwrap().contains("apt-get needs root, and there is no sudo"), "{outcome:?}");
}

#[test]
fn installing_shows_how_far_it_is() {
    let cargo = "case \" $* \" in *' --quiet '* | *' -q '*) ;; *) echo '   Compiling age' >&2 ;; esac";
    let machine = Machine::new().has("cargo", cargo);
    let outcome = machine.runs("install", &[]);
    assert_eq!((outcome.code, outcome.out.as_str()), (0, ""), "{outcome:?}");
    let place = |text: &str| outcome.err.find(text).unwrap_or_else(|| panic!("no '{text}' in {outcome:?}"));
    assert!(place("install: building cast") < place("Compiling age"), "{outcome:?}");
    assert!(place("Compiling age") < place("install: cast is in "), "{outcome:?}");
    assert!(machine.sandbox.home().join(".local/share/man/man1/cast-run.1").exists());
}

#[test]
fn a_bare_machine_is_made_by_root_and_by_no_mistake() {
    for words in [&["frist"][..], &["first", "word"], &["both", "word"]] {
        let outcome = Machine::new().has("id", "echo 0").runs("bare", words);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{outcome:?}");
        assert!(outcome.err.starts_with("bare: usage: "), "{outcome:?}");
    }
    let machine = Machine::new().has("id", "echo 1000");
    let outcome = machine.runs("bare", &[]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.err.starts_with("bare: it needs root") && !machine.checkout.join("target").exists(), "{outcome:?}");
    let outcome = Machine::new().has("id", "echo 0").runs("bare", &[]);
    assert!(outcome.code == 2 && outcome.err.contains("' is not installed"), "{outcome:?}");
}
