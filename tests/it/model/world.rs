//! The model: what the vaults of a folder hold, and what an operation does to that.

/// The agents whose vaults there are.
pub const AGENTS: [&str; 3] = ["ant", "bee", "cat"];
/// The keys that each of them may have.
pub const KEYS: [&str; 4] = ["K0", "K1", "K2", "K3"];

/// What a vault holds under each key: the number of a value, no two of which are the same.
pub type Vault = [Option<u32>; KEYS.len()];

/// Every vault, if it is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct World(pub [Option<Vault>; AGENTS.len()]);

/// What was asked, with the numbers of agents and keys.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    Set {
        agent: usize,
        key: usize,
        value: u32,
    },
    /// All values or none.
    Import {
        agent: usize,
        values: Vec<(usize, u32)>,
        removes: bool,
    },
    /// All keys or none.
    Delete {
        agent: usize,
        keys: Vec<usize>,
    },
    DeleteVault {
        agent: usize,
    },
    Rename {
        agent: usize,
        keys: [usize; 2],
        replaces: bool,
    },
    /// All keys or none; no key: all that there are.
    Copy {
        from: usize,
        to: usize,
        keys: Vec<usize>,
        replaces: bool,
    },
    /// A run of a program with the values.
    Run {
        agent: usize,
    },
    List {
        agent: usize,
    },
    /// Takes a vault that this machine did not expect.
    Accept {
        agent: usize,
    },
    /// Something about the master key.
    Key(String),
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// It was done.
    Done,
    /// A run saw these values.
    Saw(Vault),
    /// A list had these keys.
    Listed([bool; KEYS.len()]),
    /// It was refused, and nothing has changed.
    Refused(Reason),
    /// It was killed: all of it was done, or nothing.
    Unknown,
}

/// Why something was refused. All but the last one also say what there was.
#[derive(Clone, PartialEq, Debug)]
pub enum Reason {
    NoVault(usize),
    NoSecrets(usize),
    NoSecret(usize, usize),
    /// These keys are there, and were not to be replaced.
    Taken(usize, Vec<usize>),
    /// The vault is another one, or sealed to another key, than this home expects.
    Unexpected(String),
}

impl Asked {
    /// Whether it can change what a vault holds.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Run { .. } | Self::List { .. } | Self::Accept { .. } | Self::Key(_))
    }
}

impl World {
    fn vault(&self, agent: usize) -> Option<&Vault> {
        self.0[agent].as_ref()
    }

    fn with(mut self, agent: usize, vault: Option<Vault>) -> Self {
        self.0[agent] = vault;
        self
    }

    /// The worlds that this one can be after an operation that was answered so; none if this is no answer to it.
    pub fn after(&self, asked: &Asked, answer: &Answer) -> Vec<Self> {
        let same = |is_so: bool| if is_so { vec![*self] } else { Vec::new() };
        match (asked, answer) {
            (Asked::Accept { .. } | Asked::Key(_), _) => vec![*self],
            (Asked::Run { agent }, Answer::Saw(vault)) => same(self.vault(*agent) == Some(vault)),
            (Asked::List { agent }, Answer::Listed(keys)) => {
                same(self.vault(*agent).is_some_and(|vault| vault.map(|value| value.is_some()) == *keys))
            }
            (_, Answer::Refused(reason)) => same(self.is_reason(asked, reason)),
            (_, Answer::Done) => self.changed(asked).into_iter().collect(),
            (_, Answer::Unknown) => self.changed(asked).into_iter().chain([*self]).collect(),
            (_, Answer::Saw(_) | Answer::Listed(_)) => Vec::new(),
        }
    }

    /// The world after a change that is done; `None` if it cannot be done here.
    fn changed(&self, asked: &Asked) -> Option<Self> {
        match asked {
            Asked::Set { agent, key, value } => Some(self.stored(*agent, [(*key, *value)])),
            Asked::Import { agent, values, .. } => Some(self.stored(*agent, values.iter().copied())),
            Asked::Delete { agent, keys } => {
                let mut vault = *self.vault(*agent)?;
                for key in keys {
                    vault[*key].take()?;
                }
                Some(self.with(*agent, Some(vault)))
            }
            Asked::DeleteVault { agent } => self.vault(*agent).map(|_| self.with(*agent, None)),
            Asked::Rename { agent, keys: [old, new], replaces } => {
                let mut vault = *self.vault(*agent)?;
                if vault[*new].is_some() && !replaces {
                    return None;
                }
                vault[*new] = Some(vault[*old].take()?);
                Some(self.with(*agent, Some(vault)))
            }
            Asked::Copy { from, to, keys, replaces } => {
                let source = self.vault(*from)?;
                let values: Option<Vec<_>> =
                    self.named(*from, keys).into_iter().map(|key| source[key].map(|value| (key, value))).collect();
                let values = values.filter(|values| !values.is_empty())?;
                let target = self.vault(*to).copied().unwrap_or_default();
                let is_free = *replaces || values.iter().all(|(key, _)| target[*key].is_none());
                is_free.then(|| self.stored(*to, values))
            }
            _ => None,
        }
    }

    fn stored(&self, agent: usize, values: impl IntoIterator<Item = (usize, u32)>) -> Self {
        let mut vault = self.0[agent].unwrap_or_default();
        for (key, value) in values {
            vault[key] = Some(value);
        }
        self.with(agent, Some(vault))
    }

    /// The keys that are copied.
    fn named(&self, from: usize, keys: &[usize]) -> Vec<usize> {
        let all = || (0..KEYS.len()).filter(|key| self.vault(from).is_some_and(|vault| vault[*key].is_some()));
        if keys.is_empty() { all().collect() } else { keys.to_vec() }
    }

    /// Whether this world is a reason to refuse that.
    fn is_reason(&self, asked: &Asked, reason: &Reason) -> bool {
        let holds = |agent: usize, key: usize| self.vault(agent).is_some_and(|vault| vault[key].is_some());
        match reason {
            Reason::NoVault(agent) => self.vault(*agent).is_none(),
            Reason::NoSecrets(agent) => self.vault(*agent).is_some_and(|vault| vault.iter().all(Option::is_none)),
            Reason::NoSecret(agent, key) => self.vault(*agent).is_some() && !holds(*agent, *key),
            Reason::Taken(agent, taken) => {
                let mut wanted = match asked {
                    Asked::Rename { keys: [_, new], .. } => vec![*new],
                    Asked::Copy { from, keys, .. } => self.named(*from, keys),
                    _ => return false,
                };
                wanted.retain(|key| holds(*agent, *key));
                wanted.sort_unstable();
                !wanted.is_empty() && wanted == *taken
            }
            Reason::Unexpected(_) => true,
        }
    }
}
