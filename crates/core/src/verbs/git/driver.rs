//! The merge of two states that git has put into files, in memory. On any trouble the file of our side stays as it is, byte for byte.

use std::path::Path;

use cast_vault::{AgentName, Choices, MAX_FILE, Merged, Replica, Side, Sides};

use crate::audit_log::{Action, Event};
use crate::disk;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::merging::{Names, conflict};
use crate::session::Session;

/// Merges `theirs` into the file `ours`; `base` is empty where there is none.
pub struct MergeFiles<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// What both grew from.
    pub base: &'a Path,
    /// Our side, which becomes the result.
    pub ours: &'a Path,
    /// The side that is merged.
    pub theirs: &'a Path,
    /// What git calls ours and theirs.
    pub names: [String; 2],
}

impl Verb for MergeFiles<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Merge).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<()> {
        let Self { agent, base, ours, theirs, names: [our_name, their_name] } = self;
        let read = |path: &Path| {
            let file =
                disk::open_regular(path)?.ok_or_else(|| Failure::new(Kind::Io, "a side of the merge is gone"))?;
            disk::read_limited(&file, path, MAX_FILE)
        };
        let [base, our_file, their_file] = [read(base)?, read(ours)?, read(theirs)?];
        let unlocked = session.key().map_err(|_| no_key(agent))?;
        let open = |file: &[u8]| session.authentic(file, agent);
        let base = if base.is_empty() { None } else { Some(open(&base)?) };
        let (one, other) = (open(&our_file)?, open(&their_file)?);
        let sides = Sides { base: base.as_ref(), ours: &one, theirs: &other };
        // What is picked counts for a replica of its own: the merge may be given up, and its number used for something else.
        match cast_vault::Vault::merge(sides, &Choices::new(), &unlocked.key, Replica::generate()?)? {
            Merged::Whole(Side::Ours) => Ok(()),
            Merged::Whole(Side::Theirs) => disk::replace_soon(ours, &their_file),
            Merged::Joined(_, file) => disk::replace_soon(ours, &file),
            Merged::Clashes(clashes) => {
                let names = Names { ours: our_name, theirs: their_name };
                Err(conflict(agent, &clashes, sides, &names))
            }
        }
    }
}

/// In one line: git says the rest.
fn no_key(agent: &AgentName) -> Failure {
    let what = format!("the vault of agent '{agent}' is not merged, as no key can be had without asking");
    Failure::new(Kind::NoKey, format!("{what}: 'cast vault merge {agent}'"))
}
