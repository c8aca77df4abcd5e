//! What a reader writes down.

use std::path::Path;

use cast_vault::SecretValue;

use super::*;
use crate::change::Missing;
use crate::key_store::{Nobody, PATIENCE};
use crate::paths::Places;
use crate::verbs::set::Set;

/// Of two readers at once, the later one writes down its news on top of what the other one has found, not of what it knew itself.
#[test]
fn a_floor_is_not_lost_between_two_readers() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let session = |home: &Path| {
        let key = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";
        let session = Session::new(Places::under(home), Box::new(Nobody { patience: PATIENCE }));
        session.with_key(UnlockKey::parse(key).unwrap(), "CAST_KEY")
    };
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
