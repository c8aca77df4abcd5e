//! One folder that is reached by several ways, as through a link: what is known by one way holds by each.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::SECRET;
use crate::forge::{Key, Text};
use crate::sandbox::{Call, Sandbox};

/// Two folders, and a link to one of them.
struct Ways {
    home: Sandbox,
    first: PathBuf,
    second: PathBuf,
    link: PathBuf,
}

impl Ways {
    fn new() -> Self {
        let home = Sandbox::new();
        let [first, second, link] = ["first", "second", "link"].map(|name| home.home().join(name));
        fs::create_dir(&first).unwrap();
        fs::create_dir(&second).unwrap();
        symlink(&first, &link).unwrap();
        Self { home, first, second, link }
    }

    fn by(&self, way: &Path, words: &[&str]) -> Call<'_> {
        self.home.cast(words).env("CAST_VAULTS", way)
    }

    fn point(&self, to: &Path) {
        fs::remove_file(&self.link).unwrap();
        symlink(to, &self.link).unwrap();
    }

    /// A vault of this owner that lists the user of this home.
    fn of(&self, owner: Key, epoch: u64, value: &str) -> Vec<u8> {
        let vault = Text::new("t", &"42".repeat(16), owner, &[("K", value)]);
        vault.with_person("me", &Key::master(&self.home).card(), &["K"]).in_epoch(epoch, owner).seal(owner)
    }

    #[track_caller]
    fn is_refused(&self, way: &Path, agent: &str, why: &str) {
        self.by(way, &["run", agent, "--", "touch", "started"]).refuses(125, why, &["evil", SECRET]);
        self.by(way, &["set", agent, "K", "hunter2-typed"]).refuses(5, why, &["evil", SECRET]);
    }
}

#[test]
fn an_owner_with_a_new_card_is_expected_by_every_way() {
    let ways = Ways::new();
    let (former, new) = (Key::generate(), Key::generate());
    let file = ways.first.join("t.age");
    fs::write(&file, ways.of(former, 1, "evil-1")).unwrap();
    ways.by(&ways.link, &["vault", "accept", "t", "--yes"]).succeeds();
    fs::write(&file, ways.of(new, 2, "evil-2")).unwrap();
    ways.by(&ways.first, &["vault", "accept", "t", "--yes"]).succeeds();
    ways.by(&ways.link, &["run", "t", "--", "true"]).succeeds();
    fs::write(&file, ways.of(former, 9, "evil-9")).unwrap();
    for way in [&ways.first, &ways.link] {
        ways.is_refused(way, "t", "has another owner");
    }
}

#[test]
fn a_deleted_vault_stays_deleted_by_a_link_that_led_elsewhere_meanwhile() {
    let ways = Ways::new();
    let (first, second) = (ways.first.join("a.age"), ways.second.join("a.age"));
    ways.by(&ways.link, &["set", "a", "K", "hunter2-first"]).succeeds();
    fs::copy(&first, &second).unwrap();
    ways.point(&ways.second);
    ways.by(&ways.link, &["set", "a", "K", "hunter2-second"]).succeeds();
    fs::copy(&second, &first).unwrap();
    ways.point(&ways.first);
    ways.by(&ways.first, &["delete", "a", "--all", "--yes"]).succeeds();
    fs::copy(&second, &first).unwrap();
    for way in [&ways.first, &ways.link] {
        ways.is_refused(way, "a", "deleted or replaced on this machine");
    }
    // In the other folder it is what it was.
    ways.by(&ways.second, &["list", "a"]).succeeds();
    ways.by(&ways.link, &["vault", "accept", "a", "--yes"]).succeeds();
    for way in [&ways.first, &ways.link, &ways.second] {
        ways.by(way, &["list", "a"]).succeeds();
    }
}

#[test]
fn what_two_ways_expect_differently_is_refused_by_the_one_that_led_elsewhere() {
    let ways = Ways::new();
    let (former, new) = (Key::generate(), Key::generate());
    let (first, second) = (ways.first.join("t.age"), ways.second.join("t.age"));
    // The link leads to the second folder when the owner's new card is accepted in the first one.
    fs::write(&first, ways.of(former, 1, "evil-1")).unwrap();
    fs::write(&second, ways.of(former, 1, "evil-1")).unwrap();
    ways.by(&ways.link, &["vault", "accept", "t", "--yes"]).succeeds();
    ways.point(&ways.second);
    ways.by(&ways.link, &["vault", "accept", "t", "--yes"]).succeeds();
    fs::write(&first, ways.of(new, 2, "evil-2")).unwrap();
    ways.by(&ways.first, &["vault", "accept", "t", "--yes"]).succeeds();
    ways.point(&ways.first);
    for file in [ways.of(former, 9, "evil-9"), ways.of(new, 2, "evil-2")] {
        fs::write(&first, file).unwrap();
        ways.by(&ways.link, &["run", "t", "--", "touch", "started"]).refuses(125, "of agent 't'", &["evil"]);
    }
    ways.by(&ways.first, &["list", "t"]).succeeds();
    ways.by(&ways.link, &["vault", "accept", "t", "--yes"]).succeeds();
    ways.by(&ways.link, &["list", "t"]).succeeds();
    fs::write(&first, ways.of(former, 9, "evil-9")).unwrap();
    ways.is_refused(&ways.link, "t", "has another owner");
}

/// Each of them is a place that is known.
#[test]
fn a_link_in_the_middle_of_the_way_leads_nowhere_new() {
    let ways = Ways::new();
    let (third, outer) = (ways.home.home().join("third"), ways.home.home().join("outer"));
    symlink(&ways.link, &outer).unwrap();
    ways.by(&ways.link, &["set", "a", "K", "hunter2-first"]).succeeds();
    let file = fs::read(ways.first.join("a.age")).unwrap();
    // It lies elsewhere, too, so that it is given up in its place alone.
    fs::create_dir(&third).unwrap();
    fs::write(third.join("a.age"), &file).unwrap();
    ways.by(&third, &["list", "a"]).succeeds();
    ways.by(&ways.link, &["delete", "a", "--all", "--yes"]).succeeds();
    ways.point(&ways.second);
    fs::write(ways.second.join("a.age"), &file).unwrap();
    ways.is_refused(&outer, "a", "deleted or replaced on this machine");
    ways.by(&third, &["list", "a"]).succeeds();
}

/// What the holder of a former key puts where a link leads to does not become the vault that this way led to before.
#[test]
fn an_accepted_vault_leaves_one_of_its_id_alone_that_lies_where_the_way_led_before() {
    let ways = Ways::new();
    ways.by(&ways.second, &["set", "b", "K", "hunter2-second"]).succeeds();
    let former = Key::master(&ways.home);
    let known = Text::read(&ways.second.join("b.age"), former);
    ways.home.cast(["key", "rotate"]).succeeds();
    ways.point(&ways.second);
    ways.by(&ways.link, &["set", "b", "K", "hunter2-next"]).succeeds();
    ways.point(&ways.first);
    let evil = Text::new("b", &known.id, former, &[("K", "evil")]).over(&known).in_epoch(9, former);
    fs::write(ways.first.join("b.age"), evil.seal(former)).unwrap();
    ways.by(&ways.link, &["vault", "accept", "b", "--yes"]).succeeds();
    let newest = Key::master(&ways.home);
    assert_ne!(Text::read(&ways.first.join("b.age"), newest).id, known.id);
    assert_eq!(Text::read(&ways.second.join("b.age"), newest).id, known.id);
    ways.by(&ways.second, &["list", "b"]).succeeds();
}

/// What a link led to is known of the place that it led to.
#[test]
fn nobody_is_accepted_where_a_link_leads_now() {
    let ways = Ways::new();
    let owner = Key::generate();
    fs::write(ways.first.join("t.age"), ways.of(owner, 1, "evil-1")).unwrap();
    ways.by(&ways.link, &["vault", "accept", "t", "--yes"]).succeeds();
    ways.by(&ways.link, &["set", "builtin", "SHARED", "hunter2-of-all"]).succeeds();
    ways.by(&ways.second, &["set", "z", "K", "hunter2-z"]).succeeds();
    fs::write(ways.second.join("t.age"), ways.of(owner, 2, "evil-2")).unwrap();
    fs::copy(ways.first.join("builtin.age"), ways.second.join("builtin.age")).unwrap();
    ways.point(&ways.second);
    ways.by(&ways.link, &["run", "z", "--no-builtin", "--", "true"]).succeeds();
    for way in [&ways.link, &ways.second] {
        let run = ways.by(way, &["run", "z", "--", "touch", "started"]);
        run.refuses(125, "is that of another folder", &["evil", SECRET]);
        ways.by(way, &["set", "t", "K", "hunter2-typed"]).refuses(5, "another owner", &["evil", SECRET]);
    }
    // A folder that was moved is no other.
    fs::remove_dir_all(&ways.second).unwrap();
    fs::rename(&ways.first, &ways.second).unwrap();
    ways.by(&ways.link, &["set", "--new", "z", "K", "hunter2-z"]).succeeds();
    ways.by(&ways.link, &["run", "z", "--", "true"]).succeeds();
}

/// A link to the newest release: what lies there is known by the folder's own path as soon as it was read through the
/// link, also where its state was known before.
#[test]
fn a_vault_that_was_read_by_a_link_is_known_in_the_folder_it_leads_to() {
    let ways = Ways::new();
    ways.by(&ways.link, &["set", "a", "K", "hunter2-first"]).succeeds();
    fs::copy(ways.first.join("a.age"), ways.second.join("a.age")).unwrap();
    ways.point(&ways.second);
    ways.by(&ways.link, &["list", "a"]).succeeds();
    ways.by(&ways.home.home().join("third"), &["set", "a", "K", "evil-other"]).succeeds();
    fs::copy(ways.home.home().join("third/a.age"), ways.second.join("a.age")).unwrap();
    for way in [&ways.second, &ways.link] {
        ways.is_refused(way, "a", "is not the vault that this machine has known here");
    }
    fs::remove_file(ways.second.join("a.age")).unwrap();
    ways.by(&ways.second, &["set", "a", "K", "hunter2-next"]).refuses(2, "is gone", &[SECRET]);
}

/// The other way round: a link by which a known folder was read is known, and leads to no other one unnoticed.
#[test]
fn a_link_to_a_known_folder_is_known_with_the_first_look() {
    let ways = Ways::new();
    ways.by(&ways.first, &["set", "a", "K", "hunter2-first"]).succeeds();
    ways.by(&ways.link, &["list", "a"]).succeeds();
    ways.by(&ways.second, &["set", "a", "K", "evil-other"]).succeeds();
    // Not one of this user's places.
    let foreign = ways.home.home().join("foreign");
    fs::rename(&ways.second, &foreign).unwrap();
    ways.point(&foreign);
    ways.is_refused(&ways.link, "a", "is not the vault that this machine has known here");
}
