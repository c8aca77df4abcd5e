//! The committed files that the binary renders: manual pages and completion scripts from the clap types. A file
//! that is out of date fails here; the variable `CAST_TEST_REWRITE` rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::sandbox::{Sandbox, skip};

/// Every command that the help shows, as the words after `cast`.
pub fn commands(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let mut found = vec![vec![]];
    let mut next = 0;
    while let Some(words) = found.get(next).cloned() {
        next += 1;
        let asked = [&words[..], &[String::new()]].concat().join("\0") + "\0";
        let answer = sandbox.cast(["__complete", "fish"]).input(asked).succeeds().out;
        // A candidate is a command if it has its own help.
        let candidates = answer.lines().skip(1).filter_map(|line| Some(line.split_once('\t')?.0.to_owned()));
        for candidate in candidates.filter(|word| word != "help") {
            let longer: Vec<_> = words.iter().cloned().chain([candidate]).collect();
            let help = sandbox.cast(longer.iter().map(String::as_str).chain(["--help"])).run();
            if help.code == 0 && help.out.contains(&format!("Usage: cast {}", longer.join(" "))) {
                found.push(longer);
            }
        }
    }
    assert!(found.len() > 10, "commands are missing: {found:?}");
    found
}

/// Compares the committed files of a folder with what the binary renders.
fn check(folder: &str, made: &BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("CAST_TEST_REWRITE").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for (name, text) in made {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: std::collections::BTreeSet<String> = there.chain(made.keys().cloned()).collect();
    let behind: Vec<_> = names.iter().filter(|name| made.get(*name) != Some(&read(name))).collect();
    assert!(
        behind.is_empty(),
        "{} is behind the command line in {behind:?}.\nWrite it anew, look at the difference and commit it:\n\n    \
         CAST_TEST_REWRITE=1 cargo test --locked --test it -- rendered\n",
        folder.display()
    );
}

fn pages(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let page = |words: Vec<String>| {
        let name = [&["cast".to_owned()], &words[..]].concat().join("-");
        (format!("{name}.1"), sandbox.cast(["man".to_owned()].into_iter().chain(words)).succeeds().out)
    };
    commands(sandbox).into_iter().map(page).collect()
}

#[test]
fn manual_pages() {
    let sandbox = Sandbox::empty();
    let pages = pages(&sandbox);
    for (name, page) in &pages {
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SECURITY"]
        {
            assert!(page.contains(&format!("\n.SH {heading}\n")), "{name}: no {heading}");
        }
        assert!(!page.contains("\\fR\n\n"), "{name}: an option without a word on it");
        let names_commands = page.contains("\n.SH SUBCOMMANDS\n");
        assert!(page.contains("\n.SH EXAMPLES\n") || names_commands, "{name}: no EXAMPLES");
    }
    check("man", &pages);
    // Also by the name of its page.
    assert_eq!(sandbox.cast(["man", "secrets-set"]).succeeds().out, pages["cast-secrets-set.1"]);
    sandbox.cast(["man", "sk-live-abc"]).refuses(2, "no such command", &["sk-live-abc"]);
}

#[test]
fn manual_pages_are_good_man7() {
    let sandbox = Sandbox::empty();
    for (name, page) in pages(&sandbox) {
        let lint = sandbox.other("mandoc", ["-Tlint", "-Wwarning"]);
        if Command::new("mandoc").arg("-V").output().is_err() {
            skip("man: mandoc is not installed");
            return;
        }
        let found = lint.input(page).run();
        assert_eq!((found.code, found.out + &found.err), (0, String::new()), "{name}");
    }
}

#[test]
fn completion_scripts() {
    let sandbox = Sandbox::empty();
    let scripts = [("cast.bash", "bash"), ("_cast", "zsh"), ("cast.fish", "fish"), ("cast.ps1", "powershell")];
    let script = |(name, shell): (&str, &str)| {
        let printed = sandbox.cast(["completions", shell]).succeeds();
        assert_eq!(printed.err, "", "a start-up file reads this at every start");
        (name.to_owned(), printed.out)
    };
    check("completions", &scripts.map(script).into());
}
