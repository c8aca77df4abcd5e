//! The owner's part of the result, where each side has changed it: by name and flag, and by person.

use std::collections::{BTreeMap, BTreeSet};

use super::{Choices, Clash, Side, Sides, Way};
use crate::name::{PersonName, SecretName};
use crate::part::{Flags, Part, Person};
use crate::vault::Vault;

/// Only for the owner, who signs it. What clashes is as on our side.
pub(super) fn merged(sides: Sides<'_>, way: Way, lead: Side, choices: &Choices, clashes: &mut Vec<Clash>) -> Part {
    let Sides { base, ours, theirs } = sides;
    let lead = &sides.of(lead).part;
    let mut names = BTreeMap::new();
    let vaults = || [Some(ours), Some(theirs), base].into_iter().flatten();
    for name in vaults().flat_map(|vault| vault.names().keys()).collect::<BTreeSet<_>>() {
        // A choice settles what clashes, and nothing else.
        let flags = flags_of(sides, way, name).unwrap_or_else(|Both| {
            let side = choices.get(name).copied();
            if side.is_none() {
                clashes.push(Clash::Secret(name.clone()));
            }
            sides.of(side.unwrap_or(Side::Ours)).names().get(name).cloned()
        });
        names.extend(flags.map(|flags| (name.clone(), flags)));
    }
    let mut people = BTreeMap::new();
    for name in vaults().flat_map(|vault| vault.people().keys()).collect::<BTreeSet<_>>() {
        let [base, one, other] =
            [base, Some(ours), Some(theirs)].map(|vault| vault.and_then(|vault| vault.people().get(name)));
        let person = person_of(way, base, one, other).unwrap_or_else(|Both| {
            clashes.push(Clash::Person(name.clone()));
            one.cloned()
        });
        if let Some(person) = person {
            let may_be_set = |name: &&SecretName| names.get(*name).is_some_and(|flags| !flags.is_for_owner_alone());
            let may_set = person.may_set.iter().filter(may_be_set).cloned().collect();
            people.insert(name.clone(), Person { may_set, ..person });
        }
    }
    let part = Part { names, people, ..lead.clone() };
    if !part.is_consistent() {
        // Two people with one card, say: each side listed one.
        let differs = |name: &&PersonName| ours.people().get(*name) != theirs.people().get(*name);
        clashes.extend(part.people.keys().filter(differs).cloned().map(Clash::Person));
    }
    part
}

/// Both sides changed the same, each in its own way.
struct Both;

/// Whether and how a person is listed. Where both sides changed that and the card stayed, permission by permission.
fn person_of(
    way: Way,
    base: Option<&Person>,
    ours: Option<&Person>,
    theirs: Option<&Person>,
) -> Result<Option<Person>, Both> {
    if let Ok(person) = three_ways(way, base, ours, theirs) {
        return Ok(person.cloned());
    }
    let (Some(base), Some(ours), Some(theirs)) = (base, ours, theirs) else { return Err(Both) };
    if way == Way::Apart || base.card != ours.card || base.card != theirs.card {
        return Err(Both);
    }
    let [gained, lost] = [
        [ours, theirs].map(|side| side.may_set.difference(&base.may_set).count()),
        [ours, theirs].map(|side| base.may_set.difference(&side.may_set).count()),
    ];
    // What one side took away may be what the other one has under a new name.
    if lost[0] > 0 && gained[1] > 0 || lost[1] > 0 && gained[0] > 0 {
        return Err(Both);
    }
    let kept = base.may_set.iter().filter(|name| ours.may_set.contains(*name) && theirs.may_set.contains(*name));
    let may_set = ours.may_set.union(&theirs.may_set).filter(|name| !base.may_set.contains(*name)).chain(kept);
    let may_set = may_set.cloned().collect();
    Ok(Some(Person { card: base.card.clone(), since: ours.since.max(theirs.since), may_set }))
}

/// How a secret is to be treated; `None` where it is removed.
fn flags_of(sides: Sides<'_>, way: Way, name: &SecretName) -> Result<Option<Flags>, Both> {
    let Sides { base, ours, theirs } = sides;
    let base_flags = base.and_then(|base| base.names().get(name));
    match (ours.names().get(name), theirs.names().get(name)) {
        (None, None) => Ok(None),
        (Some(ours), Some(theirs)) => joined(way, base_flags, ours, theirs).map(Some),
        (Some(flags), None) => one_sided(way, base, ours, name, base_flags, flags),
        (None, Some(flags)) => one_sided(way, base, theirs, name, base_flags, flags),
    }
}

/// One side has it: it added the secret, or the other side removed it, which clashes with any change.
fn one_sided(
    way: Way,
    base: Option<&Vault>,
    side: &Vault,
    name: &SecretName,
    former: Option<&Flags>,
    flags: &Flags,
) -> Result<Option<Flags>, Both> {
    let Some(former) = former else {
        return if way == Way::Apart { Err(Both) } else { Ok(Some(flags.clone())) };
    };
    let value = |vault: &Vault| vault.values().get(name).map(|secret| secret.value.clone());
    let is_unchanged = match (base.and_then(value), value(side)) {
        (Some(former), Some(value)) => former.is(&value),
        (former, value) => former.is_none() && value.is_none(),
    };
    if flags == former && is_unchanged { Ok(None) } else { Err(Both) }
}

/// Flag by flag.
fn joined(way: Way, base: Option<&Flags>, ours: &Flags, theirs: &Flags) -> Result<Flags, Both> {
    fn flag<T: Clone + PartialEq>(
        way: Way,
        of: impl Fn(&Flags) -> &T,
        [base, ours, theirs]: [Option<&Flags>; 3],
    ) -> Result<T, Both> {
        three_ways(way, base.map(&of), ours.map(&of), theirs.map(&of))?.cloned().ok_or(Both)
    }
    let sides = [base, Some(ours), Some(theirs)];
    Ok(Flags {
        dangerous: flag(way, |flags| &flags.dangerous, sides)?,
        unmasked: flag(way, |flags| &flags.unmasked, sides)?,
        hosts: flag(way, |flags| &flags.hosts, sides)?,
        places: flag(way, |flags| &flags.places, sides)?,
        prefix: flag(way, |flags| &flags.prefix, sides)?,
        file: flag(way, |flags| &flags.file, sides)?,
        from: flag(way, |flags| &flags.from, sides)?,
    })
}

/// What both have, or the one that differs from the base. Without a base, every difference is one of both.
fn three_ways<'a, T: PartialEq>(
    way: Way,
    base: Option<&'a T>,
    ours: Option<&'a T>,
    theirs: Option<&'a T>,
) -> Result<Option<&'a T>, Both> {
    if ours == theirs || way != Way::Apart && theirs == base {
        Ok(ours)
    } else if way != Way::Apart && ours == base {
        Ok(theirs)
    } else {
        Err(Both)
    }
}
