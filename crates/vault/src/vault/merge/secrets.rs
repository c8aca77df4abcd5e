//! The values of the result, by name: from the side that changed one, if its sealer may set it by the rules of the result.

use std::collections::BTreeSet;

use super::{Choices, Clash, Side, Sides, Way, of};
use crate::name::SecretName;
use crate::part::Part;
use crate::values::{Secret, Values};
use crate::vault::{Sealer, Vault};
use crate::vector::Order;

pub(super) fn merged(sides: Sides<'_>, way: Way, part: &Part, choices: &Choices, clashes: &mut Vec<Clash>) -> Values {
    let mut values = Values::new();
    for name in part.stored() {
        let chosen = || sides.of(*choices.get(name)?).values().get(name).cloned();
        match value(sides, way, part, name).or_else(chosen) {
            Some(secret) if secret.value.check_fits_as(name, part.names[name].file).is_ok() => {
                values.insert(name.clone(), secret);
            }
            _ => clashes.push(Clash::Secret(name.clone())),
        }
    }
    for side in [Side::Ours, Side::Theirs] {
        let lost = |name: &&SecretName| {
            let is_stored = part.names.get(*name).is_some_and(|flags| flags.from.is_none());
            !is_stored && is_lost(sides, side, name) && choices.get(*name).is_none_or(|choice| *choice == side)
        };
        clashes.extend(sides.of(side).values().keys().filter(lost).cloned().map(Clash::Secret));
    }
    values
}

/// Whether a side has a value that the base has not, and that the other one, which has removed it, did not know.
fn is_lost(sides: Sides<'_>, side: Side, name: &SecretName) -> bool {
    let other = if side == Side::Ours { sides.theirs } else { sides.ours };
    let value = sides.of(side).values().get(name);
    !is_same(value, sides.base.and_then(|base| base.values().get(name))) && !of(other).at.covers(&of(sides.of(side)).at)
}

/// The value of a secret that the result stores; `None` where the sides clash.
fn value(sides: Sides<'_>, way: Way, part: &Part, name: &SecretName) -> Option<Secret> {
    let Sides { base, ours, theirs } = sides;
    let [former, one, other] =
        [base, Some(ours), Some(theirs)].map(|vault| vault.and_then(|vault| vault.values().get(name)));
    if let (Some(one), Some(other)) = (one, other)
        && one.value.is(&other.value)
    {
        let (created, updated) = (one.created.min(other.created), one.updated.min(other.updated));
        return Some(Secret { value: one.value.clone(), created, updated });
    }
    let side = match way {
        Way::Apart => None,
        _ if is_same(one, former) => Some(Side::Theirs),
        _ if is_same(other, former) => Some(Side::Ours),
        // One of them was made of the other.
        Way::Merge => match of(ours).at.order(&of(theirs).at) {
            Order::Newer => Some(Side::Ours),
            Order::Older => Some(Side::Theirs),
            Order::Equal | Order::Forked => None,
        },
        Way::Pick => None,
    };
    let side = sides.of(side?);
    if may_have_set(side, part, name) { side.values().get(name).cloned() } else { None }
}

/// Whether the sealer of a side may set the value by the rules of the result, in its epoch.
fn may_have_set(side: &Vault, part: &Part, name: &SecretName) -> bool {
    is_permitted(side, part, |may_set| may_set.contains(name))
}

/// Whether the sealer of a side may set any value by the rules of the result, in its epoch.
pub(super) fn may_seal(side: &Vault, part: &Part) -> bool {
    is_permitted(side, part, |may_set| !may_set.is_empty())
}

fn is_permitted(side: &Vault, part: &Part, permits: impl Fn(&BTreeSet<SecretName>) -> bool) -> bool {
    // Of another owner, or from before a revocation.
    if side.part().card != part.card || side.part().nonce != part.nonce {
        return false;
    }
    match side.sealer() {
        Sealer::Owner => true,
        Sealer::Person(person) => side.people().get(person).is_some_and(|person| {
            part.people.values().any(|listed| listed.card == person.card && permits(&listed.may_set))
        }),
    }
}

fn is_same(one: Option<&Secret>, other: Option<&Secret>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.value.is(&other.value),
        (one, other) => one.is_none() && other.is_none(),
    }
}
