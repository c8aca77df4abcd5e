//! Merges a vault that git has left in conflict: with choices where both sides changed the same, or where no driver ran.

use cast_vault::{AgentName, Choices, Comparison, Merged, Replica, SecretName, Side, Sides, State, Vault};

use crate::audit_log::{Action, Event};
use crate::change::{Sealed, refuse_agent_key};
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::git;
use crate::merging::{Names, conflict};
use crate::read::{Found, Verdict, no_such_secret, refused};
use crate::seen::{Memory, Summary};
use crate::session::Session;

/// Merges the sides that git keeps of the vault of `agent`.
pub struct Merge<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// Of which secrets our side is kept.
    pub ours: &'a [SecretName],
    /// Of which secrets the other side is taken.
    pub theirs: &'a [SecretName],
}

/// Where git says which commit is being merged.
const OTHERS: [&str; 4] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD"];

impl Verb for Merge<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Merge).agent(self.agent).keys(self.ours.iter().chain(self.theirs))
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<()> {
        let Self { agent, ours, theirs } = self;
        let folder = session.folder()?;
        let (real, file) = (folder.real(), format!("{agent}.age"));
        let stage = |number: u8| git::read(&real, &["cat-file", "blob", &format!(":{number}:./{file}")]);
        let [base, our_file, their_file] = [stage(1), stage(2), stage(3)];
        let (Some(our_file), Some(their_file)) = (our_file, their_file) else {
            return Err(not_in_conflict(agent));
        };
        let unlocked = session.key()?;
        refuse_agent_key(&unlocked.key, &format!("cast vault merge {agent}"))?;
        let lock = session.lock_vaults(folder)?;
        let open = |file: &[u8]| session.authentic(file, agent);
        let our_file = match folder.read(agent)? {
            Some(now) if now != our_file && now != their_file => {
                // A change since then is part of our side.
                let has_ours = |vault: &Vault| Ok::<_, Failure>(is_newer(vault, &open(&our_file)?));
                if !open(&now).and_then(|vault| has_ours(&vault)).unwrap_or(false) {
                    return Err(changed_meanwhile(agent, &file));
                }
                now
            }
            _ => our_file,
        };
        let base = base.as_deref().map(open).transpose()?;
        let (one, other) = (open(&our_file)?, open(&their_file)?);
        let is_unknown = |name: &&SecretName| [&one, &other].iter().all(|side| !side.names().contains_key(*name));
        if let Some(name) = ours.iter().chain(theirs).find(is_unknown) {
            return Err(no_such_secret(&one, name));
        }
        let sides = Sides { base: base.as_ref(), ours: &one, theirs: &other };
        let mut choices: Choices = ours.iter().map(|name| (name.clone(), Side::Ours)).collect();
        choices.extend(theirs.iter().map(|name| (name.clone(), Side::Theirs)));
        let memory = session.open(&our_file, agent, &unlocked)?.memory;
        let replica =
            if choices.is_empty() { Replica::generate()? } else { session.replica_beside(&memory, [&one, &other])? };
        let (vault, merged) = match Vault::merge(sides, &choices, &unlocked.key, replica)? {
            Merged::Whole(Side::Ours) => (open(&our_file)?, our_file),
            Merged::Whole(Side::Theirs) => (open(&their_file)?, their_file),
            Merged::Joined(vault, file) => (*vault, file),
            Merged::Clashes(clashes) => {
                // Not `git log`, which runs the program that the settings of the repository name for signatures.
                let line =
                    |commit: &str| git::read_line(&real, &["rev-parse", "--quiet", "--verify", "--short", commit]);
                let commit = |commits: &[&str]| {
                    let found = commits.iter().find_map(|commit| Some(format!("{commit} ({})", line(commit)?)));
                    found.unwrap_or_else(|| "the other side".to_owned())
                };
                let names = Names { ours: commit(&["HEAD"]), theirs: commit(&OTHERS) };
                return Err(conflict(agent, &clashes, sides, &names));
            }
        };
        // As a reader would judge it: what git brings may be older than this machine has seen, or another vault than the one here.
        let Found { verdict, place, .. } = session.open(&merged, agent, &unlocked)?;
        if !matches!(verdict, Verdict::Known | Verdict::News) {
            return Err(refused(agent, verdict, place.as_ref()));
        }
        let sealed = Sealed { former: one.state().cloned(), vault: &vault, file: merged };
        session.put(folder, &lock, &unlocked, &sealed, &memory, Some(&Summary::of(&one)))?;
        if let Some(seen) = session.seen() {
            seen.end_taking_in();
        }
        Ok(())
    }
}

impl Session {
    /// Under which replica a choice is counted: this machine's, unless its numbers may be used on one of the sides.
    fn replica_beside(&self, memory: &Memory, sides: [&Vault; 2]) -> Result<Replica> {
        let Some(seen) = self.seen() else { return Ok(Replica::generate()?) };
        let replica = seen.replica()?;
        let counts = |state: &State| [state.rules.get(replica), state.at.get(replica)];
        let known = memory.record.as_ref().map_or([0, 0], |record| counts(&record.state));
        let [one, other] = sides.map(|vault| vault.state().map_or([0, 0], counts));
        let joined = [one[0].max(other[0]), one[1].max(other[1])];
        let is_alike = joined == known && !seen.has_pending(memory.known, sides[0].state());
        Ok(if is_alike { replica } else { Replica::generate()? })
    }
}

fn is_newer(now: &Vault, before: &Vault) -> bool {
    let states = before.state().zip(now.state());
    states.is_some_and(|(before, now)| State::compare(before, now) == Comparison::Newer)
}

fn not_in_conflict(agent: &AgentName) -> Failure {
    Failure::new(Kind::Usage, format!("git has no conflict in the vault of agent '{agent}'"))
        .hint("'git status' shows what git still has to merge")
}

fn changed_meanwhile(agent: &AgentName, file: &str) -> Failure {
    let what = format!("the vault of agent '{agent}' is neither side of the merge any more");
    Failure::new(Kind::Integrity, what).hint(format!("to begin again, in its folder: 'git checkout --ours {file}'"))
}
