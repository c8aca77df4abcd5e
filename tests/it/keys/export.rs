//! `cast key export`: the exported key opens what it should; cast checks where the output goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::{exported, sandbox};
use crate::forge::grant_of;
use crate::sandbox::{CAST, CODING_AGENTS, skip};
use crate::terminal::Terminal;

#[test]
fn a_backup_that_stock_age_takes() {
    let sandbox = sandbox();
    let text = exported(&sandbox, &[]);
    assert!(
        text.starts_with("# cast master key") && text.contains("\n# exported: 2") && text.contains("\n# created: 2")
    );
    let backup = sandbox.home().join("master.key");
    fs::write(&backup, &text).unwrap();
    for program in ["age", "rage"] {
        let mut open = sandbox.command(program);
        open.args(["-d", "-i"]).arg(&backup).arg(sandbox.vault("a")).stderr(Stdio::inherit());
        let Ok(output) = open.output() else {
            skip(&format!("backup: {program} is not installed"));
            continue;
        };
        assert!(String::from_utf8(output.stdout).unwrap().contains("hunter2-of-a"), "{program}");
    }
}

#[test]
fn an_agent_key_in_one_line() {
    let sandbox = sandbox();
    assert_eq!(exported(&sandbox, &["--agent", "a"]), grant_of(&sandbox, "a") + "\n");
    // It goes to a pipe unasked, below a coding agent too.
    let piped = sandbox.cast(["key", "export", "--agent", "a"]).env("CLAUDECODE", "1").succeeds();
    assert_eq!((piped.out, piped.err.as_str()), (grant_of(&sandbox, "a") + "\n", ""));
    sandbox.cast(["key", "export", "--agent", "c"]).refuses(3, "agent 'c' has no vault", &[]);
    sandbox.cast(["key", "export", "--agent", "sk-LIVE"]).refuses(2, "AGENT", &["sk-LIVE"]);
    // The holder of an agent key cannot export one.
    let key = grant_of(&sandbox, "a");
    for words in [&["--output", "-"][..], &["--agent", "a"], &["--agent", "b"]] {
        sandbox.cast(["key", "export"].iter().chain(words)).env("CAST_KEY", &key).refuses(
            4,
            "the agent key of 'a'",
            &["hunter2"],
        );
    }
}

#[test]
fn into_a_new_file_of_ones_own() {
    let sandbox = sandbox();
    for (words, umask) in [(&["key", "export"][..], "000"), (&["key", "export", "--agent", "a"], "0777")] {
        let file = format!("out-{umask}");
        let words: Vec<_> = words.iter().copied().chain(["--output", &file]).collect();
        let outcome = sandbox.cast_after(&format!("umask {umask}"), &words).succeeds();
        assert_eq!(outcome.out, "");
        assert!(outcome.err.contains(&file), "{outcome:?}");
        outcome.says_nothing_of(&["AGE-SECRET-KEY"]);
        let path = sandbox.home().join(&file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().contains("AGE-SECRET-KEY-1"));
        // cast overwrites nothing, whatever it is.
        sandbox.cast(&words).refuses(6, "file already exists", &[]);
    }
    std::os::unix::fs::symlink("nowhere", sandbox.home().join("link")).unwrap();
    sandbox.cast(["key", "export", "--output", "link"]).refuses(6, "file already exists", &[]);
    sandbox.cast(["key", "export", "--output", "no/such/folder"]).refuses(6, "cannot create", &[]);
    sandbox.cast_after("ulimit -f 0", ["key", "export", "-o", "full"]).refuses(6, "file too large", &[]);
}

#[test]
fn warns_of_places_that_others_see() {
    let sandbox = sandbox();
    let run = |script: &str| sandbox.other("sh", ["-c", script, CAST]).succeeds();
    let warned = run("umask 022; \"$0\" key export -o - > open");
    assert!(warned.err.contains("cast: warning: ") && warned.err.contains("other users can read"), "{warned:?}");
    let silent = run("umask 077; \"$0\" key export -o - > closed; \"$0\" key export -o - | cat > /dev/null");
    assert_eq!(silent.err, "");
    // A folder that others can list, and a repository.
    for (mode, words) in [(0o755, "other users can list"), (0o700, "git work tree")] {
        let folder = sandbox.home().join(format!("folder{mode:o}"));
        fs::create_dir_all(folder.join(if mode == 0o700 { ".git" } else { "x" })).unwrap();
        fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
        let path = folder.join("master.key");
        let outcome = sandbox.cast(["key", "export", "-q", "-o", path.to_str().unwrap()]).succeeds();
        assert!(outcome.err.starts_with("cast: warning: ") && outcome.err.contains(words), "{outcome:?}");
        assert!(path.exists());
    }
}

#[test]
fn a_terminal_is_asked_first() {
    let sandbox = sandbox();
    let mut terminal = Terminal::start(sandbox.cast(["key", "export"]));
    terminal.sees("will appear on this terminal");
    terminal.types("n\r");
    let shown = terminal.ends_with(1);
    assert!(!shown.contains("AGE-SECRET-KEY"), "{shown}");
    let mut terminal = Terminal::start(sandbox.cast(["key", "export", "--agent", "a"]));
    terminal.sees("will appear on this terminal");
    terminal.types("y\r");
    assert!(terminal.ends_with(0).contains(&grant_of(&sandbox, "a")));
}

#[test]
fn the_master_key_goes_to_no_pipe_unasked() {
    let sandbox = sandbox();
    for words in [&["key", "export"][..], &["key", "export", "--yes"], &["-q", "key", "export"]] {
        let refused = sandbox.cast(words).refuses(2, "standard output is not a terminal", &["hunter2"]);
        let hints = ["'--output FILE'", "'--output -'", "'cast key export --agent AGENT'"];
        assert!(words.contains(&"-q") || hints.iter().all(|hint| refused.err.contains(hint)), "{refused:?}");
    }
    // Nor into a file that a shell opened, with standard error on a terminal.
    let script = "\"$@\" > out; echo \"[$?]\"; wc -c < out";
    let shown = Terminal::start_in_shell(sandbox.cast(["key", "export"]), script).ends_with(0);
    assert!(shown.contains("[2]\r\n0\r\n"), "{shown}");
    // A terminal that cannot be asked.
    let mut terminal = Terminal::start_in_shell(sandbox.cast(["key", "export", "-o", "-"]), "\"$@\" 2> err; cat err");
    terminal.sees("--output FILE");
    assert!(!terminal.ends_with(0).contains("AGE-SECRET-KEY"));
}

#[test]
fn a_coding_agent_gets_the_master_key_only_with_yes() {
    let sandbox = sandbox();
    for variable in CODING_AGENTS {
        for words in [&["key", "export"][..], &["key", "export", "-o", "-"], &["key", "export", "-o", "file"]] {
            let call = sandbox.cast(words).env(variable, "sk-live-1");
            let refused = call.refuses(2, &format!("{variable} is set"), &["hunter2", "sk-live"]);
            assert!(refused.err.contains("'--yes'"), "{refused:?}");
        }
    }
    // A terminal below an agent is no person, and the agent could type the answer.
    for words in [&["key", "export"][..], &["key", "export", "-o", "-"]] {
        let shown = Terminal::start(sandbox.cast(words).env("GEMINI_CLI", "1")).ends_with(2);
        assert!(shown.contains("GEMINI_CLI is set") && !shown.contains("AGE-SECRET-KEY"), "{shown}");
    }
    // `--yes` says what to do, not where to: a pipe still needs its word.
    let yes = |words: &[&str]| sandbox.cast(["key", "export", "--yes"].iter().chain(words)).env("CLAUDECODE", "1");
    yes(&[]).refuses(2, "standard output is not a terminal", &["hunter2"]);
    assert!(yes(&["--output", "-"]).succeeds().out.contains("AGE-SECRET-KEY-1"));
    yes(&["--output", "file"]).succeeds();
    assert!(fs::read_to_string(sandbox.home().join("file")).unwrap().contains("AGE-SECRET-KEY-1"));
    // On a terminal it is not asked for again.
    let shown = Terminal::start(sandbox.cast(["key", "export", "--yes"])).ends_with(0);
    assert!(shown.contains("AGE-SECRET-KEY-1") && !shown.contains("Continue?"), "{shown}");
    // An empty variable tells nothing.
    sandbox.cast(["key", "export", "-o", "-"]).env("CLAUDECODE", "").succeeds();
}

#[test]
fn not_from_a_vault_that_is_behind() {
    let sandbox = sandbox();
    let elsewhere = sandbox.home().join("elsewhere");
    sandbox.cast(["set", "a", "K", "hunter2"]).env("CAST_VAULTS", &elsewhere).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    // An agent key made from the former master key would stop working with the next change.
    let export = sandbox.cast(["key", "export", "--agent", "a"]).env("CAST_VAULTS", &elsewhere);
    export.refuses(1, "still sealed to a former master key", &["hunter2"]);
}
