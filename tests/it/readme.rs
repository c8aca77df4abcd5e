//! The README works as written. The test runs its shell blocks on a terminal in order, in one home for each section, as
//! a reader would, and parses its data. A comment before a block that cannot run here says why.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use yaml_rust2::YamlLoader;

use crate::sandbox::{CAST, Sandbox, skip};
use crate::terminal::Terminal;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The beginning of a comment that says why a block is not run.
const NOT_RUN: &str = "<!-- not run here: ";

/// The answer where a block asks for a value; it must never be shown.
const TYPED: &str = "sk-typed-0123456789abcdef";

/// A fenced block.
pub struct Block {
    /// The heading it is under.
    pub section: String,
    pub language: String,
    pub text: String,
    /// Why it is not run.
    not_run: Option<String>,
    /// Where it begins.
    line: usize,
}

/// The blocks of a page, in their order.
pub fn blocks_of(page: &str) -> Vec<Block> {
    let (mut blocks, mut section, mut before) = (Vec::new(), String::new(), "");
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```");
            let text = text.flat_map(|line| [line, "\n"]).collect();
            let not_run = before.strip_prefix(NOT_RUN).and_then(|why| why.strip_suffix(" -->")).map(str::to_owned);
            blocks.push(Block { section: section.clone(), language: language.to_owned(), text, not_run, line: number });
        } else if line.starts_with("## ") || line.starts_with("### ") {
            line.trim_start_matches(['#', ' ']).clone_into(&mut section);
        }
        before = line;
    }
    blocks
}

/// The blocks of the README.
pub fn blocks() -> Vec<Block> {
    let blocks = blocks_of(&fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap());
    assert!(blocks.len() > 20, "blocks are missing");
    blocks
}

#[test]
fn every_block_is_run_or_parsed_or_says_why_not() {
    for Block { language, text, not_run, line, section } in blocks() {
        let parsed = match language.as_str() {
            "json" => serde_json::from_str::<serde_json::Value>(&text).map(drop).map_err(|error| error.to_string()),
            "yaml" => YamlLoader::load_from_str(&text).map(drop).map_err(|error| error.to_string()),
            // Run below.
            "sh" => Ok(()),
            // Run in `sdk`, which has what they need.
            "js" | "rust" if section == "From programs" => Ok(()),
            _ => Err(format!("no test for a block in '{language}'")),
        };
        assert_eq!(parsed, Ok(()), "README.md:{line}");
        assert!(not_run.is_none_or(|why| language == "sh" && why.len() > 10), "README.md:{line}: why is it not run?");
    }
    let marks = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap().matches(NOT_RUN.trim()).count();
    let marked = blocks().iter().filter(|block| block.not_run.is_some()).count();
    assert_eq!(marks, marked, "a comment stands before no block");
    assert!(marked <= 6, "most are to be run");
}

/// A home with what the README assumes: a key, some secrets, a project with its `.env`, a medium for backups, and other
/// programs.
fn home_of_a_reader(section: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    // The section on creating a key starts without one.
    if !section.starts_with("Servers") {
        sandbox.cast(["init", "--key-store", "file"]).succeeds();
        sandbox.set("my-agent", "OPENAI_API_KEY", "sk-live-0123456789abcdef");
        sandbox.set("my-agent", "API_TOKEN", "ghp-0123456789abcdef");
    }
    let home = sandbox.home();
    for folder in ["usb", "bin", "project"] {
        fs::create_dir(home.join(folder)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(home.join("project").join(name), text).unwrap();
    write("agent.js", "console.log(`the agent got its key, ${process.env.OPENAI_API_KEY.length} characters`)\n");
    write("key.pem", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n");
    write(".env", "# of the project\nOPENAI_API_KEY='sk-env-0123456789abcdef'\nexport API_TOKEN=ghp-env-0123456789\n");
    write(".env.example", "OPENAI_API_KEY=your-key-here\nAPI_TOKEN=\n");
    symlink(Path::new(ROOT).join("man"), home.join("project/man")).unwrap();
    symlink(CAST, home.join("bin/cast")).unwrap();
    for (name, script) in [
        ("deploy.sh", "echo \"deployed with $API_TOKEN\""),
        // Stand-ins for programs that print a secret, take one, or are a coding agent that needs its key.
        ("../bin/pass", "[ \"$*\" = 'show openai' ] && echo sk-pass-0123456789abcdef"),
        ("../bin/gh", "[ \"$*\" = 'secret set CAST_KEY' ] && cat >\"$HOME/given-to-gh\""),
        ("../bin/claude", "[ -t 1 ] && [ ${#ANTHROPIC_API_KEY} -gt 8 ]"),
        ("../bin/codex", "[ -t 1 ] && [ ${#OPENAI_API_KEY} -gt 8 ] && [ -n \"$HTTPS_PROXY\" ]"),
        ("../bin/gemini", "[ -t 1 ] && [ ${#GEMINI_API_KEY} -gt 8 ] && [ -n \"$HTTPS_PROXY\" ]"),
    ] {
        write(name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(home.join("project").join(name), PermissionsExt::from_mode(0o755)).unwrap();
    }
    for words in [&["init", "-q"][..], &["config", "user.name", "a"], &["config", "user.email", "a@example.com"]] {
        let git = sandbox.command("git").args(words).current_dir(home.join("project")).status();
        assert!(git.unwrap().success());
    }
    sandbox
}

/// Each command of a block, changed so that its failure ends the script, also in `this && that`.
fn checked(text: &str) -> String {
    let mut script = String::new();
    let mut command = String::new();
    for line in text.lines() {
        command.push_str(line);
        command.push('\n');
        let goes_on = line.ends_with("&&") || line.ends_with('\\') || line.ends_with('|');
        if !goes_on && !command.trim().is_empty() {
            script.extend(["{ ", &command, "} || exit 1\n"]);
        }
        if !goes_on {
            command.clear();
        }
    }
    script
}

/// Runs a block on a terminal and answers its questions; returns what the terminal showed.
fn run(sandbox: &Sandbox, block: &Block) -> String {
    // A medium of its own for each home.
    let text = block.text.replace("/media/usb/", &format!("{}/usb/", sandbox.home().display()));
    let script = sandbox.home().join("block");
    let project = sandbox.home().join("project");
    if text.starts_with("#!") {
        fs::write(&script, text).unwrap();
    } else {
        fs::write(&script, format!("#!/bin/sh\n{}", checked(&text))).unwrap();
    }
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}/bin:{}", sandbox.home().display(), std::env::var("PATH").unwrap());
    // Through env: this process cannot run a file that another of its threads has open for writing while it forks.
    let call = sandbox.other("sh", ["-c", "exec ../block"]).dir(project).env("PATH", path);
    let (status, shown) =
        Terminal::start(call).answers(&[("Enter value for", TYPED), ("passphrase", TYPED), ("Enter it again", TYPED)]);
    assert!(status.success(), "README.md:{}: {status}: {shown}", block.line);
    shown
}

#[test]
fn shell_blocks_do_what_they_say() {
    for program in ["age", "git", "node"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skip(&format!("readme: {program} is not installed"));
        }
    }
    let mut home: Option<(String, Sandbox)> = None;
    for block in blocks().iter().filter(|block| block.language == "sh" && block.not_run.is_none()) {
        if home.as_ref().is_none_or(|(section, _)| *section != block.section) {
            home = Some((block.section.clone(), home_of_a_reader(&block.section)));
        }
        let sandbox = &home.as_ref().unwrap().1;
        let shown = run(sandbox, block);
        // The section about decrypting without cast does show values.
        assert!(block.text.contains("age -d -i") || !shown.contains(TYPED), "README.md:{}: {shown}", block.line);
        outcome(sandbox, block, &shown);
    }
}

/// The effects that a block must have.
#[track_caller]
fn outcome(sandbox: &Sandbox, block: &Block, shown: &str) {
    let project = sandbox.home().join("project");
    let read = |name: &str| fs::read_to_string(project.join(name)).unwrap_or_default();
    let says = |text: &str| block.text.contains(text);
    let mut holds: Vec<(&str, bool)> = Vec::new();
    if says("node agent.js") {
        holds.push(("the agent ran", shown.contains("the agent got its key")));
    }
    if says("import my-agent .env --remove") {
        holds.push(("the file is gone", !project.join(".env").exists()));
        let value = sandbox.value("my-agent", "OPENAI_API_KEY");
        holds.push(("its values are in the vault", value == b"sk-env-0123456789abcdef"));
    }
    if says("key.pem") {
        holds.push(("what was deleted is gone", sandbox.listing("my-agent").len() == 3));
    }
    if says("tee deploy.log") {
        holds.push(("the log is masked", read("deploy.log") == "deployed with [cast:API_TOKEN]\n"));
    }
    if says("gh secret set") {
        holds.push(("an agent key was handed out", read("../given-to-gh").starts_with("cast-agent:my-agent:")));
    }
    if says("git commit") {
        let log = sandbox.other("git", ["log", "--oneline", "--", "vaults/my-agent.age"]).dir(&project).succeeds().out;
        holds.push(("the vault is committed", log.contains("vault of my-agent")));
    }
    if says("env -S cast run") || says("--clean-env") {
        holds.push(("the script has its secrets", shown.contains("deployed with ghp-0123456789abcdef")));
    }
    if says("age -d -i") {
        holds.push(("the vault opens without cast", shown.contains("[secrets.OPENAI_API_KEY]")));
    }
    if says("--key-store passphrase") {
        holds.push(("the key is under a passphrase", sandbox.data().join("key.age").exists()));
    }
    for (what, holds) in holds {
        assert!(holds, "README.md:{}: not so: {what}: {shown}", block.line);
    }
}
