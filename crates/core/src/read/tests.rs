//! What a reader writes down.

use std::path::Path;

use cast_vault::SecretValue;

use super::*;
use crate::change::Missing;
use crate::key_store::{Nobody, PATIENCE};
use crate::paths::Places;
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
        writer.perform(Set { agent: &agent, name, value, dangerous: false, unmasked, missing }).unwrap();
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
