//! Vaults that are shared: cards, people, second machines.

mod commands;
mod life;
mod machine;
mod permissions;
mod story;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Call, Sandbox};
use crate::terminal::Terminal;

const SECRET: &str = "hunter2-first";

/// Another user, with a key of their own.
pub fn user() -> Sandbox {
    let user = Sandbox::empty();
    user.cast(["init", "--key-store", "file"]).succeeds();
    user
}

/// What a user hands to others.
pub fn card(user: &Sandbox) -> String {
    user.cast(["key", "card"]).succeeds().out.trim_end().to_owned()
}

/// What the two compare.
pub fn fingerprint(user: &Sandbox) -> String {
    let line: serde_json::Value = serde_json::from_str(&user.cast(["key", "card", "--json"]).succeeds().out).unwrap();
    line["fingerprint"].as_str().unwrap().to_owned()
}

/// An owner with the vault `a`, with `K`, `L` and an address.
fn owner() -> Sandbox {
    Sandbox::with("a", &[("K", SECRET), ("L", "hunter2-l"), ("API_BASE_URL", "https://hunter2.example")])
}

fn share(owner: &Sandbox, name: &str, person: &Sandbox, may_set: &[&str]) {
    let with = format!("{name}={}", card(person));
    let may_set = may_set.join(",");
    let mut words = vec!["share", "a", "--yes", "--with", &with];
    if !may_set.is_empty() {
        words.extend(["--may-set", &may_set]);
    }
    owner.cast(words).succeeds().says_nothing_of(&["hunter2"]);
}

/// Carries the vault from one to another, as git would.
fn carry(from: &Sandbox, to: &Sandbox) {
    let folder = to.vault("a").parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::copy(from.vault("a"), to.vault("a")).unwrap();
}

/// The exit code and all that is shown on a terminal, where somebody answers these questions.
#[track_caller]
fn answered(call: Call<'_>, answers: &[(&str, &str)]) -> (i32, String) {
    let mut terminal = Terminal::start(call);
    for (question, answer) in answers {
        terminal.sees(question);
        terminal.types(format!("{answer}\r"));
    }
    let (status, text) = terminal.ends();
    (status.code().unwrap(), text)
}

/// The owner of a vault, and alice, who has accepted it.
fn shared(may_set: &[&str]) -> (Sandbox, Sandbox) {
    let (owner, alice) = (owner(), user());
    share(&owner, "alice", &alice, may_set);
    carry(&owner, &alice);
    alice.cast(["vault", "accept", "a", "--yes"]).succeeds();
    (owner, alice)
}

/// Who can open the vault, as JSON.
fn access(user: &Sandbox) -> serde_json::Value {
    serde_json::from_str(&user.cast(["share", "a", "--json"]).succeeds().out).unwrap()
}

/// The names of the people of a vault, as its owner sees them.
fn people(owner: &Sandbox) -> Vec<String> {
    let access = access(owner);
    access["people"].as_array().unwrap().iter().map(|person| person["name"].as_str().unwrap().to_owned()).collect()
}
