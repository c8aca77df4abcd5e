//! Receipts: what one stands for, and what not.

use super::*;

/// Opens a file of the state of `vault`, or of a forgery that counts as it does.
fn with(vault: &Vault, file: &[u8], number: u8, anchor: Anchor<'_>, receipt: &Receipt) -> Result<Vault> {
    Vault::open(file, &agent(), &user(number), anchor, Some(noted(vault, receipt)))
}

fn noted<'a>(vault: &'a Vault, receipt: &'a Receipt) -> Noted<'a> {
    Noted { state: vault.state().unwrap(), receipt, stanza: 0 }
}

/// The receipt that user `number` would give for a text.
fn given(number: u8, id: VaultId, anchored: Anchored, plain: &[u8]) -> Receipt {
    Receipt::new(master(&user(number)), id, anchored, &Plain::split(plain.to_vec().into()).unwrap())
}

#[test]
fn a_receipt_is_for_one_plain_text() {
    let (mut vault, file) = shared();
    let receipt = vault.receipt(&user(OWNER)).unwrap();
    let opened = with(&vault, &file, OWNER, Anchor::Own, &receipt).unwrap();
    assert!(opened.is_known() && !open_own(&file, OWNER).unwrap().is_known());
    assert_eq!(opened.receipt(&user(OWNER)), Some(receipt));
    assert_eq!(Receipt::parse(&receipt.to_string()), Some(receipt));
    // Encrypted anew, it is the same plain text. Of another one it is verified as ever.
    assert!(with(&vault, &sealed(text(&vault)), OWNER, Anchor::Own, &receipt).unwrap().is_known());
    let before = open_own(&file, OWNER).unwrap();
    vault.set(name("K"), value("other"), false, now()).unwrap();
    let next = vault.seal(&user(OWNER), replica(1)).unwrap();
    assert!(!with(&before, &next, OWNER, Anchor::Own, &receipt).unwrap().is_known());
    assert_eq!(vault.state(), open_own(&next, OWNER).unwrap().state());
}

#[test]
fn it_stands_for_the_signatures_and_for_nothing_that_depends_on_the_question() {
    let (vault, _) = shared();
    let forge = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) };
    let plain = forge.plain();
    let receipt = given(OWNER, vault.id(), Anchored::Own, &plain);
    assert!(with(&vault, &sealed(&plain), OWNER, Anchor::Own, &receipt).unwrap().is_known());
    let agent_b = AgentName::parse("b").unwrap();
    let other = Vault::open(&sealed(&plain), &agent_b, &user(OWNER), Anchor::Own, Some(noted(&vault, &receipt)));
    assert_eq!(other.err(), Some(Refusal::OtherAgent(agent()).of(&agent_b)));
    // Nor for the parts that are parsed.
    let names = forge.with_values(|values| drop(values.remove("K"))).plain();
    let receipt = given(OWNER, vault.id(), Anchored::Own, &names);
    refused(with(&vault, &sealed(&names), OWNER, Anchor::Own, &receipt), Refusal::OtherNames);
    let sealer = forge.sealed_by(BOB).plain();
    let receipt = given(OWNER, vault.id(), Anchored::Own, &sealer);
    refused(with(&vault, &sealed(&sealer), OWNER, Anchor::Own, &receipt), Refusal::OtherSealer);
}

#[test]
fn it_is_one_users_of_one_vault_against_one_kind_of_anchor() {
    let (vault, _) = shared();
    // Not signed by the owner: only a receipt that counts would let it pass.
    let plain = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) }.plain();
    let file = sealed(&plain);
    let receipt = |number, id, anchored| given(number, id, anchored, &plain);
    for wrong in [
        receipt(ALICE, vault.id(), Anchored::Own),
        receipt(OWNER, VaultId([0; 16]), Anchored::Own),
        receipt(OWNER, vault.id(), Anchored::Card),
        Receipt::parse(&format!("{0}/{0}", "00".repeat(32))).unwrap(),
    ] {
        refused(with(&vault, &file, OWNER, Anchor::Own, &wrong), Refusal::NotAuthentic);
    }
    let theirs = receipt(ALICE, vault.id(), Anchored::Card);
    assert!(with(&vault, &file, ALICE, Anchor::Card(&card(OWNER)), &theirs).unwrap().is_known());
    // The card is compared whatever the receipt says.
    refused(with(&vault, &file, ALICE, Anchor::Card(&card(BOB)), &theirs), Refusal::OtherOwner);
    let own = receipt(ALICE, vault.id(), Anchored::Own);
    refused(with(&vault, &file, ALICE, Anchor::Card(&card(OWNER)), &own), Refusal::NotAuthentic);
    // Against its own card a key is the owner's.
    let owners = receipt(OWNER, vault.id(), Anchored::Own);
    assert!(with(&vault, &file, OWNER, Anchor::Card(&card(OWNER)), &owners).unwrap().is_known());
}

#[test]
fn an_agent_key_has_none_and_believes_none() {
    let (vault, file) = shared();
    let grant = || UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    let opened = open(&file, &grant(), Anchor::Own).unwrap();
    assert_eq!((opened.receipt(&grant()), opened.receipt(&user(OWNER))), (None, None));
    let plain = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) }.plain();
    let receipt = given(OWNER, vault.id(), Anchored::Own, &plain);
    let opened = Vault::open(&sealed(&plain), &agent(), &grant(), Anchor::Own, Some(noted(&vault, &receipt)));
    refused(opened, Refusal::NotAuthentic);
}

#[test]
fn the_key_that_opened_it_gives_it() {
    let (vault, file) = shared();
    let store = users(&[STRANGER, OWNER]);
    let opened = open(&file, &store, Anchor::Own).unwrap();
    let receipt = opened.receipt(&store).unwrap();
    assert_eq!(Some(receipt), open_own(&file, OWNER).unwrap().receipt(&user(OWNER)));
    assert!(Vault::open(&file, &agent(), &store, Anchor::Own, Some(noted(&vault, &receipt))).unwrap().is_known());
}

#[test]
fn what_counts_alike_is_compared_to_the_last_byte() {
    let (vault, _) = shared();
    let receipt = vault.receipt(&user(OWNER)).unwrap();
    // The counters of the state that was noted, under other values.
    let edit = |values: &mut Values| values.get_mut("K").unwrap().value = value("forged");
    let edited = Forge { signers: (OWNER, STRANGER), ..Forge::of(&vault) }.with_values(edit);
    refused(with(&vault, &edited.file(), OWNER, Anchor::Own, &receipt), Refusal::NotSealed);
    // And its text beside the note of another state: verified as ever.
    let other = vault_after(&vault);
    let file = sealed(text(&vault));
    let opened = with(&other, &file, OWNER, Anchor::Own, &receipt).unwrap();
    assert!(!opened.is_known());
}

/// The next state of a vault.
fn vault_after(vault: &Vault) -> Vault {
    let mut next = open_own(&sealed(text(vault)), OWNER).unwrap();
    next.set(name("K"), value("other"), false, now()).unwrap();
    next.seal(&user(OWNER), replica(1)).unwrap();
    next
}

#[test]
fn the_note_about_the_owner_is_for_one_key_one_vault_and_one_epoch() {
    let (vault, _) = shared();
    let (id, key) = (vault.id(), user(OWNER));
    let receipt = vault.receipt(&key).unwrap();
    let is_own = |number: u8, id, forge: &Forge| {
        receipt.is_own(master(&user(number)), id, &Plain::split(forge.plain().to_vec().into()).unwrap())
    };
    let forge = Forge::of(&vault);
    assert!(is_own(OWNER, id, &forge));
    assert!(!is_own(ALICE, id, &forge) && !is_own(OWNER, VaultId([0; 16]), &forge));
    // Whatever else changes, it holds: the signatures are verified.
    let counters = First { rules: Vector::parse("0000000b.7").unwrap(), ..forge.first.clone() };
    let more = Forge { first: counters, ..forge.clone() }.with_part(|part| drop(part.names.remove("K")));
    assert!(is_own(OWNER, id, &more));
    // What it is about does not change.
    let stranger = card(STRANGER);
    let first = |change: fn(&mut First)| {
        let mut first = forge.first.clone();
        change(&mut first);
        Forge { first, ..forge.clone() }
    };
    let others = [
        first(|first| first.owner = card(STRANGER).verification()),
        first(|first| first.epoch += 1),
        first(|first| first.agent = AgentName::parse("b").unwrap()),
        forge.with_part(|part| part.card = stranger.clone()),
        forge.with_part(|part| part.reader = stranger.recipient().clone()),
    ];
    for (index, other) in others.iter().enumerate() {
        assert!(!is_own(OWNER, id, other), "{index}");
    }
    // One that was given against a card stands for no comparison with the own key.
    let against_card = given(OWNER, id, Anchored::Card, &others[0].plain());
    assert!(!against_card.is_own(master(&key), id, &Plain::split(others[0].plain().to_vec().into()).unwrap()));
    // A stranger's whole vault of the same id, encrypted to the owner.
    let stolen = Forge { signers: (STRANGER, STRANGER), ..others[0].clone() }.sealed_by(STRANGER).file();
    for (receipt, seen) in [(&receipt, &vault), (&against_card, &vault), (&receipt, &vault_after(&vault))] {
        refused(with(seen, &stolen, OWNER, Anchor::Own, receipt), Refusal::OtherOwner);
    }
}
