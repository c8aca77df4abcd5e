//! The story of a project with a `.env` and a `.env.example`: after two commands no secret of it is in plain text
//! anywhere, and its agent still runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::agent::model;
use crate::sandbox::{Outcome, Sandbox, skip};

const SECRET: &str = "sk-live-0123456789";

/// Runs the agent of the project against a model that answers; returns its output and the head of its request.
fn run_agent(sandbox: &Sandbox, project: &Path) -> (Outcome, Vec<String>) {
    let (url, asked) = model();
    let outcome = sandbox
        .cast(["run", "my-agent", "--check", "--", "node", "agent.js"])
        .dir(project)
        .env("MODEL_URL", url)
        .succeeds();
    (outcome, asked.join().unwrap())
}

fn holds_secret(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds_secret(&path);
        }
        fs::read(&path).unwrap().windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    })
}

#[test]
fn becomes_one_without_plain_text_in_two_commands() {
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("project: node is not installed");
    }
    let sandbox = Sandbox::new();
    let project = sandbox.home().join("project");
    fs::create_dir(&project).unwrap();
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent/agent.js"), project.join("agent.js")).unwrap();
    fs::write(project.join(".env.example"), "OPENAI_API_KEY=your-key-here\nLOG_LEVEL=info\n").unwrap();
    fs::write(
        project.join(".env"),
        format!("# mine\nOPENAI_API_KEY=\"{SECRET}\" # from the console\nLOG_LEVEL=info\n"),
    )
    .unwrap();
    let git = |words: &[&str]| {
        let status = sandbox.command("git").current_dir(&project).args(words).status();
        status.is_ok_and(|status| status.success())
    };
    let with_git = git(&["init", "-q"]) && git(&["add", "agent.js", ".env.example"]);

    let import = sandbox.cast(["secrets", "import", "my-agent", ".env", "--remove"]).dir(&project).succeeds();
    import.says_nothing_of(&[SECRET]);
    assert!(import.err.contains("✓ Secrets added for agent 'my-agent': LOG_LEVEL, OPENAI_API_KEY\n"), "{import:?}");
    assert!(import.err.contains("✓ File '.env' removed\n"), "{import:?}");
    assert_eq!(import.err.contains("'.env' is not ignored by git"), with_git, "{import:?}");

    assert!(!holds_secret(sandbox.home()), "the secret is still somewhere in plain text");
    let check = sandbox.cast(["secrets", "check", "my-agent"]).dir(&project).succeeds();
    assert_eq!(check.err, "✓ Agent 'my-agent' has every secret of '.env.example'\n");
    let (outcome, head) = run_agent(&sandbox, &project);
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("the model says: hello\n", ""));
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {SECRET}"))), "{head:?}");
}
