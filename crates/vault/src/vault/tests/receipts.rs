//! Receipts: what one stands for, and what not.

use super::*;

fn with(file: &[u8], number: u8, anchor: Anchor<'_>, receipt: &Receipt) -> Result<Vault> {
    Vault::open(file, &agent(), &user(number), anchor, Some(receipt))
}

#[test]
fn a_receipt_is_for_one_plain_text() {
    let (mut vault, file) = shared();
    let receipt = vault.receipt(&user(OWNER)).unwrap();
    let opened = with(&file, OWNER, Anchor::Own, &receipt).unwrap();
    assert!(opened.is_known() && !open_own(&file, OWNER).unwrap().is_known());
    assert_eq!(opened.receipt(&user(OWNER)), Some(receipt));
    assert_eq!(Receipt::parse(&receipt.to_string()), Some(receipt));
    // Encrypted anew, it is the same plain text. Of another one it is verified as ever.
    assert!(with(&sealed(text(&vault)), OWNER, Anchor::Own, &receipt).unwrap().is_known());
    vault.set(name("K"), value("other"), false, now()).unwrap();
    let next = vault.seal(&user(OWNER), replica(1)).unwrap();
    assert!(!with(&next, OWNER, Anchor::Own, &receipt).unwrap().is_known());
    assert_eq!(vault.state(), open_own(&next, OWNER).unwrap().state());
}

#[test]
fn it_stands_for_the_signatures_and_for_nothing_that_depends_on_the_question() {
    let (vault, _) = shared();
    let forge = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) };
    let plain = forge.plain();
    let receipt = Receipt::new(master(&user(OWNER)), vault.id(), Anchored::Own, &plain);
    assert!(with(&sealed(&plain), OWNER, Anchor::Own, &receipt).unwrap().is_known());
    let agent_b = AgentName::parse("b").unwrap();
    let other = Vault::open(&sealed(&plain), &agent_b, &user(OWNER), Anchor::Own, Some(&receipt));
    assert_eq!(other.err(), Some(Refusal::OtherAgent(agent()).of(&agent_b)));
    // Nor for the parts that are parsed.
    let names = forge.with_values(|values| drop(values.remove("K"))).plain();
    let receipt = Receipt::new(master(&user(OWNER)), vault.id(), Anchored::Own, &names);
    refused(with(&sealed(&names), OWNER, Anchor::Own, &receipt), Refusal::OtherNames);
    let sealer = forge.sealed_by(BOB).plain();
    let receipt = Receipt::new(master(&user(OWNER)), vault.id(), Anchored::Own, &sealer);
    refused(with(&sealed(&sealer), OWNER, Anchor::Own, &receipt), Refusal::OtherSealer);
}

#[test]
fn it_is_one_users_of_one_vault_against_one_kind_of_anchor() {
    let (vault, _) = shared();
    // Not signed by the owner: only a receipt that counts would let it pass.
    let plain = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) }.plain();
    let file = sealed(&plain);
    let receipt = |number, id, anchored| Receipt::new(master(&user(number)), id, anchored, &plain);
    for wrong in [
        receipt(ALICE, vault.id(), Anchored::Own),
        receipt(OWNER, VaultId([0; 16]), Anchored::Own),
        receipt(OWNER, vault.id(), Anchored::Card),
        Receipt::parse(&"00".repeat(32)).unwrap(),
    ] {
        refused(with(&file, OWNER, Anchor::Own, &wrong), Refusal::NotAuthentic);
    }
    let theirs = receipt(ALICE, vault.id(), Anchored::Card);
    assert!(with(&file, ALICE, Anchor::Card(&card(OWNER)), &theirs).unwrap().is_known());
    // The card is compared whatever the receipt says.
    refused(with(&file, ALICE, Anchor::Card(&card(BOB)), &theirs), Refusal::OtherOwner);
    let own = receipt(ALICE, vault.id(), Anchored::Own);
    refused(with(&file, ALICE, Anchor::Card(&card(OWNER)), &own), Refusal::NotAuthentic);
    // Against its own card a key is the owner's.
    let owners = receipt(OWNER, vault.id(), Anchored::Own);
    assert!(with(&file, OWNER, Anchor::Card(&card(OWNER)), &owners).unwrap().is_known());
}

#[test]
fn an_agent_key_has_none_and_believes_none() {
    let (vault, file) = shared();
    let grant = || UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    let opened = open(&file, &grant(), Anchor::Own).unwrap();
    assert_eq!((opened.receipt(&grant()), opened.receipt(&user(OWNER))), (None, None));
    let plain = Forge { signers: (STRANGER, STRANGER), ..Forge::of(&vault) }.plain();
    let receipt = Receipt::new(master(&user(OWNER)), vault.id(), Anchored::Own, &plain);
    let opened = Vault::open(&sealed(&plain), &agent(), &grant(), Anchor::Own, Some(&receipt));
    refused(opened, Refusal::NotAuthentic);
}

#[test]
fn the_key_that_opened_it_gives_it() {
    let (_, file) = shared();
    let store = users(&[STRANGER, OWNER]);
    let opened = open(&file, &store, Anchor::Own).unwrap();
    let receipt = opened.receipt(&store).unwrap();
    assert_eq!(Some(receipt), open_own(&file, OWNER).unwrap().receipt(&user(OWNER)));
    assert!(Vault::open(&file, &agent(), &store, Anchor::Own, Some(&receipt)).unwrap().is_known());
}
