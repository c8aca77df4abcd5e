//! What an attacker makes of all the states there are: spliced, edited, signed anew with the keys that they have, damaged, replayed.

use super::super::*;
use super::world::World;
use super::{Attacker, CAROL, FORMER, Random};

impl World {
    /// What `attacker` can make.
    pub(super) fn forge(&self, random: &mut Random, attacker: Attacker) -> Vec<u8> {
        let me = attacker.key();
        match random.below(8) {
            // An old state, or another vault's, as it is.
            0 => return self.plains[random.below(self.plains.len())].clone(),
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
        // The owner's part: authentic, with its own first line or another's, or made by the attacker in any name.
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
        let above = self.lift(random, above);
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
}

impl Forge {
    fn signed(&self, world: &World, number: u8) -> Vec<u8> {
        plain::sign_part(&self.first, &self.part, |message| master(&world.keys[&number]).sign(message))
    }
}

fn person_name() -> PersonName {
    person("mallory")
}
