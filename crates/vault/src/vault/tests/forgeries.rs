//! Forged vaults by the thousand: everyone who holds some key, and can read and encrypt, puts together what they can. None is accepted.
//! `CAST_FORGERIES` says how many are made.

mod forge;
mod world;

use std::collections::BTreeMap;
use std::io::Write;

use cast_testing::Tries;

use super::*;
use world::World;

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
    let tries = Tries::at(Attacker::ALL.len(), "forged vaults");
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
        tries.next();
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
