//! In a git work tree branches are switched: a state that this machine knows is used, but none from before something
//! was
//! taken away. `run --older` uses any authentic state once.

use std::fs;
use std::path::PathBuf;

use super::{SECRET, sandbox, text};
use crate::forge::{Key, Text};
use crate::sandbox::{Call, Outcome, Sandbox, lacks, skip};

/// A home whose vaults are in a git work tree.
struct Repository(Sandbox);

impl Repository {
    /// `a` has the secret `K`; `None` without git.
    fn new() -> Option<Self> {
        let repository = Self(Sandbox::new());
        if lacks("git", "vault branches") {
            return None;
        }
        let init = repository.0.command("git").args(["init", "-q", "repository"]).status();
        assert!(init.unwrap().success());
        repository.set("K", "hunter2-first");
        Some(repository)
    }

    fn cast(&self, words: &[&str]) -> Call<'_> {
        self.0.cast(words).env("CAST_VAULTS", self.0.home().join("repository"))
    }

    fn set(&self, key: &str, value: &str) {
        self.cast(&["set", "a", key, value]).succeeds();
    }

    fn path(&self) -> PathBuf {
        self.0.home().join("repository/a.age")
    }

    fn file(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn text(&self) -> Text {
        Text::read(&self.path(), Key::master(&self.0))
    }

    /// Puts a state there.
    fn switch(&self, file: &[u8]) {
        fs::write(self.path(), file).unwrap();
    }

    /// The value of `K` of a state that this machine knows, which is used with one line and changes nothing.
    #[track_caller]
    fn uses(&self, file: &[u8], value: &str) {
        self.switch(file);
        let before = self.0.snapshot();
        let run = self.cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
        assert_eq!(run.out, format!("{value}\n"), "{run:?}");
        assert!(
            run.err.lines().count() == 1 && run.err.contains("another branch, which this machine knows"),
            "{run:?}"
        );
        assert!(self.0.snapshot() == before);
    }

    #[track_caller]
    fn refuses(&self, file: &[u8], why: &str) -> Outcome {
        self.switch(file);
        self.cast(&["list", "a"]).refuses(5, why, &[SECRET]);
        self.cast(&["run", "a", "--", "touch", "started"]).refuses(125, why, &[SECRET])
    }
}

#[test]
fn a_state_that_this_machine_knows() {
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    here.set("K", "hunter2-second");
    let second = here.file();
    here.uses(&first, "hunter2-first");
    // Nor does a review say that it is refused.
    let asked = here.cast(&["vault", "accept", "a"]).run();
    let said =
        "cast uses this state, because this machine knows it from another branch. Accepting it makes it the newest.";
    assert!(asked.code == 2 && asked.err.starts_with(said) && !asked.err.contains("refuses"), "{asked:?}");
    // The newest is what it was, and needs no line.
    here.switch(&second);
    let run = here.cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2-second\n", ""));
    // A change on the older one makes a fork; both are known from then on.
    here.switch(&first);
    here.set("K", "hunter2-third");
    let third = here.file();
    here.uses(&second, "hunter2-second");
    here.switch(&third);
    let run = here.cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2-third\n", ""));
}

#[test]
fn not_one_that_this_machine_does_not_know() {
    let Some(here) = Repository::new() else { return };
    let master = Key::master(&here.0);
    let base = here.text();
    here.set("K", "hunter2-second");
    let (good, first) = (here.file(), base.file());
    // Authentic, from the same base, made elsewhere; and the same numbers for something else.
    for other in
        [Text { at: format!("{},ffffffff.9", base.at), ..base.edited("first", "there") }, base.edited("first", "there")]
    {
        here.refuses(&other.seal(master), "the vault of agent 'a' ");
    }
    // Nor outside of a work tree.
    fs::rename(here.0.home().join("repository/.git"), here.0.home().join("git")).unwrap();
    here.refuses(&first, "older than this machine has seen");
    fs::rename(here.0.home().join("git"), here.0.home().join("repository/.git")).unwrap();
    here.uses(&first, "hunter2-first");
    // Nor a known one with anything changed in it.
    here.refuses(&base.edited("first", "evil").file(), "is not authentic");
    here.switch(&good);
    here.cast(&["list", "a"]).succeeds();
}

#[test]
fn not_one_from_before_a_revocation() {
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    here.cast(&["key", "revoke", "--agent", "a"]).succeeds();
    here.refuses(&first, "older than this machine has seen");
}

#[test]
fn not_one_from_before_a_dangerous_name_was_taken_away() {
    let Some(here) = Repository::new() else { return };
    here.cast(&["set", "a", "--allow-dangerous-name", "NODE_OPTIONS", "hunter2"]).succeeds();
    let with = here.file();
    here.set("K", "hunter2-second");
    here.uses(&with, "hunter2-first");
    here.set("K", "hunter2-third");
    here.cast(&["delete", "a", "NODE_OPTIONS"]).succeeds();
    let without = here.file();
    here.refuses(&with, "the vault of agent 'a' ");
    here.switch(&without);
    here.set("K", "hunter2-fourth");
    here.uses(&without, "hunter2-third");
    here.refuses(&with, "the vault of agent 'a' ");
}

#[test]
fn not_one_from_before_a_person_or_a_permission_was_taken_away() {
    type TakeAway<'a> = &'a dyn Fn(&Text) -> Text;
    let (alice, other) = (Key::generate().card(), Key::generate().card());
    let (all, fewer): (&[&str], &[&str]) = (&["K", "L"], &["K"]);
    let without = |text: &Text| {
        let begin = text.part.find("\n[people.alice]").unwrap();
        Text { part: text.part[..begin].to_owned(), ..text.clone() }
    };
    let flagged = |text: &Text, from: &str, to: &str| {
        let part = text.part.replace(&format!("\n[names.L]\n{from}"), &format!("\n[names.L]\n{to}"));
        assert!(part != text.part);
        Text { part, ..text.clone() }
    };
    let cases: [(&str, TakeAway<'_>); 5] = [
        ("the permission to show it", &|text| flagged(text, "unmasked = true\n", "")),
        ("the permission to give it as it is", &|text| {
            flagged(text, "unmasked = true\n", "unmasked = true\nhosts = [\"a.b\"]\n")
        }),
        ("a person", &without),
        ("a permission", &|text| without(text).with_person("alice", &alice, fewer)),
        ("a card", &|text| without(text).with_person("alice", &other, all)),
    ];
    for (what, take_away) in cases {
        let Some(here) = Repository::new() else { return };
        let master = Key::master(&here.0);
        here.set("L", "hunter2-l");
        let write = |text: Text| {
            here.switch(&text.next().seal(master));
            here.cast(&["list", "a"]).succeeds();
            here.file()
        };
        // More is no less: what was known stays usable.
        let before = here.file();
        write(here.text().with_person("alice", &alice, &[]));
        here.uses(&before, "hunter2-first");
        here.switch(&before);
        let with = write(flagged(&here.text().next().with_person("alice", &alice, all), "", "unmasked = true\n"));
        here.set("K", "hunter2-second");
        here.uses(&with, "hunter2-first");
        here.set("K", "hunter2-second");
        write(take_away(&here.text()));
        let refused = here.refuses(&with, "the vault of agent 'a' ");
        assert!(refused.err.contains("cast vault accept"), "{what}: {refused:?}");
    }
}

/// Who can only write the folder can put a `.git` there.
#[test]
fn not_in_a_work_tree_of_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        return skip("vault branches: needs root");
    }
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    std::os::unix::fs::chown(here.0.home().join("repository/.git"), Some(65534), Some(65534)).unwrap();
    here.set("K", "hunter2-second");
    here.refuses(&first, "older than this machine has seen");
    // Nor once it is the user's, before a state was seen there.
    std::os::unix::fs::chown(here.0.home().join("repository/.git"), Some(0), Some(0)).unwrap();
    here.refuses(&first, "older than this machine has seen");
}

#[test]
fn older_is_used_once_and_remembered_by_nobody() {
    let sandbox = sandbox();
    let (first, master) = (text(&sandbox), Key::master(&sandbox));
    sandbox.set("a", "K", "hunter2-second");
    let newest = fs::read(sandbox.vault("a")).unwrap();
    let older = |words: &[&str]| {
        let words = ["run", "a", "--older"].iter().chain(words).chain(&["--no-mask", "--", "printenv", "K"]);
        sandbox.cast(words)
    };
    // Nothing to say where it is the newest.
    assert_eq!((older(&[]).succeeds().err.as_str(), older(&[]).succeeds().out.as_str()), ("", "hunter2-second\n"));
    let forked = Text { at: "ffffffff.9".into(), ..first.edited("first", "forked") };
    for (text, value) in [(first.clone(), "hunter2-first\n"), (forked.signed(master), "hunter2-forked\n")] {
        fs::write(sandbox.vault("a"), text.file()).unwrap();
        let before = sandbox.snapshot();
        let run = older(&[]).succeeds();
        assert_eq!(run.out, value);
        assert!(run.err.lines().count() == 1 && run.err.contains("for this run only"), "{run:?}");
        assert!(sandbox.snapshot() == before);
        super::refused(&sandbox, "the vault of agent 'a' ");
    }
    // Authentic it has to be, and of this vault.
    let evil = first.edited("first", "evil").next().with_seal(Key::generate());
    fs::write(sandbox.vault("a"), evil.file()).unwrap();
    older(&[]).refuses(125, "is not authentic", &["evil"]);
    let another = Text::new("a", &"42".repeat(16), master, &[("K", "evil")]);
    fs::write(sandbox.vault("a"), another.seal(master)).unwrap();
    older(&[]).refuses(125, "not the vault that this machine has known", &["evil"]);
    fs::write(sandbox.vault("a"), newest).unwrap();
    super::works(&sandbox);
}

/// Nor what only looks like one: a link to something of the user's, or a file of the user's that was moved there.
#[test]
fn not_in_what_only_looks_like_a_work_tree() {
    let Some(here) = Repository::new() else { return };
    let git = here.0.home().join("repository/.git");
    fs::rename(&git, here.0.home().join("real")).unwrap();
    let first = here.file();
    for plant in ["link", "file", "folder"] {
        match plant {
            "link" => std::os::unix::fs::symlink(here.0.home().join("real"), &git).unwrap(),
            "file" => fs::write(&git, "something of the user's\n").unwrap(),
            _ => fs::create_dir(&git).unwrap(),
        }
        here.set("K", "hunter2-second");
        here.refuses(&first, "older than this machine has seen");
        here.cast(&["vault", "accept", "a", "--yes"]).succeeds();
        if plant == "folder" { fs::remove_dir(&git) } else { fs::remove_file(&git) }.unwrap();
    }
}

/// Who takes a flag away deletes the secret and sets it anew.
#[test]
fn not_one_from_before_a_permission_was_deleted_and_set_anew() {
    let Some(here) = Repository::new() else { return };
    here.cast(&["set", "a", "--unmasked", "L", "hunter2-plain"]).succeeds();
    let unmasked = here.file();
    here.cast(&["delete", "a", "L"]).succeeds();
    here.set("L", "hunter2-secret");
    here.refuses(&unmasked, "older than this machine has seen");
}

/// An epoch beats all numbers: begun on an older state, it would make that the newest one.
#[test]
fn no_epoch_begins_on_an_older_state() {
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    here.set("K", "hunter2-second");
    let second = here.file();
    here.switch(&first);
    // It says which state it found before it refuses that.
    let revoked = here.cast(&["key", "revoke", "--agent", "a"]).run();
    assert!(revoked.code == 5 && revoked.err.contains("older than this machine has seen"), "{revoked:?}");
    let rotation = here.cast(&["key", "rotate"]).run();
    assert!(rotation.code != 0 && rotation.err.contains("older than this machine has seen"), "{rotation:?}");
    assert_eq!(here.file(), first);
    here.switch(&second);
    here.cast(&["key", "rotate"]).succeeds();
    here.cast(&["key", "revoke", "--agent", "a"]).succeeds();
}

/// What the holder of a former key makes is not an older state of this machine's.
#[test]
fn older_is_not_what_a_former_key_makes() {
    let sandbox = sandbox();
    let (first, former) = (text(&sandbox), Key::master(&sandbox));
    let older = || sandbox.cast(["run", "a", "--older", "--no-mask", "--", "printenv", "K"]);
    sandbox.cast(["key", "rotate"]).succeeds();
    let evil = Text { at: "ffffffff.9".into(), ..first.edited("first", "evil") };
    fs::write(sandbox.vault("a"), evil.seal(former)).unwrap();
    older().refuses(125, "older than this machine has seen", &["evil"]);
    // One that this machine has met is.
    fs::write(sandbox.vault("a"), first.file()).unwrap();
    assert_eq!(older().succeeds().out, "hunter2-first\n");
}

/// A vault that this machine knows from elsewhere is known here, too, once it was read here.
#[test]
fn a_known_vault_in_a_new_place_is_expected_there() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let clone = sandbox.home().join("clone");
    fs::create_dir(&clone).unwrap();
    fs::copy(sandbox.vault("a"), clone.join("a.age")).unwrap();
    let there = |words: &[&str]| sandbox.cast(words).env("CAST_VAULTS", &clone);
    there(&["list", "a"]).succeeds();
    // Another vault of one's own in its place; and none.
    let another = Text::new("a", &"42".repeat(16), Key::master(&sandbox), &[("K", "evil")]);
    fs::write(clone.join("a.age"), another.seal(Key::master(&sandbox))).unwrap();
    there(&["list", "a"]).refuses(5, "not the vault that this machine has known", &["evil"]);
    fs::remove_file(clone.join("a.age")).unwrap();
    there(&["set", "a", "K", SECRET]).refuses(2, "that this machine has seen is gone", &[SECRET]);
}

/// A name that is gone for a while: what it is when it comes back is compared with what it was.
#[test]
fn not_one_from_before_a_name_came_back_with_less() {
    let Some(here) = Repository::new() else { return };
    let master = Key::master(&here.0);
    here.set("L", "hunter2-l");
    let as_it_is = here.file();
    here.cast(&["delete", "a", "L"]).succeeds();
    let without = here.file();
    // Nothing was taken away yet, also in later states.
    here.uses(&as_it_is, "hunter2-first");
    here.switch(&without);
    here.set("M", "hunter2-m");
    here.set("K", "hunter2-second");
    let without = here.file();
    here.uses(&as_it_is, "hunter2-first");
    here.switch(&without);
    let brokered = here.text().with("L", "hunter2-l", "hosts = [\"a.b\"]\n").next();
    here.switch(&brokered.seal(master));
    here.cast(&["list", "a"]).succeeds();
    here.refuses(&as_it_is, "older than this machine has seen");
}

/// What a change takes away is compared with what it changed, not only with what was seen last.
#[test]
fn not_one_from_before_another_branch_took_a_permission_away() {
    let Some(here) = Repository::new() else { return };
    let base = here.file();
    here.cast(&["set", "a", "--unmasked", "L", "hunter2-plain"]).succeeds();
    let unmasked = here.file();
    // On a branch that never had it.
    here.switch(&base);
    here.set("K", "hunter2-branch");
    here.uses(&unmasked, "hunter2-first");
    here.cast(&["delete", "a", "L"]).succeeds();
    here.refuses(&unmasked, "the vault of agent 'a' ");
}

/// The line of an agent key states the floor of who remembers nothing.
#[test]
fn no_agent_key_is_made_of_an_older_state() {
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    here.set("K", "hunter2-second");
    let second = here.file();
    here.switch(&first);
    let before = here.0.snapshot();
    for words in [&["key", "export", "--agent", "a"][..], &["key", "export", "--agent", "a", "--output", "line"]] {
        let refused = here.cast(words).run();
        assert!(refused.code == 5 && refused.out.is_empty(), "{refused:?}");
        assert!(refused.err.contains("older than this machine has seen"), "{refused:?}");
        refused.says_nothing_of(&[SECRET, "AGE-SECRET-KEY-1"]);
    }
    assert!(here.0.snapshot() == before);
    here.switch(&second);
    let line = here.cast(&["key", "export", "--agent", "a"]).succeeds();
    assert_eq!(line.out, here.text().grant(Key::master(&here.0)) + "\n");
}

/// The line of an agent key states what its holder may expect: nothing below that is used, not even in git.
#[test]
fn not_one_from_before_an_agent_line_was_made() {
    let Some(here) = Repository::new() else { return };
    let line = |here: &Repository| here.text().grant(Key::master(&here.0));
    let with = |line: &str| here.cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).env("CAST_KEY", line);
    let (first, first_line) = (here.file(), line(&here));
    with(&first_line).succeeds();
    here.set("K", "hunter2-second");
    let second_line = line(&here);
    with(&second_line).succeeds();
    here.switch(&first);
    assert_eq!(with(&first_line).succeeds().out, "hunter2-first\n");
    with(&second_line).refuses(125, "older than this machine has seen", &[SECRET]);
}

/// With the newest key it begins an epoch.
#[test]
fn no_change_is_made_on_an_older_state_of_a_former_key() {
    let Some(here) = Repository::new() else { return };
    let first = here.file();
    here.set("K", "hunter2-second");
    let second = here.file();
    // In another folder.
    here.0.cast(["key", "rotate"]).succeeds();
    here.uses(&first, "hunter2-first");
    for words in [&["set", "a", "L", "hunter2-l"][..], &["delete", "a", "K"], &["secrets", "rename", "a", "K", "L"]] {
        let refused = here.cast(words).run();
        assert!(refused.code == 5 && refused.err.contains("older than this machine has seen"), "{refused:?}");
        refused.says_nothing_of(&[SECRET]);
        assert_eq!(here.file(), first);
    }
    here.switch(&second);
    here.set("L", "hunter2-l");
    assert_eq!((here.text().epoch, here.text().owner), (2, Key::master(&here.0).verification()));
}

/// What belongs to another work tree of this user, or to none, makes no work tree of a folder that it is moved to.
#[test]
fn not_in_a_folder_that_got_the_git_files_of_another_work_tree() {
    let Some(here) = Repository::new() else { return };
    let (home, git) = (here.0.home().to_owned(), here.0.home().join("repository/.git"));
    let run = |words: &[&str]| {
        let mut command = here.0.command("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always"]);
        assert!(command.args(words).output().unwrap().status.success(), "{words:?}");
    };
    run(&["-C", "repository", "commit", "-q", "--allow-empty", "-m", "x"]);
    run(&["-C", "repository", "worktree", "add", "-q", "../linked"]);
    run(&["init", "-q", "outer"]);
    run(&["-C", "outer", "submodule", "add", "-q", "../repository", "inner"]);
    run(&["init", "-q", "--bare", "bare.git"]);
    run(&["init", "-q", "--separate-git-dir", "apart.git", "apart"]);
    // It says that it is bare beside its settings, in one line with another thing, or in a file that they include.
    let unusual =
        [("worktree", "[core]\n\tbare = true\n"), ("line", "[a] [core] bare\n"), ("include", "[include] path = x\n")];
    for (name, settings) in unusual {
        run(&["init", "-q", "--bare", name]);
        run(&["-C", name, "config", "--unset", "core.bare"]);
        let file = home.join(name).join(if name == "worktree" { "config.worktree" } else { "config" });
        fs::write(&file, fs::read_to_string(&file).unwrap_or_default() + settings).unwrap();
    }
    let first = here.file();
    here.set("K", "hunter2-second");
    here.uses(&first, "hunter2-first");
    // In their own places they are what they are.
    for (tree, agent) in [("linked", "b"), ("outer/inner", "c")] {
        let there = |words: &[&str]| here.0.cast(words).env("CAST_VAULTS", home.join(tree));
        there(&["set", agent, "K", "hunter2-old"]).succeeds();
        let path = home.join(tree).join(format!("{agent}.age"));
        let old = fs::read(&path).unwrap();
        there(&["set", agent, "K", "hunter2-new"]).succeeds();
        fs::write(&path, old).unwrap();
        let run = there(&["run", agent, "--no-mask", "--", "printenv", "K"]).succeeds();
        assert_eq!(run.out, "hunter2-old\n", "{tree}");
    }
    fs::rename(&git, home.join("real")).unwrap();
    for from in ["linked/.git", "outer/inner/.git", "bare.git", "apart/.git", "worktree", "line", "include"] {
        fs::rename(home.join(from), &git).unwrap();
        here.refuses(&first, "older than this machine has seen");
        fs::rename(&git, home.join(from)).unwrap();
    }
    // Nor where a link leads from where it belongs.
    fs::rename(home.join("linked/.git"), &git).unwrap();
    fs::rename(home.join("linked"), home.join("was-linked")).unwrap();
    std::os::unix::fs::symlink(home.join("repository"), home.join("linked")).unwrap();
    here.refuses(&first, "older than this machine has seen");
    fs::remove_file(&git).unwrap();
    fs::rename(home.join("real"), &git).unwrap();
    here.uses(&first, "hunter2-first");
}

/// A state of the same number of epochs, which another machine started, is of no branch.
#[test]
fn of_an_epoch_that_another_machine_revoked() {
    let Some(here) = Repository::new() else { return };
    let first = here.text();
    here.cast(&["key", "revoke", "--agent", "a"]).succeeds();
    here.set("K", "hunter2-second");
    let own = here.file();
    // Started on the first state, with a nonce of its own.
    let master = Key::master(&here.0);
    let nonce = first.part.lines().nth(2).unwrap().to_owned();
    let other = Text { rules: format!("00000001.1,{}", first.rules), ..first }
        .edited(&nonce, &format!("nonce = \"{}\"", "ab".repeat(16)));
    let other = Text { epoch: 2, ..other }.read_by_its_agent_key(master).seal(master);
    here.refuses(&other, "changed on two machines");
    here.cast(&["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(here.text().epoch, 3);
    here.refuses(&own, "older than this machine has seen");
    here.refuses(&other, "older than this machine has seen");
}
