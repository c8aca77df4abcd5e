//! `cast secrets import --remove`: the file goes once all of it is in the vault and was read back, and never otherwise.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{FILE, VALUES, says, with_file};
use crate::durability::faults::{Call, injected, traced};
use crate::sandbox::{Sandbox, skip};
use crate::terminal::Terminal;

const REMOVE: [&str; 5] = ["secrets", "import", "a", ".env", "--remove"];

#[track_caller]
fn holds(sandbox: &Sandbox, path: &Path, text: &str) {
    assert_eq!(fs::read_to_string(path).unwrap(), text);
    assert!(!sandbox.vault("a").exists(), "something was stored");
}

#[test]
fn the_file_goes_after_all_of_it_is_in_the_vault() {
    let (sandbox, file) = with_file(FILE);
    sandbox.cast(REMOVE.iter().chain(&["--dry-run"])).succeeds();
    holds(&sandbox, &file, FILE);
    let outcome = sandbox.cast(REMOVE).succeeds();
    says(&outcome, &["✓ Secrets added for agent 'a': DB_URL, EMPTY,", "✓ File '.env' removed"]);
    assert!(!outcome.err.contains("plain text"), "{outcome:?}");
    assert!(!file.exists());
    for (key, value) in VALUES {
        assert_eq!(sandbox.value("a", key), value.as_bytes(), "{key}");
    }
    // What the vault has already needs no change.
    fs::write(&file, FILE).unwrap();
    let vault = fs::read(sandbox.vault("a")).unwrap();
    let again = sandbox.cast(REMOVE.iter().chain(&["-q"])).succeeds();
    assert_eq!(again.err, "");
    assert!(!file.exists());
    assert!(fs::read(sandbox.vault("a")).unwrap() == vault);
    // A file elsewhere, and one that may be lenient: nothing is left out.
    let other = sandbox.home().join("folder");
    fs::create_dir(&other).unwrap();
    symlink(&other, sandbox.home().join("link")).unwrap();
    fs::write(other.join("prod.env"), "PATH=/bin\nK=v\nK=v # the same\n").unwrap();
    let words = ["secrets", "import", "a", "link/prod.env", "--remove", "--allow-dangerous-name"];
    sandbox.cast(words).succeeds();
    assert!(!other.join("prod.env").exists());
    assert_eq!(sandbox.value("a", "K"), b"v");
}

#[test]
fn what_is_not_stored_keeps_the_file() {
    for text in ["A=sk-live-1\nwhat\n", "A=sk-live#1\n", "A=sk-live-1\nA-B=sk-live-2\n", "A=sk-live-1\nA=sk-live-2\n"] {
        let (sandbox, file) = with_file(text);
        let code = if text.contains("A-B") { 2 } else { 1 };
        let refused = sandbox.cast(REMOVE).refuses(code, "line ", &["sk-live"]);
        let hint = "fix the file; or import it without '--remove', and with '--except NAME,...' or '--lenient'";
        assert!(refused.err.contains(hint), "{refused:?}");
        holds(&sandbox, &file, text);
        sandbox.cast(["secrets", "import", "a", ".env", "--lenient"]).succeeds();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    // What is left out would be lost, so these do not go together.
    let text = "A=sk-live-1\nB=sk-live-2\n";
    let (sandbox, file) = with_file(text);
    for further in [&["--except", "B"][..], &["--lenient"]] {
        let words = REMOVE.iter().chain(further);
        let refused = sandbox.cast(words).refuses(2, "cannot be used with", &["sk-live"]);
        assert!(refused.err.contains("--remove") && refused.err.contains(further[0]), "{refused:?}");
        holds(&sandbox, &file, text);
    }
    // A failure to store keeps it, too.
    let refused = sandbox.cast(REMOVE).env("CAST_KEY", "AGE-SECRET-KEY-1");
    refused.refuses(4, "CAST_KEY", &["sk-live"]);
    holds(&sandbox, &file, text);
    sandbox.cast(["set", "a", "A", "v"]).succeeds();
    fs::write(sandbox.vault("a"), "damaged").unwrap();
    sandbox.cast(REMOVE).refuses(5, "vault of agent 'a'", &["sk-live"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn what_is_no_file_of_its_own_name_is_not_removed() {
    let (sandbox, file) = with_file("A=sk-live-1\n");
    let link = sandbox.home().join("link");
    symlink(".env", &link).unwrap();
    let remove = |name: &str| sandbox.cast(["secrets", "import", "a", name, "--remove"]).input("A=sk-live-1\n");
    let refused = remove("link").refuses(6, "'--remove' does not follow the symbolic link 'link'", &["sk-live"]);
    let real = fs::canonicalize(&file).unwrap();
    assert!(refused.err.contains(&format!("name the file itself: '{}'", real.display())), "{refused:?}");
    assert!(link.is_symlink());
    holds(&sandbox, &file, "A=sk-live-1\n");
    remove("-").refuses(2, "'--remove' needs the name of a file", &["sk-live"]);
    remove(".").refuses(6, "not a regular file: '.'", &["sk-live"]);
    remove("/dev/stdin").refuses(6, "'--remove' does not follow the symbolic link", &["sk-live"]);
    remove("/dev/null").refuses(6, "not a regular file", &["sk-live"]);
    remove("sk-live").refuses(6, "FILE does not exist", &["sk-live"]);
    // cast does not wait for the writer of a FIFO.
    assert!(sandbox.command("mkfifo").arg("fifo").status().unwrap().success());
    remove("fifo").refuses(6, "not a regular file: 'fifo'", &["sk-live"]);
}

type Change = fn(&Path);

#[test]
fn a_file_that_has_changed_meanwhile_stays() {
    let (sandbox, file) = with_file("A=sk-live-1\n");
    let answers = |call, words: &[&str]| {
        let mut terminal = Terminal::start(call);
        for question in words {
            terminal.sees(question);
            terminal.hides_input();
            terminal.types("correct horse\n");
        }
        terminal
    };
    answers(sandbox.cast(["key", "move", "passphrase"]), &["New passphrase", "Enter it again"]).ends_with(0);
    let changes: [(&str, Change); 4] = [
        ("the file has changed since cast read it", |file| fs::write(file, "A=sk-live-1\nB=sk-live-new\n").unwrap()),
        ("the file has changed since cast read it", |file| fs::rename(file, file.with_extension("moved")).unwrap()),
        ("not a regular file", |file| {
            fs::rename(file, file.with_extension("moved")).unwrap();
            symlink(file.with_extension("moved"), file).unwrap();
        }),
        ("not a regular file", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
    ];
    for (said, change) in changes {
        fs::write(&file, "A=sk-live-1\n").unwrap();
        // The passphrase is asked for after the file was read.
        let mut terminal = Terminal::start(sandbox.cast(REMOVE));
        terminal.sees("Passphrase for ");
        terminal.hides_input();
        change(&file);
        let there = fs::read(&file).ok();
        terminal.types("correct horse\n");
        let shown = terminal.ends_with(if said.starts_with("not") { 6 } else { 1 });
        assert!(shown.contains("imported, but '--remove' failed: ") && shown.contains(said), "{shown}");
        assert!(!shown.contains("removed\r") && !shown.contains("sk-live"), "{shown}");
        assert_eq!(fs::read(&file).ok(), there);
        if file.is_dir() {
            fs::remove_dir(&file).unwrap();
        } else if file.exists() {
            fs::remove_file(&file).unwrap();
        }
    }
    assert_eq!(fs::read(file.with_extension("moved")).unwrap(), b"A=sk-live-1\n");
    fs::write(&file, "A=sk-live-1\n").unwrap();
    answers(sandbox.cast(REMOVE), &["Passphrase for "]).ends_with(0);
    assert!(!file.exists());
}

#[test]
fn a_folder_that_is_read_only_keeps_its_file() {
    let (sandbox, _) = with_file("");
    let folder = sandbox.home().join("project");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("prod.env");
    fs::write(&file, "A=sk-live-1\n").unwrap();
    let words = ["secrets", "import", "a", "project/prod.env", "--remove"];
    let nobody = |mode: u32| {
        fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
        sandbox.cast_as_nobody("", words)
    };
    let refused = nobody(0o555).run();
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.err.contains("✓ Secrets added for agent 'a': A"), "{refused:?}");
    let said = "cast: error: imported, but '--remove' failed: cannot remove 'project/prod.env': permission denied\n";
    assert!(refused.err.contains(said), "{refused:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "A=sk-live-1\n");
    nobody(0o755).succeeds();
    assert!(!file.exists());
}

#[test]
fn in_this_order_on_the_disk() {
    let (sandbox, file) = with_file("A=sk-live-1\n");
    sandbox.set("a", "K", "v");
    let Some(calls) = traced(&sandbox, &REMOVE) else { return skip("order of a removal: strace does not work here") };
    assert!(!file.exists());
    let at = |name: &str, path: &str, from: usize| {
        let is_it = |call: &Call| call.name.starts_with(name) && call.line.contains(path);
        from + calls[from..].iter().position(is_it).unwrap_or_else(|| panic!("no {name} of {path}"))
    };
    let renamed = at("rename", "a.age\"", 0);
    let read_back = at("openat", "a.age\", O_RDONLY", renamed);
    let removed = at("unlink", "\".env\"", 0);
    let synced = at("fsync", "", removed);
    let said = at("write", "File '.env' removed", 0);
    assert!(renamed < read_back && read_back < removed && removed < synced && synced < said);

    // A vault that may not be on the disk is no reason to remove the file.
    let unconfirmed = at("fsync", "", renamed);
    fs::write(&file, "A=sk-live-2\n").unwrap();
    let outcome = injected(&sandbox, &REMOVE, &calls[unconfirmed], "error=EIO");
    assert!(outcome.code == 6 && outcome.err.contains("not confirmed durable"), "{outcome:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "A=sk-live-2\n");
}

#[test]
fn no_document_chains_a_removal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.to_path_buf()];
    for folder in ["docs", "man", "completions", "src/args", "src/verbs/man", "sdk/node", "tests/it/messages.txt"] {
        pages.push(root.join(folder));
    }
    let files = pages.iter().flat_map(|page| match fs::read_dir(page) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => vec![page.clone()],
    });
    let mut read = 0;
    for file in files.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let words: Vec<_> = text.split_whitespace().map(|word| word.trim_matches(['`', '\'', '"'])).collect();
        let ends = |word: &str| ["&&", "||", ";"].iter().any(|end| word.ends_with(end));
        let chained = words.windows(2).find(|pair| pair[1] == "rm" && ends(pair[0]));
        assert_eq!(chained, None, "{}", file.display());
        read += usize::from(!words.is_empty());
    }
    assert!(read > 40, "pages are missing");
}
