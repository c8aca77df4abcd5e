//! `cast run`: what goes into CMD's environment, and its start.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;

use super::{Builtin, Client, Example};
use crate::audit_log::{Action, Event, STARTED};
use crate::environment::{Injections, Selection, Source};
use crate::failure::Result;
use crate::names::AgentName;
use crate::process::{self, Done, Masking, NotStarted, Start};
use crate::vault::Vault;

/// How an agent is to be run.
#[derive(Default)]
pub(crate) struct RunOptions {
    /// Whether the built-in secrets go along.
    pub builtin: bool,
    /// Which secrets go along.
    pub selection: Selection,
    /// What has to be among them, with the name of the file that says so.
    pub example: Option<(Example, String)>,
    /// The program that gets them, if one is to be started.
    pub program: Option<OsString>,
}

impl Client {
    /// The secrets that `agent` is started with, and what became of the built-in ones.
    pub(crate) fn injections(&self, agent: &AgentName, options: &RunOptions) -> Result<(Injections, Builtin)> {
        let selected = match &options.selection {
            Selection::Only(names) => &names[..],
            Selection::All | Selection::Except(_) => &[],
        };
        // Without a program it is only a look.
        let action = if options.program.is_some() { Action::Run } else { Action::Check };
        self.watched(Event::new(action).agent(agent).keys(selected), |event| {
            self.collect(agent, options).inspect_err(|_| {
                if let Some(program) = &options.program
                    && process::find(program).is_ok()
                {
                    event.set_program(program);
                }
            })
        })
    }

    /// Runs a program with `injections` in its environment, as `cast run`.
    pub(crate) fn run(
        &self,
        agent: &AgentName,
        injections: &Injections,
        start: Start,
        masking: Option<&Masking>,
    ) -> Result<Result<Done, NotStarted>> {
        let program = start.program.clone();
        self.noted(agent, injections, &program, |path| start.run(path, masking))
    }

    /// Starts a program with `injections` in its environment by `go`, which says where its streams lead.
    pub(crate) fn start<T>(
        &self,
        agent: &AgentName,
        injections: &Injections,
        start: &Start,
        go: impl FnOnce(&mut Command) -> io::Result<T>,
    ) -> Result<T> {
        let started = self.noted(agent, injections, &start.program, |path| start.begin(path, go))?;
        started.map_err(|not_started| not_started.into_failure(&start.program))
    }

    /// Looks for the program and starts it by `go`; notes so before.
    fn noted<T>(
        &self,
        agent: &AgentName,
        injections: &Injections,
        program: &OsStr,
        go: impl FnOnce(&Path) -> Result<T, NotStarted>,
    ) -> Result<Result<T, NotStarted>> {
        let mut event = Event::new(Action::Run).agent(agent).keys(injections.iter().map(|(name, _)| name));
        let path = match process::find(program) {
            Ok(path) => path,
            Err(not_started) => {
                self.note_refusal(&event, not_started.kind());
                return Ok(Err(not_started));
            }
        };
        event.set_program(program);
        self.note_event(&event, STARTED)?;
        let done = go(&path);
        if let Err(not_started) = &done {
            self.note_refusal(&event, not_started.kind());
        }
        Ok(done)
    }

    fn collect(&self, agent: &AgentName, options: &RunOptions) -> Result<(Injections, Builtin)> {
        if options.program.is_some() {
            self.require_audit_log()?;
        }
        let vault = self.vault(agent)?;
        let builtin = if options.builtin { self.builtin_for(agent)? } else { Builtin::None };
        let mut injections = Injections::default();
        if let Builtin::Open(builtin) = &builtin {
            add(&mut injections, Source::Builtin, builtin)?;
        }
        add(&mut injections, if agent.is_builtin() { Source::Builtin } else { Source::Agent }, &vault)?;
        injections.select(&options.selection)?;
        if let Some((example, name)) = &options.example {
            example.check(agent, &injections).complete(agent, name)?;
        }
        Ok((injections, builtin))
    }
}

fn add(injections: &mut Injections, source: Source, vault: &Vault) -> Result<()> {
    injections.add(source, vault.environment()?.map(|(name, secret)| (name, &secret.value, secret.unmasked)));
    Ok(())
}
