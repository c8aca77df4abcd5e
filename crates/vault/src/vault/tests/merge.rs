//! Two states become one: by secret, by the rules of `docs/design/merge.md`, as a model says.

use std::collections::BTreeMap;

use cast_testing::Tries;

use super::*;
use crate::vault::merge::has_all_of;
use crate::vault::{Choices, Clash, Merged, Side, Sides};

/// A state that came of `file` by a change, counted for a replica.
fn changed(file: &[u8], number: u8, by: u8, change: impl FnOnce(&mut Vault)) -> Vec<u8> {
    let mut vault = opened(file, number);
    change(&mut vault);
    vault.seal(&user(number), replica(by)).unwrap()
}

fn opened(file: &[u8], number: u8) -> Vault {
    if number == OWNER { open_own(file, OWNER) } else { open_theirs(file, number) }.unwrap()
}

fn set(vault: &mut Vault, key: &str, text: &str) {
    vault.set(name(key), value(text), false, now()).unwrap();
}

fn unmask(vault: &mut Vault, key: &str) {
    let flags = Flags { unmasked: true, ..vault.names()[key].clone() };
    vault.set_flags(&name(key), flags).unwrap();
}

/// Merges as one of the users.
fn merge_as(number: u8, [base, ours, theirs]: [&[u8]; 3], choices: &Choices) -> Result<Merged> {
    let [base, ours, theirs] = [base, ours, theirs].map(|file| (!file.is_empty()).then(|| opened(file, number)));
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    Vault::merge(Sides { base: base.as_ref(), ours: &ours, theirs: &theirs }, choices, &user(number), replica(7))
}

fn merge(files: [&[u8]; 3]) -> Merged {
    merge_as(OWNER, files, &Choices::new()).unwrap()
}

#[track_caller]
fn joined(merged: Merged) -> (Vault, Vec<u8>) {
    match merged {
        Merged::Joined(vault, file) => {
            let read = opened(&file, OWNER);
            assert_eq!(read.state(), vault.state());
            (read, file)
        }
        Merged::Whole(side) => panic!("{side:?}"),
        Merged::Clashes(clashes) => panic!("{clashes:?}"),
    }
}

#[track_caller]
fn clashes(merged: Merged) -> Vec<Clash> {
    match merged {
        Merged::Clashes(clashes) => clashes,
        Merged::Whole(side) => panic!("{side:?}"),
        Merged::Joined(..) => panic!("it was merged"),
    }
}

fn clash(key: &str) -> Vec<Clash> {
    vec![Clash::Secret(name(key))]
}

fn text_of<'a>(vault: &'a Vault, key: &str) -> &'a str {
    vault.values()[key].value.expose()
}

#[test]
fn each_side_keeps_what_it_changed_and_both_merge_to_the_same_state() {
    let (_, base) = shared();
    let ours = changed(&base, OWNER, 1, |vault| {
        set(vault, "K", "ours");
        set(vault, "NEW", "from here");
    });
    let theirs = changed(&base, OWNER, 2, |vault| {
        set(vault, "L", "theirs");
        unmask(vault, "K");
    });
    let (one, _) = joined(merge([&base, &ours, &theirs]));
    let (other, _) = joined(merge([&base, &theirs, &ours]));
    assert_eq!(one.state(), other.state());
    assert_eq!(["K", "L", "NEW"].map(|key| text_of(&one, key)), ["ours", "theirs", "from here"]);
    assert!(one.names()["K"].unmasked);
    for side in [&ours, &theirs] {
        let side = opened(side, OWNER);
        assert_eq!(State::compare(side.state().unwrap(), one.state().unwrap()), Comparison::Newer);
    }
    // Without a number of its own: who merges again, anywhere, comes to the same.
    let maximum = |of: fn(&State) -> &Vector| {
        let [ours, theirs] = [&ours, &theirs].map(|side| opened(side, OWNER).state().unwrap().clone());
        of(&ours).maximum(of(&theirs)).unwrap()
    };
    assert_eq!(one.state().unwrap().at, maximum(|state| &state.at));
    assert_eq!(one.state().unwrap().rules, maximum(|state| &state.rules));
}

#[test]
fn a_side_that_has_all_is_taken_as_it_is() {
    let (_, base) = shared();
    let next = changed(&base, OWNER, 1, |vault| set(vault, "K", "next"));
    for (files, side) in [
        ([&base, &base, &next], Side::Theirs),
        ([&base, &next, &base], Side::Ours),
        ([&base, &next, &next], Side::Ours),
    ] {
        let files: [&[u8]; 3] = files.map(|file| &file[..]);
        assert!(matches!(merge(files), Merged::Whole(taken) if taken == side));
        // Also by who may change nothing.
        let merged = merge_as(BOB, files, &Choices::new()).unwrap();
        assert!(matches!(merged, Merged::Whole(taken) if taken == side));
    }
}

#[test]
fn what_both_changed_clashes_and_a_choice_settles_it() {
    let (_, base) = shared();
    let ours = changed(&base, OWNER, 1, |vault| set(vault, "K", "ours"));
    let theirs = changed(&base, OWNER, 2, |vault| set(vault, "K", "theirs"));
    assert_eq!(clashes(merge([&base, &ours, &theirs])), clash("K"));
    for (side, expected) in [(Side::Ours, "ours"), (Side::Theirs, "theirs")] {
        let choices = Choices::from([(name("K"), side)]);
        let (chosen, file) = joined(merge_as(OWNER, [&base, &ours, &theirs], &choices).unwrap());
        assert_eq!(text_of(&chosen, "K"), expected);
        // It counts: the other machine cannot have come to it by itself.
        assert_eq!(chosen.state().unwrap().at.get(replica(7)), 1);
        assert!(matches!(merge([&base, &file, &theirs]), Merged::Whole(Side::Ours)));
    }
    // The same change on both sides is none.
    let same = changed(&base, OWNER, 2, |vault| set(vault, "K", "ours"));
    assert_eq!(text_of(&joined(merge([&base, &ours, &same])).0, "K"), "ours");
    // One removes what the other changes, either way; and how it is treated.
    let removed = changed(&base, OWNER, 2, |vault| assert!(vault.remove(&name("K")).unwrap()));
    assert_eq!(clashes(merge([&base, &ours, &removed])), clash("K"));
    assert_eq!(clashes(merge([&base, &removed, &ours])), clash("K"));
    let (gone, _) =
        joined(merge_as(OWNER, [&base, &ours, &removed], &Choices::from([(name("K"), Side::Theirs)])).unwrap());
    assert!(!gone.names().contains_key("K"));
    let treated = changed(&base, OWNER, 1, |vault| unmask(vault, "K"));
    assert_eq!(clashes(merge([&base, &treated, &removed])), clash("K"));
    // Two kinds of treatment go together.
    let brokered = changed(&base, OWNER, 2, |vault| {
        let flags = Flags { hosts: vec!["a.b".into()], ..Flags::default() };
        assert!(vault.set_flags(&name("K"), flags).unwrap());
    });
    let (both, _) = joined(merge([&base, &treated, &brokered]));
    assert_eq!((both.names()["K"].unmasked, &*both.names()["K"].hosts), (true, &["a.b".to_owned()][..]));
}

#[test]
fn without_a_base_every_difference_is_a_conflict() {
    let (_, base) = shared();
    let ours = changed(&base, OWNER, 1, |vault| {
        set(vault, "K", "ours");
        set(vault, "NEW", "x");
    });
    let theirs = changed(&base, OWNER, 2, |vault| set(vault, "L", "theirs"));
    let found = clashes(merge([&[], &ours, &theirs]));
    assert_eq!(found, ["K", "L", "NEW"].map(|key| Clash::Secret(name(key))));
    let choices = Choices::from([(name("K"), Side::Ours), (name("L"), Side::Theirs), (name("NEW"), Side::Ours)]);
    let (chosen, _) = joined(merge_as(OWNER, [&[], &ours, &theirs], &choices).unwrap());
    assert_eq!([text_of(&chosen, "K"), text_of(&chosen, "L")], ["ours", "theirs"]);
}

#[test]
fn an_older_side_and_another_vault_are_refused() {
    let (_, base) = shared();
    let next = changed(&base, OWNER, 1, |vault| set(vault, "K", "next"));
    let last = changed(&next, OWNER, 1, |vault| set(vault, "L", "last"));
    let refused = |files: [&[u8]; 3]| merge_as(OWNER, files, &Choices::new()).err();
    // As `git revert` does.
    assert_eq!(refused([&next, &last, &base]), Some(Refusal::OlderThanBase.of(&agent())));
    let mut other = Vault::create(agent(), master(&user(OWNER))).unwrap();
    let other = other.seal(&user(OWNER), replica(3)).unwrap();
    assert_eq!(refused([&base, &next, &other]), Some(Refusal::OtherVault.of(&agent())));
    assert_eq!(refused([&other, &next, &last]), Some(Refusal::OtherVault.of(&agent())));
}

#[test]
fn what_is_picked_is_applied_and_counted() {
    let (_, base) = shared();
    let far = changed(&base, OWNER, 2, |vault| set(vault, "K", "far"));
    let farther = changed(&far, OWNER, 2, |vault| set(vault, "L", "picked"));
    let ours = changed(&base, OWNER, 1, |vault| set(vault, "NEW", "ours"));
    let (picked, file) = joined(merge([&far, &ours, &farther]));
    assert_eq!(["K", "L", "NEW"].map(|key| text_of(&picked, key)), ["hunter2", "picked", "ours"]);
    let at = &picked.state().unwrap().at;
    assert_eq!([replica(2), replica(7)].map(|replica| at.get(replica)), [0, 1]);
    // And merges later with the branch that it came from.
    let (all, _) = joined(merge([&base, &file, &farther]));
    assert_eq!(["K", "L", "NEW"].map(|key| text_of(&all, key)), ["far", "picked", "ours"]);
    // Nothing is left to pick.
    assert!(matches!(merge([&farther, &ours, &farther]), Merged::Whole(Side::Ours)));
}

#[test]
fn epochs() {
    let (_, base) = shared();
    let revoked = |by: u8| changed(&base, OWNER, by, |vault| vault.start_epoch().unwrap());
    let set_there = changed(&base, OWNER, 2, |vault| set(vault, "K", "theirs"));
    // Values from before a revocation are looked at by a person.
    assert_eq!(clashes(merge([&base, &revoked(1), &set_there])), clash("K"));
    let choices = Choices::from([(name("K"), Side::Theirs)]);
    let (chosen, _) = joined(merge_as(OWNER, [&base, &revoked(1), &set_there], &choices).unwrap());
    assert_eq!((text_of(&chosen, "K"), chosen.state().unwrap().epoch), ("theirs", 2));
    // Both began one.
    assert_eq!(clashes(merge([&base, &revoked(1), &revoked(2)])), [Clash::Epoch]);
    // A revocation is not picked.
    let far = changed(&base, OWNER, 2, |vault| set(vault, "L", "far"));
    let far_revoked = changed(&far, OWNER, 2, |vault| vault.start_epoch().unwrap());
    let ours = changed(&base, OWNER, 1, |vault| set(vault, "K", "ours"));
    assert_eq!(clashes(merge([&far, &ours, &far_revoked])), [Clash::Epoch]);
}

#[test]
fn people_merge_what_they_may_and_come_to_the_owners_state() {
    let (_, base) = shared();
    let owners = changed(&base, OWNER, 1, |vault| {
        set(vault, "K", "owner");
        unmask(vault, "K");
    });
    let alices = changed(&base, ALICE, 2, |vault| set(vault, "L", "alice"));
    let (by_owner, _) = joined(merge([&base, &owners, &alices]));
    let (by_alice, file) = joined(merge_as(ALICE, [&base, &alices, &owners], &Choices::new()).unwrap());
    assert_eq!(by_owner.state(), by_alice.state());
    assert_eq!(by_alice.sealer(), &Sealer::Person(person("alice")));
    assert_eq!(opened(&file, BOB).values()["L"].value.expose(), "alice");
    // A choice is for who may set the value.
    for (key, expected) in [("K", Some(Refusal::MayNotSet(name("K")).of(&agent()))), ("L", None)] {
        let choices = Choices::from([(name(key), Side::Theirs)]);
        assert_eq!(merge_as(ALICE, [&base, &alices, &owners], &choices).err(), expected);
    }
    // Who may set nothing, and who may not change the owner's part.
    let as_bob = merge_as(BOB, [&base, &alices, &owners], &Choices::new()).err();
    assert_eq!(as_bob, Some(Refusal::OwnerMerges.of(&agent())));
    let elsewhere = changed(&base, OWNER, 3, |vault| unmask(vault, "L"));
    let as_alice = merge_as(ALICE, [&base, &owners, &elsewhere], &Choices::new()).err();
    assert_eq!(as_alice, Some(Refusal::OwnerMerges.of(&agent())));
}

#[test]
fn a_removed_persons_later_values_are_not_taken_unasked() {
    let (_, base) = shared();
    let alices = changed(&base, ALICE, 2, |vault| set(vault, "L", "alice"));
    let taken_away: [fn(&mut Vault); 2] = [
        |vault| assert!(vault.unshare(&person("alice")).unwrap()),
        |vault| vault.share(person("alice"), card(ALICE), [name("K")].into(), now()).unwrap(),
    ];
    for take_away in taken_away {
        let owners = changed(&base, OWNER, 1, take_away);
        for files in [[&base, &owners, &alices], [&base, &alices, &owners]] {
            assert_eq!(clashes(merge(files.map(|file| &file[..]))), clash("L"));
        }
    }
}

#[test]
fn what_both_sides_changed_of_a_person_is_merged_by_permission() {
    let (_, base) = shared();
    let share = |vault: &mut Vault, number, keys: &[&str], since| {
        let may_set = keys.iter().map(|key| name(key)).collect();
        vault.share(person("alice"), card(number), may_set, since).unwrap();
    };
    let [early, late] = ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"].map(|time| Timestamp::parse(time).unwrap());
    // Both list her again, one with K as well; or both without L.
    let with_k = changed(&base, OWNER, 1, |vault| share(vault, ALICE, &["K", "L"], early));
    let again = changed(&base, OWNER, 4, |vault| share(vault, ALICE, &["L"], late));
    let without_l = changed(&base, OWNER, 2, |vault| share(vault, ALICE, &[], late));
    let also = changed(&base, OWNER, 3, |vault| share(vault, ALICE, &[], early));
    for (one, other, expected) in
        [(&with_k, &again, &["K", "L"][..]), (&without_l, &again, &[]), (&without_l, &also, &[])]
    {
        for files in [[&base, one, other], [&base, other, one]] {
            let (vault, _) = joined(merge(files.map(|file| &file[..])));
            let alice = &vault.people()[&person("alice")];
            assert_eq!((alice.since, &alice.may_set), (late, &expected.iter().map(|key| name(key)).collect()));
        }
    }
    // What one side took away, the other one may have under another name.
    let renamed = changed(&base, OWNER, 1, |vault| vault.rename(&name("L"), &name("M"), false).unwrap());
    for files in [[&base, &renamed, &without_l], [&base, &without_l, &renamed], [&base, &with_k, &without_l]] {
        assert!(clashes(merge(files.map(|file| &file[..]))).contains(&Clash::Person(person("alice"))));
    }
    // Another card, and a removal, are for a person to decide.
    let other_card = changed(&base, OWNER, 2, |vault| share(vault, STRANGER, &["L"], late));
    let removed = changed(&base, OWNER, 2, |vault| assert!(vault.unshare(&person("alice")).unwrap()));
    for other in [other_card, removed] {
        for files in [[&base, &with_k, &other], [&base, &other, &with_k]] {
            assert_eq!(clashes(merge(files.map(|file| &file[..]))), [Clash::Person(person("alice"))]);
        }
    }
}

/// The holder of a former key can sign what seems to have all that there is.
#[test]
fn a_side_of_a_former_key_is_not_taken_as_it_is() {
    let (_, base) = shared();
    let (both, newest) = (users(&[BOB, OWNER]), user(BOB));
    let mut rotated = open(&base, &both, Anchor::Own).unwrap();
    let ours = rotated.seal(&both, replica(1)).unwrap();
    let mut forged = open(&base, &user(OWNER), Anchor::Own).unwrap();
    set(&mut forged, "K", "forged");
    forged.supersede(&[rotated.state().unwrap()], false).unwrap();
    let forged = forged.seal(&user(OWNER), replica(2)).unwrap();
    let [base, mine, theirs] = [&base, &ours, &forged].map(|file| open(file, &both, Anchor::Own).unwrap());
    assert!(has_all_of(&theirs, &mine));
    let sides = Sides { base: Some(&base), ours: &mine, theirs: &theirs };
    let merged = Vault::merge(sides, &Choices::new(), &both, replica(7)).unwrap();
    assert_eq!(clashes(merged), [Clash::FormerKey]);
    // Sides of two owners.
    let mine = open(&ours, &newest, Anchor::Own).unwrap();
    let sides = Sides { base: None, ours: &mine, theirs: &theirs };
    let merged = Vault::merge(sides, &Choices::new(), &newest, replica(7));
    assert_eq!(merged.err(), Some(Refusal::OtherOwner.of(&agent())));
}

/// Who has a former key that is still in the store goes on from before the rotation.
#[test]
fn what_a_former_key_changed_is_not_signed_with_the_newest() {
    let (_, base) = shared();
    let both = users(&[BOB, OWNER]);
    let mut rotated = open(&base, &both, Anchor::Own).unwrap();
    set(&mut rotated, "K", "after the rotation");
    let rotated = rotated.seal(&both, replica(1)).unwrap();
    let merge = |base: &[u8], ours: &[u8], theirs: &[u8], choices: &Choices| {
        let [base, ours, theirs] = [base, ours, theirs].map(|file| open(file, &both, Anchor::Own).unwrap());
        Vault::merge(Sides { base: Some(&base), ours: &ours, theirs: &theirs }, choices, &both, replica(7)).unwrap()
    };
    let mallory: fn(&mut Vault) =
        |vault| vault.share(person("mallory"), card(STRANGER), [name("K")].into(), now()).unwrap();
    let hosts: fn(&mut Vault) = |vault| {
        let flags = Flags { hosts: vec!["evil.example".into()], ..Flags::default() };
        vault.set_flags(&name("L"), flags).unwrap();
    };
    let epoch: fn(&mut Vault) = |vault| (0..5).for_each(|_| vault.start_epoch().unwrap());
    let removed: fn(&mut Vault) = |vault| assert!(vault.remove(&name("L")).unwrap());
    for change in [mallory, hosts, epoch, removed] {
        let theirs = changed(&base, OWNER, 2, change);
        let further = changed(&theirs, OWNER, 2, |vault| set(vault, "K", "evil"));
        for choices in [Choices::new(), [(name("K"), Side::Ours)].into(), [(name("L"), Side::Theirs)].into()] {
            for (base, ours, theirs) in [
                (&base, &rotated, &theirs),
                (&base, &theirs, &rotated),
                (&base, &rotated, &further),
                (&theirs, &rotated, &further),
            ] {
                match merge(base, ours, theirs, &choices) {
                    Merged::Clashes(_) => {}
                    // A pick of a value, with the choice to keep the own one: nothing of it.
                    Merged::Joined(vault, _) => {
                        let own = open(&rotated, &both, Anchor::Own).unwrap();
                        assert!(vault.names() == own.names() && vault.people() == own.people());
                        assert_eq!(text_of(&vault, "K"), "after the rotation");
                        assert!(choices == [(name("K"), Side::Ours)].into());
                    }
                    Merged::Whole(side) => panic!("{side:?}"),
                }
            }
        }
    }
    // A value alone is the owner's to choose.
    let theirs = changed(&base, OWNER, 2, |vault| set(vault, "L", "before it"));
    assert_eq!(clashes(merge(&base, &rotated, &theirs, &Choices::new())), clash("L"));
    let choices = Choices::from([(name("L"), Side::Theirs)]);
    match merge(&base, &rotated, &theirs, &choices) {
        Merged::Joined(vault, _) => {
            assert_eq!((text_of(&vault, "K"), text_of(&vault, "L")), ("after the rotation", "before it"));
            assert!(vault.part().card == card(BOB));
        }
        _ => panic!("it was chosen"),
    }
}

/// Whoever writes the repository makes commits of states that there are, and so chooses the base.
#[test]
fn an_older_base_brings_nothing_back() {
    let (_, before) = shared();
    let listed = changed(&before, OWNER, 1, |vault| {
        vault.share(person("carol"), card(STRANGER), [name("K")].into(), now()).unwrap();
        set(vault, "NEW", "value");
        unmask(vault, "K");
    });
    let removed = changed(&listed, OWNER, 1, |vault| {
        assert!(vault.unshare(&person("carol")).unwrap());
        assert!(vault.remove(&name("NEW")).unwrap());
    });
    let elsewhere = changed(&listed, OWNER, 2, |vault| {
        set(vault, "L", "elsewhere");
        unmask(vault, "L");
    });
    for files in [[&listed, &elsewhere, &removed], [&listed, &removed, &elsewhere]] {
        let (vault, _) = joined(merge(files.map(|file| &file[..])));
        assert!(!vault.people().contains_key(&person("carol")) && !vault.names().contains_key("NEW"));
        assert_eq!(text_of(&vault, "L"), "elsewhere");
    }
    for files in [[&before, &elsewhere, &removed], [&before, &removed, &elsewhere]] {
        let found = clashes(merge(files.map(|file| &file[..])));
        assert!(found.contains(&Clash::Person(person("carol"))) && found.contains(&Clash::Secret(name("NEW"))));
    }
    // One that a former key signed, with whatever counts.
    let both = users(&[BOB, OWNER]);
    let rotated = {
        let mut vault = open(&listed, &both, Anchor::Own).unwrap();
        vault.seal(&both, replica(1)).unwrap()
    };
    let [one, other] = [3, 4].map(|by| {
        let mut vault = open(&rotated, &both, Anchor::Own).unwrap();
        set(&mut vault, if by == 3 { "K" } else { "L" }, "new");
        if by == 3 {
            assert!(vault.unshare(&person("carol")).unwrap());
        } else {
            unmask(&mut vault, "L");
        }
        vault.seal(&both, replica(by)).unwrap()
    });
    let [base, ours, theirs] = [&listed, &one, &other].map(|file| open(file, &both, Anchor::Own).unwrap());
    let sides = Sides { base: Some(&base), ours: &ours, theirs: &theirs };
    let found = clashes(Vault::merge(sides, &Choices::new(), &both, replica(7)).unwrap());
    assert!(found.contains(&Clash::Person(person("carol"))), "{found:?}");
}

/// Counts for another machine would make its next change seem to be known.
#[test]
fn counts_of_who_may_set_nothing_are_not_taken_over_unasked() {
    let (_, base) = shared();
    let alices = {
        let mut vault = opened(&base, ALICE);
        // The same values, and a count for a machine of the owner's.
        for _ in 0..50 {
            set(&mut vault, "L", "other");
            vault.seal(&user(ALICE), replica(9)).unwrap();
        }
        set(&mut vault, "L", "line\n# cast-values 1 at=0000000a.1 sealer=\n");
        vault.seal(&user(ALICE), replica(9)).unwrap()
    };
    let owners = changed(&base, OWNER, 1, |vault| {
        assert!(vault.unshare(&person("alice")).unwrap());
        set(vault, "K", "changed");
    });
    for files in [[&base, &owners, &alices], [&base, &alices, &owners]] {
        assert_eq!(clashes(merge(files.map(|file| &file[..]))), [Clash::Stranger]);
    }
    // Who takes a value of hers by choice takes her counts, and whoever knew her state takes the result.
    let hers = changed(&alices, ALICE, 9, |vault| set(vault, "L", "hers"));
    assert_eq!(clashes(merge([&base, &owners, &hers])), clash("L"));
    let choices = Choices::from([(name("L"), Side::Theirs)]);
    let (vault, _) = joined(merge_as(OWNER, [&base, &owners, &hers], &choices).unwrap());
    assert!(has_all_of(&vault, &opened(&hers, OWNER)) && text_of(&vault, "L") == "hers");
    // While she may set something, it is counted.
    let owners = changed(&base, OWNER, 1, |vault| set(vault, "K", "changed"));
    let (vault, _) = joined(merge([&base, &owners, &alices]));
    assert_eq!(of(&vault).at.get(replica(9)), 51);
}

fn of(vault: &Vault) -> &State {
    vault.state().unwrap()
}

#[test]
fn a_number_that_was_used_twice_is_seen() {
    let (_, base) = shared();
    let one = changed(&base, OWNER, 1, |vault| set(vault, "K", "one"));
    let other = changed(&base, OWNER, 1, |vault| set(vault, "L", "other"));
    assert_eq!(clashes(merge([&base, &one, &other])), [Clash::Count]);
}

/// What a machine holds by the model: values and whether they are unmasked.
type Model = BTreeMap<String, (String, bool)>;

/// The keys that clash, or the merged model. A choice settles what clashes of a secret.
fn model(base: &Model, ours: &Model, theirs: &Model, choices: &Choices) -> Result<Model, Vec<String>> {
    fn three<T: PartialEq + Clone>(base: &T, ours: &T, theirs: &T, choice: Option<Side>) -> Option<T> {
        match choice {
            _ if ours == theirs || theirs == base => Some(ours.clone()),
            _ if ours == base => Some(theirs.clone()),
            Some(Side::Ours) => Some(ours.clone()),
            Some(Side::Theirs) => Some(theirs.clone()),
            None => None,
        }
    }
    let (mut merged, mut clashes) = (Model::new(), Vec::new());
    let keys: std::collections::BTreeSet<_> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
    for key in keys {
        let choice = choices.get(key.as_str()).copied();
        let (one, other) = (ours.get(key), theirs.get(key));
        let result = match (base.get(key), one, other) {
            (Some(base), Some(one), Some(other)) => {
                three(&base.0, &one.0, &other.0, choice).zip(three(&base.1, &one.1, &other.1, choice)).map(Some)
            }
            // Added on both sides: what is equal is no clash.
            (None, Some(one), Some(other)) => {
                let side = |of_ours: bool| if of_ours { one } else { other };
                let of_ours = choice.map(|choice| choice == Side::Ours);
                let value = if one.0 == other.0 { Some(one.0.clone()) } else { of_ours.map(|of| side(of).0.clone()) };
                let flag = if one.1 == other.1 { Some(one.1) } else { of_ours.map(|of| side(of).1) };
                value.zip(flag).map(Some)
            }
            (base, one, other) => three(&base.cloned(), &one.cloned(), &other.cloned(), choice),
        };
        match result {
            Some(Some(secret)) => drop(merged.insert(key.clone(), secret)),
            Some(None) => {}
            None => clashes.push(key.clone()),
        }
    }
    if clashes.is_empty() { Ok(merged) } else { Err(clashes) }
}

/// A few numbers, the same for a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn model_of(vault: &Vault) -> Model {
    let secret = |(name, flags): (&SecretName, &Flags)| {
        (name.to_string(), (vault.values()[name].value.expose().to_owned(), flags.unmasked))
    };
    vault.names().iter().map(secret).collect()
}

/// Some changes on one machine, in the vault and in the model.
fn change_at_random(random: &mut Random, file: &[u8], model: &mut Model, by: u8, clock: &mut i64) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..random.below(4) {
        file = changed(&file, OWNER, by, |vault| {
            *clock += 1;
            let time = Timestamp::new(jiff::Timestamp::from_second(*clock).unwrap());
            let key = format!("K{}", random.below(5));
            match random.below(6) {
                0 => {
                    vault.remove(&name(&key)).unwrap();
                    model.remove(&key);
                }
                1 if model.contains_key(&key) => {
                    let secret = model.get_mut(&key).unwrap();
                    secret.1 = !secret.1;
                    vault.set_flags(&name(&key), Flags { unmasked: secret.1, ..Flags::default() }).unwrap();
                }
                _ => {
                    let text = format!("value {}", random.below(3));
                    vault.set(name(&key), value(&text), false, time).unwrap();
                    model.entry(key).or_default().0 = text;
                }
            }
        });
    }
    file
}

fn history(seed: u64) {
    let mut random = Random(seed);
    let mut clock = 1_800_000_000;
    let mut vault = Vault::create(agent(), master(&user(OWNER))).unwrap();
    let mut base = vault.seal(&user(OWNER), replica(1)).unwrap();
    let mut known = Model::new();
    for round in 0..=random.below(3) {
        let told = format!("CAST_TEST_SEED={seed}, round {round}");
        let (mut ours, mut theirs) = (known.clone(), known.clone());
        let here = change_at_random(&mut random, &base, &mut ours, 1, &mut clock);
        let there = change_at_random(&mut random, &base, &mut theirs, 2, &mut clock);
        let (file, merged) = match (merge([&base, &here, &there]), model(&known, &ours, &theirs, &Choices::new())) {
            (Merged::Clashes(found), Err(expected)) => {
                let found: Vec<_> = found
                    .into_iter()
                    .map(|clash| match clash {
                        Clash::Secret(name) => name.to_string(),
                        clash => panic!("{told}: {clash:?}"),
                    })
                    .collect();
                assert_eq!(found, expected, "{told}");
                let choices: Choices = expected
                    .iter()
                    .map(|key| (name(key), if random.below(2) == 0 { Side::Ours } else { Side::Theirs }))
                    .collect();
                let merged = model(&known, &ours, &theirs, &choices).unwrap();
                match merge_as(OWNER, [&base, &here, &there], &choices).unwrap() {
                    Merged::Joined(_, file) => (file, merged),
                    // It was removed by who could not have known of the change.
                    Merged::Clashes(clashes) => panic!("{told}: {clashes:?}"),
                    Merged::Whole(side) => panic!("{told}: {side:?}"),
                }
            }
            (Merged::Joined(one, file), Ok(merged)) => {
                let (other, _) = joined(merge([&base, &there, &here]));
                assert_eq!(one.state(), other.state(), "{told}");
                (file, merged)
            }
            (Merged::Whole(side), Ok(merged)) => (if side == Side::Ours { here } else { there }, merged),
            (Merged::Clashes(found), Ok(merged)) => panic!("{told}: {found:?}, the model has {merged:?}"),
            (_, Err(expected)) => panic!("{told}: the model clashes in {expected:?}"),
        };
        let read = opened(&file, OWNER);
        assert_eq!(model_of(&read), merged, "{told}");
        (base, known) = (file, merged);
    }
}

#[test]
fn random_histories_of_two_machines_merge_as_a_model_says() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    if let Some(seed) = number("CAST_TEST_SEED") {
        return history(seed);
    }
    let tries = Tries::at(1, "merges against a model");
    for seed in 0..number("CAST_TEST_HISTORIES").unwrap_or(150) {
        tries.next();
        history(seed);
    }
}
