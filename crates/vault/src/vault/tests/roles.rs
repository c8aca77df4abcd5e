//! What the owner and a reader do with a vault, and how it is counted.

use super::*;

fn vectors(vault: &Vault) -> (u64, String, String) {
    let State { epoch, rules, at, .. } = vault.state().unwrap();
    (*epoch, rules.to_string(), at.to_string())
}

fn counted(epoch: u64, rules: &str, at: &str) -> (u64, String, String) {
    (epoch, rules.to_owned(), at.to_owned())
}

#[test]
fn what_is_sealed_opens_with_everything_in_it() {
    let (vault, file) = shared();
    assert!(vault.state().is_some() && *vault.role() == Role::Owner);
    let grant = UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    let opened = [
        (open_own(&file, OWNER), Role::Owner),
        (open_theirs(&file, ALICE), Role::Person(person("alice"))),
        (open_theirs(&file, BOB), Role::Person(person("bob"))),
        (open(&file, &grant, Anchor::Own), Role::Reader),
    ];
    for (opened, role) in opened {
        let opened = opened.unwrap();
        assert_eq!((opened.role(), opened.sealer()), (&role, &Sealer::Owner));
        assert_eq!((opened.state(), opened.agent(), opened.id()), (vault.state(), vault.agent(), vault.id()));
        assert_eq!((opened.names(), opened.people()), (vault.names(), vault.people()));
        let values: Vec<_> = opened.values().values().map(|secret| secret.value.expose().to_owned()).collect();
        assert_eq!(values, ["hunter2", "line\n# cast-values 1 at=0000000a.1 sealer=\n"]);
    }
}

#[test]
fn each_kind_of_change_is_counted_where_it_belongs() {
    let key = user(OWNER);
    let (mut vault, _) = shared();
    assert_eq!(vectors(&vault), counted(1, "00000001.1", "00000001.1"));
    let sealed = |vault: &mut Vault, number| {
        let file = vault.seal(&key, replica(number)).unwrap();
        assert_eq!(open_own(&file, OWNER).unwrap().state(), vault.state());
        vectors(vault)
    };
    // A value.
    vault.set(name("K"), value("x"), false, now()).unwrap();
    assert_eq!(sealed(&mut vault, 2), counted(1, "00000001.1", "00000001.1,00000002.1"));
    // A flag.
    let flags = Flags { unmasked: true, ..Flags::default() };
    assert!(vault.set_flags(&name("K"), flags.clone()).unwrap() && !vault.set_flags(&name("K"), flags).unwrap());
    assert_eq!(sealed(&mut vault, 2), counted(1, "00000001.1,00000002.1", "00000001.1,00000002.1"));
    // A name is both.
    assert_eq!(vault.set(name("N"), value("x"), false, now()).unwrap(), Change::Added);
    assert_eq!(sealed(&mut vault, 1), counted(1, "00000001.2,00000002.1", "00000001.2,00000002.1"));
    assert!(vault.remove(&name("N")).unwrap() && !vault.remove(&name("N")).unwrap());
    assert_eq!(sealed(&mut vault, 1), counted(1, "00000001.3,00000002.1", "00000001.3,00000002.1"));
    // People.
    assert!(vault.unshare(&person("bob")).unwrap() && !vault.unshare(&person("bob")).unwrap());
    assert_eq!(sealed(&mut vault, 1), counted(1, "00000001.4,00000002.1", "00000001.3,00000002.1"));
    // A revocation.
    vault.start_epoch().unwrap();
    assert_eq!(sealed(&mut vault, 1), counted(2, "00000001.5,00000002.1", "00000001.3,00000002.1"));
    // Nothing: the same plain text.
    let before = text(&vault).to_vec();
    assert_eq!(sealed(&mut vault, 1), counted(2, "00000001.5,00000002.1", "00000001.3,00000002.1"));
    assert_eq!(before, text(&vault));
}

#[test]
fn a_value_leaves_the_owners_part_as_it_is() {
    let (mut vault, _) = shared();
    let above = vault.plain.as_ref().unwrap().above().to_vec();
    vault.set(name("K"), value("x"), false, now()).unwrap();
    vault.seal(&user(OWNER), replica(7)).unwrap();
    assert_eq!(vault.plain.as_ref().unwrap().above(), above);
}

#[test]
fn values_and_flags_keep_what_is_not_asked_for() {
    let (mut vault, _) = shared();
    let later = Timestamp::parse("2026-02-01T00:00:00Z").unwrap();
    let flags = Flags { unmasked: true, hosts: vec!["b.c".into(), "a.b".into()], ..Flags::default() };
    vault.set_flags(&name("K"), flags).unwrap();
    assert_eq!(vault.set(name("K"), value("x"), false, later).unwrap(), Change::Replaced);
    assert_eq!(vault.change_of(&name("K"), &value("x")), Change::Unchanged);
    assert_eq!(vault.change_of(&name("K"), &value("y")), Change::Replaced);
    assert_eq!(vault.change_of(&name("X"), &value("y")), Change::Added);
    let secret = &vault.values()["K"];
    assert_eq!((secret.created, secret.updated), (now(), later));
    assert!(vault.names()["K"].unmasked && vault.names()["K"].hosts == ["a.b", "b.c"]);
    assert_eq!(
        vault.set_flags(&name("K"), Flags { hosts: vec!["127.0.0.1".into()], ..Flags::default() }),
        Err(Error::Flag(crate::error::FlagFault::Host))
    );
    assert_eq!(vault.set_flags(&name("X"), Flags::default()), Err(Refusal::NoSuchName(name("X")).of(&agent())));
}

#[test]
fn a_secret_is_stored_or_fetched() {
    let (mut vault, _) = shared();
    let words = || vec!["op".to_owned(), "read".to_owned()];
    vault.set_command(&name("L"), words(), false).unwrap();
    vault.set_command(&name("M"), words(), false).unwrap();
    assert!(!vault.values().contains_key("L") && vault.names()["L"].from == Some(words()));
    let stored = Err(Error::Flag(crate::error::FlagFault::Stored));
    assert_eq!(vault.set_flags(&name("L"), Flags::default()), stored);
    assert_eq!(vault.set_flags(&name("K"), Flags { from: Some(words()), ..Flags::default() }), stored);
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    let environment = open_own(&file, OWNER).unwrap().into_environment().unwrap();
    let values: Vec<_> = environment.values().map(|entry| entry.secret.is_some()).collect();
    assert_eq!(values, [true, false, false]);
    vault.set(name("L"), value("x"), false, now()).unwrap();
    assert_eq!(vault.names()["L"].from, None);
    vault.seal(&user(OWNER), replica(1)).unwrap();
}

#[test]
fn a_rename_takes_times_flags_and_permissions_along() {
    let (mut vault, _) = shared();
    vault.set_flags(&name("L"), Flags { unmasked: true, ..Flags::default() }).unwrap();
    vault.rename(&name("L"), &name("K"), false).unwrap();
    vault.rename(&name("X"), &name("Y"), false).unwrap();
    assert_eq!(vault.names().keys().map(SecretName::as_str).collect::<Vec<_>>(), ["K"]);
    assert!(vault.names()["K"].unmasked && vault.values()["K"].value.expose().starts_with("line"));
    assert!(vault.people()[&person("alice")].may_set.iter().eq([&name("K")]));
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    assert_eq!(open_own(&file, OWNER).unwrap().names(), vault.names());
    assert_eq!(vault.rename(&name("K"), &name("LD_PRELOAD"), false), Err(Error::DangerousName(name("LD_PRELOAD"))));
    vault.rename(&name("K"), &name("LD_PRELOAD"), true).unwrap();
    vault.rename(&name("LD_PRELOAD"), &name("K"), false).unwrap();
    assert!(!vault.names()["K"].dangerous);
    // Nor does a name that comes back have the permissions of the one that went.
    vault.remove(&name("K")).unwrap();
    vault.set(name("K"), value("x"), false, now()).unwrap();
    assert!(vault.people()[&person("alice")].may_set.is_empty());
}

#[test]
fn dangerous_names_need_their_word_twice() {
    let key = user(OWNER);
    let (mut vault, _) = shared();
    let dangerous = || name("LD_PRELOAD");
    assert!(vault.set(dangerous(), value("x"), false, now()).is_err());
    assert!(vault.set_command(&dangerous(), vec!["x".into()], false).is_err());
    assert!(!vault.names().contains_key("LD_PRELOAD"));
    vault.set(dangerous(), value("x"), true, now()).unwrap();
    vault.set(dangerous(), value("y"), false, now()).unwrap();
    assert!(vault.set_flags(&dangerous(), Flags::default()).is_err());
    vault.set(name("K"), value("x"), true, now()).unwrap();
    vault.set_flags(&name("K"), Flags { dangerous: true, ..Flags::default() }).unwrap();
    assert!(!vault.names()["K"].dangerous, "the allowance is for names that need it");
    let file = vault.seal(&key, replica(1)).unwrap();
    assert_eq!(open_own(&file, OWNER).unwrap().into_environment().unwrap().len(), 3);
    let forge = Forge::of(&vault).with_part(|part| part.names.get_mut("LD_PRELOAD").unwrap().dangerous = false);
    let refused = open_own(&forge.file(), OWNER).unwrap().into_environment().err();
    assert_eq!(refused, Some(Error::UnallowedName { agent: agent(), name: dangerous() }));
}

#[test]
fn a_new_master_key_takes_over_in_a_new_epoch() {
    const NEW: u8 = 20;
    let (vault, file) = shared();
    let store = users(&[NEW, OWNER]);
    let mut opened = open(&file, &store, Anchor::Own).unwrap();
    opened.set(name("K"), value("x"), false, now()).unwrap();
    let next = opened.seal(&store, replica(1)).unwrap();
    assert_eq!((opened.state().unwrap().epoch, &opened.part().card), (2, &card(NEW)));
    assert_eq!(State::compare(vault.state().unwrap(), opened.state().unwrap()), Comparison::Newer);
    // Only the new key opens it, not the former one, nor the agent key from before.
    let back = open_own(&next, NEW).unwrap();
    assert_eq!((back.state(), back.people()), (opened.state(), vault.people()));
    refused(open_own(&next, OWNER), Refusal::WrongKey);
    let grant = UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    refused(open(&next, &grant, Anchor::Own), Refusal::WrongAgentKey);
    // A person is asked anew.
    refused(open_theirs(&next, ALICE), Refusal::OtherOwner);
    // A new key that was listed as a person's is so no longer.
    let mut listed = open_own(&file, OWNER).unwrap();
    listed.share(person("laptop"), card(NEW), [name("K")].into(), now()).unwrap();
    listed.seal(&user(OWNER), replica(1)).unwrap();
    let next = listed.seal(&user(NEW), replica(1)).unwrap();
    let back = open_own(&next, NEW).unwrap();
    assert_eq!((back.sealer(), back.people().len()), (&Sealer::Owner, 2));
    // A backup from before a rotation: opened with the former key, it becomes the new one's.
    let mut backup = open_own(&file, OWNER).unwrap();
    let next = backup.seal(&user(NEW), replica(1)).unwrap();
    assert_eq!(open_own(&next, NEW).unwrap().state().unwrap().epoch, 2);
}

#[test]
fn an_agent_key_changes_nothing() {
    let (vault, file) = shared();
    let grant = || UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    let mut opened = open(&file, &grant(), Anchor::Own).unwrap();
    let before = text(&opened).to_vec();
    let refusals = [
        opened.set(name("K"), value("x"), true, now()).err(),
        opened.set_flags(&name("K"), Flags::default()).err(),
        opened.set_command(&name("K"), vec!["x".into()], true).err(),
        opened.rename(&name("K"), &name("M"), false).err(),
        opened.remove(&name("K")).err(),
        opened.share(person("eve"), card(STRANGER), [].into(), now()).err(),
        opened.unshare(&person("bob")).err(),
        opened.start_epoch().err(),
        opened.supersede(&[], true).err(),
        opened.seal(&grant(), replica(1)).err(),
        opened.seal(&user(STRANGER), replica(1)).err(),
        opened.grant(&user(STRANGER)).err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal, Some(Refusal::ReadOnly.of(&agent())));
    }
    assert_eq!((opened.names(), text(&opened)), (vault.names(), &before[..]));
    // Nor does it seal what the owner opened.
    let mut owners = open_own(&file, OWNER).unwrap();
    assert_eq!(owners.seal(&grant(), replica(1)).err(), Some(Refusal::ReadOnly.of(&agent())));
}

#[test]
fn the_line_of_an_agent_key_knows_older_states() {
    let key = user(OWNER);
    let (mut vault, first) = shared();
    vault.set(name("K"), value("x"), false, now()).unwrap();
    vault.seal(&key, replica(1)).unwrap();
    let line = vault.grant(&key).unwrap().line();
    let UnlockKey::Agent(grant) = UnlockKey::parse(line.expose_secret()).unwrap() else { panic!("an agent key") };
    assert_eq!(grant.compare(vault.state().unwrap()), Comparison::Same);
    let old = Vault::open(&first, &agent(), &UnlockKey::parse(line.expose_secret()).unwrap(), Anchor::Own, None);
    assert_eq!(grant.compare(old.unwrap().state().unwrap()), Comparison::RolledBack);
    vault.set(name("K"), value("y"), false, now()).unwrap();
    vault.seal(&key, replica(2)).unwrap();
    assert_eq!(grant.compare(vault.state().unwrap()), Comparison::Newer);
    vault.start_epoch().unwrap();
    vault.seal(&key, replica(2)).unwrap();
    assert_eq!(grant.compare(vault.state().unwrap()), Comparison::OtherVault);
}

#[test]
fn two_machines_that_start_the_same_epoch_make_two_agent_keys() {
    let key = user(OWNER);
    let (_, file) = shared();
    let revoked = |number| {
        let mut vault = open_own(&file, OWNER).unwrap();
        vault.start_epoch().unwrap();
        vault.seal(&key, replica(number)).unwrap();
        vault
    };
    let (here, mut there) = (revoked(1), revoked(2));
    let (one, two) = (here.state().unwrap().clone(), there.state().unwrap().clone());
    assert_eq!(
        (one.epoch, State::compare(&one, &two), State::compare(&two, &one)),
        (2, Comparison::Forked, Comparison::Forked)
    );
    let agent_key = UnlockKey::Agent(Box::new(here.grant(&key).unwrap()));
    let closed = |file: &[u8]| refused(open(file, &agent_key, Anchor::Own), Refusal::WrongAgentKey);
    closed(&sealed_for_its_recipients(&there));
    let of_there = UnlockKey::Agent(Box::new(there.grant(&key).unwrap()));
    // Nor does either open what comes of it when one of the two takes the state of the other, or an older one, for the newest.
    let mut third = open_own(&file, OWNER).unwrap();
    for vault in [&mut there, &mut third] {
        vault.supersede(&[&one], false).unwrap();
        let file = vault.seal(&key, replica(1)).unwrap();
        let now = vault.state().unwrap();
        assert_eq!((now.epoch, State::compare(&one, now)), (3, Comparison::Newer));
        closed(&file);
        refused(open(&file, &of_there, Anchor::Own), Refusal::WrongAgentKey);
    }
    // Of the same epoch, it goes on in that.
    let (mut one, mut other) = (open_own(&file, OWNER).unwrap(), open_own(&file, OWNER).unwrap());
    for (vault, number) in [(&mut one, 1), (&mut other, 2)] {
        vault.set(name("K"), value("x"), false, now()).unwrap();
        vault.seal(&key, replica(number)).unwrap();
    }
    let agent_key = UnlockKey::Agent(Box::new(one.grant(&key).unwrap()));
    other.supersede(&[one.state().unwrap()], false).unwrap();
    let file = other.seal(&key, replica(2)).unwrap();
    assert_eq!(open(&file, &agent_key, Anchor::Own).unwrap().state().unwrap().epoch, 1);
}

fn sealed_for_its_recipients(vault: &Vault) -> Vec<u8> {
    age_file::seal(text(vault), &vault.part().recipients())
}
