//! The library, as a program in Rust calls it. Each test runs itself again in a process of its own, in the environment of a sandbox: a
//! library takes key and vaults from the process that it is in, and the tests' own is nobody's sandbox.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cast::{Client, Error};
use serde_json::{Value, json};

use super::scenario::{self, Answer, Face, MARK, Step};
use crate::sandbox::{CAST, Sandbox, skip};

const SECRET: &str = "sk-live-0123456789";
/// Set in the process of its own.
const HERE: &str = "CAST_SDK_TEST";

/// `CAST_HOME`, in the process of its own. Outside of it nothing, once that has ended well.
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

/// Runs one test of this file by `command`, which leads to this program.
fn again(test: &str, command: &mut Command) {
    let name = format!("sdk::rust::{test}");
    let output = command.args(["--exact", &name, "--nocapture"]).env(HERE, "yes").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

fn key_of(home: &Path) -> String {
    fs::read_to_string(home.join("key.txt")).unwrap()
}

/// The failure, of which nothing tells a secret.
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
    client.secrets().set("a", "MORE", "more-0123456789").unwrap();
    let keys = client.secrets().list("a").unwrap().into_iter().map(|secret| secret.key);
    assert_eq!(keys.collect::<Vec<_>>(), ["MORE", "OF_A"]);
    // The built-in secrets stay closed to it, without a word.
    let script = "printf %s \"$OF_A|$MORE|${OF_BUILTIN-}\"";
    let output = client.command("a", "sh").args(["-c", script]).output().unwrap();
    assert_eq!((output.stdout, output.stderr), (format!("{SECRET}|more-0123456789|").into_bytes(), Vec::new()));
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
fn a_command_is_started_as_it_is_said() {
    let Some(home) = in_a_process_of_its_own("a_command_is_started_as_it_is_said") else { return };
    let client = Client::builder().key(key_of(&home)).open().unwrap();
    client.secrets().set("a", "K", SECRET).unwrap();
    client.secrets().set("a", "OTHER", "other-0123456789").unwrap();
    client.secrets().set("builtin", "SHARED", "shared-0123456789").unwrap();
    let script = "printf %s \"$K|$OTHER|$SHARED|$MINE|${PWD##*/}|$1|${CAST_KEY-}${CAST_KEY_FILE-}|${HERE-}\"";
    let command = || client.command("a", "sh").arg("-c").args([script, "sh", "'$HOME\""]).current_dir("/");
    let prints = |command: cast::Command, expected: &str| {
        let output = command.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    };
    prints(command(), &format!("{SECRET}|other-0123456789|shared-0123456789|||'$HOME\"||"));
    let mine = || command().env("MINE", "mine").env("K", "not this").env("CAST_KEY", "k").env("CAST_KEY_FILE", "f");
    prints(mine(), &format!("{SECRET}|other-0123456789|shared-0123456789|mine||'$HOME\"||"));
    prints(mine().only(["OTHER"]).no_builtin(), "not this|other-0123456789||mine||'$HOME\"||");
    prints(mine().except(["OTHER", "SHARED"]).clean_env(), &format!("{SECRET}|||mine||'$HOME\"||"));

    let mut child = client.command("a", "cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"to and fro").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"to and fro");
    let ended = client.command("a", "sh").args(["-c", "exit 7"]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(7));

    // A path counts from here, not from the program's folder.
    fs::write(home.join("tool"), "#!/bin/sh\npwd -P\n").unwrap();
    fs::set_permissions(home.join("tool"), fs::Permissions::from_mode(0o700)).unwrap();
    std::env::set_current_dir(&home).unwrap();
    prints(
        client.command("a", "./tool").current_dir("vaults"),
        &format!("{}/vaults\n", home.canonicalize().unwrap().display()),
    );

    let shown = format!("{:?}", command().arg(SECRET).env("X", SECRET));
    assert!(shown.contains("sh") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn a_command_that_is_not_started_says_why() {
    let Some(home) = in_a_process_of_its_own("a_command_that_is_not_started_says_why") else { return };
    let client = Client::open().unwrap();
    client.secrets().set("a", "K", SECRET).unwrap();
    let check = |command: cast::Command, expected: fn(&Error) -> bool, says: &str| {
        let error = refused(command.arg(SECRET).status());
        assert!(expected(&error) && error.to_string().contains(says), "{error:?}");
    };
    let not_found = |error: &Error| matches!(error, Error::NotFound(_));
    let usage = |error: &Error| matches!(error, Error::Usage(_));
    let other = |error: &Error| matches!(error, Error::Other(_));
    check(client.command("nobody", "true"), not_found, "agent 'nobody' has no vault");
    check(client.command("sk-live/", "true"), usage, "AGENT");
    check(client.command("a", "true").only(["sk-live/"]), usage, "KEY");
    check(client.command("a", "true").only(["X"]), not_found, "no secret 'X'");
    check(client.command("a", "no-such-program"), not_found, "'no-such-program' was not found");
    check(client.command("a", "TOKEN=sk-live-x"), not_found, "command");
    check(client.command("a", home.join("key.txt")), other, "cannot be executed");
    check(client.command("a", "true").arg("sk-live\0"), other, "cannot be executed");
    check(client.command("a", "true").arg("x".repeat(3_000_000)), other, "too long together");
    check(
        client.command("a", "true").current_dir(home.join("none")),
        |error| matches!(error, Error::Io(_)),
        "cannot work in",
    );
    check(
        client.command("a", "true").current_dir(home.join("key.txt")),
        |error| matches!(error, Error::Io(_)),
        "cannot work in",
    );
}

#[test]
fn nobody_is_asked_and_the_keyring_is_not_waited_for_longer_than_said() {
    let Some(home) = here() else {
        let sandbox = Sandbox::empty();
        let bus = format!("unix:path={}", sandbox.home().join("bus").display());
        let mut command = sandbox.command(itself());
        command.env("CAST_HOME", sandbox.home()).env("DBUS_SESSION_BUS_ADDRESS", bus);
        return again("nobody_is_asked_and_the_keyring_is_not_waited_for_longer_than_said", &mut command);
    };
    // A bus that takes a connection and says nothing.
    let _bus = UnixListener::bind(home.join("bus")).unwrap();
    let begin = Instant::now();
    let client = Client::builder().timeout(Duration::from_millis(50)).open().unwrap();
    assert!(matches!(refused(client.secrets().set("a", "K", SECRET)), Error::NoKey(_)));
    // Unless it is said, it has 5 s.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(client.agents().unwrap().is_empty());
    let mut scrypt = age::scrypt::Recipient::new("sk-live passphrase".to_owned().into());
    scrypt.set_work_factor(2);
    let file = age::encrypt(&scrypt, b"AGE-SECRET-KEY-1QQQQ").unwrap();
    fs::write(home.join("key.age"), file).unwrap();
    fs::set_permissions(home.join("key.age"), fs::Permissions::from_mode(0o600)).unwrap();
    let error = refused(client.secrets().set("a", "K", SECRET));
    assert!(matches!(error, Error::NoKey(_)) && error.to_string().contains("nobody can be asked"), "{error}");
}

#[test]
fn the_audit_log_says_which_program_it_was() {
    let Some(home) = in_a_process_of_its_own("the_audit_log_says_which_program_it_was") else { return };
    Client::open().unwrap().secrets().set("a", "K", SECRET).unwrap();
    let log = fs::read_to_string(home.join("state/audit.jsonl")).unwrap();
    let line: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(line["by"], itself().file_name().unwrap().to_str().unwrap());
    assert_eq!(line["pid"], std::process::id());

    // Where it has to be written, nothing is done without it.
    fs::write(home.join("config.toml"), "audit = \"required\"\n").unwrap();
    fs::remove_file(home.join("state/audit.jsonl")).unwrap();
    fs::create_dir(home.join("state/audit.jsonl")).unwrap();
    let client = Client::open().unwrap();
    assert!(matches!(refused(client.secrets().set("a", "K", "not this")), Error::Io(_)));
    let ran = home.join("ran");
    let touch = client.command("a", "touch").arg(&ran);
    assert!(matches!(refused(touch.status()), Error::Io(_)) && !ran.exists());
}

/// What the README shows is this file.
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
    fn is_in_the_readme() {
        let readme = include_str!("../../../README.md");
        assert!(readme.contains(&format!("```rust\n{}```", include_str!("../../sdk/readme.rs"))));
    }
}
