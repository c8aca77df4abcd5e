//! What a reader writes down.

use std::path::{Path, PathBuf};

use cast_vault::SecretValue;

use super::*;
use crate::brokered::Brokering;
use crate::change::Missing;
use crate::key_store::{KeyPlace, Nobody, PATIENCE};
use crate::paths::Places;
use crate::verbs::accept::Review;
use crate::verbs::init::Init;
use crate::verbs::key::import::ImportKey;
use crate::verbs::key::rotate::{Retire, Rotate};
use crate::verbs::set::Set;

const KEY: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

fn session(places: Places) -> Session {
    let session = Session::new(places, Box::new(Nobody { patience: PATIENCE }));
    session.with_key(UnlockKey::parse(KEY).unwrap(), "CAST_KEY")
}

/// Of two readers at once, the later one writes down its news on top of what the other one has found, not of what it knew itself.
#[test]
fn a_floor_is_not_lost_between_two_readers() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let session = |home: &Path| session(Places::under(home));
    let agent = AgentName::parse("a").unwrap();
    let path = |session: &Session| session.folder().unwrap().path(&agent);
    let writer = session(there.path());
    let set = |name: &str, unmasked: bool| {
        let (name, value) = (SecretName::parse(name).unwrap(), SecretValue::from_text("v".to_owned()).unwrap());
        let (unmasked, missing) = (Some(unmasked), Missing::Create);
        writer
            .perform(Set {
                agent: &agent,
                name,
                value: Some(value),
                dangerous: false,
                unmasked,
                brokering: Brokering::default(),
                missing,
            })
            .unwrap();
        std::fs::read(path(&writer)).unwrap()
    };
    let [shown, masked, newest] = [set("L", true), set("L", false), set("M", false)];
    let put = |file: &[u8]| {
        let path = path(&session(here.path()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    };
    put(&shown);
    session(here.path()).vault(&agent).unwrap();
    put(&newest);
    let later = session(here.path());
    let found = later.look_at_vault(&agent).unwrap().unwrap();
    put(&masked);
    let floor = session(here.path()).vault(&agent).unwrap().state().unwrap().rules.clone();
    later.remember_news(&found).unwrap();
    let record = later.seen().unwrap().record(Known::of(&found.vault)).unwrap().unwrap();
    assert_eq!((&record.state, record.floor), (found.vault.state().unwrap(), floor));
}

/// Between the beginning of a change and its end, as where another clone of the repository is read.
#[test]
fn a_change_lowers_nothing_that_a_reader_has_seen_meanwhile() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [here, there] = [&here, &there].map(|home| move || session(Places::under(home.path())));
    let agent = AgentName::parse("a").unwrap();
    let path = |session: Session| session.folder().unwrap().path(&agent);
    let set = |vault: &mut Vault| {
        let value = SecretValue::from_text("v".to_owned()).unwrap();
        vault.set(SecretName::parse("K").unwrap(), value, false, crate::clock::now())?;
        Ok(())
    };
    there().change(&agent, Missing::Create, "", set).unwrap();
    let first = std::fs::read(path(there())).unwrap();
    there().change_newest(&agent, "", |vault| Ok(vault.start_epoch()?)).unwrap();
    let second = std::fs::read(path(there())).unwrap();
    let put = |file: &[u8]| {
        std::fs::create_dir_all(path(here()).parent().unwrap()).unwrap();
        std::fs::write(path(here()), file).unwrap();
    };
    put(&first);
    here().vault(&agent).unwrap();
    let mut seen = None;
    let refused = here().change(&agent, Missing::Refuse, "", |vault| {
        put(&second);
        let known = here().vault(&agent)?;
        seen = here().seen().unwrap().record(Known::of(&known))?;
        put(&first);
        set(vault)
    });
    assert_eq!(refused.unwrap_err().kind(), Kind::Integrity);
    assert!(std::fs::read(path(here())).unwrap() == first);
    let known = Known::own(seen.as_ref().unwrap().state.id);
    assert_eq!(here().seen().unwrap().record(known).unwrap(), seen);
    // What nobody wrote is not noted either, and the next change is as ever.
    put(&second);
    here().change(&agent, Missing::Refuse, "", set).unwrap();
}

/// With a key in a file, and the vaults in `folder`.
fn with_file(home: &Path, folder: &Path) -> Session {
    Session::new(Places::under(home).with_vaults(folder), Box::new(Nobody { patience: PATIENCE }))
}

fn make_key(session: &Session) {
    session.perform(Init { place: Some(KeyPlace::File) }).unwrap();
}

fn set(vault: &mut Vault) -> Result<()> {
    let value = SecretValue::from_text("v".to_owned()).unwrap();
    vault.set(SecretName::parse("K").unwrap(), value, false, crate::clock::now())?;
    Ok(())
}

/// A home with a key in a file and a vault of the agent `a` in the first of two folders.
fn beside_one_vault() -> (tempfile::TempDir, PathBuf, PathBuf, AgentName) {
    let home = tempfile::tempdir().unwrap();
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    let agent = AgentName::parse("a").unwrap();
    make_key(&with_file(home.path(), &here));
    with_file(home.path(), &here).change(&agent, Missing::Create, "", set).unwrap();
    (home, here, there, agent)
}

/// The former one has lost its say since.
#[test]
fn a_vault_is_judged_by_the_key_of_now() {
    let (home, here, there, agent) = beside_one_vault();
    let reader = with_file(home.path(), &there);
    let former = reader.key().unwrap();
    with_file(home.path(), &here).perform(Rotate { retire: None, progress: &mut |_, _| {} }).unwrap();
    // Made by a holder of the former key, in a folder that the rotation did not look into.
    let mut made = Vault::create(agent.clone(), &crate::change::masters(&former.key).unwrap()[0]).unwrap();
    set(&mut made).unwrap();
    let file = made.seal(&former.key, cast_vault::Replica::generate().unwrap()).unwrap();
    std::fs::create_dir(&there).unwrap();
    std::fs::write(there.join("a.age"), file).unwrap();
    let refused = reader.vault(&agent).err().unwrap();
    assert!(refused.to_string().contains("belongs to a former key of yours"), "{refused}");
    assert!(reader.here(&agent).unwrap().place.held.is_none());
}

/// A writer of another folder, who has read the key before, is too late.
#[test]
fn nothing_is_sealed_to_a_key_that_was_dropped() {
    let home = tempfile::tempdir().unwrap();
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    let agent = AgentName::parse("a").unwrap();
    make_key(&with_file(home.path(), &here));
    for folder in [&here, &there] {
        with_file(home.path(), folder).change(&agent, Missing::Create, "", set).unwrap();
    }
    let rotate = |folder: &Path, retire| {
        let rotated = with_file(home.path(), folder).perform(Rotate { retire, progress: &mut |_, _| {} }).unwrap();
        assert!(rotated.left.is_empty());
        rotated.retired
    };
    let b = AgentName::parse("b").unwrap();
    let refused = with_file(home.path(), &there).change(&b, Missing::Create, "", |vault| {
        rotate(&here, None);
        // Its own lock keeps a rotation out of its folder.
        let behind = with_file(home.path(), &there);
        let unlocked = behind.key()?;
        let file = std::fs::read(there.join("a.age")).unwrap();
        let mut known = behind.open(&file, &agent, &unlocked)?.vault;
        let sealed = known.seal(&unlocked.key, behind.seen().unwrap().replica()?)?;
        std::fs::write(there.join("a.age"), sealed).unwrap();
        assert_eq!(rotate(&here, Some(Retire::IfNotNeeded)), 1);
        set(vault)
    });
    let refused = refused.unwrap_err();
    assert!(refused.kind() == Kind::Locked && refused.to_string().contains("the master key was dropped"), "{refused}");
    assert!(!there.join("b.age").exists());
    with_file(home.path(), &there).change(&b, Missing::Create, "", set).unwrap();
}

/// Whatever comes into the store while a vault is changed: by that key it was judged.
#[test]
fn a_vault_is_sealed_to_the_key_by_which_it_was_judged() {
    let (home, here, _, agent) = beside_one_vault();
    let former = crate::change::masters(&with_file(home.path(), &here).key().unwrap().key).unwrap()[0].card();
    let writer = with_file(home.path(), &here);
    writer
        .change(&agent, Missing::Refuse, "", |vault| {
            let given = UnlockKey::parse(KEY).unwrap();
            let import = ImportKey { given: &given, replace: true, place: None };
            // It opens one of the vaults that are there.
            let newest = &crate::change::masters(&given).unwrap()[0];
            let mut other = Vault::create(AgentName::parse("other").unwrap(), newest).unwrap();
            let file = other.seal(&given, cast_vault::Replica::generate().unwrap()).unwrap();
            std::fs::write(here.join("other.age"), file).unwrap();
            with_file(home.path(), &here).perform(import)?;
            // As `copy` reads its source.
            writer.vault(&AgentName::parse("other").unwrap())?;
            set(vault)
        })
        .unwrap();
    let vault = with_file(home.path(), &here).vault(&agent).unwrap();
    assert!(vault.part().card == former);
}

/// What a review showed was judged by the key of then.
#[test]
fn a_vault_is_accepted_by_the_key_by_which_it_was_reviewed() {
    let (home, here, _, agent) = beside_one_vault();
    let path = here.join("a.age");
    let older = std::fs::read(&path).unwrap();
    let change = |value: &str| {
        let value = SecretValue::from_text(value.to_owned()).unwrap();
        let edit = |vault: &mut Vault| {
            Ok(vault.set(SecretName::parse("K").unwrap(), value, false, crate::clock::now()).map(drop)?)
        };
        with_file(home.path(), &here).change(&agent, Missing::Refuse, "", edit).unwrap();
    };
    change("newer");
    std::fs::write(&path, &older).unwrap();
    let reader = with_file(home.path(), &here);
    let review = reader.perform(Review { agent: &agent, former: None }).unwrap();
    assert!(review.review.why.is_some());
    with_file(home.path(), &here).perform(Rotate { retire: None, progress: &mut |_, _| {} }).unwrap();
    let refused = reader.perform(review).unwrap_err();
    assert!(refused.to_string().contains("has changed meanwhile: review it again"), "{refused}");
    assert!(std::fs::read(&path).unwrap() == older);
}

/// Nor to one that had no use yet, when it is replaced.
#[test]
fn nothing_is_sealed_to_an_unused_key_that_was_replaced() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("vaults");
    let agent = AgentName::parse("a").unwrap();
    make_key(&with_file(home.path(), &folder));
    let given = UnlockKey::parse(KEY).unwrap();
    let import = || ImportKey { given: &given, replace: false, place: None };
    let refused = with_file(home.path(), &folder).change(&agent, Missing::Create, "", |vault| {
        assert_eq!(with_file(home.path(), &folder).perform(import()).unwrap().unused, 1);
        set(vault)
    });
    assert_eq!(refused.unwrap_err().kind(), Kind::Locked);
    assert!(!folder.join("a.age").exists());
    with_file(home.path(), &folder).change(&agent, Missing::Create, "", set).unwrap();
    // It is in use now.
    let other = UnlockKey::Master(vec![cast_vault::MasterKey::generate(crate::clock::now())]);
    let import = ImportKey { given: &other, replace: false, place: None };
    assert_eq!(with_file(home.path(), &folder).perform(import).err().unwrap().kind(), Kind::WrongKey);
}

/// It was judged by what was known of the place before.
#[test]
fn a_reader_that_waited_writes_nothing_over_what_came_meanwhile() {
    let (home, here, there, agent) = beside_one_vault();
    std::fs::create_dir(&there).unwrap();
    std::fs::copy(here.join("a.age"), there.join("a.age")).unwrap();
    let reader = with_file(home.path(), &there);
    let found = reader.look_at_vault(&agent).unwrap().unwrap();
    std::fs::remove_file(there.join("a.age")).unwrap();
    with_file(home.path(), &there).change(&agent, Missing::Create, "", set).unwrap();
    let known = || with_file(home.path(), &there).here(&agent).unwrap().place;
    let before = known();
    assert!(!before.holds(found.vault.id()));
    reader.remember_place(&found).unwrap();
    reader.remember_news(&found).unwrap();
    assert_eq!(known(), before);
}
