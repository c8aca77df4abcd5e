//! Changes of an open vault, each by whom it is allowed to. Nothing of it is written before the vault is sealed, which checks once more.

use std::collections::BTreeSet;

use super::{Role, Vault};
use crate::error::{Error, FlagFault, Refusal, Result};
use crate::key::Card;
use crate::name::{PersonName, SecretName};
use crate::part::{Flags, MAX_PEOPLE, Person};
use crate::time::Timestamp;
use crate::value::SecretValue;
use crate::values::Secret;

/// What setting a secret does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The name is new.
    Added,
    /// The name had a value before.
    Replaced,
    /// The name has this value already.
    Unchanged,
}

impl Vault {
    /// Adds a secret or replaces its value; its flags stay. `dangerous` allows a name that makes programs load code, and is stored. A person
    /// replaces the values that the owner permitted, and adds none.
    pub fn set(&mut self, name: SecretName, value: SecretValue, dangerous: bool, now: Timestamp) -> Result<Change> {
        self.check_may_set(&name)?;
        let mut flags = self.part.names.get(&name).cloned().unwrap_or_default();
        flags.dangerous |= dangerous && name.is_dangerous();
        flags.from = None;
        check(&name, &flags, Some(&value))?;
        let former = self.values.get(&name);
        let change = if former.is_some() { Change::Replaced } else { Change::Added };
        let created = former.map_or(now, |former| former.created);
        self.put_flags(&name, flags);
        self.values.insert(name.clone(), Secret { value, created, updated: now });
        self.changes.values = true;
        self.changes.set.insert(name);
        Ok(change)
    }

    /// What setting `name` to `value` would do.
    pub fn change_of(&self, name: &SecretName, value: &SecretValue) -> Change {
        let Some(secret) = self.values.get(name) else { return Change::Added };
        // A name that is not allowed yet is to be set once more, with the allowance.
        let is_allowed = !name.is_dangerous() || self.part.names.get(name).is_some_and(|flags| flags.dangerous);
        if is_allowed && secret.value.is(value) { Change::Unchanged } else { Change::Replaced }
    }

    /// Changes how a secret is treated; returns whether that is a change. Whether it is fetched stays as it is.
    pub fn set_flags(&mut self, name: &SecretName, flags: Flags) -> Result<bool> {
        self.check_owner()?;
        self.check_name(name)?;
        let mut flags = flags.checked()?;
        flags.dangerous &= name.is_dangerous();
        if flags.from.is_some() == self.values.contains_key(name) {
            return Err(Error::Flag(FlagFault::Stored));
        }
        check(name, &flags, self.values.get(name).map(|secret| &secret.value))?;
        Ok(self.put_flags(name, flags))
    }

    /// Adds a secret that a command fetches when an agent starts, or makes one of a secret whose value is dropped. Other flags stay.
    pub fn set_command(&mut self, name: &SecretName, words: Vec<String>, dangerous: bool) -> Result<()> {
        self.check_owner()?;
        let mut flags = self.part.names.get(name).cloned().unwrap_or_default();
        flags.dangerous |= dangerous && name.is_dangerous();
        flags.from = Some(words);
        let flags = flags.checked()?;
        check(name, &flags, None)?;
        self.put_flags(name, flags);
        self.drop_value(name);
        Ok(())
    }

    /// Moves a secret, if there is one, to another name, perhaps in the place of another one. Its times and the people who may set it stay;
    /// that `new` makes programs load code is allowed only by `dangerous`, whatever was allowed for `old`. Then, and where `new` is an
    /// address, nobody but the owner may set it.
    pub fn rename(&mut self, old: &SecretName, new: &SecretName, dangerous: bool) -> Result<()> {
        self.check_owner()?;
        let Some(flags) = self.part.names.get(old).filter(|_| old != new) else { return Ok(()) };
        let flags = Flags { dangerous: dangerous && new.is_dangerous(), ..flags.clone() };
        check(new, &flags, self.values.get(old).map(|secret| &secret.value))?;
        let setters: Vec<_> = self.part.people.iter().filter(|(_, person)| person.may_set.contains(old)).collect();
        let setters: Vec<_> = setters.into_iter().map(|(name, _)| name.clone()).collect();
        let secret = self.values.get(old).cloned();
        self.forget(new);
        self.forget(old);
        self.put_flags(new, flags);
        if let Some(secret) = secret {
            self.values.insert(new.clone(), secret);
        }
        let stays = !self.part.names[new].is_for_owner_alone() && !new.is_address();
        for person in setters.into_iter().filter(|_| stays) {
            self.part.people.get_mut(&person).expect("it was there").may_set.insert(new.clone());
        }
        Ok(())
    }

    /// Removes a secret and every permission to set it; returns whether there was one.
    pub fn remove(&mut self, name: &SecretName) -> Result<bool> {
        self.check_owner()?;
        Ok(self.forget(name))
    }

    /// Lists a person, or changes what is listed under this name. `since` is when. Nobody may set a name that makes programs load code, or a secret
    /// that a command fetches.
    pub fn share(
        &mut self,
        name: PersonName,
        card: Card,
        may_set: BTreeSet<SecretName>,
        since: Timestamp,
    ) -> Result<()> {
        self.check_owner()?;
        let refused = |refusal: Refusal| Err(refusal.of(&self.first.agent));
        if self.agent().is_builtin() {
            return refused(Refusal::BuiltinStaysHere);
        }
        if let Some(unknown) = may_set.iter().find(|name| !self.part.names.contains_key(*name)) {
            return refused(Refusal::NoSuchName(unknown.clone()));
        }
        if let Some(name) = may_set.iter().find(|name| self.part.names[*name].is_for_owner_alone()) {
            return refused(Refusal::OwnerAlone(name.clone()));
        }
        let mut part = self.part.clone();
        part.people.insert(name, Person { card, since, may_set });
        if part.people.len() > MAX_PEOPLE {
            return refused(Refusal::TooManyPeople);
        }
        if !part.is_consistent() {
            return refused(Refusal::CardTaken);
        }
        self.part = part;
        self.changes.part = true;
        Ok(())
    }

    /// Takes a person off the list; returns whether there was one. The vault is not encrypted to them from the next seal on.
    pub fn unshare(&mut self, name: &PersonName) -> Result<bool> {
        self.check_owner()?;
        let was_listed = self.part.people.remove(name).is_some();
        self.changes.part |= was_listed;
        Ok(was_listed)
    }

    /// An error for anyone but the owner.
    pub(super) fn check_owner(&self) -> Result<()> {
        match self.role {
            Role::Owner => Ok(()),
            Role::Person(_) => Err(Refusal::OwnerOnly.of(self.agent())),
            Role::Reader => Err(Refusal::ReadOnly.of(self.agent())),
        }
    }

    fn check_may_set(&self, name: &SecretName) -> Result<()> {
        let Role::Person(person) = &self.role else { return self.check_owner() };
        let may = self.part.people.get(person).is_some_and(|person| person.may_set.contains(name));
        let is_for_owner_alone = self.part.names.get(name).is_none_or(Flags::is_for_owner_alone);
        if may && !is_for_owner_alone && self.values.contains_key(name) {
            return Ok(());
        }
        Err(Refusal::MayNotSet(name.clone()).of(self.agent()))
    }

    fn check_name(&self, name: &SecretName) -> Result<()> {
        let is_there = self.part.names.contains_key(name);
        if is_there { Ok(()) } else { Err(Refusal::NoSuchName(name.clone()).of(self.agent())) }
    }

    /// Writes down how a secret is treated; returns whether that is a change. What is for the owner alone, nobody else may set from then on.
    fn put_flags(&mut self, name: &SecretName, flags: Flags) -> bool {
        let is_change = self.part.names.get(name) != Some(&flags);
        if is_change {
            if flags.is_for_owner_alone() {
                self.forbid(name);
            }
            self.part.names.insert(name.clone(), flags);
            self.changes.part = true;
        }
        is_change
    }

    fn drop_value(&mut self, name: &SecretName) {
        self.changes.values |= self.values.remove(name).is_some();
    }

    fn forget(&mut self, name: &SecretName) -> bool {
        if self.part.names.remove(name).is_none() {
            return false;
        }
        self.changes.part = true;
        // The set of names counts as a value's change.
        self.changes.values = true;
        self.values.remove(name);
        self.forbid(name);
        true
    }

    /// Takes every permission to set a secret away.
    fn forbid(&mut self, name: &SecretName) {
        for person in self.part.people.values_mut() {
            person.may_set.remove(name);
        }
    }
}

/// Whether a secret may be called so and treated so, and its value fits.
fn check(name: &SecretName, flags: &Flags, value: Option<&SecretValue>) -> Result<()> {
    if let Some(value) = value {
        value.check_fits_as(name, flags.file)?;
    }
    if name.is_dangerous() && !flags.dangerous { Err(Error::DangerousName(name.clone())) } else { Ok(()) }
}
