//! A session with an agent in an empty home of its own, against a model of its own; and what the model and the disk
//! have of the secrets afterwards.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::leaks::agents::{Agent, Guard, OWN_KEY, Way};
use crate::leaks::model::{Model, ToolCall};
use crate::leaks::screen::{PATIENCE, Screen};
use crate::leaks::views::Views;
use crate::sandbox::{CAST, Sandbox};
use crate::supervise::process::Mortal;

/// The secrets of tools, one for each path. The vaults `deploy` and `mcp` are used as they should be, `bare` and
/// `bare-mcp`, with other values under the same names, with `--no-mask`: they show that the path leads to the model.
pub const SECRETS: [(&str, &str); 5] = [
    ("deploy", "PIPE_TOKEN"),
    ("deploy", "PTY_TOKEN"),
    ("deploy", "TYPED_TOKEN"),
    ("mcp", "MCP_TOKEN"),
    ("mcp", "LOG_TOKEN"),
];

/// What tools call: it shows a secret as it is, in base64 and in JSON, and leaves a file when it is done.
const SHOW: &str = r#"#!/bin/sh
printenv "$1"
printenv "$1" | base64
node -p "JSON.stringify(process.env['$1'])"
echo "all of $2 was shown"
: >"$HOME/shown-$2"
"#;

/// What `show` writes last.
pub fn all_of(name: &str) -> String {
    format!("all of {name} was shown")
}

/// A secret's value; it looks different in every encoding, and is no part of another.
pub fn secret(vault: &str, name: &str) -> String {
    format!("({vault})\"&/<{}\\9f81c2d4", name.to_lowercase())
}

/// A secret that tools show without masking.
pub fn bare(vault: &str, name: &str) -> String {
    secret(if vault == "mcp" { "bare-mcp" } else { "bare" }, name)
}

/// What is left of sessions.
pub struct Left {
    bodies: Vec<Views>,
    /// The parts of bodies, by the word that a call puts into them.
    answers: Vec<(String, Views)>,
    files: Vec<Views>,
}

pub struct Session {
    agent: Agent,
    guard: Option<Guard>,
    pub sandbox: Sandbox,
    pub model: Model,
    /// What the agent has of its key, and where it looks for its model, where the key is brokered.
    brokered: Option<(String, String)>,
}

impl Session {
    pub fn new(agent: Agent, guard: Option<Guard>, script: Vec<ToolCall>) -> Self {
        let sandbox = Sandbox::with(agent.vault(), &[(agent.key(), OWN_KEY)]);
        for (vault, name) in SECRETS {
            sandbox.set(vault, name, &secret(vault, name));
            sandbox.set(if vault == "mcp" { "bare-mcp" } else { "bare" }, name, &bare(vault, name));
        }
        let home = sandbox.home();
        for folder in ["work", "tmp", ".local/bin"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        symlink(CAST, home.join(".local/bin/cast")).unwrap();
        let show = home.join(".local/bin/show");
        fs::write(&show, SHOW).unwrap();
        fs::set_permissions(show, fs::Permissions::from_mode(0o755)).unwrap();
        // A login shell makes PATH anew.
        fs::write(home.join(".profile"), "PATH=$HOME/.local/bin:$PATH\n").unwrap();
        Self { agent, guard, sandbox, model: Model::start(script), brokered: None }
    }

    /// The agent's key is brokered: it has this stand-in, and its model is at its own address.
    pub fn with_stand_in(mut self, stand_in: &str) -> Self {
        self.brokered = Some((stand_in.to_owned(), format!("https://{}", self.agent.host())));
        self
    }

    fn command(&self, way: Way) -> Command {
        let plain = (OWN_KEY.to_owned(), self.model.url.clone());
        let (key, url) = self.brokered.as_ref().unwrap_or(&plain);
        self.agent.session(&self.sandbox, url, key, way, self.guard)
    }

    /// Runs the agent to its end, with this input.
    pub fn run(&self, input: &str) {
        self.run_and(input, |_| ());
    }

    /// The same; `look` is called with the process id of cast as long as it runs. Returns what the agent said.
    pub fn run_and(&self, input: &str, mut look: impl FnMut(i32)) -> String {
        let said = tempfile::NamedTempFile::new().unwrap();
        let mut command = self.command(Way::Alone);
        command.stdin(Stdio::piped()).stdout(said.reopen().unwrap()).stderr(said.reopen().unwrap());
        let mut agent = Mortal(command.spawn().unwrap());
        agent.0.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let start = Instant::now();
        loop {
            let ended = agent.0.try_wait().unwrap();
            let said = || fs::read_to_string(said.path()).unwrap_or_default();
            if let Some(status) = ended {
                assert!(status.success(), "{:?} ended with {status}: {}", self.agent, said());
                return said();
            }
            look(agent.0.id().cast_signed());
            assert!(start.elapsed() < PATIENCE, "{:?} does not end: {}", self.agent, said());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Runs a shell command as a person types it to the agent, then talks to it, until the model has the command's
    /// last words.
    pub fn type_in(&self, command: &str) {
        let screen = Screen::start(self.command(Way::Typed));
        let ready = match self.agent {
            Agent::Claude => "❯",
            Agent::Codex => "›",
            Agent::Gemini => "Typeyourmessage",
            Agent::Opencode => "Askanything",
            Agent::Aider => ">",
        };
        screen.waits_for(ready, |screen| screen.text().contains(ready));
        if self.agent == Agent::Gemini {
            // It plays its script first.
            screen.waits_for("the script's end", |_| self.model.bodies().iter().any(|body| body.contains("bare_pty")));
            screen.waits_for("its answer", |screen| screen.text().contains("done"));
        }
        match self.agent {
            Agent::Aider => screen.types("/run "),
            _ => screen.types_and_sees("!"),
        }
        screen.types_and_sees(command);
        let last = command.rsplit(' ').next().unwrap();
        let done = self.sandbox.home().join(format!("shown-{last}"));
        screen.presses("\r", last, || done.exists());
        match self.agent {
            // A command that still runs would get the keys.
            Agent::Aider => screen.waits_for("a prompt", |screen| screen.text().ends_with('>')),
            Agent::Gemini => {
                // Its shell mode stays until Esc; Esc and a letter at once would be Alt and the letter.
                let mode = || screen.text().rfind("shellmodeenabled") > screen.text().rfind(ready);
                screen.presses("\x1b", "the end of the shell mode", || !mode());
            }
            _ => {}
        }
        let all = all_of(last);
        // An answer that was not yet there at one word is there at the next; opencode loses what comes too soon.
        screen.waits_for("the model has it all", |screen| {
            let before = self.model.bodies().len();
            let more = || self.model.bodies().len() > before;
            screen.types_and_sees("hello");
            let _ = screen.presses_once("\r", more) || screen.presses_once("\r", more);
            self.model.bodies().iter().any(|body| body.contains(&all))
        });
    }

    pub fn left(&self) -> Left {
        let bodies = self.model.bodies();
        let mut answers = Vec::new();
        for body in &bodies {
            collect_answers(&serde_json::from_str(body).unwrap_or_default(), &mut answers);
        }
        let mut files = Vec::new();
        collect_files(self.sandbox.home(), &mut files);
        Left { bodies: bodies.iter().map(|body| Views::of(body)).collect(), answers, files }
    }
}

impl Left {
    pub fn join(mut self, other: Self) -> Self {
        self.bodies.extend(other.bodies);
        self.answers.extend(other.answers);
        self.files.extend(other.files);
        self
    }

    /// Whether any request had the value.
    pub fn reached_the_model(&self, value: &str) -> bool {
        self.bodies.iter().any(|body| body.show(value))
    }

    /// Whether the answer to this call had the value.
    pub fn was_answered(&self, call: &str, value: &str) -> bool {
        self.answers.iter().any(|(whole, views)| whole.contains(call) && views.show(value))
    }

    /// Whether a file has the value.
    pub fn is_on_disk(&self, value: &str) -> bool {
        self.files.iter().any(|file| file.show(value))
    }
}

/// The smallest JSON objects that name a call of the tests, each with the call's answer or its words.
fn collect_answers(value: &Value, answers: &mut Vec<(String, Views)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect_answers(value, answers)),
        Value::Object(object) => {
            let names_a_call =
                |value: &Value| value.as_str().is_some_and(|text| text.contains("step_") || text.contains("bare_"));
            if object.values().any(names_a_call) {
                let whole = value.to_string();
                answers.push((whole.clone(), Views::of(&whole)));
            } else {
                object.values().for_each(|value| collect_answers(value, answers));
            }
        }
        _ => {}
    }
}

/// All files of the home but cast's own.
fn collect_files(folder: &Path, files: &mut Vec<Views>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let of_cast = [".local/share/cast", ".local/state/cast", ".local/bin"].iter().any(|own| path.ends_with(own));
        if kind.is_dir() && !of_cast {
            collect_files(&path, files);
        } else if kind.is_file() && !of_cast {
            // A socket's peer, or the agent's last process, may take a file away meanwhile.
            let bytes = fs::read(&path).unwrap_or_default();
            // Agents copy programs of hundreds of megabytes into their homes.
            if !bytes.starts_with(b"\x7fELF") {
                files.push(Views::of(&String::from_utf8_lossy(&bytes)));
            }
        }
    }
}
