//! A key, a key file or a passphrase that cannot be used.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{Told, told, told_within, typed};
use crate::forge::{Key, encrypt_with_passphrase};
use crate::sandbox::{Sandbox, lacks};

const SECRET: &str = "hunter2-hunter2";
const WORD: &str = "correct horse";

/// With a backup of the key in `master.key`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    sandbox.cast(["key", "export", "--output", "master.key"]).succeeds();
    sandbox
}

/// The same, with the key under a passphrase, which is in `passphrase.txt`.
fn sealed() -> Sandbox {
    let sandbox = sandbox();
    word(&sandbox, format!("{WORD}\n"));
    sandbox.cast(["key", "move", "passphrase"]).env("CAST_PASSPHRASE_FILE", "passphrase.txt").succeeds();
    sandbox
}

fn word(sandbox: &Sandbox, text: impl AsRef<[u8]>) {
    private(&sandbox.home().join("passphrase.txt"), text);
}

fn private(path: &std::path::Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Moves the key file away and imports the backup, as told.
fn starts_over(sandbox: &Sandbox, advice: &Told) {
    typed(sandbox, advice.hole(0)).succeeds();
    typed(sandbox, &advice.command("cast key import")).succeeds();
    sandbox.cast(["list", "a"]).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

const STARTS_OVER: &str = "move the file away ({}) and import a backup: 'cast key import master.key'";

#[test]
fn a_key_file_that_nothing_opens() {
    let form = "move the file away ({}) and import a backup: 'cast key import master.key'";
    assert_eq!(form, STARTS_OVER);
    for bytes in [&b"nonsense"[..], b"", b"\xff\xfe\x00", b"AGE-SECRET-KEY-1NO"] {
        let sandbox = sandbox();
        private(&sandbox.key_file(), bytes);
        let outcome = sandbox.cast(["list", "a"]).refuses(4, "does not contain a usable key", &[SECRET]);
        starts_over(&sandbox, &told(&outcome, form));
    }
    // The key of an agent, by mistake.
    let sandbox = sandbox();
    let grant = sandbox.cast(["key", "export", "--agent", "a"]).succeeds().out;
    private(&sandbox.key_file(), grant);
    let outcome = sandbox.cast(["list", "a"]).refuses(4, "an agent key belongs in CAST_KEY", &[SECRET]);
    starts_over(&sandbox, &told(&outcome, form));
    // One under a passphrase, damaged, or made to take for ever.
    for bytes in [b"age-encryption.org/v1\n-> scrypt x\n".to_vec(), b"nonsense".to_vec()] {
        let sandbox = sealed();
        private(&sandbox.data().join("key.age"), bytes);
        let call = sandbox.cast(["list", "a"]).env("CAST_PASSPHRASE_FILE", "passphrase.txt");
        starts_over(&sandbox, &told(&call.refuses(4, "the key file is damaged", &[SECRET, WORD]), form));
    }
    let sandbox = sealed();
    let file = fs::read(sandbox.data().join("key.age")).unwrap();
    let text = String::from_utf8_lossy(&file[..120]).into_owned();
    let factor = text.lines().nth(1).unwrap().rsplit(' ').next().unwrap().to_owned();
    let at = text.find(&format!(" {factor}\n")).unwrap();
    let slow = [&file[..at], b" 30", &file[at + 1 + factor.len()..]].concat();
    private(&sandbox.data().join("key.age"), slow);
    let call = sandbox.cast(["list", "a"]).env("CAST_PASSPHRASE_FILE", "passphrase.txt");
    starts_over(&sandbox, &told(&call.refuses(4, "too high a scrypt work factor", &[SECRET, WORD]), form));
}

#[test]
fn a_passphrase_that_is_forgotten() {
    let sandbox = sealed();
    word(&sandbox, "another horse\n");
    let call = sandbox.cast(["list", "a"]).env("CAST_PASSPHRASE_FILE", "passphrase.txt");
    let outcome = call.refuses(4, "wrong passphrase", &[SECRET, "another horse"]);
    let advice = told(&outcome, "if you forgot the passphrase, {}");
    starts_over(&sandbox, &told_within(advice.hole(0), STARTS_OVER));
}

#[test]
fn a_key_file_that_others_can_read() {
    let sandbox = sandbox();
    for mode in [0o644, 0o640, 0o606] {
        fs::set_permissions(sandbox.key_file(), Permissions::from_mode(mode)).unwrap();
        let outcome = sandbox.cast(["list", "a"]).refuses(6, "other users can read it", &[SECRET]);
        typed(&sandbox, told(&outcome, "if the key is still secret, run: {}").hole(0)).succeeds();
        sandbox.cast(["list", "a"]).succeeds();
    }
}

#[test]
fn a_home_with_a_quote_in_its_name() {
    let sandbox = Sandbox::empty();
    let home = sandbox.home().join("it's \"mine\" $HOME");
    let cast = |words: &[&str]| sandbox.cast(words).env("CAST_HOME", &home);
    cast(&["init", "--key-store", "file"]).succeeds();
    fs::set_permissions(home.join("key.txt"), Permissions::from_mode(0o644)).unwrap();
    let outcome = cast(&["list", "a"]).run();
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let outcome = cast(&["set", "a", "K", SECRET]).refuses(6, "other users can read it", &[SECRET]);
    typed(&sandbox, told(&outcome, "if the key is still secret, run: {}").hole(0)).succeeds();
    cast(&["set", "a", "K", SECRET]).succeeds();
    fs::set_permissions(home.join("vaults/a.age"), Permissions::from_mode(0o644)).unwrap();
    let found = cast(&["doctor"]).run();
    let paths = told(&found, "chmod go={}").hole(0).to_owned();
    typed(&sandbox, &format!("chmod go={paths}")).succeeds();
    cast(&["doctor"]).succeeds();
}

#[test]
fn a_key_file_where_git_would_take_it() {
    if lacks("git", "advice: a key file where git would take it") {
        return;
    }
    let sandbox = Sandbox::empty();
    sandbox.other("git", ["init", "-q", "."]).succeeds();
    let init = || sandbox.cast(["init", "--key-store", "file"]);
    let outcome = init().refuses(6, "must not be in the git work tree", &[]);
    told(&outcome, "use the OS keyring, or set CAST_HOME to a folder outside it");
    let outside = Sandbox::empty();
    init().env("CAST_HOME", outside.home()).succeeds();
    typed(&sandbox, told(&outcome, "or make git ignore it: {}").hole(0)).succeeds();
    init().succeeds();
    // One that is there is found, until git ignores it.
    fs::remove_file(sandbox.home().join(".gitignore")).unwrap();
    let found = sandbox.cast(["doctor"]).run();
    typed(&sandbox, told(&found, "or make git ignore it: {}").hole(0)).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn nobody_to_ask_for_a_passphrase() {
    let sandbox = sealed();
    let outcome = sandbox.cast(["list", "a"]).refuses(4, "needs its passphrase", &[SECRET]);
    let advice = told(&outcome, "name a file with the passphrase: {}");
    typed(&sandbox, &advice.before("CAST_PASSPHRASE_FILE=", "list a")).succeeds();
    let advice = told(&outcome, "or run this in a terminal, or provide a key: {}");
    typed(&sandbox, &advice.before("CAST_KEY_FILE=", "list a")).succeeds();
    // For a new one.
    let new = Sandbox::empty();
    let outcome = new.cast(["init", "--key-store", "passphrase"]).refuses(2, "without a terminal", &[]);
    let advice = told(&outcome, "name a file with the passphrase: {}");
    word(&new, WORD);
    typed(&new, &advice.before("CAST_PASSPHRASE_FILE=", "init --key-store passphrase")).succeeds();
    let form =
        "or keep the key without a passphrase: 'cast key move file', or for a new key 'cast init --key-store file'";
    let plain = Sandbox::empty();
    typed(&plain, &told(&outcome, form).command("cast init")).succeeds();
    let line = told(&outcome, form).command("cast key move");
    let moved = typed(&new, &line).env("CAST_PASSPHRASE_FILE", "passphrase.txt").succeeds();
    assert!(moved.err.contains("cast: hint: only the mode of that file protects the key now\n"), "{moved:?}");
}

#[test]
fn a_file_with_a_passphrase() {
    let sandbox = sealed();
    let list = |path: &str| typed(&sandbox, "cast list a").env("CAST_PASSPHRASE_FILE", path);
    let refuses = |path: &str, message: &str| list(path).refuses(4, message, &[SECRET, WORD]);
    let advice = told(&refuses("", "is set but empty"), "name a file, or unset it: 'unset {PASSPHRASE_FILE}'");
    let line = format!("{}; CAST_KEY_FILE=master.key cast list a", advice.command("unset"));
    typed(&sandbox, &line).env("CAST_PASSPHRASE_FILE", "").succeeds();
    let outcome = refuses("missing.txt", "cannot be read");
    told(&outcome, "{PASSPHRASE_FILE} takes the path of a file, not the passphrase itself");
    list("passphrase.txt").succeeds();
    for (mode, form) in [
        (
            0o622,
            "if the passphrase is yours: chmod 600 \"$CAST_PASSPHRASE_FILE\"; if the file is not, make a copy of your own",
        ),
        (0o644, "if the passphrase is still secret: chmod 600 \"$CAST_PASSPHRASE_FILE\""),
    ] {
        fs::set_permissions(sandbox.home().join("passphrase.txt"), Permissions::from_mode(mode)).unwrap();
        let outcome = refuses("passphrase.txt", "other users can");
        told(&outcome, form);
        // As printed, up to the next half of the sentence.
        let printed = outcome.err.split_once("chmod ").unwrap().1;
        let line = format!("chmod {}", printed.split([';', '\n']).next().unwrap());
        typed(&sandbox, &line).env("CAST_PASSPHRASE_FILE", "passphrase.txt").succeeds();
        list("passphrase.txt").succeeds();
    }
    for text in ["", "two\nlines\n", &"x".repeat(5000)] {
        word(&sandbox, text);
        told(
            &refuses("passphrase.txt", "names a file that"),
            "the passphrase is its only line; nothing else is in the file",
        );
        word(&sandbox, format!("{WORD}\n"));
        list("passphrase.txt").succeeds();
    }
}

#[test]
fn a_key_that_was_given() {
    let sandbox = sandbox();
    let key = sandbox.key();
    let list = |line: &str| typed(&sandbox, line);
    let refuses = |variables: &str, message: &str| {
        typed(&sandbox, &format!("{variables} cast list a")).refuses(4, message, &[SECRET, &key])
    };
    let both = format!("export CAST_KEY={key} CAST_KEY_FILE=master.key;");
    let advice = told(&refuses(&both, "are set"), "unset one of them: 'unset {KEY_FILE}'");
    list(&format!("{both} {}; cast list a", advice.command("unset"))).succeeds();
    let empty = "export CAST_KEY_FILE=;";
    let advice = told(&refuses(empty, "is set but empty"), "name a file, or unset it: 'unset {named_by}'");
    list(&format!("{empty} {}; cast list a", advice.command("unset"))).succeeds();
    let outcome = refuses(&format!("CAST_KEY_FILE={key}"), "cannot read the file");
    told(&outcome, "{KEY_FILE} takes the path of a file; put the key itself in {KEY}");
    list(&format!("CAST_KEY={key} cast list a")).succeeds();
    for text in ["nonsense", "''", "AGE-SECRET-KEY-1"] {
        let outcome = refuses(&format!("CAST_KEY={text}"), "does not contain a usable key");
        let form = "it takes what one of these prints: 'cast key export', 'cast key export --agent AGENT'";
        let advice = told(&outcome, form);
        let one = advice.command("cast key export --agent").replace("AGENT", "a");
        for command in ["cast key export --output -", &one] {
            list(&format!("CAST_KEY=\"$({command})\" cast list a")).succeeds();
        }
    }
    // A file that others can write.
    let given = sandbox.home().join("master.key");
    fs::set_permissions(&given, Permissions::from_mode(0o666)).unwrap();
    let outcome = refuses("CAST_KEY_FILE=master.key", "other users can write");
    told(&outcome, "if the key is yours: chmod go-w \"$CAST_KEY_FILE\"; if the file is not, make a copy of your own");
    let printed = outcome.err.split_once("chmod ").unwrap().1.split(';').next().unwrap();
    list(&format!("chmod {printed}")).env("CAST_KEY_FILE", "master.key").succeeds();
    list("CAST_KEY_FILE=master.key cast list a").succeeds();
    fs::set_permissions(&given, Permissions::from_mode(0o666)).unwrap();
    let import = || sandbox.cast(["key", "import", "master.key"]);
    let outcome = import().refuses(4, "other users can write", &[&key]);
    told(&outcome, "if the key is yours: run 'chmod go-w' on the file; if the file is not, make a copy of your own");
    list("chmod go-w master.key").succeeds();
    import().succeeds();
    let outcome = sandbox.cast(["key", "import", "missing.key"]).refuses(4, "cannot read the file", &[]);
    told(&outcome, "{named_by} takes the path of a file that this user can read");
}

#[test]
fn a_key_that_is_encrypted() {
    if lacks("age", "advice: a key that is encrypted") {
        return;
    }
    let sandbox = sandbox();
    // With a key of age's, for nobody is there to type a passphrase.
    typed(&sandbox, "age-keygen -o own.txt && age -r \"$(age-keygen -y own.txt)\" -o key.age master.key").succeeds();
    let outcome = sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "key.age").refuses(4, "an encrypted file", &[]);
    let advice = told(&outcome, "decrypt it on the fly: '<(age -d key.age)'");
    let on_the_fly = advice.command("<(").replace("-d", "-d -i own.txt");
    let line = format!("cast key import {on_the_fly} && CAST_KEY_FILE={on_the_fly} cast list a");
    let script = line.replace('\'', "'\\''");
    typed(&sandbox, &format!("bash -c '{script}'")).succeeds();
}

#[test]
fn no_key_for_the_vaults() {
    let sandbox = sandbox();
    let kept = fs::read(sandbox.key_file()).unwrap();
    fs::remove_file(sandbox.key_file()).unwrap();
    let outcome = sandbox.cast(["list", "a"]).refuses(4, "no key for the vault here: ", &[SECRET]);
    let form = "bring back the key they were made with: 'cast key import master.key', or for one call {GIVE_KEY}";
    typed(&sandbox, &told(&outcome, form).before("CAST_KEY_FILE=", "list a")).succeeds();
    typed(&sandbox, &told(&outcome, form).command("cast key import")).succeeds();
    sandbox.cast(["list", "a"]).succeeds();
    fs::remove_file(sandbox.key_file()).unwrap();
    let form = "if it is lost for good, so is what is in them: to start over, move the folder away: {}";
    typed(&sandbox, told(&outcome, form).hole(0)).succeeds();
    sandbox.cast(["init"]).succeeds();
    assert_ne!(fs::read(sandbox.key_file()).unwrap(), kept);
    sandbox.cast(["set", "--new", "a", "K", SECRET]).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn no_key_at_all() {
    let owner = sandbox();
    let sandbox = Sandbox::empty();
    let set = || sandbox.cast(["set", "a", "K", SECRET]);
    let outcome = set().refuses(4, "no key, and no OS keyring here", &[SECRET]);
    fs::copy(owner.home().join("master.key"), sandbox.home().join("master.key")).unwrap();
    let advice = told(&outcome, "or provide a key: {GIVE_KEY}");
    typed(&sandbox, &advice.before("CAST_KEY_FILE=", "list")).succeeds();
    let form = "make a key file: 'cast init --key-store file', or on a terminal 'cast init --key-store passphrase'";
    typed(&sandbox, &told(&outcome, form).command("cast init --key-store file")).succeeds();
    set().succeeds();
}

#[test]
fn more_keys_than_fit() {
    let sandbox = sandbox();
    let former: String = (0..440).map(|_| Key::generate().identity() + "\n").collect();
    private(&sandbox.key_file(), sandbox.key() + "\n" + &former);
    let outcome = sandbox.cast(["key", "rotate"]).refuses(1, "a key store cannot hold", &[]);
    let advice = told(&outcome, "drop the former keys: 'cast key rotate --retire'");
    typed(&sandbox, &advice.command("cast key rotate")).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
}

#[test]
fn an_import_that_is_refused() {
    let (sandbox, owner) = (sandbox(), sandbox());
    let grant = owner.cast(["key", "export", "--agent", "a"]).succeeds().out;
    private(&sandbox.home().join("agent.key"), &grant);
    let outcome = sandbox.cast(["key", "import", "agent.key"]).refuses(4, "is not a master key", &[grant.trim()]);
    told(&outcome, "cast does not store agent keys: put it in CAST_KEY");
    owner.cast(["list", "a"]).env("CAST_KEY", grant.trim()).succeeds();
    // One that opens nothing here.
    private(&sandbox.home().join("other.key"), Sandbox::new().key());
    let before = fs::read(sandbox.key_file()).unwrap();
    let outcome =
        sandbox.cast(["key", "import", "other.key"]).refuses(5, "the vault here does not open with this key", &[]);
    let form = "import the key that they were made with; this shows what a key opens: 'cast doctor --backup FILE'";
    let doctor = told(&outcome, form).command("cast doctor --backup");
    assert_eq!(typed(&sandbox, &doctor.replace("FILE", "other.key")).run().code, 1);
    typed(&sandbox, &doctor.replace("FILE", "master.key")).succeeds();
    sandbox.cast(["key", "import", "master.key"]).succeeds();
    assert_eq!(fs::read(sandbox.key_file()).unwrap(), before);
    // Another master key beside the own.
    fs::copy(owner.vault("a"), sandbox.vault("b")).unwrap();
    let theirs = owner.home().join("master.key").display().to_string();
    owner.set("b", "K", SECRET);
    fs::copy(owner.vault("b"), sandbox.vault("b")).unwrap();
    let import = ["key", "import", &theirs];
    let outcome = sandbox.cast(import).refuses(2, "there is already another master key", &[&owner.key()]);
    told(&outcome, "to put this one first and keep the other as a fallback, add '--replace'");
    sandbox.cast([&import[..], &["--replace"]].concat()).succeeds();
    sandbox.cast(["list", "a"]).succeeds();
    sandbox.cast(["list", "b"]).succeeds();
    // A change of the store with a key from elsewhere.
    let rotate = |line: &str| typed(&owner, line).env("CAST_KEY", owner.key());
    let outcome = rotate("cast key rotate").refuses(2, "came from CAST_KEY", &[&owner.key()]);
    let advice = told(&outcome, "try again without it: 'unset {name}'");
    rotate(&format!("{}; cast key rotate", advice.command("unset"))).succeeds();
}

#[test]
fn an_agent_key_during_a_rotation() {
    let sandbox = sandbox();
    let elsewhere = sandbox.home().join("elsewhere");
    sandbox.cast(["set", "c", "K", SECRET]).env("CAST_VAULTS", &elsewhere).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    let export = || sandbox.cast(["key", "export", "--agent", "c"]).env("CAST_VAULTS", &elsewhere);
    let outcome = export().run();
    assert!(outcome.code != 0 && outcome.out.is_empty(), "{outcome:?}");
    let form = "finish the rotation first: 'cast key rotate'; the next change would end an agent key made now";
    typed(&sandbox, &told(&outcome, form).command("cast key rotate")).env("CAST_VAULTS", &elsewhere).succeeds();
    export().succeeds();
}

/// A key file that a stranger made under his own passphrase opens with that one alone.
#[test]
fn a_key_file_of_a_stranger() {
    let sandbox = sealed();
    let file = encrypt_with_passphrase(b"AGE-SECRET-KEY-1NO\n", WORD);
    private(&sandbox.data().join("key.age"), file);
    let call = sandbox.cast(["list", "a"]).env("CAST_PASSPHRASE_FILE", "passphrase.txt");
    let outcome = call.refuses(4, "does not contain a usable key", &[SECRET, WORD]);
    starts_over(&sandbox, &told(&outcome, STARTS_OVER));
}
