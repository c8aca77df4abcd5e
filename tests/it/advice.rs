//! Whatever a refusal of a file or a finding of doctor says to type: it is taken out of the printed text and typed, and
//! then what was wrong is right. A hint that no test here types fails `every_hint_is_tried`; and a refusal without a
//! hint fails wherever a test meets it, in `sandbox::Call::refuses` and `doctor::diagnosed`.

mod files;
mod findings;
mod keyring;
mod keys;
mod settings;
mod vaults;

use std::fs;
use std::path::Path;

use crate::sandbox::{CAST, Call, Outcome, Sandbox};

/// A hint as it was printed.
pub struct Told {
    line: String,
    holes: Vec<String>,
}

/// The hint of this form, as `messages.txt` has it.
#[track_caller]
pub fn told(outcome: &Outcome, form: &str) -> Told {
    let below_error = outcome.err.lines().filter_map(|line| line.strip_prefix("cast: hint: "));
    let below_finding = outcome.out.lines().filter_map(|line| line.strip_prefix("   "));
    let found = below_error.chain(below_finding).find_map(|line| filled(line, form));
    found.unwrap_or_else(|| panic!("nobody says \"{form}\": {outcome:?}"))
}

/// The same within a hint.
#[track_caller]
pub fn told_within(line: &str, form: &str) -> Told {
    filled(line, form).unwrap_or_else(|| panic!("no \"{form}\" in: {line}"))
}

fn filled(line: &str, form: &str) -> Option<Told> {
    let mut parts = form.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let mut rest = line.strip_prefix(parts.next()?)?;
    let mut holes = Vec::new();
    for part in parts {
        let end = if part.is_empty() { rest.len() } else { rest.find(part)? };
        holes.push(rest[..end].to_owned());
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then(|| Told { line: line.to_owned(), holes })
}

impl Told {
    /// What is in the place of a `{}`.
    pub fn hole(&self, number: usize) -> &str {
        &self.holes[number]
    }

    /// The command in quotes that begins like this.
    #[track_caller]
    pub fn command(&self, begins: &str) -> String {
        let quoted = self.line.split('\'').skip(1).step_by(2).find(|quoted| quoted.starts_with(begins));
        quoted.unwrap_or_else(|| panic!("no '{begins}...' in: {}", self.line)).to_owned()
    }

    /// The command that gives a key or a passphrase to one call, for this one.
    #[track_caller]
    pub fn before(&self, variable: &str, words: &str) -> String {
        self.command(variable).replace("cast ...", &format!("cast {words}"))
    }
}

/// What a person types in a shell, in the home.
pub fn typed<'a>(sandbox: &'a Sandbox, line: &str) -> Call<'a> {
    let folder = Path::new(CAST).parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    sandbox.other("sh", ["-c", line]).env("PATH", path)
}

/// Where hints about files, keys and findings are written.
const ROOMS: [&str; 18] = [
    "crates/core/src/advice.rs",
    "crates/core/src/audit_log.rs",
    "crates/core/src/change.rs",
    "crates/core/src/disk.rs",
    "crates/core/src/failure/vault.rs",
    "crates/core/src/key_store/",
    "crates/core/src/paths.rs",
    "crates/core/src/read.rs",
    "crates/core/src/seen.rs",
    "crates/core/src/session/key.rs",
    "crates/core/src/settings.rs",
    "crates/core/src/settings/",
    "crates/core/src/vault_folder.rs",
    "crates/core/src/verbs/doctor.rs",
    "crates/core/src/verbs/doctor/",
    "crates/core/src/verbs/key/",
    "crates/keyring/src/error.rs",
    "src/plaintext.rs",
];

/// Hints that no test can type here, and why.
const UNTRIED: [(&str, &[&str]); 6] = [
    (
        "about a word of the command line, which `words.rs` and `usage.rs` try",
        &[
            "use 1 to 63 of 'a-z', '0-9', '.', '_' and '-', beginning with a letter or digit, as in 'my-agent'",
            "use 1 to 63 of 'a-z', '0-9', '.', '_' and '-', beginning with a letter or digit, as in 'alice'",
            "use 1 to 255 of 'A-Z', 'a-z', '0-9' and '_', not beginning with a digit, as in 'OPENAI_API_KEY'",
            "store a path or a shorter token instead",
            "if that is what you want, add '--allow-dangerous-name'",
            "if that is what you want, set it again: 'cast set --allow-dangerous-name {agent} {name}'",
            "leave out '=' and the value to type it at a hidden prompt: 'cast secrets set AGENT KEY'",
            "or write the name and the value as two words: 'cast secrets set AGENT KEY VALUE'",
            "name the file, or use a pipe: '... | cast secrets import AGENT -'",
            "name a file, or use a pipe: '... | cast key import -'",
        ],
    ),
    (
        "needs another person, another session or another version",
        &[
            "install that version",
            "ask its owner for a copy that is shared with this key",
            "ask its owner whether it is still shared with you",
            "run the command again",
            "log in as that user in a separate session ('ssh' or 'machinectl shell', not 'su' or 'sudo')",
        ],
    ),
    ("needs a window, which `keyring/dialog.rs` has", &["try again, and unlock the keyring in the dialog"]),
    (
        "needs a keyring that fails; that of Windows is too small for many keys",
        &[
            "try again; if the error persists, restart the keyring service or the session",
            "drop the former keys first: 'cast key rotate --retire', or keep the keys in a file: 'cast key move file'",
        ],
    ),
    (
        "needs a git that fails, which `import.rs` has",
        &["'{shown}' is in a git work tree, but cast could not ask git: make sure that .gitignore lists it"],
    ),
    (
        "needs a user without a home, in the list of users",
        &["set CAST_HOME to the folder where cast may keep its files"],
    ),
];

/// Hints that a look at the sources takes for messages, because they are put together elsewhere.
const ALSO: [&str; 11] = [
    "allow it: {}",
    "take it back, if it is yours: {}",
    "another user owns '{}': ask for access, or use another folder",
    "chmod go={}",
    "move the file away ({}) and import a backup: 'cast key import master.key'",
    "if the file is something else, move it away: {}",
    "save them as UTF-8",
    "fix or delete that line",
    "set it to a whole path, or run: unset {}",
    "if 'cast doctor' finds that vault in order, make a new backup: 'cast key export --output FILE'",
    "move the key: 'cast key move keyring'",
];

#[test]
fn every_hint_is_tried() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut tried = String::new();
    add_sources(&tests, &mut tried);
    let list = fs::read_to_string(tests.join("messages.txt")).unwrap();
    let mut room = "";
    let mut hints: Vec<&str> = Vec::new();
    for line in list.lines() {
        if let Some(hint) = line.trim_start().strip_prefix("hint: ") {
            if ROOMS.iter().any(|known| room.starts_with(known)) {
                hints.push(hint);
            }
        } else if !line.starts_with(' ') && !line.is_empty() {
            room = line;
        }
    }
    assert!(hints.len() > 60, "the list has another form: {hints:?}");
    for also in ALSO {
        assert!(list.lines().any(|line| line.trim() == also), "nobody says it any more: {also}");
    }
    let excused: Vec<&str> = UNTRIED.iter().flat_map(|(_, hints)| *hints).copied().collect();
    for hint in &excused {
        assert!(hints.contains(hint), "nobody says it any more: {hint}");
    }
    let is_tried = |hint: &str| tried.contains(&format!("\"{}\"", hint.replace('"', "\\\"")));
    let untried: Vec<_> = hints.iter().chain(&ALSO).filter(|hint| !excused.contains(hint) && !is_tried(hint)).collect();
    assert!(untried.is_empty(), "no test types what these say; see 'told' in tests/it/advice.rs: {untried:#?}");
}

/// The sources of the tests, but this one's lists.
fn add_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("it/advice.rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Where a hint is looked for in a text, and not typed, has no such call.
            sources.extend(text.contains("told").then_some(text));
        }
    }
}
