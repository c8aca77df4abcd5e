//! The pictures of the README, drawn from what the real programs write on a real terminal. A picture that is out of
//! date fails here; the
//! variable `CAST_TEST_REWRITE` redraws it.

mod agent;
mod drawing;
mod widths;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::git::two_machines;
use crate::keyring::Session;
use crate::sandbox::{CAST, Call, Sandbox, lacks};
use crate::terminal::Terminal;
use drawing::{Picture, without_what_changes};

const VALUE: &str = "sk-demo-0123456789A";
const AGENT: &str = "console.log(`the agent has its key: ${process.env.OPENAI_API_KEY.length} characters`)\n";

/// Compares the committed picture with what was seen, but for what is different each time.
fn check(name: &str, picture: &Picture<'_>) {
    let file = file(name);
    let made = picture.to_svg();
    if std::env::var_os("CAST_TEST_REWRITE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        without_what_changes(&there) == without_what_changes(&made),
        "{} is not what is written now: CAST_TEST_REWRITE=1 .ci/test pictures\n{made}",
        file.display()
    );
}

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".github", &format!("{name}.svg")].iter().collect()
}

/// A call in a home where `cast` is on the PATH.
fn with_cast(call: Call<'_>) -> Call<'_> {
    let bin = call.sandbox().home().join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        symlink(CAST, bin.join("cast")).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    call.env("PATH", path)
}

/// What a shell command shows on a terminal of that width, below the prompt and the command themselves.
fn shown(call: Call<'_>, columns: u16, command: &str, answers: &[(&str, &str)], code: i32) -> Vec<String> {
    let script = format!("stty cols {columns}\n{command}");
    let (status, text) = Terminal::start_in_shell(with_cast(call), &script).answers(answers);
    assert_eq!(status.code(), Some(code), "{command}: {text}");
    assert!(!text.contains(VALUE), "{command}: {text}");
    let text = text.replace("\r\n", "\n").replace("\x1b[?2004h", "").replace("\x1b[?2004l", "");
    [typed(command)].into_iter().chain(text.trim_end().lines().map(str::to_owned)).collect()
}

/// A command as a person types it.
fn typed(command: &str) -> String {
    format!("\x1b[36m$\x1b[0m \x1b[1m{command}\x1b[0m")
}

fn store(call: Call<'_>, value: &str) {
    call.input(value).succeeds();
}

#[test]
fn the_main_job() {
    if lacks("node", "pictures") {
        return;
    }
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join("agent.js"), AGENT).unwrap();
    let question = [("Enter value", VALUE)];
    let commands: [(&str, &[_]); 4] = [
        ("cast secrets set my-agent OPENAI_API_KEY", &question),
        ("cast secrets list my-agent", &[]),
        ("cast run my-agent -- node agent.js", &[]),
        ("cast run my-agent -- printenv OPENAI_API_KEY | cat   # what a tool call returns", &[]),
    ];
    let parts = commands.map(|(command, answers)| shown(sandbox.cast([""]), 84, command, answers, 0));
    let title = "cast stores a secret, lists its name, runs an agent with it, and masks it in piped output";
    check("demo", &Picture { title, columns: 84, lines: &parts.join(&String::new()) });
}

#[test]
fn doctor() {
    let Some(session) = Session::unlocked() else { return };
    let sandbox = &session.sandbox;
    store(session.cast(["set", "claude", "ANTHROPIC_API_KEY"]), VALUE);
    store(session.cast(["set", "claude", "NODE_OPTIONS", "--allow-dangerous-name"]), "--max-old-space-size=8192");
    store(session.cast(["set", "github-mcp", "GITHUB_PERSONAL_ACCESS_TOKEN"]), "ghp_demo0123456789");
    store(session.cast(["set", "deploy", "API_TOKEN"]), "demo-0123456789");
    let old = fs::read(sandbox.vault("deploy")).unwrap();
    store(session.cast(["set", "deploy", "API_TOKEN"]), "demo-9876543210");
    session.cast(["key", "export", "--output", "cast-master.key"]).succeeds();
    // As by a backup, or by somebody who can write the folder.
    fs::write(sandbox.vault("deploy"), old).unwrap();
    let lines = shown(session.cast([""]), 110, "cast doctor", &[], 1);
    let title = "cast doctor finds an older vault than the machine has seen, and a name that can run code";
    check("doctor", &Picture { title, columns: 110, lines: &lines });
}

#[test]
fn a_diff() {
    let Some([here, _]) = two_machines() else { return };
    store(here.cast(&["set", "deploy", "API_TOKEN"]), "demo-0123456789");
    store(here.cast(&["set", "deploy", "REGION", "--unmasked"]), "eu-central-1");
    here.commit("deploy");
    store(here.cast(&["set", "deploy", "API_TOKEN"]), "demo-9876543210");
    store(here.cast(&["set", "deploy", "WEBHOOK_URL"]), "https://demo:demo-01234567@example.com");
    let call = here.sandbox.cast([""]).dir(here.tree()).env("CAST_VAULTS", here.vaults()).env("GIT_PAGER", "cat");
    let lines = shown(call.env("GIT_CONFIG_NOSYSTEM", "1"), 84, "git diff", &[], 0);
    let title = "git diff of a vault: which secrets changed, with times and fingerprints, and no value";
    check("diff", &Picture { title, columns: 84, lines: &lines });
}
