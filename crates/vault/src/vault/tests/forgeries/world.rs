//! A vault with a past: a rotation, a revocation, a person who left; and what a victim does with a file.

use std::collections::BTreeMap;

use super::super::*;
use super::{CAROL, FORMER};
use crate::key::AgentGrant;

pub(super) struct World {
    /// All plain texts there are: every state of the vault, the last one last, and other vaults.
    pub(super) texts: Vec<Forge>,
    pub(super) plains: Vec<Vec<u8>>,
    seen: State,
    pub(super) current: Vec<u8>,
    pub(super) above: Vec<u8>,
    pub(super) grant: AgentGrant,
    pub(super) keys: BTreeMap<u8, UnlockKey>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut keep: Vec<(Forge, Vec<u8>)> = Vec::new();
        let mut note = |vault: &Vault| keep.push((Forge::of(vault), text(vault).to_vec()));
        // Of other owners, of another agent, and another one of the same owner under the same name.
        for (number, agent_name) in [(STRANGER, "a"), (OWNER, "b"), (OWNER, "a")] {
            let key = user(number);
            let mut other = Vault::create(AgentName::parse(agent_name).unwrap(), master(&key)).unwrap();
            for word in ["K", "L"] {
                other.set(name(word), value("other"), false, now()).unwrap();
            }
            if number == STRANGER {
                other.share(person("dave"), card(OWNER), [name("K")].into(), now()).unwrap();
            }
            other.seal(&key, replica(1)).unwrap();
            note(&other);
        }
        // Made with the former key; carol is a person then, and a dangerous name is allowed.
        let former = user(FORMER);
        let mut vault = Vault::create(agent(), master(&former)).unwrap();
        vault.set(name("K"), value("hunter2"), false, now()).unwrap();
        vault.set(name("L"), value("line\n# cast-values 1 at=0000000a.1 sealer=\n"), false, now()).unwrap();
        vault.set(name("LD_PRELOAD"), value("/evil.so"), true, now()).unwrap();
        vault.share(person("carol"), card(CAROL), [name("K"), name("L")].into(), now()).unwrap();
        vault.share(person("alice"), card(ALICE), [name("L")].into(), now()).unwrap();
        vault.share(person("bob"), card(BOB), [].into(), now()).unwrap();
        vault.seal(&former, replica(1)).unwrap();
        note(&vault);
        // Rotated.
        let key = user(OWNER);
        vault.seal(&key, replica(1)).unwrap();
        note(&vault);
        // Carol seals; then she and the dangerous name go; then the agent key.
        let mut hers = open_theirs(&sealed_to(text(&vault), CAROL), CAROL).unwrap();
        hers.set(name("K"), value("carol's"), false, now()).unwrap();
        hers.seal(&user(CAROL), replica(3)).unwrap();
        note(&hers);
        let mut vault = open_own(&sealed_to(text(&hers), OWNER), OWNER).unwrap();
        vault.unshare(&person("carol")).unwrap();
        vault.remove(&name("LD_PRELOAD")).unwrap();
        vault.seal(&key, replica(1)).unwrap();
        note(&vault);
        vault.start_epoch().unwrap();
        vault.seal(&key, replica(1)).unwrap();
        note(&vault);
        let flags = Flags { hosts: vec!["api.example.com".into()], ..Flags::default() };
        vault.set_flags(&name("K"), flags).unwrap();
        vault.seal(&key, replica(1)).unwrap();
        note(&vault);
        let mut hers = open_theirs(&sealed_to(text(&vault), ALICE), ALICE).unwrap();
        hers.set(name("L"), value("alice's"), false, now()).unwrap();
        hers.seal(&user(ALICE), replica(2)).unwrap();
        note(&hers);
        let mut vault = open_own(&sealed_to(text(&hers), OWNER), OWNER).unwrap();
        vault.set(name("K"), value("newest"), false, now()).unwrap();
        vault.seal(&key, replica(1)).unwrap();
        note(&vault);
        let numbers = [OWNER, FORMER, ALICE, BOB, CAROL, STRANGER, 40, 41];
        let (texts, plains) = keep.into_iter().unzip();
        Self {
            texts,
            plains,
            seen: vault.state().unwrap().clone(),
            current: text(&vault).to_vec(),
            above: vault.plain.as_ref().unwrap().above().to_vec(),
            grant: vault.grant(&key).unwrap(),
            keys: numbers.into_iter().map(|number| (number, user(number))).collect(),
        }
    }

    pub(super) fn card(&self, number: u8) -> Card {
        master(&self.keys[&number]).card()
    }

    /// Whether a victim who expects this owner, and has seen the newest state, takes it for that or a newer one.
    pub(super) fn accepts(&self, file: &[u8], victim: u8) -> Result<Vault, String> {
        let opened = match victim {
            OWNER => open(file, &self.keys[&OWNER], Anchor::Own),
            ALICE => open(file, &self.keys[&ALICE], Anchor::Card(&self.card(OWNER))),
            _ => open(file, &UnlockKey::parse(self.grant.line().expose_secret()).unwrap(), Anchor::Own),
        };
        let opened = opened.map_err(|refusal| match refusal {
            Error::Vault { refusal, .. } => format!("{refusal:?}").split('(').next().unwrap().to_owned(),
            other => format!("{other:?}"),
        })?;
        let comparison = match victim {
            OWNER | ALICE => State::compare(&self.seen, opened.state().unwrap()),
            _ => self.grant.compare(opened.state().unwrap()),
        };
        match comparison {
            Comparison::Same | Comparison::Newer => Ok(opened),
            refused => Err(format!("{refused:?}")),
        }
    }
}

fn sealed_to(plain: &[u8], number: u8) -> Vec<u8> {
    age_file::seal(plain, &[card(number).recipient().clone()])
}
