//! Pieces of authentic vaults put together anew. Each piece carries a signature that passes by itself.

use super::*;

/// The plain text of one vault's first line and part over another's second line and values.
fn spliced(above: &Vault, below: &Vault) -> Vec<u8> {
    let rest = &text(below)[below.plain.as_ref().unwrap().above().len()..];
    sealed(&[above.plain.as_ref().unwrap().above(), rest].concat())
}

fn reopened(vault: &mut Vault) -> Vault {
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    open_own(&file, OWNER).unwrap()
}

#[test]
fn an_old_part_does_not_go_with_new_values() {
    let (mut vault, _) = shared();
    let old = reopened(&mut vault);
    vault.set_flags(&name("K"), Flags { unmasked: true, ..Flags::default() }).unwrap();
    let new = reopened(&mut vault);
    refused(open_own(&spliced(&old, &new), OWNER), Refusal::NotSealed);
    refused(open_own(&spliced(&new, &old), OWNER), Refusal::NotSealed);
}

#[test]
fn values_of_another_vault_do_not_go() {
    let (one, _) = shared();
    let (two, _) = shared();
    assert_ne!(one.id(), two.id());
    refused(open_own(&spliced(&one, &two), OWNER), Refusal::NotSealed);
    // Nor those of another agent.
    let key = user(OWNER);
    let mut other = Vault::create(AgentName::parse("b").unwrap(), master(&key)).unwrap();
    other.set(name("K"), value("x"), false, now()).unwrap();
    other.set(name("L"), value("x"), false, now()).unwrap();
    other.seal(&key, replica(1)).unwrap();
    refused(open_own(&spliced(&one, &other), OWNER), Refusal::NotSealed);
    refused(open_own(&sealed(text(&other)), OWNER), Refusal::OtherAgent(other.agent().clone()));
}

#[test]
fn a_second_line_does_not_go_with_other_values() {
    let (mut vault, _) = shared();
    let old = reopened(&mut vault);
    vault.set(name("K"), value("changed"), false, now()).unwrap();
    let new = reopened(&mut vault);
    let split = |vault: &Vault| {
        let (plain, whole) = (vault.plain.as_ref().unwrap(), text(vault).to_vec());
        let line = whole.len() - plain.below().unwrap().values.len();
        (whole[..line].to_vec(), whole[line..].to_vec())
    };
    let ((old_lines, old_values), (new_lines, new_values)) = (split(&old), split(&new));
    refused(open_own(&sealed(&[old_lines, new_values].concat()), OWNER), Refusal::NotSealed);
    refused(open_own(&sealed(&[new_lines, old_values].concat()), OWNER), Refusal::NotSealed);
}

#[test]
fn a_signature_of_one_kind_is_not_one_of_the_other() {
    let forge = Forge::of(&shared().0);
    let signature = |line: &[u8]| line[line.len() - 129..line.len() - 1].to_vec();
    let plain = forge.plain();
    let above = forge.above();
    let first = signature(&above[..=above.iter().position(|byte| *byte == b'\n').unwrap()]);
    let rest = &plain[above.len()..];
    let second = signature(&rest[..=rest.iter().position(|byte| *byte == b'\n').unwrap()]);
    let swap = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    refused(open_own(&sealed(&swap(&plain, &first, &second)), OWNER), Refusal::NotAuthentic);
    refused(open_own(&sealed(&swap(&plain, &second, &first)), OWNER), Refusal::NotSealed);
}

#[test]
fn the_split_is_where_the_owner_signed_it() {
    // A value with a line like the second, sealed by a stranger: the real one is found by the length.
    let (vault, _) = shared();
    let forge = Forge::of(&vault);
    let inner = String::from_utf8(forge.sealed_by(STRANGER).plain().to_vec()).unwrap();
    let evil = forge.with_values(|values| values.get_mut("L").unwrap().value = value(&inner));
    let opened = open_own(&evil.file(), OWNER).unwrap();
    assert_eq!(opened.values()["L"].value.expose(), inner);
    assert_eq!(opened.sealer(), &Sealer::Owner);
    // A longer or shorter part is another one.
    for length in [forge.part.len() - 1, forge.part.len() + 1, 0, usize::MAX] {
        let head = First { bytes: length, ..forge.first.clone() }.to_string();
        let whole = String::from_utf8(forge.plain().to_vec()).unwrap();
        let moved = whole.replacen(&forge.first.to_string(), &head, 1);
        assert!(open_own(&sealed(moved.as_bytes()), OWNER).is_err(), "{length}");
    }
}

#[test]
fn the_lines_of_two_states_of_one_part_do_not_mix() {
    // The same part, byte for byte, in two epochs: the first line is signed with it.
    let (mut vault, _) = shared();
    let old = reopened(&mut vault);
    vault.start_epoch().unwrap();
    let new = reopened(&mut vault);
    let first_line = |vault: &Vault| {
        let above = vault.plain.as_ref().unwrap().above();
        let end = above.iter().position(|byte| *byte == b'\n').unwrap();
        (above[..=end].to_vec(), above[end + 1..].to_vec())
    };
    let ((old_line, old_part), (new_line, new_part)) = (first_line(&old), first_line(&new));
    assert_eq!(old_part.len(), new_part.len());
    for (line, part) in [(old_line, new_part), (new_line, old_part)] {
        let rest = Forge::of(&new).over(&[line, part].concat());
        refused(open_own(&sealed(&rest), OWNER), Refusal::NotAuthentic);
    }
}
