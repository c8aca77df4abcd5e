//! `cast secrets import`: imports every assignment of a `.env` file or none, names what it did, and warns about git.

mod findings;
mod remove;

use std::fs;
use std::path::PathBuf;

use crate::sandbox::{Outcome, Sandbox, lacks};
use crate::terminal::Terminal;

/// A value of each kind, and a line that is not an assignment.
const FILE: &str = "# of a project\nOPENAI_API_KEY=sk-live-0123456789 # mine\nexport DB_URL='postgres://u:p@h/db?a=$X#b'\r\n\
    TLS_KEY=\"-----BEGIN X-----\nsk-live-line\n-----END X-----\n\"\nEMPTY=\nGREETING=\"sk-live\\nhello\"\n";

const VALUES: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", "sk-live-0123456789"),
    ("DB_URL", "postgres://u:p@h/db?a=$X#b"),
    ("TLS_KEY", "-----BEGIN X-----\nsk-live-line\n-----END X-----\n"),
    ("EMPTY", ""),
    ("GREETING", "sk-live\nhello"),
];

fn with_file(text: impl AsRef<[u8]>) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let file = sandbox.home().join(".env");
    fs::write(&file, text).unwrap();
    (sandbox, file)
}

#[track_caller]
fn says(outcome: &Outcome, lines: &[&str]) {
    for line in lines {
        assert!(outcome.err.lines().any(|said| said.contains(line)), "no '{line}' in {}", outcome.err);
    }
    outcome.says_nothing_of(&["sk-live", "postgres"]);
}

#[test]
fn every_value_arrives_as_the_program_had_it() {
    let (sandbox, file) = with_file(FILE);
    let outcome = sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    says(&outcome, &["✓ Secrets added for agent 'a': DB_URL, EMPTY, GREETING, OPENAI_API_KEY, TLS_KEY"]);
    says(
        &outcome,
        &[
            "not masked in output: 'EMPTY', because it is shorter than 4 bytes",
            "'.env' still holds the values in plain text: 'cast secrets import a .env --remove' deletes it",
        ],
    );
    assert_eq!(outcome.out, "");
    for (key, value) in VALUES {
        assert_eq!(sandbox.value("a", key), value.as_bytes(), "{key}");
    }
    let quiet = sandbox.cast(["-q", "secrets", "import", "b", "-"]).input(FILE).succeeds();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert_eq!(sandbox.listing("b").len(), VALUES.len());
    assert_eq!(fs::read_to_string(file).unwrap(), FILE, "the file is its owner's");
}

#[test]
fn what_is_there_is_replaced_or_stays_as_it_is() {
    let (sandbox, _) = with_file("SAME=sk-live-same\nOTHER=sk-live-new\nNEW=sk-live-add\n");
    for (key, value) in [("SAME", "sk-live-same"), ("OTHER", "sk-live-old"), ("KEPT", "sk-live-kept")] {
        sandbox.cast(["set", "a", key, "--unmasked", "--", value]).succeeds();
    }
    let before = sandbox.listing("a");
    let dry = sandbox.cast(["secrets", "import", "a", ".env", "--dry-run"]);
    let snapshot = sandbox.snapshot();
    let dry = dry.succeeds();
    assert_eq!(dry.out, "KEY    CHANGE\nNEW    added\nOTHER  replaced\nSAME   unchanged\n");
    assert!(!dry.err.contains('✓'), "{dry:?}");
    assert!(sandbox.snapshot() == snapshot, "a dry run changed something");
    let outcome = sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    says(
        &outcome,
        &[
            "✓ Secrets added for agent 'a': NEW",
            "✓ Secrets replaced for agent 'a': OTHER",
            "✓ Secrets unchanged for agent 'a': SAME",
        ],
    );
    assert_eq!(sandbox.value("a", "OTHER"), b"sk-live-new");
    assert_eq!(sandbox.value("a", "KEPT"), b"sk-live-kept");
    let after = sandbox.listing("a");
    let line = |lines: &[serde_json::Value], key: &str| lines.iter().find(|line| line["key"] == key).cloned().unwrap();
    assert_eq!(line(&after, "SAME"), line(&before, "SAME"));
    assert_eq!(line(&after, "OTHER")["created_at"], line(&before, "OTHER")["created_at"]);
    // As with `set`, a new value keeps the flags.
    assert_eq!((&line(&after, "OTHER")["masked"], &line(&after, "KEPT")["masked"]), (&false.into(), &false.into()));
    assert_eq!(line(&after, "NEW")["masked"], true);
    // Nothing left to do: nothing is written.
    let snapshot = sandbox.snapshot();
    let again = sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    says(&again, &["✓ Secrets unchanged for agent 'a': NEW, OTHER, SAME"]);
    assert!(sandbox.snapshot() == snapshot, "it was written anew");
}

#[test]
fn all_or_nothing_and_all_that_is_wrong_at_once() {
    let long = "v".repeat(131_071);
    let text = format!(
        "GOOD=sk-live-1\nA.B=sk-live-2\nCAST_KEY=sk-live-3\nLD_PRELOAD=sk-live-4\n\nLONG=\"sk-live\n{long}\"\n1st=sk-live-5\n"
    );
    let (sandbox, file) = with_file(text);
    for words in [&["secrets", "import", "a", ".env"][..], &["secrets", "import", "a", ".env", "--dry-run"]] {
        let refused = sandbox.cast(words).refuses(2, "nothing was imported: ", &["sk-live", "vvvv", "A.B", "1st"]);
        for said in [
            "\n  line 2: the name is not valid: it contains '-' or '.'\n",
            "\n  line 3: names beginning with 'CAST_'",
            "\n  line 4: 'LD_PRELOAD': ",
            "\n  line 6: 'LONG': ",
            "131066",
            "\n  line 8: ",
            "--allow-dangerous-name",
            "--except NAME,...",
            "--lenient",
        ] {
            assert!(refused.err.contains(said), "no '{said}' in {}", refused.err);
        }
    }
    fs::write(&file, "GOOD=sk-live\nLD_PRELOAD=/nonexistent\n").unwrap();
    sandbox.cast(["secrets", "import", "a", ".env"]).refuses(2, "LD_PRELOAD", &["sk-live"]);
    sandbox.cast(["secrets", "import", "a", ".env", "--allow-dangerous-name"]).succeeds();
    assert_eq!(sandbox.listing("a").len(), 2);
    // A key without quotes: cast would skip its lines and take the last one for a name.
    fs::write(&file, "KEY=-----BEGIN PRIVATE KEY-----\nsk-live+abc\nsk-live-abc=\n-----END PRIVATE KEY-----\n")
        .unwrap();
    sandbox.cast(["secrets", "import", "b", ".env"]).refuses(2, "line 1: 'KEY': ", &["sk-live", "BEGIN"]);
    // The log of the refusal holds no line of the key.
    assert_eq!(crate::audit::told(&sandbox).last().unwrap(), "import b - - usage");
    assert!(!sandbox.audit_log().contains("sk-live"), "{}", sandbox.audit_log());
}

#[test]
fn agent_and_file_exchanged() {
    let (sandbox, _) = with_file("A=sk-live-1\n");
    let import = |words: &[&str]| sandbox.cast(["secrets", "import"].iter().chain(words));
    for (first, second) in [(".env", "my-agent"), ("-", "my-agent"), ("./.env", "a")] {
        let refused = import(&[first, second]).refuses(2, "AGENT and FILE are exchanged", &["sk-live"]);
        let right = format!("cast: hint: write it as 'cast secrets import {second} {first}'\n");
        assert!(refused.err.contains(&right), "{refused:?}");
    }
    // Also where both could be an agent.
    fs::write(sandbox.home().join("prod.env"), "A=sk-live-1\n").unwrap();
    import(&["prod.env", "my-agent"]).refuses(2, "AGENT and FILE are exchanged", &[]);
    import(&["prod.env", "prod.env"]).succeeds();
    // Not where the first word is no file: it may be a secret.
    for (first, second, code) in [("sk-LIVE", "my-agent", 2), ("sk-LIVE", ".env", 2), ("other", "my-agent", 6)] {
        let refused = import(&[first, second]).refuses(code, "", &["sk-LIVE"]);
        assert!(!refused.err.contains("exchanged"), "{refused:?}");
    }
    fs::create_dir(sandbox.home().join("folder")).unwrap();
    import(&["folder", "my-agent"]).refuses(6, "FILE does not exist", &[]);
}

#[test]
fn files_that_are_none() {
    let (sandbox, file) = with_file("# nothing\nsk-live\n");
    let import = |file: &str| sandbox.cast(["secrets", "import", "a", file]);
    let empty = import(".env").refuses(2, "FILE has no assignments to store", &["sk-live"]);
    assert!(empty.err.contains("\n  line 2: passed over"), "{empty:?}");
    import("-").refuses(2, "FILE has no assignments to store", &[]);
    for missing in ["sk-live", "KEY=sk-live", "no/sk-live"] {
        import(missing).refuses(6, "FILE does not exist", &["sk-live"]);
    }
    import(".").refuses(6, "'.': is a directory", &[]);
    for (bytes, said) in [
        (&b"A=1\nB=sk-live\xff\n"[..], "not valid UTF-8 in line 2"),
        (b"\xff\xfeA\0=\0", "UTF-16"),
        (b"\xfe\xff\0A\0=", "UTF-16"),
    ] {
        fs::write(&file, bytes).unwrap();
        import(".env").refuses(2, said, &["sk-live"]);
        import("-").input(bytes).refuses(2, said, &["sk-live"]);
    }
    let large = "A=1\n".repeat((4 << 20) / 4) + "\n";
    fs::write(&file, &large).unwrap();
    import(".env").refuses(2, "larger than 4 MiB", &[]);
    import("-").input(&large).refuses(2, "larger than 4 MiB", &[]);
    import("/dev/zero").refuses(2, "larger than 4 MiB", &[]);
    sandbox.cast(["secrets", "import", "sk-live/", ".env"]).refuses(2, "AGENT", &["sk-live"]);
    sandbox.cast(["secrets", "import", "a", ".env", "sk-live"]).refuses(2, "is unexpected", &["sk-live"]);
    sandbox.cast(["secrets", "import", "a"]).refuses(2, "missing: <FILE>", &[]);
    // The user may import from a symbolic link or a pipe.
    fs::write(&file, "A=sk-live-1\n").unwrap();
    std::os::unix::fs::symlink(&file, sandbox.home().join("link")).unwrap();
    let said = import("link").succeeds().err;
    // Removing the link would leave the values in place.
    let typed = format!("'cast secrets import a {} --remove'", fs::canonicalize(&file).unwrap().display());
    assert!(said.contains(&typed) && !said.contains("a link"), "no {typed} in {said}");
    let script = "\"$0\" secrets import b /dev/fd/3 3<<'E'\nA=sk-live-1\nE";
    let piped = sandbox.other("sh", ["-c", script, crate::sandbox::CAST]).succeeds();
    assert!(!piped.err.contains("plain text"), "{piped:?}");
    assert_eq!(sandbox.value("b", "A"), b"sk-live-1");
}

#[test]
fn a_terminal_is_no_file() {
    let sandbox = Sandbox::new();
    let said = Terminal::start(sandbox.cast(["secrets", "import", "a", "-"])).ends_with(2);
    assert!(said.contains("standard input is a terminal"), "{said}");
    assert!(!sandbox.vault("a").exists());
}

#[test]
fn what_other_tools_would_have_resolved_is_said() {
    let (sandbox, _) = with_file(
        "A=encrypted:sk-live-abc\nB=op://vault/item/sk-live\nC=\"postgres://${USER}@sk-live\"\nD=$plain-sk-live\n",
    );
    let outcome = sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    says(&outcome, &["dotenvx or 1Password can read it: A, B", "'${...}' is not expanded and stays as it is: C"]);
    assert_eq!(sandbox.value("a", "C"), b"postgres://${USER}@sk-live");
}

#[test]
fn imports_at_once_lose_nothing_and_mix_nothing() {
    let sandbox = Sandbox::new();
    for number in 0..8 {
        let lines = (0..20).flat_map(|key| [format!("OWN_{number}_{key}={number}"), format!("SHARED_{key}={number}")]);
        let text = lines.collect::<Vec<_>>().join("\n");
        fs::write(sandbox.home().join(format!("{number}.env")), text).unwrap();
    }
    std::thread::scope(|scope| {
        for number in 0..8 {
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.cast(["secrets", "import", "a", &format!("{number}.env")]).succeeds());
        }
    });
    assert_eq!(sandbox.listing("a").len(), 8 * 20 + 20);
    let last = sandbox.value("a", "SHARED_0");
    for key in 1..20 {
        assert_eq!(sandbox.value("a", &format!("SHARED_{key}")), last, "{key}");
    }
}

#[test]
fn without_a_key_nothing_is_made_but_what_set_makes() {
    let sandbox = Sandbox::empty();
    fs::write(sandbox.home().join(".env"), "A=sk-live-1\n").unwrap();
    sandbox.cast(["secrets", "import", "a", ".env"]).refuses(4, "no key", &["sk-live"]);
    let snapshot = sandbox.snapshot();
    assert_eq!(
        sandbox.cast(["secrets", "import", "a", ".env", "--dry-run"]).succeeds().out,
        "KEY  CHANGE\nA    added\n"
    );
    assert!(sandbox.snapshot() == snapshot, "a dry run made something");
    // Nor does cast create a vault beside one of another key.
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    fs::write(sandbox.home().join(".env"), "A=sk-live-1\n").unwrap();
    fs::remove_file(sandbox.key_file()).unwrap();
    sandbox.cast(["secrets", "import", "b", ".env"]).refuses(
        4,
        "no key for the vault here, and cast makes no new key while it exists",
        &["sk-live"],
    );
}

/// A repository in the home of the sandbox.
fn repository(sandbox: &Sandbox) -> bool {
    let git = |words: &[&str]| sandbox.command("git").args(words).status().is_ok_and(|status| status.success());
    if lacks("git", "import") {
        return false;
    }
    git(&["init", "-q"])
}

#[test]
fn git_is_asked_about_the_file() {
    let (sandbox, file) = with_file("A=sk-live-1\n");
    let hint = || {
        let outcome = sandbox.cast(["secrets", "import", "a", ".env", "--dry-run"]).succeeds();
        outcome.err.lines().find(|line| line.contains("git")).unwrap_or_default().to_owned()
    };
    assert_eq!(hint(), "");
    if !repository(&sandbox) {
        return;
    }
    assert!(hint().contains("'.env' is not ignored by git: add '.env' to .gitignore"), "{}", hint());
    fs::write(sandbox.home().join(".gitignore"), ".env\n").unwrap();
    assert_eq!(hint(), "");
    assert!(sandbox.command("git").args(["add", "-f", ".env"]).status().unwrap().success());
    assert!(hint().contains("'.env' is tracked by git: run 'git rm --cached .env'"), "{}", hint());
    // A hook's variables that name another repository; a file elsewhere; a link from here to there.
    let elsewhere = Sandbox::empty();
    fs::write(elsewhere.home().join(".env"), "A=sk-live-1\n").unwrap();
    let outside = elsewhere.home().join(".env");
    let dry = |path: &str| sandbox.cast(["secrets", "import", "a", path, "--dry-run"]);
    let outcome = dry(outside.to_str().unwrap()).env("GIT_DIR", sandbox.home().join(".git")).succeeds();
    assert!(!outcome.err.contains("git"), "{outcome:?}");
    let outcome = elsewhere.cast(["secrets", "import", "a", file.to_str().unwrap(), "--dry-run"]).succeeds();
    assert!(outcome.err.contains("is tracked by git"), "{outcome:?}");
    std::os::unix::fs::symlink(&file, elsewhere.home().join("link")).unwrap();
    let outcome = elsewhere.cast(["secrets", "import", "a", "link", "--dry-run"]).succeeds();
    let typed = format!("'git -C {} rm --cached .env'", fs::canonicalize(sandbox.home()).unwrap().display());
    assert!(outcome.err.contains(&typed), "no {typed} in {outcome:?}");
    // Names that git would take for patterns.
    fs::write(sandbox.home().join("*.txt"), "A=sk-live-1\n").unwrap();
    fs::write(sandbox.home().join("b.txt"), "").unwrap();
    assert!(sandbox.command("git").args(["add", "b.txt"]).status().unwrap().success());
    let outcome = dry("*.txt").succeeds();
    assert!(outcome.err.contains("is not ignored by git"), "{outcome:?}");
}

#[test]
fn git_runs_nothing_gets_no_key_and_is_not_needed() {
    let (sandbox, _) = with_file("A=sk-live-1\n");
    if !repository(&sandbox) {
        return;
    }
    // A repository can name programs to be run.
    let program = sandbox.home().join("monitor");
    fs::write(&program, "#!/bin/sh\ntouch \"$HOME/started\"\n").unwrap();
    assert!(sandbox.command("chmod").arg("+x").arg(&program).status().unwrap().success());
    assert!(sandbox.command("git").args(["config", "core.fsmonitor"]).arg(&program).status().unwrap().success());
    let import = || sandbox.cast(["secrets", "import", "a", ".env"]);
    assert!(import().succeeds().err.contains("is not ignored by git"));
    assert!(!sandbox.home().join("started").exists());
    // A fake git that writes down what it gets.
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("git"), "#!/bin/sh\n/usr/bin/env >\"$HOME/given\"\nexit 128\n").unwrap();
    assert!(sandbox.command("chmod").arg("+x").arg(bin.join("git")).status().unwrap().success());
    let key = sandbox.key();
    let outcome = import().env("PATH", &bin).env("CAST_KEY", &key).succeeds();
    assert!(outcome.err.contains("could not ask git"), "{outcome:?}");
    let given = fs::read_to_string(sandbox.home().join("given")).unwrap();
    assert!(given.contains("HOME=") && !given.contains("CAST_KEY") && !given.contains(&key), "{given}");
    // Nor a descriptor of the key, which is read after git was asked.
    fs::write(sandbox.home().join("given.key"), &key).unwrap();
    let script = "#!/bin/sh\ncat <&9 >\"$HOME/given\" 2>&1\nexit 128\n";
    fs::write(bin.join("git"), script).unwrap();
    let import = || sandbox.cast_after("exec 9<given.key", ["secrets", "import", "a", ".env"]);
    import().env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("CAST_KEY_FILE", "/dev/fd/9").succeeds();
    let given = fs::read_to_string(sandbox.home().join("given")).unwrap();
    assert!(!given.contains(&key), "git was given the key");
    // No git at all.
    let import = || sandbox.cast(["secrets", "import", "a", ".env"]);
    let outcome = import().env("PATH", "/nonexistent").succeeds();
    assert!(outcome.err.contains("could not ask git"), "{outcome:?}");
}

#[test]
fn with_an_agent_key_into_no_vault() {
    let (sandbox, _) = with_file("A=sk-live-1\n");
    sandbox.set("a", "K", "v");
    sandbox.set("b", "K", "v");
    let key = crate::forge::grant_of(&sandbox, "a");
    let import = |agent: &'static str| sandbox.cast(["secrets", "import", agent, ".env"]).env("CAST_KEY", &key);
    import("b").refuses(4, "", &["sk-live"]);
    import("new").refuses(4, "", &["sk-live"]);
    let own = import("a").refuses(4, "the agent key of 'a', which reads its vault", &["sk-live"]);
    assert!(own.err.contains("cast: hint: the owner of the vault can: 'cast secrets import a FILE'"), "{own:?}");
    assert_eq!(sandbox.listing("a").len(), 1);
}
