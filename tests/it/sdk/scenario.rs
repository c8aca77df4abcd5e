//! One scenario, `tests/scenario.json`, for every face of cast, so that they cannot drift: the same steps, outcomes and
//! messages. Each face returns an [`Answer`]; only this file judges it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{Call, Sandbox, skip};

/// Every value and wrong word of the scenario contains this, except those that are too short.
pub const MARK: &str = "sk-abc123";

/// A way to use cast.
pub trait Face {
    fn perform(&mut self, step: &Step) -> Answer;
}

/// One step: what to do, and the expected result.
#[derive(Debug, Deserialize)]
pub struct Step {
    #[serde(rename = "do")]
    pub what: String,
    #[serde(default)]
    pub agent: String,
    #[serde(default)]
    pub key: String,
    value: Option<Text>,
    #[serde(default)]
    pub unmasked: bool,
    #[serde(default)]
    pub allow_dangerous_name: bool,
    /// The program that `run` starts.
    #[serde(skip)]
    pub command: Vec<String>,
    file: Option<PathBuf>,
    text: Option<String>,
    fails: Option<String>,
    says: Option<String>,
    hints: Option<Vec<String>>,
    gives: Option<Value>,
}

/// The result of a step.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The class of the failure; a number is the exit code of `cast run`, which tells no class.
    pub fails: Option<Value>,
    pub says: String,
    pub hints: Vec<String>,
    pub gives: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Repeated { repeat: String, times: usize },
}

impl Text {
    fn whole(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

impl Step {
    pub fn value(&self) -> String {
        self.value.as_ref().map(Text::whole).unwrap_or_default()
    }

    /// As another program reads it.
    pub fn as_json(&self) -> Value {
        json!({
            "do": self.what, "agent": self.agent, "key": self.key, "value": self.value(), "command": self.command,
            "unmasked": self.unmasked, "allow_dangerous_name": self.allow_dangerous_name,
        })
    }
}

/// A home for the scenario, with a key.
pub fn home(sandbox: &Sandbox) -> PathBuf {
    let home = sandbox.home().join("of-cast");
    sandbox.cast(["init", "--key-store", "file"]).env("CAST_HOME", &home).succeeds();
    home
}

/// Runs `program` through `go` under strace, which records the arguments of every program that it starts. `None`
/// without strace.
pub fn watch(
    command: impl FnOnce(&str) -> Command,
    program: &Path,
    folder: &Path,
    go: impl FnOnce(&mut Command),
) -> Option<String> {
    if Command::new("strace").arg("-V").output().is_err() {
        skip("sdk: strace is not installed: the arguments are not watched");
        go(&mut command(program.to_str().unwrap()));
        return None;
    }
    let started = folder.join("started");
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-s", "1000000", "-e", "trace=execve,execveat", "-e", "signal=none", "-o"]);
    go(strace.arg(&started).arg(program));
    Some(fs::read_to_string(started).unwrap())
}

/// Plays the scenario in `home`, which holds everything of this face.
pub fn play(face: &mut impl Face, home: &Path) {
    let steps: Vec<Step> = serde_json::from_str(include_str!("../../scenario.json")).unwrap();
    let outside = home.parent().unwrap().join("of-the-program");
    let mut lock = None;
    for mut step in steps {
        let file = step.file.as_ref().map(|file| home.join(file));
        match (step.what.as_str(), file) {
            ("lock", _) => lock = Some(hold_lock(home)),
            ("unlock", _) => drop(lock.take()),
            ("write", Some(file)) => fs::write(file, step.text.unwrap()).unwrap(),
            ("make folder", Some(file)) => fs::create_dir(file).unwrap(),
            ("remove", Some(file)) => fs::remove_file(file).unwrap(),
            _ => {
                let _ = fs::remove_file(&outside);
                let program = ["sh", "-c", "printenv -0 \"$1\" >\"$2\"", "sh", &step.key, outside.to_str().unwrap()];
                step.command = program.map(str::to_owned).to_vec();
                let noted = log(home).len();
                let mut answer = face.perform(&step);
                judge_log(&step, &log(home)[noted..]);
                if step.what == "run" && answer.fails.is_none() {
                    let value = fs::read_to_string(&outside).unwrap();
                    answer.gives = Some(value.strip_suffix('\0').unwrap().into());
                }
                judge(&step, answer);
                assert!(answer_is_none_of_failure(&step, &outside), "{step:?}");
            }
        }
    }
}

/// The audit log of `home`.
fn log(home: &Path) -> Vec<Value> {
    let text = fs::read_to_string(home.join("state/audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Each face leaves the same traces.
fn judge_log(step: &Step, lines: &[Value]) {
    let context = format!("{} {} {}: {lines:?}", step.what, step.agent, step.key);
    assert!(!context.replace(&step.agent, "").replace(&step.key, "").contains(MARK), "{context}");
    let result = match (&step.fails, step.what.as_str()) {
        (Some(class), _) => &class.replace('_', "-"),
        (None, "run") => "started",
        (None, "set" | "delete") => "ok",
        (None, _) => return assert!(lines.is_empty(), "{context}"),
    };
    // The log never has an invalid name.
    if result == "usage" && lines.is_empty() {
        return;
    }
    let [line] = lines else { panic!("{context}") };
    let told = [&line["action"], &line["agent"], &line["result"]];
    assert_eq!(told, [step.what.as_str(), step.agent.as_str(), result], "{context}");
    if step.what == "run" {
        assert_eq!(line["program"], "sh", "{context}");
    }
}

/// A failure starts no program.
fn answer_is_none_of_failure(step: &Step, outside: &Path) -> bool {
    step.fails.is_none() || !outside.exists()
}

/// The message with `'...'` in the place of a path, which is another for each face.
fn placeless(message: &str) -> String {
    let Some((before, path)) = message.split_once("'/") else { return message.to_owned() };
    format!("{before}'...'{}", path.split_once('\'').map_or("", |(_, after)| after))
}

fn judge(step: &Step, answer: Answer) {
    let context = format!("{} {} {}: {answer:?}", step.what, step.agent, step.key);
    let said = format!("{} {:?}", answer.says, answer.hints);
    assert!(!said.contains(MARK), "{context}");
    match (&step.fails, &answer.fails) {
        (None, None) => {}
        (Some(expected), Some(Value::String(class))) => {
            assert_eq!(class, expected, "{context}");
            if let Some(says) = &step.says {
                assert_eq!(&placeless(&answer.says), says, "{context}");
            }
        }
        (Some(_), Some(Value::Number(code))) => {
            assert_eq!(code.as_i64(), Some(125), "{context}");
            let message = format!("cast: error: {}", step.says.as_deref().unwrap_or_default());
            assert!(placeless(&answer.says).starts_with(&message), "{context}");
        }
        _ => panic!("{context}"),
    }
    if let Some(hints) = &step.hints {
        assert_eq!(&answer.hints, hints, "{context}");
    }
    let expected = step.gives.clone().map(|gives| match step.what.as_str() {
        "run" => Value::String(serde_json::from_value::<Text>(gives).unwrap().whole()),
        _ => gives,
    });
    if let Some(expected) = expected {
        let given = match answer.gives {
            Some(Value::Array(lines)) => lines.into_iter().map(without_times).collect(),
            other => other.unwrap_or_default(),
        };
        assert!(given == expected, "{} {}: {given:.500} is not {expected:.500}", step.what, step.key);
    }
}

/// A line of a listing, with its times checked and removed; for an agent, only its name.
fn without_times(mut line: Value) -> Value {
    let fields = line.as_object_mut().unwrap();
    for name in ["created_at", "updated_at", "modified_at"] {
        if let Some(time) = fields.remove(name) {
            let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
            let age = jiff::Timestamp::now().duration_since(time).as_secs();
            assert!((-1..600).contains(&age), "{time}");
        }
    }
    // How a secret is treated is not part of this scenario.
    for flag in ["dangerous", "unmasked", "hosts", "in", "prefix", "file", "from", "sealer"] {
        fields.remove(flag);
    }
    fields.remove("agent").unwrap_or(line)
}

/// The lock that writers take.
fn hold_lock(home: &Path) -> File {
    let lock = File::create(home.join("vaults/.cast.lock")).unwrap();
    lock.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    lock.lock().unwrap();
    lock
}

/// The command line.
struct Words<'a> {
    sandbox: &'a Sandbox,
    home: PathBuf,
}

impl Words<'_> {
    fn call(&self, words: &[&str]) -> Call<'_> {
        self.sandbox.cast(words).env("CAST_HOME", &self.home)
    }
}

impl Face for Words<'_> {
    fn perform(&mut self, step: &Step) -> Answer {
        let (agent, key) = (step.agent.as_str(), step.key.as_str());
        let mut set = vec!["set", "--exact"];
        set.extend(step.unmasked.then_some("--unmasked"));
        set.extend(step.allow_dangerous_name.then_some("--allow-dangerous-name"));
        set.extend(["--", agent, key]);
        let mut run = vec!["run", agent, "--"];
        run.extend(step.command.iter().map(String::as_str));
        let call = match step.what.as_str() {
            "set" => self.call(&set).input(step.value()),
            "list" => self.call(&["list", "--json", "--", agent]),
            "agents" => self.call(&["list", "--json"]),
            "delete" => self.call(&["delete", "--", agent, key]),
            "run" => self.call(&run),
            other => panic!("{other}"),
        };
        let outcome = call.run();
        let lines = |prefix| outcome.err.lines().filter_map(move |line| line.strip_prefix(prefix)).map(str::to_owned);
        let class = match outcome.code {
            0 => return Answer { gives: serde_json::from_str(&outcome.out).ok(), ..Answer::default() },
            code if step.what == "run" => {
                return Answer { fails: Some(code.into()), says: outcome.err, ..Answer::default() };
            }
            2 => "usage",
            3 => "not_found",
            4 => "no_key",
            5 => "integrity",
            6 => "io",
            7 => "locked",
            _ => "other",
        };
        Answer {
            fails: Some(class.into()),
            says: lines("cast: error: ").next().unwrap(),
            hints: lines("cast: hint: ").collect(),
            gives: None,
        }
    }
}

#[test]
fn on_the_command_line() {
    let sandbox = Sandbox::empty();
    let home = home(&sandbox);
    play(&mut Words { sandbox: &sandbox, home: home.clone() }, &home);
}
