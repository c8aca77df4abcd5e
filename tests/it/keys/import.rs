//! `cast key import`: restores a backup if it opens a vault, and never loses another key.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{exported, keys_in, opened, sandbox, vaults, with_vaults_of};
use crate::forge::{Key, Text, encrypt, grant_of};
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

#[test]
fn a_backup_comes_back() {
    let owner = sandbox();
    let backup = exported(&owner, &[]);
    for from_standard_input in [false, true] {
        let new = with_vaults_of(&owner);
        fs::write(new.home().join("master.key"), &backup).unwrap();
        let import = new.cast(["key", "import", if from_standard_input { "-" } else { "master.key" }]);
        let outcome = import.input(&backup).succeeds();
        assert!(outcome.err.contains("✓ Master key imported") && outcome.err.contains("2 vaults"), "{outcome:?}");
        outcome.says_nothing_of(&["AGE-SECRET-KEY"]);
        assert_eq!(new.value("a", "K"), b"hunter2-of-a");
        assert_eq!(fs::metadata(new.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
        // Again: harmless.
        let before = new.snapshot();
        let again = new.cast(["key", "import", "master.key"]).succeeds();
        assert!(again.err.contains("already stored"), "{again:?}");
        assert!(new.snapshot() == before);
    }
}

#[test]
fn a_terminal_is_no_file() {
    let owner = sandbox();
    let new = with_vaults_of(&owner);
    let said = Terminal::start(new.cast(["key", "import", "-"])).ends_with(2);
    assert!(said.contains("standard input is a terminal") && said.contains("cast key import -"), "{said}");
    assert!(!new.key_file().exists());
}

#[test]
fn must_open_a_vault() {
    let owner = sandbox();
    fs::write(owner.home().join("stranger.key"), Key::generate().identity()).unwrap();
    owner.cast(["key", "import", "stranger.key"]).refuses(5, "opens none of the 2 vaults here", &[]);
    owner.cast(["key", "import", "stranger.key", "--replace"]).refuses(5, "opens none", &[]);
}

/// A word that leads nowhere may be the key itself.
#[test]
fn a_path_is_named_and_nothing_else() {
    let owner = sandbox();
    fs::create_dir(owner.home().join("usb")).unwrap();
    let import = |path: &str| owner.cast(["key", "import", path]);
    import("usb/none.key").refuses(4, "cannot read 'usb/none.key': no such file", &[]);
    import("usb").refuses(4, "cannot read 'usb': ", &[]);
    let key = owner.key();
    import(&key).refuses(4, "cannot read the file that FILE names: no such file", &[&key]);
    import("elsewhere/hunter2").refuses(4, "cannot read the file that FILE names: no such file", &["hunter2"]);
}

/// Another home with a backup of the owner's key in `master.key`.
fn second_machine(owner: &Sandbox) -> Sandbox {
    let second = Sandbox::empty();
    owner.cast(["key", "export", "--output", "out.key"]).succeeds();
    fs::rename(owner.home().join("out.key"), second.home().join("master.key")).unwrap();
    second
}

#[test]
fn before_there_is_a_vault_it_becomes_the_key() {
    let owner = sandbox();
    let second = second_machine(&owner);
    let outcome = second.cast(["key", "import", "master.key"]).succeeds();
    assert!(outcome.err.contains("✓ Master key imported") && outcome.err.contains("no vaults here yet"), "{outcome:?}");
    outcome.says_nothing_of(&["AGE-SECRET-KEY"]);
    assert_eq!(second.key(), owner.key());
    let again = second.cast(["key", "import", "master.key"]).succeeds();
    assert!(again.err.contains("already stored"), "{again:?}");
    // Both machines have one key: a vault of either opens on the other.
    second.set("c", "K", "hunter2-of-c");
    fs::copy(second.vault("c"), owner.vault("c")).unwrap();
    fs::copy(owner.vault("a"), second.vault("a")).unwrap();
    assert_eq!((owner.value("c", "K"), second.value("a", "K")), (b"hunter2-of-c".into(), b"hunter2-of-a".into()));
}

#[test]
fn a_key_that_nothing_was_sealed_to_gives_way() {
    let owner = sandbox();
    for unused in [true, false] {
        let second = second_machine(&owner);
        second.cast(["init"]).succeeds();
        let own = second.key();
        if !unused {
            second.set("tried", "K", "v");
            second.cast(["delete", "tried", "--all", "--yes"]).succeeds();
        }
        let outcome = second.cast(["key", "import", "master.key"]).succeeds();
        let expected = if unused { vec![owner.key()] } else { vec![owner.key(), own] };
        assert_eq!(keys_in(&second.key_file()), expected);
        assert_eq!(outcome.err.contains("nothing was ever sealed to it"), unused, "{outcome:?}");
        assert_eq!(outcome.err.contains("stays as a fallback"), !unused, "{outcome:?}");
    }
}

#[test]
fn a_key_that_may_open_something_is_kept() {
    let owner = sandbox();
    // Exported: a copy may be in use. Made elsewhere, or on a machine that lost its state: nobody knows.
    let exported = |second: &Sandbox| drop(second.cast(["key", "export", "-o", "x"]).succeeds());
    let forgotten = |second: &Sandbox| fs::remove_dir_all(second.state()).unwrap();
    for done in [&exported as &dyn Fn(&Sandbox), &forgotten] {
        let second = second_machine(&owner);
        second.cast(["init"]).succeeds();
        let own = second.key();
        done(&second);
        second.cast(["key", "import", "master.key"]).succeeds();
        assert_eq!(keys_in(&second.key_file()), [owner.key(), own]);
    }
    // A vault that is there, in another folder, needs a word.
    let second = second_machine(&owner);
    second.cast(["init"]).succeeds();
    let elsewhere = second.home().join("repository");
    second.cast(["set", "c", "K", "hunter2-of-c"]).env("CAST_VAULTS", &elsewhere).succeeds();
    second.cast(["key", "import", "master.key"]).refuses(2, "there is already another master key", &[]);
    second.cast(["key", "import", "master.key", "--replace"]).succeeds();
    second.cast(["list", "c"]).env("CAST_VAULTS", &elsewhere).succeeds();
}

#[test]
fn reports_those_that_it_does_not_open() {
    let owner = sandbox();
    let backup = exported(&owner, &[]);
    let new = with_vaults_of(&owner);
    fs::copy(Sandbox::with("c", &[("K", "v")]).vault("c"), new.vault("c")).unwrap();
    fs::write(new.vault("b"), "damaged").unwrap();
    let outcome = new.cast(["key", "import", "-"]).input(backup).succeeds();
    assert!(outcome.err.contains("1 vault\n"), "{outcome:?}");
    for agent in ["b", "c"] {
        assert!(outcome.err.contains(&format!("does not open the vault of agent '{agent}'")), "{outcome:?}");
    }
}

#[test]
fn another_key_needs_replace_and_stays_behind() {
    let (one, other) = (sandbox(), Sandbox::with("c", &[("K", "hunter2-of-c")]));
    fs::copy(other.vault("c"), one.vault("c")).unwrap();
    let (first, second) = (one.key(), other.key());
    fs::write(one.home().join("master.key"), exported(&other, &[])).unwrap();
    let refused = one.cast(["key", "import", "master.key"]).refuses(2, "there is already another master key", &[]);
    assert!(refused.err.contains("'--replace'"), "{refused:?}");
    let before = vaults(&one);
    one.cast(["key", "import", "master.key", "--replace"]).succeeds();
    assert!(vaults(&one) == before);
    assert_eq!(keys_in(&one.key_file()), [second, first]);
    assert_eq!(opened(one.cast(["key", "status", "--json"])), [vec!["c"], vec!["a", "b"]]);
}

#[test]
fn what_is_no_master_key() {
    let owner = sandbox();
    let key = grant_of(&owner, "a");
    let import = |bytes: &[u8]| {
        fs::write(owner.home().join("given"), bytes).unwrap();
        owner.cast(["key", "import", "given"])
    };
    let refused = import(key.as_bytes()).refuses(4, "the agent key of 'a'", &[&key]);
    assert!(refused.err.contains("CAST_KEY"), "{refused:?}");
    let good = owner.key();
    import(&good.as_bytes()[..60]).refuses(4, "not a whole age identity", &[&good[..60]]);
    import(b"").refuses(4, "empty", &[]);
    import(&encrypt(good.as_bytes(), &[&Key::generate().recipient()])).refuses(4, "encrypted file", &[]);
    import(&encrypt(key.as_bytes(), &[&Key::master(&owner).recipient()])).refuses(4, "the agent key of 'a'", &[&key]);
    let refused = import(&encrypt(b"nonsense", &[&Key::master(&owner).recipient()]));
    refused.refuses(4, "does not contain a usable key", &["nonsense"]);
    owner.cast(["key", "import", "no-such-file"]).refuses(4, "cannot read", &[]);
    // cast does not echo a key typed in the place of a file.
    owner.cast(["key", "import", &good]).refuses(4, "cannot read", &[&good]);
}

/// Up to a rotation, another holder of the key is the owner, on a machine that was not told of it also after that. What
/// was taken there does not reach the new key unasked, though that machine has verified it.
#[test]
fn what_came_under_the_former_key_is_looked_at_before_it_gets_the_new_one() {
    let (first, eve) = (sandbox(), Key::generate());
    first.cast(["set", "builtin", "B", "hunter2-b"]).succeeds();
    let second = second_machine(&first);
    second.cast(["key", "import", "master.key"]).succeeds();
    fs::create_dir_all(second.vault("a").parent().unwrap()).unwrap();
    for agent in ["a", "builtin"] {
        fs::copy(first.vault(agent), second.vault(agent)).unwrap();
    }
    assert_eq!(second.value("a", "K"), b"hunter2-of-a");
    let former = Key::master(&first);
    first.cast(["key", "rotate", "--retire"]).succeeds();
    for (agent, name) in [("a", "K"), ("builtin", "NODE_OPTIONS")] {
        let known = Text::read(&second.vault(agent), former);
        let forged = Text::new(agent, &known.id, former, &[]).with(
            name,
            "evil",
            if agent == "a" { "" } else { "dangerous = true\n" },
        );
        let forged = forged.with_person("eve", &eve.card(), &[name]).over(&known).in_epoch(7, former);
        fs::write(second.vault(agent), forged.seal(former)).unwrap();
    }
    // There that holder is the owner.
    assert_eq!(second.value("a", "K"), b"evil");
    fs::write(second.home().join("new.key"), first.key()).unwrap();
    fs::copy(first.vault("b"), second.vault("b")).unwrap();
    let imported = second.cast(["key", "import", "new.key", "--replace"]).succeeds();
    assert!(imported.err.contains("'cast vault accept AGENT'"), "{imported:?}");
    let files = fs::read(second.vault("builtin")).unwrap();
    // It is read as before, and not changed.
    assert_eq!(second.value("a", "K"), b"evil");
    for words in [
        &["set", "a", "K", "hunter2-typed"][..],
        &["set", "builtin", "K", "hunter2-typed"],
        &["delete", "a", "K"],
        &["secrets", "rename", "a", "K", "L"],
        &["secrets", "copy", "b", "a", "K", "--replace"],
        &["key", "revoke", "--agent", "a"],
        &["key", "rotate"],
        &["key", "rotate", "--retire"],
    ] {
        let refused = second.cast(words).run();
        let why = "belongs to a former key of yours, and the newest was not made here";
        assert!(refused.code != 0 && refused.err.contains(why), "{words:?}: {refused:?}");
        assert!(refused.err.contains("cast vault accept "), "{refused:?}");
    }
    // Its next state, of that holder, is not even read.
    let known = Text::read(&second.vault("a"), former);
    fs::write(second.vault("a"), known.edited("evil", "evil-later").next().seal(former)).unwrap();
    second.cast(["run", "a", "--", "touch", "started"]).refuses(125, "belongs to a former key of yours", &["evil"]);
    fs::write(second.vault("a"), known.file()).unwrap();
    assert_eq!(fs::read(second.vault("builtin")).unwrap(), files);
    // What the first machine has sealed to the new key is used as it comes.
    for agent in ["a", "builtin"] {
        fs::copy(first.vault(agent), second.vault(agent)).unwrap();
    }
    second.cast(["list", "a"]).refuses(5, "older than this machine has seen", &["hunter2"]);
    for agent in ["a", "builtin"] {
        second.cast(["vault", "accept", agent, "--yes"]).succeeds();
    }
    assert_eq!(second.value("a", "K"), b"hunter2-of-a");
    second.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(keys_in(&second.key_file()), [first.key()]);
}

#[test]
fn a_vault_of_the_key_that_stays_behind_is_read_and_once_accepted_changed() {
    let (one, other) = (sandbox(), sandbox());
    one.cast(["set", "c", "K", "hunter2-of-c"]).succeeds();
    fs::copy(one.vault("c"), other.vault("c")).unwrap();
    fs::write(other.home().join("other.key"), one.key()).unwrap();
    other.cast(["set", "a", "SHOWN", "--unmasked", "hunter2-shown"]).succeeds();
    other.cast(["key", "import", "other.key", "--replace"]).succeeds();
    assert_eq!(other.value("a", "K"), b"hunter2-of-a");
    let refused = other.cast(["set", "a", "L", "hunter2-l"]).refuses(5, "the newest was not made here", &["hunter2"]);
    assert!(refused.err.contains("'cast vault accept a'"), "{refused:?}");
    // How it is treated was decided by whoever held that key.
    other.cast(["secrets", "copy", "a", "c", "SHOWN"]).succeeds();
    assert!(!Text::read(&other.vault("c"), Key::master(&one)).part.contains("unmasked"));
    let shown = other.cast(["vault", "accept", "a"]).run();
    assert!(shown.code == 2 && shown.err.contains("the newest was not made here"), "{shown:?}");
    other.cast(["vault", "accept", "a", "--yes"]).succeeds();
    other.set("a", "L", "hunter2-l");
    assert!(Text::read(&other.vault("a"), Key::master(&one)).verifies());
    // A key that is made here hands on what that one owns, and no more.
    let rotated = other.cast(["key", "rotate"]).run();
    let left = "the vault of agent 'b' belongs to a former key of yours";
    assert!(rotated.code == 5 && rotated.err.contains(left), "{rotated:?}");
    other.cast(["vault", "accept", "b", "--yes"]).succeeds();
    other.cast(["key", "rotate", "--retire"]).succeeds();
    other.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(keys_in(&other.key_file()).len(), 1);
}
