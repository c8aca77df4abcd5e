//! The README and the pages behind it work as written. The test runs their shell blocks on a terminal in order, in one
//! home for each section, as a reader would, and parses their data. A comment before a block that cannot run here says
//! why.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use yaml_rust2::YamlLoader;

use crate::forge::Key;
use crate::sandbox::{CAST, Sandbox, skip};
use crate::terminal::Terminal;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages for users.
const PAGES: [&str; 14] = [
    "README.md",
    "docs/audit.md",
    "docs/broker.md",
    "docs/ci.md",
    "docs/commands.md",
    "docs/keys.md",
    "docs/leaks.md",
    "docs/machines.md",
    "docs/masking.md",
    "docs/people.md",
    "docs/performance.md",
    "docs/platforms.md",
    "docs/programs.md",
    "docs/proof.md",
];

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
    /// The page, and the line where it begins.
    place: String,
}

/// The blocks of a page, in their order.
pub fn blocks_of(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let (mut blocks, mut section, mut before) = (Vec::new(), String::new(), "");
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```");
            let text = text.flat_map(|line| [line, "\n"]).collect();
            let not_run = before.strip_prefix(NOT_RUN).and_then(|why| why.strip_suffix(" -->")).map(str::to_owned);
            let place = format!("{page}:{number}");
            blocks.push(Block { section: section.clone(), language: language.to_owned(), text, not_run, place });
        } else if line.starts_with("## ") || line.starts_with("### ") {
            line.trim_start_matches(['#', ' ']).clone_into(&mut section);
        }
        before = line;
    }
    blocks
}

/// The blocks of all pages.
fn blocks() -> Vec<Block> {
    let blocks: Vec<_> = PAGES.into_iter().flat_map(blocks_of).collect();
    assert!(blocks.len() > 30, "blocks are missing");
    blocks
}

#[test]
fn every_block_is_run_or_parsed_or_says_why_not() {
    for Block { language, text, not_run, place, section } in blocks() {
        let parsed = match language.as_str() {
            "json" => serde_json::from_str::<serde_json::Value>(&text).map(drop).map_err(|error| error.to_string()),
            "yaml" => YamlLoader::load_from_str(&text).map(drop).map_err(|error| error.to_string()),
            // Run below.
            "sh" => Ok(()),
            // Run in `sdk`, which has what they need.
            "js" | "rust" if section == "From programs" => Ok(()),
            _ => Err(format!("no test for a block in '{language}'")),
        };
        assert_eq!(parsed, Ok(()), "{place}");
        assert!(not_run.is_none_or(|why| language == "sh" && why.len() > 10), "{place}: why is it not run?");
    }
    let page = |page: &str| fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let marks: usize = PAGES.into_iter().map(|name| page(name).matches(NOT_RUN.trim()).count()).sum();
    let marked = blocks().iter().filter(|block| block.not_run.is_some()).count();
    assert_eq!(marks, marked, "a comment stands before no block");
    assert!(marked <= 10, "most are to be run");
}

/// A link leads to a file that is there and, behind `#`, to a heading of it.
#[test]
fn every_link_leads_somewhere() {
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let others = ["SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/spec.md", "sdk/node/README.md"];
    for name in PAGES.into_iter().chain(others) {
        let path = Path::new(ROOT).join(name);
        let text = read(&path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{name}: there is no {link}");
            if let Some(anchor) = anchor {
                assert!(anchors(&read(&target)).any(|known| known == anchor), "{name}: nothing is called {link}");
            }
        }
    }
}

/// What headings are called in links.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches(['#', ' ']));
    titles.map(|title| {
        let words = title.to_lowercase().replace(' ', "-");
        words.chars().filter(|letter| letter.is_alphanumeric() || ['-', '_'].contains(letter)).collect()
    })
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
        sandbox.set("deploy", "API_TOKEN", "ghp-0123456789abcdef");
    }
    let home = sandbox.home();
    for folder in ["usb", "bin", "project"] {
        fs::create_dir(home.join(folder)).unwrap();
    }
    // What a colleague has sent.
    let card = format!("{}\n", Key::generate().card());
    fs::write(home.join("project/alice.card"), &card).unwrap();
    if ["What she may set", "Who leaves"].contains(&section) {
        sandbox.cast(["share", "deploy", "--yes", "--with", &format!("alice={}", card.trim())]).succeeds();
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
        ("../bin/claude", "[ \"$1 $2\" = 'mcp add' ] || { [ -t 1 ] && [ ${#ANTHROPIC_API_KEY} -gt 8 ]; }"),
        (
            "../bin/codex",
            "[ \"$1 $2\" = 'mcp add' ] || { [ -t 1 ] && [ ${#OPENAI_API_KEY} -gt 8 ] && [ -n \"$HTTPS_PROXY\" ]; }",
        ),
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
    let (status, shown) = Terminal::start(call).answers(&[
        ("Enter value for", TYPED),
        ("passphrase", TYPED),
        ("Enter it again", TYPED),
        ("Share the vault?", "y"),
    ]);
    assert!(status.success(), "{}: {status}: {shown}", block.place);
    shown
}

#[test]
fn shell_blocks_do_what_they_say() {
    for program in ["age", "git", "node"] {
        if Command::new(program).arg("--version").output().is_err() {
            return skip(&format!("readme: {program} is not installed"));
        }
    }
    let mut home: Option<((String, String), Sandbox)> = None;
    for block in blocks().iter().filter(|block| block.language == "sh" && block.not_run.is_none()) {
        let page = block.place.split(':').next().unwrap().to_owned();
        let section = (page, block.section.clone());
        if home.as_ref().is_none_or(|(known, _)| *known != section) {
            home = Some((section, home_of_a_reader(&block.section)));
        }
        let sandbox = &home.as_ref().unwrap().1;
        let shown = run(sandbox, block);
        // The section about decrypting without cast does show values.
        assert!(block.text.contains("age -d -i") || !shown.contains(TYPED), "{}: {shown}", block.place);
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
    if says("cast share deploy --with alice=") && !says("cast unshare") {
        let access = sandbox.cast(["share", "deploy", "--json"]).succeeds().out;
        holds.push(("the vault is shared", access.contains("\"name\": \"alice\"")));
    }
    if says("cast unshare deploy alice") {
        let access = sandbox.cast(["share", "deploy", "--json"]).succeeds().out;
        holds.push(("it is shared no more", access.contains("\"people\": []")));
        holds.push(("what she has read is named", shown.contains("\nAPI_TOKEN")));
    }
    if says("age -d -i") {
        holds.push(("the vault opens without cast", shown.contains("[secrets.OPENAI_API_KEY]")));
    }
    if says("--key-store passphrase") {
        holds.push(("the key is under a passphrase", sandbox.data().join("key.age").exists()));
    }
    for (what, holds) in holds {
        assert!(holds, "{}: not so: {what}: {shown}", block.place);
    }
}
