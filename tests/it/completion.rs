//! Completion in real shells on a pseudo-terminal: the test presses Tab and reads what the shell offers.

pub mod quiet;
pub mod shells;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use self::shells::{Kind, Shell};
use crate::rendered::commands;
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

/// A home with agents of odd names, secrets, files, and two tools that have completions of their own.
fn home() -> Sandbox {
    let sandbox =
        Sandbox::with("my-agent", &[("OPENAI_API_KEY", "hunter2-hunter2"), ("DATABASE_URL", "hunter3-hunter3")]);
    sandbox.set("a.b_c-d", "K", "v");
    sandbox.set("0x", "_0", "v");
    sandbox.set("builtin", "ANTHROPIC_API_KEY", "hunter4-hunter4");
    // Not valid agents, so cast must not offer them.
    for name in ["a b", "$(touch pwned)", "`touch pwned`", "my-agent;touch pwned", "my-agent'"] {
        fs::copy(sandbox.vault("0x"), sandbox.vault(name)).unwrap();
    }
    fs::write(sandbox.home().join("my.env"), "").unwrap();
    fs::create_dir_all(sandbox.home().join("shell")).unwrap();
    for tool in ["tool", "listing-tool"] {
        let tool = sandbox.home().join("shell").join(tool);
        fs::write(&tool, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    }
    sandbox
}

const AGENTS: &[&str] = &["0x", "a.b_c-d", "builtin", "my-agent"];
const KEYS: &[&str] = &["DATABASE_URL", "OPENAI_API_KEY"];

/// What a section of a command's help lists: options by their long names, commands without their aliases.
fn listed(help: &str, heading: &str) -> Vec<String> {
    let section = help.lines().skip_while(|line| *line != heading).skip(1);
    let section = section.take_while(|line| line.is_empty() || line.starts_with(' '));
    let named = section.filter_map(|line| {
        let words = line.split_whitespace().map(|word| word.split(['[', '=', ',']).next().unwrap());
        if heading == "Options:" {
            words.take_while(|word| word.starts_with('-')).find(|word| word.starts_with("--"))
        } else {
            words.take(1).find(|_| !line.starts_with("   "))
        }
    });
    let mut named: Vec<_> = named.map(str::to_owned).collect();
    named.sort();
    named
}

/// Presses Tab for everything there is, in one shell.
fn everything(kind: Kind) {
    let sandbox = home();
    let Some(mut shell) = Shell::start(kind, &sandbox, "") else { return };
    commands_and_options(&mut shell, &sandbox);
    dynamic_values(&mut shell);
    one_candidate_is_typed_out(&mut shell);
    any_command_in_the_place_of_cmd(&mut shell, &sandbox);
    shell.shows_no_complaint();
    assert!(!sandbox.home().join("pwned").exists());
}

/// For every command, the shell offers what the help lists.
fn commands_and_options(shell: &mut Shell, sandbox: &Sandbox) {
    for words in commands(sandbox) {
        let help = sandbox.cast(words.iter().map(String::as_str).chain(["--help"])).succeeds().out;
        let line = [&["cast".to_owned()], &words[..]].concat().join(" ");
        let options = listed(&help, "Options:");
        assert!(options.contains(&"--help".to_owned()), "{help}");
        assert_eq!(shell.offers(&format!("{line} --")), options, "{line}");
        let commands = listed(&help, "Commands:");
        if !commands.is_empty() {
            assert_eq!(shell.offers(&format!("{line} ")), commands, "{line}");
        }
    }
}

fn dynamic_values(shell: &mut Shell) {
    let places: &[(&str, &[&str])] = &[
        ("set ", AGENTS),
        ("secrets set ", AGENTS),
        ("list ", AGENTS),
        ("secrets list --json ", AGENTS),
        ("ls ", AGENTS),
        ("delete ", AGENTS),
        ("secrets import ", AGENTS),
        ("secrets check ", AGENTS),
        ("secrets rename ", AGENTS),
        ("secrets copy ", AGENTS),
        ("run ", AGENTS),
        ("-q run --no-mask ", AGENTS),
        ("run --only K ", AGENTS),
        ("run --check=./a:b ", AGENTS),
        ("audit ", AGENTS),
        ("vault accept ", AGENTS),
        ("vault accept --key ./a=b:c ", AGENTS),
        ("key export --agent ", AGENTS),
        ("key revoke --agent ", AGENTS),
        ("list -- ", AGENTS),
        ("set my-agent ", KEYS),
        ("delete my-agent ", KEYS),
        ("delete my-agent OPENAI_API_KEY ", &["DATABASE_URL"]),
        ("secrets rename my-agent ", KEYS),
        ("secrets copy my-agent builtin ", KEYS),
        ("run my-agent --only ", &["ANTHROPIC_API_KEY", "DATABASE_URL", "OPENAI_API_KEY"]),
        ("run my-agent --except ", &["ANTHROPIC_API_KEY", "DATABASE_URL", "OPENAI_API_KEY"]),
        ("init --key-store ", &["auto", "file", "keyring", "passphrase"]),
        ("key import --key-store ", &["auto", "file", "keyring", "passphrase"]),
        ("key move ", &["file", "keyring", "passphrase"]),
        ("completions ", &["bash", "fish", "powershell", "zsh"]),
        ("man secrets ", &["check", "copy", "delete", "import", "list", "rename", "set"]),
        ("set my-agent GITHUB_TOKEN --host ", &["api.github.com", "github.com", "uploads.github.com"]),
        ("set my-agent GITHUB_TOKEN --host github.com --host ", &["api.github.com", "uploads.github.com"]),
        ("set my-agent K --host ", &[]),
        ("set my-agent K --in ", &["form:", "header:", "json:", "query:"]),
        ("set my-agent K ", &[]),
        ("list nobody-yet", &[]),
        ("delete 0x", &[]),
        ("delete no-such-agent ", &[]),
        ("delete ../my-agent ", &[]),
        ("no-such-command ", &[]),
    ];
    for (line, expected) in places {
        assert_eq!(shell.offers(&format!("cast {line}")), *expected, "cast {line}");
    }
}

/// With one candidate, Tab types it and a space.
fn one_candidate_is_typed_out(shell: &mut Shell) {
    for (line, whole) in [
        ("ru", "run "),
        ("run my", "run my-agent "),
        ("run a", "run a.b_c-d "),
        ("run 0", "run 0x "),
        ("run 'my", "run 'my-agent' "),
        ("run \"my", "run \"my-agent\" "),
        ("delete a.b_c-d ", "delete a.b_c-d K "),
        ("delete 0x ", "delete 0x _0 "),
        ("run my-agent --on", "run my-agent --only "),
        ("run my-agent --only=OP", "run my-agent --only=OPENAI_API_KEY "),
        ("run my-agent --only OPENAI_API_KEY,D", "run my-agent --only OPENAI_API_KEY,DATABASE_URL "),
        ("run my-agent --only=OPENAI_API_KEY,D", "run my-agent --only=OPENAI_API_KEY,DATABASE_URL "),
        ("init --key-store=k", "init --key-store=keyring "),
        ("set my-agent OPENAI_API_KEY --keep --ho", "set my-agent OPENAI_API_KEY --keep --host "),
        ("set my-agent OPENAI_API_KEY --host ", "set my-agent OPENAI_API_KEY --host api.openai.com "),
        ("set my-agent OPENAI_API_KEY --host=api", "set my-agent OPENAI_API_KEY --host=api.openai.com "),
        ("set my-agent ANTHROPIC_API_KEY --in header:x", "set my-agent ANTHROPIC_API_KEY --in header:x-api-key "),
        // The name is still to be typed.
        ("set my-agent K --in q", "set my-agent K --in query:"),
        ("set my-agent K --in=j", "set my-agent K --in=json:"),
        ("key export --agent=my", "key export --agent=my-agent "),
        ("secrets import my-agent my.", "secrets import my-agent my.env "),
        ("secrets check my-agent --example my.", "secrets check my-agent --example my.env "),
        ("secrets check my-agent --example=my.", "secrets check my-agent --example=my.env "),
        ("run my-agent --check=my.", "run my-agent --check=my.env "),
        ("key import ./my.", "key import ./my.env "),
        ("key export --output my.", "key export --output my.env "),
        ("vault accept my-agent --key my.", "vault accept my-agent --key my.env "),
        ("doctor --backup my.", "doctor --backup my.env "),
    ] {
        assert_eq!(shell.tab(&format!("cast {line}")), format!("cast {whole}"), "cast {line}");
    }
}

/// In the place of CMD, after `--` or without it, the shell offers what it would without cast.
fn any_command_in_the_place_of_cmd(shell: &mut Shell, sandbox: &Sandbox) {
    for before in [
        "run my-agent --",
        "run --only=OPENAI_API_KEY my-agent --",
        "-q run my-agent --check=./a:b --",
        "run my-agent",
        "run --only=OPENAI_API_KEY my-agent --no-mask",
        "-q run my-agent --check=./a:b --except DATABASE_URL",
    ] {
        assert_eq!(shell.tab(&format!("cast {before} listing-t")), format!("cast {before} listing-tool "));
        assert_eq!(shell.offers(&format!("cast {before} listing-tool ")), ["alpha", "beta"]);
        assert_eq!(shell.offers(&format!("cast {before} tool one:two --three=four ")), ["delta", "gamma"]);
        assert_eq!(shell.tab(&format!("cast {before} tool g")), format!("cast {before} tool gamma "));
        assert_eq!(shell.tab(&format!("cast {before} ls ./my.")), format!("cast {before} ls ./my.env "));
    }
    if let Kind::Bash | Kind::BashCompletion = shell.kind {
        let told = fs::read_to_string(sandbox.home().join("shell/tool")).unwrap();
        assert_eq!(told.trim_start(), "tool g", "its own line, and nothing of cast's");
    }
}

#[test]
fn bash_alone() {
    everything(Kind::Bash);
}

#[test]
fn bash_with_bash_completion() {
    everything(Kind::BashCompletion);
}

#[test]
fn zsh() {
    everything(Kind::Zsh);
}

#[test]
fn fish() {
    everything(Kind::Fish);
}

/// A user who reads the script on a terminal gets a hint how to install it; a start-up file, which reads it at every
/// start, gets only the script.
#[test]
fn how_to_install_it_is_said_on_a_terminal() {
    let sandbox = Sandbox::empty();
    for (shell, file) in
        [("bash", "~/.bashrc"), ("zsh", "~/.zshrc"), ("fish", "completions/cast.fish"), ("powershell", "$PROFILE")]
    {
        let shown = Terminal::start(sandbox.cast(["completions", shell])).ends_with(0);
        let hint = shown.lines().find(|line| line.contains("to install it: ")).expect("a hint");
        assert!(hint.contains(file), "{hint}");
        let quiet = Terminal::start(sandbox.cast(["completions", shell, "--quiet"])).ends_with(0);
        assert!(!quiet.contains("hint"), "{quiet}");
    }
    // The command in the hint works.
    for (kind, rc) in [("bash", ".bashrc"), ("zsh", ".zshrc")] {
        let said = Terminal::start(sandbox.cast(["completions", kind])).ends_with(0);
        let (_, command) = said.split_once("to install it: ").unwrap();
        let command = command.lines().next().unwrap().split([',', '\x1b']).next().unwrap();
        assert!(sandbox.command("sh").args(["-c", command]).status().unwrap().success());
        let line = fs::read_to_string(sandbox.home().join(rc)).unwrap();
        assert_eq!(line, format!("eval \"$(cast completions {kind})\"\n"));
    }
}
