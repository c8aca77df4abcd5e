//! The whole way of a run: the request, the vaults, CMD's environment, the masking of its streams, its start and its
//! end. With nothing to mask and no brokered secret, cast becomes CMD: same process, same descriptors, same
//! parent. Otherwise it stays as CMD's parent (`supervisor`).

mod brokering;
mod clients;
mod explain;
mod mask;
mod masking;
mod npmrc;
mod program;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::Command;

use cast_vault::{AgentName, Sealer, SecretName, SecretValue};

use crate::audit_log::{Action, Event, STARTED};
use crate::coding_agent;
use crate::door::{Effect, Verb};
use crate::example::Example;
use crate::failure::{Failure, Result};
use crate::injections::{self, INJECTED, Injections, SALT, Selection, Source, is_inherited};
use crate::key_store;
use crate::masking::{Brokered, exemption};
use crate::paths::absolute;
use crate::platform::exec::{self, Environment, Image};
use crate::platform::limits;
use crate::read::Builtin;
use crate::session::Session;
use crate::supervisor::{Ended, Service, Supervised, Supervisor};
use brokering::{Brokering, Cmd};
use masking::{Masking, Scope};

pub use explain::{Explained, ExplainedSecret, Masked, Overridden, OwnTerminal, StreamTreatment, explain};
pub use mask::{MaskedStream, Passed};
pub use masking::{TAKE_OVER, take_over};
pub use program::{NotStarted, can_execute, is_command, shown};
pub use service::Serving;

/// How to run an agent.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub struct Request {
    /// Whether to include the built-in secrets.
    pub builtin: bool,
    /// Which secrets to include.
    pub selection: Selection,
    /// An example that lists required secrets, with the name of its file.
    pub example: Option<(Example, String)>,
    /// The program to start and its arguments, if any.
    pub command: Option<(OsString, Vec<OsString>)>,
    /// Whether to start from a minimal environment instead of this process's.
    pub clean: bool,
    /// Variables in addition to those of this process. A secret of the same name wins.
    pub variables: Vec<(OsString, OsString)>,
    /// Whether to mask all output, terminals too, or none of it, whatever the settings are.
    pub masking: Option<bool>,
    /// Whether a marker has as many bytes as what it replaces.
    pub fixed: bool,
    /// Whether to keep what an outer run injected.
    pub inherit: bool,
}

/// The secrets for a run.
pub struct Gathered {
    /// The secrets.
    pub injections: Injections,
    /// Whether the built-in secrets are included, or why not.
    pub builtin: Builtin,
    /// Who sealed the agent's values.
    pub sealer: Sealer,
    /// The variables of this process that an outer run injected. CMD does not get them, unless they are among the
    /// injections.
    pub outer: BTreeSet<SecretName>,
}

/// Everything needed to start a program.
pub struct Prepared {
    event: Event,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Environment,
    /// The values to mask that CMD has; empty if no output is masked.
    to_mask: Vec<(String, SecretValue)>,
    /// What is brokered, with the values that CMD does not have.
    brokering: Option<(Brokering, Brokered)>,
    fixed: bool,
    scope: Scope,
    /// Whether the built-in secrets are included, or why not.
    pub builtin: Builtin,
    /// Whether a terminal stays unmasked because this system cannot mask one.
    pub misses_terminal: bool,
}

/// The result of a finished run.
#[derive(Debug)]
pub struct Done {
    /// How CMD ended.
    pub ended: Ended,
    /// Why some of its output could not be written.
    pub trouble: Option<io::Error>,
    /// Whether a secret was masked in standard output, and that is a regular file.
    pub masked_file: bool,
    /// Why its end is not in the audit log, which has to have it.
    pub unrecorded: Option<Failure>,
}

/// Reads the vaults and selects the secrets.
pub struct Gather<'a> {
    /// The agent whose secrets are read.
    pub agent: &'a AgentName,
    /// Which secrets, and for what.
    pub request: &'a Request,
}

impl Verb for Gather<'_> {
    type Done = Gathered;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        let selected = match &self.request.selection {
            Selection::Only(names) => &names[..],
            Selection::All | Selection::Except(_) => &[],
        };
        // Without a program, this is a check and not a run.
        let action = if self.request.command.is_some() { Action::Run } else { Action::Check };
        Event::new(action).agent(self.agent).keys(selected)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<Gathered> {
        let Self { agent, request } = self;
        gather(session, agent, request).inspect_err(|_| {
            if let Some((program, _)) = &request.command
                && program::find(program).is_ok()
            {
                event.set_program(program);
            }
        })
    }
}

fn gather(session: &Session, agent: &AgentName, request: &Request) -> Result<Gathered> {
    if request.command.is_some() {
        session.require_audit_log()?;
    }
    let vault = session.vault(agent)?;
    let (open, builtin) = if request.builtin { session.builtin_for(&vault)? } else { (None, Builtin::Settled) };
    let mut injections = Injections::default();
    let source = if agent.is_builtin() { Source::Builtin } else { Source::Agent };
    let sealer = vault.sealer().clone();
    let unlocked = session.key()?;
    for (source, vault) in [(Source::Builtin, open), (source, Some(vault))] {
        let Some(vault) = vault else { continue };
        let id = vault.id();
        injections.add(source, vault.into_environment()?, &|| unlocked.key.stand_in_key(&id));
    }
    injections.select(&request.selection, agent)?;
    injections.refuse_not_given(agent)?;
    if let Some((example, name)) = &request.example {
        example.check(agent, &injections).complete(agent, name)?;
    }
    let mut outer = injections::injected(env::var_os(INJECTED).is_some(), env::vars_os);
    let names = outer.iter().map(|variable| variable.name.clone()).collect();
    if request.inherit {
        // What the caller sets for this run is not the outer's any more.
        outer.retain(|variable| !request.variables.iter().any(|(name, _)| *name == *variable.name.as_str()));
        injections.inherit(outer);
    }
    Ok(Gathered { injections, builtin, sealer, outer: names })
}

/// Does everything up to the start: builds the environment and the masking. Moves the values, and copies each once,
/// into the environment.
pub fn prepare(session: &Session, agent: &AgentName, mut request: Request) -> Result<Prepared> {
    let Gathered { injections, builtin, outer, .. } = session.perform(Gather { agent, request: &request })?;
    let own = injections.iter().filter(|(_, injection)| injection.source != Source::Outer);
    let mut event = Event::new(Action::Run).agent(agent).keys(own.map(|(name, _)| name));
    if request.masking == Some(false)
        && let Some(variable) = coding_agent::variable()
    {
        event.set_unmasked_below(variable);
    }
    let scope = Scope::of(session, &request)?;
    let (program, arguments) = request.command.take().unwrap_or_default();
    let own: BTreeMap<_, _> = request.variables.into_iter().collect();
    let is_outers = |name: &OsStr| name.to_str().is_some_and(|name| outer.contains(name));
    let inherited = env::vars_os()
        .filter(|(name, _)| is_inherited(name, request.clean) && !own.contains_key(name) && !is_outers(name));
    let salt = SecretValue::random(SALT)?;
    let environment = injections.over(inherited.chain(own.clone()), &salt);
    let environment = environment.map_err(|error| NotStarted::Failed(error.to_string()).into_failure(&program))?;
    let callers = |name: &str| {
        let of_process = || env::var_os(name).filter(|_| !is_outers(name.as_ref()));
        own.get(OsStr::new(name)).cloned().or_else(of_process)
    };
    let words: Vec<_> = [&program].into_iter().chain(&arguments).map(OsString::as_os_str).collect();
    let cmd = Cmd { callers: &callers, environment: &environment, words: &words };
    let brokering = Brokering::of(session, agent, &injections, &cmd)?;
    if brokering.is_some() {
        event.set_brokered(injections.brokered().cloned().collect());
    }
    let misses_terminal = scope.misses_terminal();
    let mut to_mask =
        if misses_terminal || !scope.outputs().is_empty() { injections.into_masked() } else { Vec::new() };
    let misses_terminal = misses_terminal && (!to_mask.is_empty() || brokering.is_some());
    // Without the salt, nobody can test guesses of a value against the list of what was injected.
    if to_mask.iter().any(|(_, value)| exemption(value).is_none()) {
        to_mask.push((INJECTED.to_owned(), salt));
    }
    key_store::keep_passphrase_from_children();
    let fixed = request.fixed;
    Ok(Prepared { event, program, arguments, environment, to_mask, brokering, fixed, scope, builtin, misses_terminal })
}

impl Prepared {
    /// Runs the program to its end, masks its output and brokers its secrets, or becomes the program if there is nothing
    /// to do for it. This process is meant to end then: what was masked stays in its memory.
    pub fn run(self, session: &Session) -> Result<Result<Done, NotStarted>> {
        let Self { event, program, arguments, environment, mut to_mask, brokering, fixed, scope, .. } = self;
        let mut tallies = service::Tallies::default();
        let done = begin(session, event.clone(), &program, |path| {
            let image = Image::new(&program, path, arguments, environment).map_err(|error| NotStarted::of(&error))?;
            // Before a plan is made for what cannot be started.
            if (!to_mask.is_empty() || brokering.is_some()) && image.is_too_long() {
                return Err(NotStarted::TooLong(image.longest_variables(program::LONGEST)));
            }
            let (mut services, mut brokered): (Vec<Box<dyn Service>>, _) = (Vec::new(), None);
            if let Some((brokering, values)) = brokering {
                let (service, address) = service::Running::prepare(brokering).map_err(NotStarted::NoBroker)?;
                if !scope.outputs().is_empty() {
                    // CMD has the credential, and a transcript need not have it.
                    to_mask.push((clients::PROXY[1].to_owned(), address));
                    brokered = Some(values);
                }
                tallies = service.tallies();
                services.push(Box::new(service));
            }
            // Not wiped: the process ends soon, and wiping takes as long as making it.
            let masking = ManuallyDrop::new(Masking::new(to_mask, brokered, fixed));
            if masking.is_some() || !services.is_empty() {
                supervise(image, masking.as_ref(), scope, services)
            } else {
                let (Err(error), image) = image.replace();
                Err(NotStarted::of_image(&error, &image))
            }
        })?;
        Ok(done.map(|done| Done { unrecorded: service::note_end(session, event, &program, &tallies).err(), ..done }))
    }

    /// Starts the program with `go`, which sets its streams. The path is made absolute, so that a change of the working
    /// folder does not affect it. With brokered secrets, the broker serves as long as the caller keeps it; and this
    /// process closes its memory to others of its user, for the program could read the values there.
    pub fn run_by<T>(
        self,
        session: &Session,
        go: impl FnOnce(&mut Command) -> io::Result<T>,
    ) -> Result<(T, Option<Serving>)> {
        let Self { mut event, program, arguments, environment, brokering, .. } = self;
        let started = begin(session, event.clone(), &program, |path| {
            let image = Image::new(&program, &absolute(path), arguments, environment);
            let mut image = image.map_err(|error| NotStarted::of(&error))?;
            event.set_program(&program);
            let serving = brokering.map(|(brokering, _)| {
                limits::hide_from_debuggers();
                Serving::start(session, brokering, &event, &mut image).map_err(NotStarted::NoBroker)
            });
            let serving = serving.transpose()?;
            let longest = image.longest_variables(program::LONGEST);
            match go(&mut image.into_command()) {
                Ok(done) => Ok((done, serving)),
                Err(error) => Err(NotStarted::of_longest(&error, longest)),
            }
        })?;
        started.map_err(|not_started| not_started.into_failure(&program))
    }
}

/// Finds the program, records the start in the audit log, then starts it with `go`.
fn begin<T>(
    session: &Session,
    mut event: Event,
    program: &OsStr,
    go: impl FnOnce(&Path) -> Result<T, NotStarted>,
) -> Result<Result<T, NotStarted>> {
    let path = match program::find(program) {
        Ok(path) => path,
        Err(not_started) => {
            session.note_refusal(&event, not_started.kind());
            return Ok(Err(not_started));
        }
    };
    event.set_program(program);
    session.note(&event, STARTED)?;
    let done = go(&path);
    if let Err(not_started) = &done {
        session.note_refusal(&event, not_started.kind());
    }
    Ok(done)
}

fn supervise(
    image: Image,
    masking: Option<&Masking>,
    scope: Scope,
    services: Vec<Box<dyn Service>>,
) -> Result<Done, NotStarted> {
    exec::let_go_of_kept();
    let wires = masking.map(|masking| masking.wires(scope)).unwrap_or_default();
    let supervised = Supervisor { wires, services }.run(image);
    let Supervised { ended, left, mut trouble } =
        supervised.map_err(|(error, image)| NotStarted::of_image(&error, &image))?;
    for (number, one) in left.iter().enumerate() {
        // Only a masked stream is left.
        if let Some(Err(error)) = masking.map(|masking| masking.leave(one, &left[number + 1..])) {
            trouble = Some(error);
        }
    }
    let masked_file = masking.is_some_and(Masking::happened_in_file);
    Ok(Done { ended, trouble, masked_file, unrecorded: None })
}
