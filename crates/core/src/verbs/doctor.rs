//! `cast doctor`: everything that can be looked at, looked at, and nothing changed. No key is made, no record of what was seen is written, and
//! nobody is asked for anything that is not needed to see whether the vaults open.

mod broker;
mod files;
mod people;

use std::path::Path;

use crate::audit_log::AuditLog;
use crate::change::masters;
use crate::clock;
use crate::failure::{self, Failure, Kind, Result};
use crate::key_store::{self, Exports, Lookup, Whence};
use crate::paths;
use crate::seen::Place;
use crate::session::{Session, no_key};
use crate::settings::{Audit, Mask, Settings};
use crate::survey::{Held, Standing, Surveyed};
use crate::vault_folder::VaultFolder;
use crate::verbs::git::lacks_drivers;
use cast_keyring::{KeyringError, Presence};
use cast_vault::UnlockKey;
use cast_vault::Vault;
use cast_vault::{AgentName, SecretName};

/// What was found.
pub struct Diagnosis {
    /// What the keyring is like.
    pub keyring: Result<Presence, KeyringError>,
    /// Where the key is, if there is one that can be used.
    pub key: Option<Whence>,
    /// Whether this machine knows of a copy of the master key elsewhere; `None` without a key in the key store.
    pub copied: Option<bool>,
    pub vaults: Vaults,
    /// Whether the key is an agent's, which opens one vault.
    pub is_agent_key: bool,
    /// Whether events are noted.
    pub audit: Audit,
    /// What needs care.
    pub findings: Vec<Finding>,
}

/// The attributes of the vaults name programs that only this clone can set up.
fn without_drivers(folder: &VaultFolder) -> Finding {
    Finding {
        check: Check::Vault,
        message: format!(
            "this clone of the repository does not know how to show and merge vaults: '{}'",
            folder.real().display()
        ),
        fix: vec!["set it up: 'cast git setup'".to_owned()],
    }
}

/// What a backup is good for.
pub struct BackupProof {
    pub vaults: Vaults,
    /// What needs care.
    pub findings: Vec<Finding>,
}

/// The vaults there are, and which of them could be opened.
pub type Vaults = Vec<(AgentName, bool)>;

/// One thing that needs care.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What is the matter.
    pub message: String,
    /// What to do, first the likeliest.
    pub fix: Vec<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Settings,
    Keyring,
    Key,
    Vault,
    Permissions,
    Leftover,
    AuditLog,
    Stale,
    Backup,
    Broker,
    People,
}

impl Session {
    /// Looks at everything. `attended`: somebody is there to unlock a keyring.
    pub fn doctor(&self, attended: bool) -> Diagnosis {
        let mut findings = Vec::new();
        let defaults = Settings::default();
        let settings = self.settings().unwrap_or_else(|failure| {
            findings.push(Finding::of(Check::Settings, &failure));
            &defaults
        });
        let fix = vec!["fix or delete that line".to_owned()];
        let unknown = |message: &String| Finding { check: Check::Settings, message: message.clone(), fix: fix.clone() };
        findings.extend(settings.unknown.iter().map(unknown));
        let keyring = cast_keyring::look();
        let agents = self.folder().and_then(VaultFolder::agents).unwrap_or_else(|failure| {
            findings.push(Finding::of(Check::Vault, &failure));
            Vec::new()
        });
        let mut vaults: Vec<_> = agents.into_iter().map(|agent| (agent, false)).collect();
        let key = self.find_key(&keyring, vaults.is_empty(), attended).unwrap_or_else(|(check, failure)| {
            findings.push(Finding::of(check, &failure));
            None
        });
        // Of a key that is not needed to see whether vaults open, only the latest record can tell.
        let mut newest = None;
        let mut is_brokering = false;
        if key.is_some() && !vaults.is_empty() {
            let surveyed = self.survey().and_then(|surveyed| Ok((surveyed, self.key_status()?.held)));
            match surveyed {
                Ok((surveyed, held)) => {
                    for (agent, opens) in &mut vaults {
                        *opens = surveyed.iter().any(|vault| vault.agent == *agent && vault.state.is_ok());
                    }
                    findings.extend(judge(&surveyed, &held, settings));
                    let opened = surveyed.iter().filter_map(|vault| vault.state.as_ref().ok());
                    is_brokering = opened.into_iter().any(|standing| standing.has_brokered);
                    newest = Some(held);
                }
                Err(failure) => findings.push(Finding::of(Check::Vault, &failure)),
            }
        }
        findings.extend(weak_settings(settings));
        findings.extend(broker::look(settings, is_brokering));
        findings.extend(ignored_variables());
        findings.extend(self.missing_vaults().map(missing));
        findings.extend(self.gone());
        findings.extend(self.folder().ok().filter(|folder| lacks_drivers(folder)).map(without_drivers));
        findings.extend(self.key_in_a_file(&keyring));
        findings.extend(self.look_at_files());
        if settings.audit != Audit::Off
            && let Err(failure) = self.places.state().and_then(|state| AuditLog::new(state, self.caller).check())
        {
            findings.push(Finding::of(Check::AuditLog, &failure));
        }
        // A key file that others can read is refused as a key and found as a file.
        let mut said = Vec::new();
        findings.retain(|finding| {
            !said.contains(&finding.message) && {
                said.push(finding.message.clone());
                true
            }
        });
        let copied = key.as_ref().and_then(|whence| self.is_copied(whence, newest.as_ref()));
        let is_agent_key = matches!(newest, Some(Held::Agent(..)));
        Diagnosis { keyring, key, copied, vaults, is_agent_key, audit: settings.audit, findings }
    }

    /// Whether the master key in the file at `path` opens every vault. Needs no other key.
    pub fn doctor_backup(&self, path: &Path) -> Result<BackupProof> {
        let key = key_store::read_key_file(path, "--backup")?;
        if let UnlockKey::Agent(grant) = &key {
            return Err(failure::agent_key(&grant.agent, "is not a backup of the master key")
                .hint("make one: 'cast key export --output FILE'"));
        }
        let folder = self.folder()?;
        let (mut vaults, mut findings, mut is_wrong) = (Vec::new(), Vec::new(), true);
        for agent in folder.agents()? {
            let opened = match folder.read(&agent) {
                Ok(None) => continue,
                Ok(Some(bytes)) => Vault::inspect(&bytes, &agent, masters(&key)?).map(drop).map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            if let Err(failure) = &opened {
                let message = format!("the backup does not open the vault of agent '{agent}': {failure}");
                let fix =
                    "if 'cast doctor' finds that vault in order, make a new backup: 'cast key export --output FILE'";
                findings.push(Finding { check: Check::Backup, message, fix: vec![fix.to_owned()] });
            }
            is_wrong &= opened.as_ref().is_err_and(|failure| failure.kind() == Kind::WrongKey);
            vaults.push((agent, opened.is_ok()));
        }
        if is_wrong && vaults.len() > 1 {
            // One cause, and one remedy.
            let all = vaults.len();
            findings = vec![Finding {
                check: Check::Backup,
                message: format!(
                    "the backup opens none of the {all} vaults: it is probably older than the last 'cast key rotate'"
                ),
                fix: vec![
                    "if 'cast doctor' finds them in order, make a new backup: 'cast key export --output FILE'"
                        .to_owned(),
                ],
            }];
        }
        Ok(BackupProof { vaults, findings })
    }

    /// Where the key is, if there is one to be had; that there is none yet is nothing to be told, where the first use can make one.
    fn find_key(
        &self,
        keyring: &Result<Presence, KeyringError>,
        no_vaults: bool,
        attended: bool,
    ) -> Result<Option<Whence>, (Check, Failure)> {
        let found = || self.key_status().map(|key| Some(key.whence)).map_err(|failure| (Check::Key, failure));
        let files: Vec<_> = self.key_files().collect();
        match &files[..] {
            _ if key_store::is_in_variable() => return found(),
            // Its passphrase opens nothing that there is.
            [sealed] if no_vaults && self.places.passphrase_key().is_ok_and(|path| path == *sealed) => {
                return Ok(Some(Whence::File(sealed.clone())));
            }
            [] => {}
            _ => return found(),
        }
        let unusable = match keyring {
            Ok(Presence::Nothing) if no_vaults => return Ok(None),
            Ok(Presence::Locked) if no_vaults || !attended => Some(KeyringError::Locked),
            // Not asked twice: it may have kept us waiting.
            Err(error) if !error.is_absent() => Some(error.clone()),
            _ => None,
        };
        match unusable {
            Some(error) => {
                let missing = Lookup::Unknown(error.into());
                let failure = self.refuse_without_the_key_of_vaults(&missing).err().unwrap_or_else(|| no_key(&missing));
                Err((Check::Keyring, failure))
            }
            None => found(),
        }
    }

    /// Whether there is a copy of the key that the key store holds.
    fn is_copied(&self, whence: &Whence, held: Option<&Held>) -> Option<bool> {
        let exports = Exports::new(&self.places).ok()?;
        match (whence, held) {
            (Whence::Variable(_), _) | (_, Some(Held::Agent(..))) => None,
            (_, Some(Held::Masters(keys))) => Some(exports.is_copied(Some(&keys.first()?.public))),
            (_, None) => Some(exports.is_copied(None)),
        }
    }

    /// Vaults that this machine has seen in this folder, and that are gone.
    fn gone(&self) -> Vec<Finding> {
        let (Some(seen), Ok(folder)) = (self.seen(), self.folder()) else { return Vec::new() };
        let places = seen.places().unwrap_or_default().into_iter().flatten();
        let is_missed = |place: &Place| place.held.as_ref().is_some_and(|held| !held.leaving);
        let gone = places.filter(|place| is_missed(place) && folder.has_lost(&place.path));
        let finding = |place: Place| {
            let agent = place.agent();
            let name = agent.as_ref().map_or("AGENT", AgentName::as_str);
            Finding {
                check: Check::Vault,
                message: format!(
                    "the vault of agent '{name}' that this machine has seen is gone: '{}'",
                    place.path.display()
                ),
                fix: vec![
                    "restore it: from a backup, or with 'git checkout' or 'git pull'".to_owned(),
                    format!("or make a new one in its place: 'cast secrets set --new {name} KEY'"),
                    format!("or forget it: 'cast secrets delete {name} --all'"),
                ],
            }
        };
        gone.map(finding).collect()
    }

    /// A plain key file where a keyring would serve.
    fn key_in_a_file(&self, keyring: &Result<Presence, KeyringError>) -> Option<Finding> {
        let path = self.places.plain_key().ok().filter(|path| path.symlink_metadata().is_ok())?;
        // One that is locked, as where nobody logs in, takes no key.
        if !matches!(keyring, Ok(Presence::Entry | Presence::Nothing)) {
            return None;
        }
        let message = format!(
            "only the mode of its file protects the key, and there is an OS keyring here: '{}'",
            path.display()
        );
        Some(Finding { check: Check::Key, message, fix: vec!["move it: 'cast key move keyring'".to_owned()] })
    }
}

/// What there is to say of the vaults.
fn judge(vaults: &[Surveyed], held: &Held, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_shared = vaults.iter().any(|vault| vault.state.as_ref().is_ok_and(|standing| !standing.is_own));
    for Surveyed { agent, state, is_closed_and_unknown, .. } in vaults {
        match (state, held) {
            // An agent's key opens one vault: the others are none of its business.
            (Err(_), Held::Agent(own, _)) if *own != *agent => {}
            // Nor is what else lies where others share vaults.
            (Err(_), Held::Masters(_)) if is_shared && *is_closed_and_unknown => {}
            (Err(failure), _) => findings.push(Finding::of(Check::Vault, failure)),
            (Ok(standing), _) => {
                findings.extend(sealed_to_a_former_key(agent, standing, held));
                findings.extend(dangerous(agent, standing));
                findings.extend(broker::unfit(agent, standing));
                findings.extend(stale(agent, standing, settings));
                findings.extend(people::listed_long_ago(agent, standing));
            }
        }
    }
    findings
}

/// A rotation that was interrupted, or a vault that was away while there was one.
fn sealed_to_a_former_key(agent: &AgentName, standing: &Standing, held: &Held) -> Option<Finding> {
    let Held::Masters(keys) = held else { return None };
    let newest = keys.first().filter(|_| standing.is_own)?;
    (standing.master != newest.public).then(|| Finding {
        check: Check::Vault,
        message: format!("the vault of agent '{agent}' is still sealed to a former key"),
        fix: vec!["seal it to the current key: 'cast key rotate'".to_owned()],
    })
}

/// Names that make programs load code, which their owner allowed.
fn dangerous(agent: &AgentName, standing: &Standing) -> Option<Finding> {
    let first = standing.dangerous.first()?;
    let names = standing.dangerous.iter().map(SecretName::as_str).collect::<Vec<_>>().join(", ");
    Some(Finding {
        check: Check::Vault,
        message: format!("agent '{agent}' has names that make programs load code: {names}"),
        fix: vec![format!("if you do not want one: 'cast secrets delete {agent} {first}'")],
    })
}

/// Settings that switch a protection off.
fn weak_settings(settings: &Settings) -> Vec<Finding> {
    let finding = |what: &str, message: &str| Finding {
        check: Check::Settings,
        message: message.to_owned(),
        fix: vec![format!("remove '{what}' from the settings if you do not want that")],
    };
    let mask = (settings.mask == Mask::Never).then(|| finding("mask = \"never\"", "the settings switch masking off"));
    let audit =
        (settings.audit == Audit::Off).then(|| finding("audit = \"off\"", "the settings switch the audit log off"));
    mask.into_iter().chain(audit).collect()
}

/// A folder of vaults that is not there.
fn missing(folder: &Path) -> Finding {
    Finding {
        check: Check::Vault,
        message: format!("the folder that CAST_VAULTS names does not exist: '{}'", folder.display()),
        fix: vec!["fix CAST_VAULTS, or let the first 'cast secrets set AGENT KEY' make the folder".to_owned()],
    }
}

/// Variables that name folders, and name none.
fn ignored_variables() -> Option<Finding> {
    let names = paths::ignored_variables();
    let message = format!("not an absolute path, and so ignored: {}", names.join(", "));
    let fix = vec![format!("set it to a whole path, or run: unset {}", names.join(" "))];
    (!names.is_empty()).then_some(Finding { check: Check::Settings, message, fix })
}

fn stale(agent: &AgentName, standing: &Standing, settings: &Settings) -> Option<Finding> {
    let limit = settings.stale_after?;
    let old: Vec<_> = standing.secrets.iter().filter(|(_, updated)| clock::is_older(*updated, limit)).collect();
    let (first, _) = old.first()?;
    let names = old.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    Some(Finding {
        check: Check::Stale,
        message: format!("agent '{agent}' has secrets older than 'stale_after': {names}"),
        fix: vec![format!("change each at its source, then here: 'cast secrets set {agent} {first}'")],
    })
}

impl Finding {
    fn of(check: Check, failure: &Failure) -> Self {
        Self { check, message: failure.to_string(), fix: failure.hints().to_vec() }
    }
}

impl Check {
    /// As programs know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Keyring => "keyring",
            Self::Key => "key",
            Self::Vault => "vault",
            Self::Permissions => "permissions",
            Self::Leftover => "leftover",
            Self::AuditLog => "audit-log",
            Self::Stale => "stale",
            Self::Backup => "backup",
            Self::Broker => "broker",
            Self::People => "people",
        }
    }
}
