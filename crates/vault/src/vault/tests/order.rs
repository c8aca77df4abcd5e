//! Every step of the order of checks has a vault that fails there and nowhere else.

use super::*;

/// Everything that signs is the owner, and does so over exactly these bytes.
fn signed(head: &str, part: &str, second: &str, values: &[u8]) -> Vec<u8> {
    let key = user(OWNER);
    let sign = |message: &[u8]| lines::ending(&master(&key).sign(message));
    let first = [b"cast/v1/owner\0", head.as_bytes(), b"\n", part.as_bytes()].concat();
    let above = [head.as_bytes(), sign(&first).as_bytes(), part.as_bytes()].concat();
    let seal = [b"cast/v1/seal\0", &above[..], second.as_bytes(), b"\n", values].concat();
    sealed(&[&above[..], second.as_bytes(), sign(&seal).as_bytes(), values].concat())
}

/// The same for a vault that is right but for what `edit` does to its first line, part, second line and values.
fn edited(edit: impl FnOnce(&mut [String; 4])) -> Vec<u8> {
    let forge = Forge::of(&shared().0);
    let mut texts = [forge.first.to_string(), forge.part, forge.second.to_string(), forge.values];
    edit(&mut texts);
    signed(&texts[0], &texts[1], &texts[2], texts[3].as_bytes())
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{text}");
    *text = text.replacen(from, to, 1);
}

#[test]
fn nothing_is_refused_that_is_right() {
    open_own(&edited(|_| ()), OWNER).unwrap();
    open_theirs(&edited(|_| ()), ALICE).unwrap();
    let (vault, file) = shared();
    open(&file, &UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap())), Anchor::Own).unwrap();
}

#[test]
fn step_1_size_and_header() {
    let (_, file) = shared();
    let mut long = file.clone();
    long.resize(age_file::MAX_FILE + 1, 0);
    refused(open_own(&long, OWNER), Refusal::Damaged);
    let words = age::secrecy::SecretString::from("correct horse".to_owned());
    refused(open_own(&age_file::seal_with_passphrase(b"x", words), OWNER), Refusal::Damaged);
    refused(open_own(b"", OWNER), Refusal::Damaged);
}

#[test]
fn step_2_age_to_the_end() {
    let (vault, file) = shared();
    refused(open_own(&file, STRANGER), Refusal::WrongKey);
    refused(open_own(&file[..file.len() - 1], OWNER), Refusal::Damaged);
    refused(open_own(&[&file[..], b"x"].concat(), OWNER), Refusal::Damaged);
    let grant = || vault.grant(&user(OWNER)).unwrap();
    let mut old = grant();
    old.key = master(&user(OWNER)).agent_key(&agent(), vault.id(), 7, &vault.part().nonce);
    refused(open(&file, &UnlockKey::Agent(Box::new(old)), Anchor::Own), Refusal::WrongAgentKey);
    let mut other = grant();
    other.agent = AgentName::parse("b").unwrap();
    let why = Refusal::KeyOfOtherAgent(other.agent.clone());
    refused(open(&file, &UnlockKey::Agent(Box::new(other)), Anchor::Own), why);
    refused(open(&file, &UnlockKey::Master(Vec::new()), Anchor::Own), Refusal::WrongKey);
}

/// Who can make a header can give it a stanza for a newer key than the one that the vault has to do with.
#[test]
fn a_stanza_for_a_newer_key_hides_no_older_one() {
    let (_, file) = shared();
    for number in [OWNER, ALICE] {
        let plain = Forge::of(&shared().0).plain();
        for more in [&[number][..], &[]] {
            let recipients: Vec<_> = [STRANGER].iter().chain(more).map(|n| card(*n).recipient().clone()).collect();
            let file = age_file::seal(&plain, &recipients);
            let (keys, owner) = (users(&[STRANGER, BOB + 1, number]), card(OWNER));
            let anchor = if number == OWNER { Anchor::Own } else { Anchor::Card(&owner) };
            let vault = open(&file, &keys, anchor).unwrap();
            assert_eq!(*vault.role() == Role::Owner, number == OWNER);
            let UnlockKey::Master(list) = &keys else { unreachable!() };
            let inspected = Vault::inspect(&file, &agent(), list).unwrap();
            assert_eq!(inspected.accept(&keys, &owner).unwrap().role(), vault.role());
        }
    }
    // The newest key's own vault has to open with that key.
    let plain = Forge::of(&shared().0).plain();
    let file_for_former = age_file::seal(&plain, &[card(STRANGER).recipient().clone()]);
    refused(open(&file_for_former, &users(&[OWNER, STRANGER]), Anchor::Own), Refusal::OtherOwner);
    refused(open(&file, &users(&[STRANGER, BOB]), Anchor::Own), Refusal::OtherOwner);
    refused(open(&file_for_former, &users(&[STRANGER, BOB + 1]), Anchor::Card(&card(OWNER))), Refusal::NotShared);
}

#[test]
fn step_3_the_first_line_and_its_agent() {
    let first = |from: &'static str, to: &'static str| edited(move |texts| replace(&mut texts[0], from, to));
    refused(open_own(&first(" epoch=", "  epoch="), OWNER), Refusal::Damaged);
    refused(open_own(&first("cast-vault 1 ", "cast-vault 2 "), OWNER), Refusal::Newer);
    refused(open_own(&first("# ", "#"), OWNER), Refusal::Damaged);
    refused(open_own(&first("bytes=", "bytes=9"), OWNER), Refusal::Damaged);
    refused(open_own(&first("agent=a ", "agent=b "), OWNER), Refusal::OtherAgent(AgentName::parse("b").unwrap()));
    // One byte less of the owner's part: it no longer ends in a line feed.
    let cut = edited(|texts| {
        let (whole, cut) = (format!("bytes={}", texts[1].len()), format!("bytes={}", texts[1].len() - 1));
        replace(&mut texts[0], &whole, &cut);
    });
    refused(open_own(&cut, OWNER), Refusal::Damaged);
    refused(open_own(&sealed(b""), OWNER), Refusal::Damaged);
    refused(open_own(&sealed(b"no line feed"), OWNER), Refusal::Damaged);
    let id = "a0".repeat(16);
    let build = format!("# cast-vault 1 id={id} epoch=1 generation=17 mac={}\nagent = \"a\"\n", "b1".repeat(32));
    refused(open_own(&sealed(build.as_bytes()), OWNER), Refusal::DevelopmentBuild);
}

#[test]
fn step_4_the_owner_is_the_one_expected() {
    // A stranger's vault, right in itself, encrypted to everyone; with the same id.
    let (vault, file) = shared();
    let theirs = Forge::of(&vault).with_part(|part| {
        let key = user(STRANGER);
        part.card = card(STRANGER);
        part.reader = master(&key).agent_key(&agent(), vault.id(), 1, &part.nonce).recipient();
    });
    let first = First { owner: card(STRANGER).verification(), ..theirs.first.clone() };
    let theirs = Forge { first, signers: (STRANGER, STRANGER), ..theirs }.sealed_by(STRANGER).file();
    open_own(&theirs, STRANGER).unwrap();
    refused(open_own(&theirs, OWNER), Refusal::OtherOwner);
    refused(open_theirs(&theirs, ALICE), Refusal::OtherOwner);
    let grant = || Box::new(vault.grant(&user(OWNER)).unwrap());
    refused(open(&theirs, &UnlockKey::Agent(grant()), Anchor::Own), Refusal::OtherOwner);
    // The anchor is never what the vault says: its owner's key opens it for a person only with the card.
    refused(open_own(&file, ALICE), Refusal::OtherOwner);
    refused(open(&file, &user(OWNER), Anchor::Card(&card(STRANGER))), Refusal::OtherOwner);
    // The line of an agent key brings id and epoch, too.
    for (id, epoch) in [(VaultId([0; 16]), 1), (vault.id(), 2)] {
        let mut other = grant();
        (other.id, other.epoch) = (id, epoch);
        refused(open(&file, &UnlockKey::Agent(other), Anchor::Own), Refusal::WrongAgentKey);
    }
    // A former key of the owner's: the anchor is its own, not the newest one's.
    open(&file, &users(&[ALICE + 10, OWNER]), Anchor::Own).unwrap();
    refused(open(&theirs, &users(&[ALICE + 10, OWNER]), Anchor::Own), Refusal::OtherOwner);
}

#[test]
fn step_4_built_in_secrets_are_ones_own() {
    let key = user(STRANGER);
    let mut vault = Vault::create(AgentName::builtin(), master(&key)).unwrap();
    vault.seal(&key, replica(1)).unwrap();
    let file = sealed(text(&vault));
    for number in [ALICE, OWNER] {
        let open = Vault::open(&file, &AgentName::builtin(), &user(number), Anchor::Card(&card(STRANGER)), None);
        assert_eq!(open.err(), Some(Refusal::OtherOwner.of(&AgentName::builtin())));
    }
    let own = Vault::open(&file, &AgentName::builtin(), &key, Anchor::Own, None).unwrap();
    assert_eq!(own.grant(&key).err(), Some(Refusal::BuiltinStaysHere.of(&AgentName::builtin())));
}

#[test]
fn step_5_the_owner_signed_the_part() {
    let forge = Forge::of(&shared().0);
    for number in [ALICE, BOB, STRANGER] {
        let theirs = Forge { signers: (number, OWNER), ..forge.clone() }.file();
        refused(open_own(&theirs, OWNER), Refusal::NotAuthentic);
        refused(open_theirs(&theirs, ALICE), Refusal::NotAuthentic);
    }
}

#[test]
fn step_6_the_part_reads_and_is_this_owners() {
    let (vault, _) = shared();
    let forge = Forge::of(&vault);
    let strange = edited(|texts| {
        let field = "colour = 1\n";
        texts[1] = format!("{field}{}", texts[1]);
        let (from, to) = (texts[1].len() - field.len(), texts[1].len());
        replace(&mut texts[0], &format!("bytes={from}"), &format!("bytes={to}"));
    });
    refused(open_own(&strange, OWNER), Refusal::Newer);
    let halves = [
        card(STRANGER),
        Card::parse(&format!("cast-card:{}:{}", card(STRANGER).recipient(), card(OWNER).verification())).unwrap(),
        Card::parse(&format!("cast-card:{}:{}", card(OWNER).recipient(), card(STRANGER).verification())).unwrap(),
    ];
    for other in halves {
        let file = forge.with_part(|part| part.card = other).file();
        refused(open_own(&file, OWNER), Refusal::OtherReader);
        refused(open_theirs(&file, ALICE), Refusal::OtherReader);
    }
    let reader = forge.with_part(|part| part.reader = card(STRANGER).recipient().clone()).file();
    refused(open_own(&reader, OWNER), Refusal::OtherReader);
    let grant = Box::new(vault.grant(&user(OWNER)).unwrap());
    refused(open(&reader, &UnlockKey::Agent(grant), Anchor::Own), Refusal::OtherReader);
    // Encrypted by another reader, say, to a person whom the owner did not list.
    refused(open_theirs(&sealed(text(&vault)), STRANGER), Refusal::NotShared);
}

#[test]
fn step_7_the_sealer_may() {
    let (vault, _) = shared();
    let forge = Forge::of(&vault);
    refused(open_own(&edited(|texts| replace(&mut texts[2], " sealer=", "  sealer=")), OWNER), Refusal::Damaged);
    refused(open_own(&edited(|texts| replace(&mut texts[2], "values 1", "values 2")), OWNER), Refusal::Newer);
    open_own(&forge.sealed_by(ALICE).file(), OWNER).unwrap();
    for number in [BOB, STRANGER] {
        refused(open_own(&forge.sealed_by(number).file(), OWNER), Refusal::OtherSealer);
    }
}

#[test]
fn step_8_and_did_seal() {
    let forge = Forge::of(&shared().0);
    for (sealer, signer) in [(OWNER, ALICE), (ALICE, BOB), (OWNER, STRANGER), (ALICE, OWNER)] {
        let forged = Forge { signers: (OWNER, signer), ..forge.sealed_by(sealer) }.file();
        refused(open_own(&forged, OWNER), Refusal::NotSealed);
        refused(open_theirs(&forged, ALICE), Refusal::NotSealed);
    }
}

#[test]
fn step_9_the_values_are_those_of_the_part() {
    let forge = Forge::of(&shared().0);
    let values = |from: &'static str, to: &'static str| edited(move |texts| replace(&mut texts[3], from, to));
    refused(open_own(&values("created", "creatde"), OWNER), Refusal::Newer);
    refused(open_own(&values("hunter2", "\\u0000"), OWNER), Refusal::Newer);
    let more = |values: &mut Values| {
        let secret = values["K"].clone();
        values.insert(name("M"), secret);
    };
    refused(open_own(&forge.with_values(more).file(), OWNER), Refusal::OtherNames);
    let less = |values: &mut Values| drop(values.remove("L"));
    refused(open_own(&forge.with_values(less).file(), OWNER), Refusal::OtherNames);
    // A secret that is fetched has no value.
    let fetched = forge.with_part(|part| part.names.get_mut("K").unwrap().from = Some(vec!["op".to_owned()]));
    refused(open_own(&fetched.file(), OWNER), Refusal::OtherNames);
    open_own(&fetched.with_values(|values| drop(values.remove("K"))).file(), OWNER).unwrap();
    let long = |values: &mut Values| values.get_mut("K").unwrap().value = value(&"x".repeat(131_070));
    refused(open_own(&forge.with_values(long).file(), OWNER), Refusal::ValueTooLong(name("K")));
    // As a file it may be longer.
    let file = forge.with_part(|part| part.names.get_mut("K").unwrap().file = true);
    open_own(&file.with_values(long).file(), OWNER).unwrap();
    let longer = |values: &mut Values| values.get_mut("K").unwrap().value = value(&"x".repeat((1 << 20) + 1));
    refused(open_own(&file.with_values(longer).file(), OWNER), Refusal::ValueTooLong(name("K")));
    let mut bytes = text(&shared().0).to_vec();
    let last = bytes.len() - 3;
    bytes[last] = 0xff;
    refused(open_own(&sealed(&bytes), OWNER), Refusal::NotSealed);
    // Not UTF-8, and sealed in due form.
    let [head, part, second, values] =
        [forge.first.to_string(), forge.part.clone(), forge.second.to_string(), forge.values.clone()];
    let file = signed(&head, &part, &second, &[values.as_bytes(), b"\xff"].concat());
    refused(open_own(&file, OWNER), Refusal::Newer);
}
