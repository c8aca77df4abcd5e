//! The library, as a Rust program calls it. Each test runs itself again in a new process with the environment of a
//! sandbox: a library takes key and vaults from its process, and the test's own process is not in a sandbox.

mod command;
mod keyring;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cast::{Client, Error};
use serde_json::{Value, json};

use super::scenario::{self, Answer, Face, MARK, Step};
use crate::sandbox::{CAST, Sandbox, skip};

const SECRET: &str = "sk-live-0123456789";
/// Set in the new process.
const HERE: &str = "CAST_SDK_TEST";

/// `CAST_HOME` in the new process. In the first process: `None`, after the new one has succeeded.
fn in_a_process_of_its_own(test: &str) -> Option<PathBuf> {
    let here = here();
    if here.is_some() {
        return here;
    }
    let sandbox = Sandbox::empty();
    let home = scenario::home(&sandbox);
    again(test, sandbox.command(itself()).env("CAST_HOME", home));
    None
}

fn here() -> Option<PathBuf> {
    std::env::var_os(HERE).and_then(|_| std::env::var_os("CAST_HOME")).map(PathBuf::from)
}

fn itself() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Runs one test of this file through `command`, which starts this program.
fn again(test: &str, command: &mut Command) {
    let name = format!("sdk::rust::{test}");
    let output = command.args(["--exact", &name, "--nocapture"]).env(HERE, "yes").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

fn key_of(home: &Path) -> String {
    fs::read_to_string(home.join("key.txt")).unwrap()
}

/// The failure, which must not contain a secret.
#[track_caller]
fn refused<T>(result: Result<T, Error>) -> Error {
    let error = result.err().expect("it is refused");
    let told = format!("{error} {error:?} {:?}", error.hints());
    assert!(!told.contains("sk-live") && !told.contains("AGE-SECRET-KEY-1Q"), "{told}");
    error
}

struct Library;

impl Library {
    fn try_to(step: &Step) -> Result<Option<Value>, Error> {
        // A client keeps the key that it found; the scenario takes the key away.
        let client = Client::open()?;
        let (agent, key) = (step.agent.as_str(), step.key.as_str());
        let time = |time| jiff::Timestamp::try_from(time).unwrap().to_string();
        match step.what.as_str() {
            "set" => {
                let mut secrets = client.secrets();
                secrets = if step.unmasked { secrets.unmasked() } else { secrets };
                secrets = if step.allow_dangerous_name { secrets.allow_dangerous_name() } else { secrets };
                secrets.set(agent, key, &step.value())?;
            }
            "list" => {
                let line = |secret: cast::SecretInfo| {
                    json!({
                        "key": secret.key, "builtin": secret.builtin, "masked": secret.masked,
                        "created_at": time(secret.created_at), "updated_at": time(secret.updated_at),
                    })
                };
                return Ok(Some(client.secrets().list(agent)?.into_iter().map(line).collect()));
            }
            "delete" => client.secrets().delete(agent, key)?,
            "agents" => {
                let line = |agent: cast::AgentInfo| json!({ "agent": agent.agent, "modified_at": time(agent.modified_at.unwrap()) });
                return Ok(Some(client.agents()?.into_iter().map(line).collect()));
            }
            "run" => {
                let ended = client.command(agent, &step.command[0]).args(&step.command[1..]).status()?;
                assert!(ended.success(), "{ended}");
            }
            other => panic!("{other}"),
        }
        Ok(None)
    }
}

impl Face for Library {
    fn perform(&mut self, step: &Step) -> Answer {
        let error = match Self::try_to(step) {
            Ok(gives) => return Answer { gives, ..Answer::default() },
            Err(error) => error,
        };
        let class = match &error {
            Error::Usage(_) => "usage",
            Error::NotFound(_) => "not_found",
            Error::NoKey(_) => "no_key",
            Error::Integrity(_) => "integrity",
            Error::Io(_) => "io",
            Error::Locked(_) => "locked",
            _ => "other",
        };
        Answer { fails: Some(class.into()), says: error.to_string(), hints: error.hints().to_vec(), gives: None }
    }
}

#[test]
fn plays_the_scenario_with_no_value_in_any_arguments() {
    if let Some(home) = here() {
        return scenario::play(&mut Library, &home);
    }
    let sandbox = Sandbox::empty();
    let home = scenario::home(&sandbox);
    let test = "plays_the_scenario_with_no_value_in_any_arguments";
    let started = scenario::watch(
        |program| sandbox.command(program),
        &itself(),
        sandbox.home(),
        |command| {
            again(test, command.env("CAST_HOME", &home));
        },
    );
    if let Some(started) = started {
        assert!(started.contains("\"printenv -0"), "{started:.2000}");
        assert!(!started.contains(MARK), "{}", started.lines().find(|line| line.contains(MARK)).unwrap());
    }
}

#[test]
fn what_the_builder_says_goes_before_the_environment() {
    let Some(home) = in_a_process_of_its_own("what_the_builder_says_goes_before_the_environment") else { return };
    let key = key_of(&home);
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let client = Client::builder().home(&elsewhere).key(&key).open().unwrap();
    client.secrets().set("a", "K", SECRET).unwrap();
    assert!(elsewhere.join("vaults/a.age").exists() && !home.join("vaults").exists());
    let vaults = folder.path().join("of-a-project");
    Client::builder().vaults(&vaults).open().unwrap().secrets().set("b", "K", SECRET).unwrap();
    assert!(vaults.join("b.age").exists() && !home.join("vaults").exists());

    // The environment's key opens the same vaults; another home has no key, and no key is made beside vaults.
    let with_both = Client::builder().home(&elsewhere).vaults(&vaults);
    assert!(matches!(refused(with_both.open().unwrap().secrets().list("b")), Error::NoKey(_)));
    let agents = Client::builder().home(&elsewhere).open().unwrap().agents().unwrap();
    assert_eq!(agents.iter().map(|agent| agent.agent.as_str()).collect::<Vec<_>>(), ["a"]);

    for no_key in ["", SECRET, "AGE-SECRET-KEY-1QQQQ", &"x".repeat(100_000)] {
        assert!(matches!(refused(Client::builder().key(no_key).open()), Error::NoKey(_)));
    }
    let other = Sandbox::new();
    let wrong = Client::builder().home(&elsewhere).key(other.key()).open().unwrap();
    assert!(matches!(refused(wrong.secrets().list("a")), Error::Integrity(_)));
    assert!(matches!(refused(wrong.secrets().set("c", "K", SECRET)), Error::Integrity(_)));
    let client = Client::builder().key(&key).open().unwrap();
    assert!(!format!("{client:?}").contains("AGE-SECRET-KEY"));
    assert!(matches!(refused(client.secrets().set("a", "sk-live-x", "v")), Error::Usage(_)));
}

#[test]
fn the_key_of_one_agent_opens_its_vault_and_no_other() {
    let Some(_) = in_a_process_of_its_own("the_key_of_one_agent_opens_its_vault_and_no_other") else { return };
    let owner = Client::open().unwrap();
    for agent in ["a", "b", "builtin"] {
        owner.secrets().set(agent, &format!("OF_{}", agent.to_uppercase()), SECRET).unwrap();
    }
    let exported = Command::new(CAST).args(["key", "export", "--agent", "a"]).output().unwrap().stdout;
    let client = Client::builder().key(String::from_utf8(exported).unwrap()).open().unwrap();
    // It reads and changes nothing.
    assert!(matches!(refused(client.secrets().set("a", "MORE", "more-0123456789")), Error::NoKey(_)));
    assert!(matches!(refused(client.secrets().delete("a", "OF_A")), Error::NoKey(_)));
    let keys = client.secrets().list("a").unwrap().into_iter().map(|secret| secret.key);
    assert_eq!(keys.collect::<Vec<_>>(), ["OF_A"]);
    // It cannot open the built-in secrets, and gets no message about it.
    let script = "printf %s \"$OF_A|${OF_BUILTIN-}\"";
    let output = client.command("a", "sh").args(["-c", script]).output().unwrap();
    assert_eq!((output.stdout, output.stderr), (format!("{SECRET}|").into_bytes(), Vec::new()));
    for other in ["b", "builtin", "new"] {
        refused(client.secrets().set(other, "K", SECRET));
        refused(client.command(other, "true").status());
    }
    assert!(matches!(refused(client.secrets().list("b")), Error::NoKey(_) | Error::Integrity(_)));
    assert_eq!(owner.secrets().list("b").unwrap().len(), 2);
}

#[test]
fn one_client_serves_many_threads() {
    fn is_for_threads<T: Send + Sync + 'static>(_: &T) {}
    let Some(_) = in_a_process_of_its_own("one_client_serves_many_threads") else { return };
    let client = Client::open().unwrap();
    is_for_threads(&client);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for number in 0..4 {
                    let key = format!("KEY_{thread}_{number}");
                    client.secrets().set("a", &key, &format!("value of {key}\n")).unwrap();
                    client.secrets().list("a").unwrap();
                }
            });
        }
    });
    assert_eq!(client.secrets().list("a").unwrap().len(), 32);
    let output = client.command("a", "sh").args(["-c", "printf %s \"$KEY_7_3\""]).output().unwrap();
    assert_eq!(output.stdout, b"value of KEY_7_3\n");
}

#[test]
fn the_audit_log_says_which_program_it_was() {
    let Some(home) = in_a_process_of_its_own("the_audit_log_says_which_program_it_was") else { return };
    Client::open().unwrap().secrets().set("a", "K", SECRET).unwrap();
    let log = fs::read_to_string(home.join("state/audit.jsonl")).unwrap();
    let line: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(line["by"], itself().file_name().unwrap().to_str().unwrap());
    assert_eq!(line["pid"], std::process::id());

    // If the log is required, nothing is done without it.
    fs::write(home.join("config.toml"), "audit = \"required\"\n").unwrap();
    fs::remove_file(home.join("state/audit.jsonl")).unwrap();
    fs::create_dir(home.join("state/audit.jsonl")).unwrap();
    let client = Client::open().unwrap();
    assert!(matches!(refused(client.secrets().set("a", "K", "not this")), Error::Io(_)));
    let ran = home.join("ran");
    let touch = client.command("a", "touch").arg(&ran);
    assert!(matches!(refused(touch.status()), Error::Io(_)) && !ran.exists());
}

/// `docs/programs.md` shows this file.
#[allow(clippy::print_stdout)]
mod readme {
    include!("../../sdk/readme.rs");

    #[test]
    fn runs() {
        let Some(home) = super::in_a_process_of_its_own("readme::runs") else { return };
        std::fs::write(home.join("agent.js"), "process.exit(process.env.OPENAI_API_KEY === 'sk-abc123...' ? 0 : 9)")
            .unwrap();
        std::env::set_current_dir(&home).unwrap();
        if std::process::Command::new("node").arg("--version").output().is_err() {
            return super::skip("sdk: node is not installed");
        }
        main().unwrap();
        let words = ["run", "my-agent", "--", "node", "agent.js"];
        assert!(std::process::Command::new(super::CAST).args(words).status().unwrap().success());
    }

    #[test]
    fn is_in_the_page() {
        let blocks = crate::readme::blocks_of("docs/programs.md");
        let program = blocks.iter().find(|block| block.language == "rust").unwrap();
        assert_eq!(program.text, include_str!("../../sdk/readme.rs"));
    }
}
