//! The agents: how each is started, what its tools are called, and what it has against showing its own key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::leaks::model::ToolCall;
use crate::sandbox::{CAST, Sandbox};

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools");
pub const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// The agent's own key, in its own vault.
pub const OWN_KEY: &str = "sk-own-0123456789-abcdefghijklmnopqrst";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    Claude,
    Codex,
    Gemini,
    Opencode,
    Aider,
}

/// What a user can set where cast alone closes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Claude Code asks a command for its key and has none in its environment.
    KeyHelper,
    /// Claude Code's tools run in a sandbox, without its key.
    Scrub,
    /// Codex leaves names with KEY, SECRET or TOKEN out of its tools' environment.
    ShellPolicy,
    /// Gemini CLI leaves names that speak of secrets out of its tools' environment.
    Redaction,
    /// opencode's hook `shell.env` empties the variable.
    ShellHook,
    /// cast masks every terminal.
    MaskAlways,
}

/// How a session is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A prompt on the command line; ends by itself.
    Alone,
    /// On a terminal, for a person.
    Typed,
}

impl Agent {
    pub const ALL: [Self; 5] = [Self::Claude, Self::Codex, Self::Gemini, Self::Opencode, Self::Aider];

    pub fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Opencode => "opencode",
            Self::Aider => "aider",
        }
    }

    /// The name of its vault.
    pub fn vault(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Aider => "aider",
        }
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Claude => "ANTHROPIC_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
            Self::Codex | Self::Opencode | Self::Aider => "OPENAI_API_KEY",
        }
    }

    /// The host that its key is for.
    pub fn host(self) -> &'static str {
        match self {
            Self::Claude => "api.anthropic.com",
            Self::Gemini => "generativelanguage.googleapis.com",
            Self::Codex | Self::Opencode | Self::Aider => "api.openai.com",
        }
    }

    /// The version that is pinned.
    pub fn version(self) -> String {
        let package = match self {
            Self::Claude => "@anthropic-ai/claude-code",
            Self::Codex => "@openai/codex",
            Self::Gemini => "@google/gemini-cli",
            Self::Opencode => "opencode-ai",
            Self::Aider => {
                let pinned = fs::read_to_string(Path::new(TESTS).join("requirements.txt")).unwrap();
                return pinned.trim().rsplit('=').next().unwrap().to_owned();
            }
        };
        let pinned = fs::read_to_string(Path::new(TESTS).join("package.json")).unwrap();
        let pinned: Value = serde_json::from_str(&pinned).unwrap();
        pinned["dependencies"][package].as_str().unwrap().to_owned()
    }

    /// The program and the words before its own.
    fn program(self) -> Vec<PathBuf> {
        let modules = Path::new(TOOLS).join("clients/node_modules");
        match self {
            // The package's own command is made by a script that `npm ci` is told not to run.
            Self::Claude => vec![modules.join(format!("@anthropic-ai/claude-code-{}/claude", platform()))],
            Self::Codex => vec!["node".into(), modules.join("@openai/codex/bin/codex.js")],
            Self::Gemini => vec!["node".into(), modules.join("@google/gemini-cli/bundle/gemini.js")],
            Self::Opencode => vec![modules.join(format!("opencode-{}/bin/opencode", platform()))],
            Self::Aider => vec![Path::new(TOOLS).join("aider/bin/aider")],
        }
    }

    /// Whether it is installed.
    pub fn is_there(self) -> bool {
        self.program().iter().all(|word| !word.is_absolute() || word.exists())
    }

    pub fn guards(self) -> &'static [Guard] {
        match self {
            Self::Claude => &[Guard::KeyHelper, Guard::Scrub],
            Self::Codex => &[Guard::ShellPolicy],
            Self::Gemini => &[Guard::Redaction],
            Self::Opencode => &[Guard::ShellHook],
            Self::Aider => &[],
        }
    }

    /// A call of its shell tool.
    pub fn shell(self, id: &str, command: &str) -> ToolCall {
        let (tool, arguments) = match self {
            Self::Claude => ("Bash", json!({ "command": command })),
            // Otherwise it answers after a moment, and the command goes on without the model.
            Self::Codex => ("exec_command", json!({ "cmd": command, "yield_time_ms": 30_000 })),
            Self::Gemini => ("run_shell_command", json!({ "command": command })),
            Self::Opencode => ("bash", json!({ "command": command, "description": "Runs it" })),
            Self::Aider => unreachable!("its model has no tools"),
        };
        ToolCall { id: id.to_owned(), tool: tool.to_owned(), arguments }
    }

    /// The same on a terminal: the agent's own where it has one, else one that a program makes.
    pub fn shell_on_terminal(self, id: &str, command: &str) -> ToolCall {
        match self {
            Self::Codex => {
                let mut call = self.shell(id, command);
                call.arguments["tty"] = json!(true);
                call
            }
            Self::Gemini => self.shell(id, command),
            _ => self.shell(id, &format!("script -qec '{command}' /dev/null </dev/null")),
        }
    }

    /// Its terminal session alone has a terminal for tools.
    pub fn has_terminals_only_when_typed(self) -> bool {
        matches!(self, Self::Gemini | Self::Aider)
    }

    /// Its session, not yet started, in the home that `sandbox` is, against the model at `url`, and with `key`.
    pub fn session(self, sandbox: &Sandbox, url: &str, key: &str, way: Way, guard: Option<Guard>) -> Command {
        let home = sandbox.home();
        self.configure(home, url, key, guard);
        let words: &[&str] = match (self, way) {
            (Self::Claude, Way::Alone) => {
                &["-p", "go", "--allowedTools", "Bash", "mcp__masked__tell", "mcp__bare__tell"]
            }
            (Self::Claude | Self::Opencode, Way::Typed) => &[],
            (Self::Codex, Way::Alone) => &["exec", "--skip-git-repo-check", "go"],
            // Its shared server would outlive the test.
            (Self::Codex, Way::Typed) => &["--no-daemon"],
            (Self::Gemini, Way::Alone) => &["-m", "gemini-2.5-flash", "--yolo", "--skip-trust", "-p", "go"],
            (Self::Gemini, Way::Typed) => &["-m", "gemini-2.5-flash", "--yolo", "--skip-trust", "-i", "go"],
            (Self::Opencode, Way::Alone) => &["run", "go"],
            (Self::Aider, _) => &[
                "--model",
                "openai/fake",
                "--no-git",
                "--yes-always",
                "--no-pretty",
                "--no-fancy-input",
                "--no-gui",
                "--no-check-update",
                "--no-show-release-notes",
                "--no-show-model-warnings",
                "--no-detect-urls",
                "--analytics-disable",
            ],
        };
        let mut command = sandbox.command(CAST);
        if guard == Some(Guard::KeyHelper) {
            // Its key comes from the helper, so nothing injects it.
            command = sandbox.command(&self.program()[0]);
        } else {
            // A brokered key is nowhere, masked or not.
            let options: &[&str] = if key == OWN_KEY { &[] } else { &["--no-mask"] };
            command.args(["run", self.vault()]).args(options).arg("--").args(self.program());
        }
        command.args(words).current_dir(home.join("work")).envs(self.variables(home, url));
        if guard == Some(Guard::Scrub) {
            command.env("CLAUDE_CODE_SUBPROCESS_ENV_SCRUB", "1");
        }
        command
    }

    fn variables(self, home: &Path, url: &str) -> Vec<(&'static str, String)> {
        let path = std::env::var("PATH").unwrap();
        let mut variables = vec![
            ("PATH", format!("{}:{path}", home.join(".local/bin").display())),
            ("TMPDIR", home.join("tmp").display().to_string()),
            ("TERM", "xterm-256color".to_owned()),
        ];
        let own: &[(&str, &str)] = match self {
            Self::Claude => &[
                ("ANTHROPIC_BASE_URL", url),
                ("DISABLE_TELEMETRY", "1"),
                ("DISABLE_AUTOUPDATER", "1"),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
                // The tools of MCP servers are in every request, from the first one on.
                ("ENABLE_TOOL_SEARCH", "false"),
                ("MCP_CONNECTION_NONBLOCKING", "false"),
            ],
            Self::Codex => &[],
            Self::Gemini => &[("GOOGLE_GEMINI_BASE_URL", url), ("GEMINI_CLI_NO_RELAUNCH", "true")],
            Self::Opencode => &[
                ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
                ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
                ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ],
            Self::Aider => &[
                ("OPENAI_API_BASE", url),
                ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
                ("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/aider")),
            ],
        };
        variables.extend(own.iter().map(|(name, value)| (*name, (*value).to_owned())));
        variables
    }
}

/// This platform as npm's packages name it.
fn platform() -> String {
    let system = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    let processor = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    format!("{system}-{processor}")
}

impl Guard {
    /// As the table names it.
    pub fn words(self) -> &'static str {
        match self {
            Self::KeyHelper => "`apiKeyHelper`",
            Self::Scrub => "`CLAUDE_CODE_SUBPROCESS_ENV_SCRUB=1`",
            Self::ShellPolicy => "`shell_environment_policy`",
            Self::Redaction => "`environmentVariableRedaction`",
            Self::ShellHook => "a hook `shell.env`",
            Self::MaskAlways => "`mask = \"always\"`",
        }
    }

    /// The programs that it needs.
    pub fn needs(self) -> &'static [&'static str] {
        if self == Self::Scrub { &["bwrap", "socat"] } else { &[] }
    }
}
