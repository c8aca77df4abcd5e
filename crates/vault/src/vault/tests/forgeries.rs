//! Forged vaults by the thousand: everyone who holds some key, and can read and encrypt, puts together what they can. None is accepted.
//! `CAST_FORGERIES` says how many are made.

use std::collections::BTreeMap;
use std::io::Write;

use super::*;
use crate::key::AgentGrant;

/// Splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

const FORMER: u8 = 30;
const CAROL: u8 = 31;

/// Who attacks, by the signing key they hold. All of them can read every state there ever was, and know all recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Attacker {
    /// An agent key, of this epoch or a former one, signs nothing: they sign with a key of their own.
    AgentKey,
    OldAgentKey,
    /// The owner of another vault, which its agent key and its people read.
    OtherVault,
    /// The owner's former master key, after `--retire`.
    Former,
    /// Listed, and may set L.
    MaySet,
    /// Listed, and may set nothing.
    Listed,
    /// Listed once, and might set K and L.
    Removed,
}

impl Attacker {
    const ALL: [Self; 7] =
        [Self::AgentKey, Self::OldAgentKey, Self::OtherVault, Self::Former, Self::MaySet, Self::Listed, Self::Removed];

    fn key(self) -> u8 {
        match self {
            Self::AgentKey => 40,
            Self::OldAgentKey => 41,
            Self::OtherVault => STRANGER,
            Self::Former => FORMER,
            Self::MaySet => ALICE,
            Self::Listed => BOB,
            Self::Removed => CAROL,
        }
    }
}

struct World {
    /// All plain texts there are: every state of the vault, the last one last, and other vaults.
    texts: Vec<Forge>,
    plains: Vec<Vec<u8>>,
    seen: State,
    current: Vec<u8>,
    above: Vec<u8>,
    grant: AgentGrant,
    keys: BTreeMap<u8, UnlockKey>,
}

impl World {
    fn new() -> Self {
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
                other.share(person("owner"), card(OWNER), [name("K")].into(), now()).unwrap();
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

    fn card(&self, number: u8) -> Card {
        master(&self.keys[&number]).card()
    }

    /// What `attacker` can make.
    fn forge(&self, random: &mut Random, attacker: Attacker) -> Vec<u8> {
        let me = attacker.key();
        match random.below(8) {
            // An old state, or another vault's, as it is.
            0 => return random.pick(&(0..self.plains.len()).collect::<Vec<_>>()).pipe(|at| self.plains[at].clone()),
            // Bytes changed, lost or doubled.
            1 => return self.damage(random),
            _ => {}
        }
        let mut forge = self.texts[random.below(self.texts.len())].clone();
        let above_text = &self.plains[random.below(self.plains.len())];
        let other = &self.texts[random.below(self.texts.len())];
        if random.one_in(2) {
            forge.values.clone_from(&other.values);
        }
        if random.one_in(2) {
            self.edit_values(random, &mut forge);
        }
        match random.below(4) {
            0 => forge.second = other.second.clone(),
            1 => forge.second.at = forge.second.at.advance(replica(random.pick(&[1, 2, 3, 9]))).unwrap(),
            _ => {}
        }
        let sealers = [me, OWNER, ALICE, CAROL, FORMER, BOB];
        forge.second.sealer = self.card(random.pick(&sealers)).verification();
        forge.signers = (me, me);
        // The owner's part: authentic, with its own first line or another's, or made by the attacker in whoever's name.
        let above = match random.below(4) {
            0 | 1 => Plain::split(Zeroizing::new(above_text.clone())).unwrap().above().to_vec(),
            2 => {
                let (one, two) = (&self.texts[random.below(self.texts.len())], other);
                Forge { part: two.part.clone(), ..one.clone() }.signed(self, me)
            }
            _ => {
                self.edit_part(random, &mut forge, me);
                forge.signed(self, me)
            }
        };
        let above = if random.one_in(2) && above == self.above { above } else { self.lift(random, above) };
        plain::seal(&above, &forge.second, &forge.values, |message| master(&self.keys[&me]).sign(message)).to_vec()
    }

    /// Puts an authentic signature over a first line that it does not belong to, now and then.
    fn lift(&self, random: &mut Random, mut above: Vec<u8>) -> Vec<u8> {
        if random.one_in(8) {
            let source = &self.plains[random.below(self.plains.len())];
            let find = |bytes: &[u8]| bytes.windows(5).position(|window| window == b" sig=").unwrap();
            let (from, to) = (find(source), find(&above));
            above[to..to + 133].copy_from_slice(&source[from..from + 133]);
        }
        above
    }

    fn edit_values(&self, random: &mut Random, forge: &mut Forge) {
        let mut values = values::from_text(&forge.values).unwrap();
        let secret = values.values().next().unwrap().clone();
        match random.below(4) {
            0 => drop(values.insert(name("LD_PRELOAD"), secret)),
            1 => drop(values.insert(name("ANTHROPIC_BASE_URL"), secret)),
            2 => drop(values.pop_first()),
            _ => values.values_mut().for_each(|secret| secret.value = value("evil")),
        }
        forge.values = values::to_text(&values).to_string();
    }

    fn edit_part(&self, random: &mut Random, forge: &mut Forge, me: u8) {
        let mut part = Part::from_text(&forge.part).unwrap();
        match random.below(7) {
            0 => drop(part.names.insert(name("LD_PRELOAD"), Flags { dangerous: true, ..Flags::default() })),
            1 => part.names.values_mut().for_each(|flags| flags.unmasked = true),
            2 => part.names.values_mut().for_each(|flags| flags.hosts = vec!["evil.example".into()]),
            3 => {
                let person =
                    Person { card: self.card(me), since: now(), may_set: part.names.keys().cloned().collect() };
                part.people.insert(person_name(), person);
            }
            4 => part.card = self.card(me),
            5 => part.reader = self.card(me).recipient().clone(),
            _ => part.people.values_mut().for_each(|person| person.may_set = part.names.keys().cloned().collect()),
        }
        forge.part = part.to_text();
        if random.one_in(2) {
            forge.first.rules = forge.first.rules.advance(replica(random.pick(&[1, 2, 9]))).unwrap();
        }
        if random.one_in(4) {
            forge.first.epoch += 1;
        }
        if random.one_in(2) {
            forge.first.owner = self.card(me).verification();
        }
    }

    fn damage(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes =
            if random.one_in(2) { self.current.clone() } else { self.plains[random.below(self.plains.len())].clone() };
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.insert(at, b"\n0 a=\"#"[random.below(7)]),
                2 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes[at] ^= 1 << random.below(8),
            }
        }
        bytes
    }

    /// Whether someone who expects this owner, and has seen the newest state, takes it for that or a newer one.
    fn accepts(&self, file: &[u8], victim: u8) -> Result<Vault, String> {
        let opened = match victim {
            OWNER => open(file, &self.keys[&OWNER], Anchor::Own),
            ALICE => open(file, &self.keys[&ALICE], Anchor::Card(&self.card(OWNER))),
            _ => {
                let AgentGrant { agent, id, epoch, rules, at, owner, .. } = &self.grant;
                let key = master(&self.keys[&OWNER]).agent_key(agent, *id, *epoch);
                let (agent, rules, at) = (agent.clone(), rules.clone(), at.clone());
                let grant = AgentGrant { agent, id: *id, epoch: *epoch, rules, at, owner: *owner, key };
                open(file, &UnlockKey::Agent(Box::new(grant)), Anchor::Own)
            }
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

trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}

impl Pipe for usize {}

impl Forge {
    fn signed(&self, world: &World, number: u8) -> Vec<u8> {
        plain::sign_part(&self.first, &self.part, |message| master(&world.keys[&number]).sign(message))
    }
}

fn person_name() -> PersonName {
    person("mallory")
}

fn sealed_to(plain: &[u8], number: u8) -> Vec<u8> {
    age_file::seal(plain, &[card(number).recipient().clone()])
}

#[test]
fn none_is_accepted() {
    let world = World::new();
    let reader = world.grant.key.recipient();
    let recipients = |victim| match victim {
        OWNER | ALICE => world.card(victim).recipient().clone(),
        _ => reader.clone(),
    };
    // The newest state itself passes: what refuses the others is not an accident.
    for victim in [OWNER, ALICE, 0] {
        world.accepts(&age_file::seal(&world.current, &[recipients(victim)]), victim).unwrap();
    }
    let many = std::env::var("CAST_FORGERIES").ok().and_then(|many| many.parse().ok()).unwrap_or(2_000);
    let mut random = Random(0x00ca_57f0_49e5);
    let (mut why, mut made, mut accepted) = (BTreeMap::<String, usize>::new(), BTreeMap::new(), Vec::new());
    let mut same = 0;
    while made.values().sum::<usize>() < many {
        let attacker = random.pick(&Attacker::ALL);
        let plain = world.forge(&mut random, attacker);
        // The newest state as it is.
        if plain == world.current {
            same += 1;
            continue;
        }
        *made.entry(attacker).or_insert(0) += 1;
        let victim = random.pick(&[OWNER, ALICE, 0]);
        let mut file = age_file::seal(&plain, &[recipients(victim)]);
        if random.one_in(32) {
            let at = random.below(file.len());
            file[at] ^= 1 << random.below(8);
        }
        match world.accepts(&file, victim) {
            // Under the newest part, what she seals is hers to seal: any values of the names there are.
            Ok(vault)
                if attacker == Attacker::MaySet
                    && vault.plain.as_ref().unwrap().above() == world.above
                    && *vault.sealer() == Sealer::Person(person("alice")) =>
            {
                same += 1;
                *made.get_mut(&attacker).unwrap() -= 1;
            }
            Ok(vault) => accepted.push((attacker, victim, vault.state().unwrap().to_string())),
            Err(refusal) => *why.entry(refusal).or_default() += 1,
        }
    }
    if std::env::var_os("CAST_FORGERIES").is_some() {
        let _ = writeln!(std::io::stderr(), "made {made:?}\nrefused {why:?}\nset aside {same}");
    }
    assert!(accepted.is_empty(), "{} accepted: {accepted:?}", accepted.len());
    // They were good enough to come as far as each step.
    for step in ["Damaged", "OtherAgent", "OtherOwner", "NotAuthentic", "OtherSealer", "NotSealed", "RolledBack"] {
        assert!(why.contains_key(step), "none was refused as {step}");
    }
}
