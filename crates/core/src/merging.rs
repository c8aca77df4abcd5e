//! What a merge needs: the states of a vault as git has them, opened by who made them and not by what this machine has seen, and words for what
//! clashes. No record of what was seen is read for them or written: a state counts as seen once a reader has used it.

use std::collections::BTreeMap;

use cast_vault::{
    AgentName, Anchor, Clash, Inspected, MasterKey, Part, Person, PersonName, Refusal, Role, Sealer, Secret,
    SecretName, Sides, UnlockKey, Vault,
};

use crate::clock;
use crate::failure::{Failure, Kind, Result};
use crate::seen::Place;
use crate::session::Session;

/// What the two sides of a merge are called: commits, as a rebase swaps ours and theirs.
pub(crate) struct Names {
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

impl Session {
    /// Opens a state of the vault of `agent` as one of this user's own, or of an owner whose card this machine has accepted for that agent.
    pub(crate) fn authentic(&self, file: &[u8], agent: &AgentName) -> Result<Vault> {
        let unlocked = self.key()?;
        let UnlockKey::Master(keys) = &unlocked.key else {
            return Ok(Vault::open(file, agent, &unlocked.key, Anchor::Own, None)?);
        };
        let inspected = Vault::inspect(file, agent, keys).map_err(|refusal| unlocked.explain(refusal.into()))?;
        self.refuse_other_owner(&inspected, agent, keys)?;
        let card = inspected.card().clone();
        Ok(inspected.accept(&unlocked.key, &card)?)
    }

    /// What of a state of whatever agent's vault is shown, by `show`; `None` where it does not verify. It is looked at once: git asks for many.
    pub(crate) fn authentic_of_any<T>(
        &self,
        file: &[u8],
        show: impl FnOnce(&Part, &BTreeMap<SecretName, Secret>, u64) -> T,
    ) -> Result<Option<T>> {
        let unlocked = self.key()?;
        let keys = match &unlocked.key {
            UnlockKey::Master(keys) => keys,
            UnlockKey::Agent(grant) => {
                let vault = Vault::open(file, &grant.agent, &unlocked.key, Anchor::Own, None).ok();
                return Ok(vault.map(|vault| show(vault.part(), vault.values(), grant.epoch)));
            }
        };
        let Some(inspected) = Vault::inspect_any(file, keys) else { return Ok(None) };
        if self.refuse_other_owner(&inspected, inspected.agent(), keys).is_err() {
            return Ok(None);
        }
        Ok(inspected.sealed_values().map(|values| show(inspected.part(), values, inspected.state().epoch)))
    }

    /// Refuses an owner who is neither this user nor was accepted for that vault of that agent.
    fn refuse_other_owner(&self, inspected: &Inspected, agent: &AgentName, keys: &[MasterKey]) -> Result<()> {
        let card = inspected.card();
        if inspected.is_owned_by(keys) {
            return Ok(());
        }
        let places = self.seen().map_or_else(|| Ok(Vec::new()), |seen| seen.places_of(inspected.state().id))?;
        let is_accepted =
            |place: &Place| place.agent().as_ref() == Some(agent) && place.card().is_some_and(|known| known == card);
        if agent.is_builtin() || self.was_replaced(card) || !places.iter().any(is_accepted) {
            return Err(Refusal::OtherOwner.of(agent).into());
        }
        Ok(())
    }
}

/// What both sides changed, and what to type.
pub(crate) fn conflict(agent: &AgentName, clashes: &[Clash], sides: Sides<'_>, names: &Names) -> Failure {
    let times = |vault: &Vault, name: &SecretName| match vault.values().get(name) {
        Some(secret) => clock::local(secret.updated),
        None if vault.names().contains_key(name) => "from a command".to_owned(),
        None => "removed".to_owned(),
    };
    let line = |clash: &Clash| match clash {
        Clash::Secret(name) => {
            let [ours, theirs] = [sides.ours, sides.theirs].map(|vault| times(vault, name));
            let stranger =
                stranger(sides.theirs, sides.ours, name).or_else(|| stranger(sides.ours, sides.theirs, name));
            let who = stranger.map(|who| format!("; one side is sealed by '{who}', who may not set it"));
            format!("{name}: {ours} in {}, {theirs} in {}{}", names.ours, names.theirs, who.unwrap_or_default())
        }
        Clash::Person(name) => format!("person '{name}': changed in {} and in {}", names.ours, names.theirs),
        Clash::Stranger => {
            let seals = |side: &Vault| match side.sealer() {
                Sealer::Owner => "its owner".to_owned(),
                Sealer::Person(name) => format!("'{name}'"),
            };
            let [ours, theirs] = [sides.ours, sides.theirs].map(seals);
            let (here, there) = (&names.ours, &names.theirs);
            format!("one side was sealed by somebody who may not seal the other: {ours} in {here}, {theirs} in {there}")
        }
        Clash::FormerKey => {
            format!("names, flags or people were changed with a former key in {} or in {}", names.ours, names.theirs)
        }
        Clash::Epoch => format!("agent keys were revoked in {} and in {}", names.ours, names.theirs),
        Clash::Count => format!("{} and {} count the same for different states", names.ours, names.theirs),
    };
    let what = format!("the vault of agent '{agent}' was changed on both sides");
    let failure = clashes.iter().map(line).fold(Failure::new(Kind::Other, what), Failure::detail);
    let keys: Vec<_> = clashes
        .iter()
        .filter_map(|clash| match clash {
            Clash::Secret(name) => Some(name),
            Clash::Person(_) | Clash::Stranger | Clash::FormerKey | Clash::Epoch | Clash::Count => None,
        })
        .collect();
    let may_choose = match sides.ours.role() {
        Role::Owner => true,
        Role::Person(name) => {
            sides.ours.people().get(name).is_some_and(|own| keys.iter().all(|key| own.may_set.contains(*key)))
        }
        Role::Reader => false,
    };
    if keys.len() == clashes.len() && may_choose {
        let is_of_a_stranger =
            |clash: &Clash| matches!(clash, Clash::Secret(name) if stranger(sides.theirs, sides.ours, name).is_some());
        let keys = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let take = format!("to take what {} has: 'cast vault merge {agent} --theirs {keys}'", names.theirs);
        let keep = format!("to keep what {} has: 'cast vault merge {agent} --ours {keys}'", names.ours);
        let (first, second) = if clashes.iter().any(is_of_a_stranger) { (keep, take) } else { (take, keep) };
        return failure.hint(first).hint(second);
    }
    failure
        .hint("take one side as a whole: 'git checkout --ours FILE' or 'git checkout --theirs FILE'")
        .hint(format!("then look at it, and take it: 'cast vault accept {agent}'"))
}

/// The person who sealed `side`, and who may not set the secret by the owner's part of `other`: removed, perhaps.
fn stranger<'a>(side: &'a Vault, other: &Vault, secret: &SecretName) -> Option<&'a PersonName> {
    let Sealer::Person(name) = side.sealer() else { return None };
    let card = &side.people().get(name)?.card;
    let may = |person: &Person| person.card == *card && person.may_set.contains(secret);
    (!other.people().values().any(may)).then_some(name)
}
