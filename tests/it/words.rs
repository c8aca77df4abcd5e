//! What cast calls things, and what a user reads who is a little off: the class of a fault, the way to what is meant,
//! and the name that cast goes by here.

use std::fs;

use crate::sandbox::{CAST, Sandbox};
use crate::terminal::Terminal;

#[test]
fn the_class_of_what_is_wrong_with_a_name() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    for (agent, class) in [
        ("MY-AGENT", "it contains upper-case letters"),
        ("my-agent ", "it begins or ends with a blank"),
        ("my-agent\n", "it begins or ends with a blank"),
        ("my agent", "it contains a blank"),
        ("", "it is empty"),
        (&"a".repeat(64), "it has more than 63 characters"),
    ] {
        let message = format!("cast: error: AGENT is not a valid agent name: {class}\n");
        sandbox.cast(["set", agent, "K", "sk-live-abc"]).refuses(2, &message, &["sk-live", "MY-AGENT", "my-agent\n"]);
        sandbox.cast(["run", agent, "--", "true"]).refuses(125, &message, &["MY-AGENT"]);
    }
    for (key, class) in [
        ("PAYROLL_KEY ", "it begins or ends with a blank"),
        ("PAYROLL-KEY", "it contains '-' or '.'"),
        ("PAYROLL KEY", "it contains a blank"),
        ("1ST", "it begins with a digit"),
        ("K=sk-live-abc", "it contains '='"),
    ] {
        let message = format!("cast: error: KEY is not a valid secret name: {class}\n");
        sandbox.cast(["set", "a", key, "sk-live-abc"]).refuses(2, &message, &["sk-live", "PAYROLL"]);
        sandbox.cast(["delete", "a", key]).refuses(2, &message, &["sk-live"]);
    }
}

#[test]
fn a_value_behind_an_equals_sign_is_sent_to_the_hidden_prompt_first() {
    let sandbox = Sandbox::new();
    let refused = sandbox.cast(["set", "a", "KEY=sk-live-abc"]).refuses(2, "it contains '='", &["sk-live"]);
    let hints: Vec<_> = refused.err.lines().skip(1).collect();
    assert!(hints[0].contains("hidden prompt: 'cast secrets set AGENT KEY'"), "{refused:?}");
    assert!(hints[1].contains("'cast secrets set AGENT KEY VALUE'"), "{refused:?}");
}

#[test]
fn no_command_prints_a_secret_on_purpose() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    for words in [&["get", "a", "K"][..], &["secrets", "get", "a", "K"], &["-q", "reveal"], &["key", "print"]] {
        let message = "no such command: cast prints no secret, on purpose";
        let refused = sandbox.cast(words).refuses(2, message, &["hunter2"]);
        assert!(words[0] == "-q" || refused.err.contains("'cast run AGENT -- CMD'"), "{refused:?}");
    }
}

#[test]
fn help_within_a_group() {
    let sandbox = Sandbox::empty();
    for (words, page) in [
        (&["secrets", "help", "set"][..], &["secrets", "set", "--help"][..]),
        (&["-q", "secrets", "help", "import"], &["secrets", "import", "--help"]),
        (&["secrets", "help"], &["secrets", "--help"]),
        (&["key", "help", "export"], &["key", "export", "--help"]),
        (&["vault", "help", "accept"], &["vault", "accept", "--help"]),
        (&["help", "secrets", "set"], &["secrets", "set", "--help"]),
    ] {
        let (help, page) = (sandbox.cast(words).succeeds(), sandbox.cast(page).succeeds());
        assert_eq!((help.out, help.err), (page.out, page.err), "{words:?}");
    }
    sandbox.cast(["secrets", "help", "sk-live-abc"]).refuses(2, "no such command", &["sk-live"]);
}

#[test]
fn a_renamed_binary_names_itself_in_hints() {
    let sandbox = Sandbox::new();
    let folder = tempfile::tempdir().unwrap();
    let renamed = folder.path().join("cast2");
    std::os::unix::fs::symlink(CAST, &renamed).unwrap();
    let call = |words: &[&str]| sandbox.other(renamed.to_str().unwrap(), words.iter().copied());
    let refused = call(&["run", "nobody", "--", "true"]).refuses(125, "has no vault", &[]);
    assert!(refused.err.contains("'cast2 secrets set nobody KEY'"), "{refused:?}");
    for words in [&["set", "a", "K=v"][..], &["get"], &["run", "a", "sk-live-abc"], &["secrets", "run"]] {
        let refused = call(words).refuses(if words[0] == "run" { 125 } else { 2 }, "", &["sk-live"]);
        assert!(refused.err.contains("'cast2 ") && !refused.err.contains("'cast "), "{refused:?}");
    }
    // What cast says of itself keeps its name, and so does what is for programs.
    assert!(refused.err.starts_with("cast: error: "), "{refused:?}");
    assert!(sandbox.cast(["get"]).refuses(2, "", &[]).err.contains("'cast run"));
}

#[test]
fn no_is_an_answer_and_not_an_error() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    let before = sandbox.snapshot();
    for words in [&["delete", "a", "--all"][..], &["-q", "delete", "a", "--all"]] {
        let mut terminal = Terminal::start(sandbox.cast(words));
        terminal.sees("Delete the vault of agent 'a'");
        terminal.types("n\r");
        let shown = terminal.ends_with(1);
        assert!(shown.contains("Cancelled. Nothing was changed."), "{shown}");
        assert!(!shown.contains("error") && !shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn no_such_agent_names_the_folder_that_was_looked_in() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let folder = sandbox.data().join("vaults");
    let message = format!("cast: error: agent 'b' has no vault in '{}'\n", folder.display());
    sandbox.cast(["list", "b"]).refuses(3, &message, &[]);
    sandbox.cast(["run", "b", "true"]).refuses(125, &message, &[]);
    let elsewhere = sandbox.home().join("repository");
    fs::create_dir(&elsewhere).unwrap();
    let message = format!("agent 'a' has no vault in '{}'\n", elsewhere.display());
    sandbox.cast(["list", "a"]).env("CAST_VAULTS", &elsewhere).refuses(3, &message, &[]);
}

#[test]
fn what_looks_like_a_token_is_no_name_and_is_shown_nowhere() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    let agent = "sk-ant-api03-9f8e7d6c5b4a";
    let key = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let random = "q7xk2v9zp4m8w1tb3r6yhd";
    for (words, position) in [
        (&["set", agent, "K", "value"][..], "AGENT"),
        (&["set", random, "K", "value"], "AGENT"),
        (&["list", agent], "AGENT"),
        (&["delete", agent, "K"], "AGENT"),
        (&["secrets", "copy", "a", agent, "K"], "AGENT"),
        (&["audit", agent], "AGENT"),
        (&["key", "export", "--agent", agent], "AGENT"),
        (&["set", "a", key, "value"], "KEY"),
        (&["delete", "a", key], "KEY"),
        (&["secrets", "rename", "a", "K", key], "KEY"),
    ] {
        let message = format!("{position} is not a valid");
        let refused = sandbox.cast(words).refuses(2, &message, &[agent, key, random]);
        assert!(refused.err.contains("it looks like a token"), "{refused:?}");
    }
    sandbox.cast(["run", agent, "--", "true"]).refuses(125, "it looks like a token", &[agent]);
    sandbox.cast(["run", "a", "--only", key, "--", "true"]).refuses(125, "it looks like a token", &[key]);
    fs::write(sandbox.home().join("token.env"), format!("{key}=value\n")).unwrap();
    let refused =
        sandbox.cast(["secrets", "import", "a", "token.env"]).dir(sandbox.home()).refuses(2, "line 1", &[key]);
    assert!(refused.err.contains("it looks like a token"), "{refused:?}");
    let log = sandbox.cast(["audit", "--json"]).succeeds();
    assert!(![agent, key, random].iter().any(|word| log.out.contains(word)), "{log:?}");
}

#[test]
fn names_that_run_code_are_held_at_set_import_and_run() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    for name in
        ["GIT_EXTERNAL_DIFF", "XDG_CONFIG_HOME", "ZDOTDIR", "npm_config_script_shell", "https_proxy", "RUSTC_WRAPPER"]
    {
        let message = format!("the name '{name}' is refused: it makes programs load code or changes what runs");
        sandbox.cast(["set", "a", name, "hunter2-hunter3"]).refuses(2, &message, &["hunter3"]);
        let message = format!("line 2: '{name}': the name makes programs load code");
        fs::write(sandbox.home().join("code.env"), format!("FINE=hunter2-hunter3\n{name}=hunter2-hunter3\n")).unwrap();
        sandbox.cast(["secrets", "import", "a", "code.env"]).dir(sandbox.home()).refuses(2, &message, &["hunter3"]);
    }
    for name in ["PYTHONUNBUFFERED", "npm_config__authToken", "CARGO_REGISTRY_TOKEN", "GIT_AUTHOR_NAME", "GIT_TOKEN"] {
        sandbox.cast(["set", "a", name, "hunter2-hunter3"]).succeeds();
    }
}

#[test]
fn a_key_in_the_place_of_the_agent() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    for words in [&["set", "OPENAI_API_KEY", "hunter2"][..], &["delete", "OPENAI_API_KEY", "hunter2"]] {
        let refused = sandbox.cast(words).refuses(2, "AGENT is not a valid agent name", &["hunter2", "sk-live"]);
        assert!(refused.err.contains("AGENT comes first, then KEY"), "{refused:?}");
    }
    let refused = sandbox.cast(["set", "MY-AGENT", "K", "v"]).refuses(2, "AGENT is not a valid agent name", &[]);
    assert!(!refused.err.contains("AGENT comes first"), "{refused:?}");
}

#[test]
fn what_is_missing_is_shown_with_the_form_of_the_command() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let refused = sandbox.cast(["secrets", "import", "sk-live-abc"]).refuses(2, "missing: <FILE>", &["sk-live"]);
    assert!(refused.err.contains("the form is: 'cast secrets import <AGENT> <FILE>'"), "{refused:?}");
}

#[test]
fn a_token_as_the_command_is_shown_nowhere() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    let token = "sk-ant-api03-9f8e7d6c5b4a";
    let message = "CMD was not found; it looks like a token, so cast does not show it";
    sandbox.cast(["run", "a", "--", token]).refuses(127, message, &[token, "hunter2"]);
}

#[test]
fn an_unknown_name_to_include_has_a_neighbour() {
    let sandbox = Sandbox::with("a", &[("API_TOKEN", "hunter2-hunter2")]);
    for (name, hint) in [("API_TOKN", "did you mean 'API_TOKEN'?"), ("OTHER", "'cast run a --explain'")] {
        let call = sandbox.cast(["run", "a", "--only", name, "--", "true"]);
        let refused =
            call.refuses(125, &format!("agent 'a' has no secret '{name}', which '--only' names"), &["hunter2"]);
        assert!(refused.err.contains(hint), "{refused:?}");
    }
}

#[test]
fn a_missing_example_is_said_with_the_option_for_another() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    let refused = sandbox.cast(["secrets", "check", "a"]).refuses(6, "cannot open '.env.example'", &["hunter2"]);
    assert!(refused.err.contains("'--example FILE'"), "{refused:?}");
    let call = sandbox.cast(["run", "a", "--check", "--", "true"]);
    let refused = call.refuses(125, "cannot open '.env.example'", &["hunter2"]);
    assert!(refused.err.contains("'--check=FILE'"), "{refused:?}");
}
