//! `cast doctor`: shows what is in order, what is not, and what to type.

use serde::Serialize;

use super::key::PlaceLine;
use crate::args::DoctorArgs;
use crate::report::{self, Printable, Report};
use crate::{prompt, table};
use cast_core::failure::{Failure, Kind};
use cast_core::session::Session;
use cast_core::settings::Audit;
use cast_core::verbs::doctor::{BackupProof, Diagnosis, Finding};
use cast_keyring::{KeyringError, Presence};
use cast_vault::AgentName;

/// The findings as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Line<'a> {
    healthy: bool,
    /// `null` if cast did not check it.
    keyring: Option<KeyringLine>,
    /// The place of the key.
    key: Option<PlaceLine>,
    /// `null` if there is no master key in the key store.
    backup: Option<BackupLine>,
    vaults: Vec<VaultLine<'a>>,
    findings: Vec<FindingLine<'a>>,
}

/// The keyring; also a promise.
#[derive(Serialize)]
struct KeyringLine {
    /// `key`, `empty`, `locked`, `absent` or `trouble`.
    state: &'static str,
    message: String,
}

/// What this machine knows of a backup; also a promise.
#[derive(Serialize)]
struct BackupLine {
    exported: bool,
    message: &'static str,
    /// What to do.
    fix: &'static [&'static str],
}

/// One vault; also a promise.
#[derive(Serialize)]
struct VaultLine<'a> {
    agent: &'a str,
    opens: bool,
}

/// One problem; also a promise.
#[derive(Serialize)]
struct FindingLine<'a> {
    /// `settings`, `keyring`, `key`, `vault`, `permissions`, `leftover`, `audit-log`, `stale`, `backup`, `broker` or
    /// `people`.
    check: &'static str,
    message: &'a str,
    /// What to do, the likeliest fix first.
    fix: &'a [String],
}

pub(crate) fn run(args: &DoctorArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    if let Some(path) = &args.backup {
        let BackupProof { vaults, findings } = session.doctor_backup(path)?;
        if args.json {
            report.json(&line(None, None, None, &vaults, &findings))?;
        } else {
            list(&findings, report)?;
        }
        return conclude(
            &findings,
            report,
            &match vaults.len() {
                0 => "The backup holds a key, but there are no vaults to open with it".to_owned(),
                1 => "The backup opens the only vault".to_owned(),
                all => format!("The backup opens all {all} vaults"),
            },
        );
    }
    let diagnosis = session.doctor(prompt::can_ask());
    if args.json {
        let key = diagnosis.key.as_ref().map(PlaceLine::from);
        let (keyring, backup) = (keyring(&diagnosis.keyring), diagnosis.copied.map(backup));
        report.json(&line(Some(keyring), key, backup, &diagnosis.vaults, &diagnosis.findings))?;
    } else {
        report.data(&table::lay_out(["CHECK", "STATE"], rows(&diagnosis)))?;
        list(&diagnosis.findings, report)?;
    }
    conclude(
        &diagnosis.findings,
        report,
        // No fault, and nothing to be at ease with.
        if diagnosis.copied == Some(false) {
            "Everything works, but the key has no backup"
        } else {
            "Everything is in order"
        },
    )
}

fn rows(diagnosis: &Diagnosis) -> Vec<[String; 2]> {
    let key = match &diagnosis.key {
        Some(whence) => format!("in {whence}"),
        None if diagnosis.vaults.is_empty() && diagnosis.findings.is_empty() => {
            "none yet: the first 'cast secrets set' creates it".to_owned()
        }
        None => "no usable key".to_owned(),
    };
    let audit = match diagnosis.audit {
        Audit::On => "on",
        Audit::Required => "required",
        Audit::Off => "off",
    };
    let backup = diagnosis.copied.filter(|copied| !copied).map(backup);
    let backup = backup.map(|line| ("backup", format!("{}: {}", line.message, line.fix.concat())));
    let rows = [
        Some(("keyring", keyring(&diagnosis.keyring).message)),
        Some(("key", key)),
        backup,
        Some(("vaults", open(&diagnosis.vaults, diagnosis.is_agent_key))),
        Some(("audit log", audit.to_owned())),
    ];
    let row = |(check, state): (&str, String)| [check.to_owned(), Printable(&state).to_string()];
    rows.into_iter().flatten().map(row).collect()
}

fn backup(exported: bool) -> BackupLine {
    if exported {
        BackupLine { exported, message: "the key was exported", fix: &[] }
    } else {
        BackupLine { exported, message: "the key was never exported", fix: &["'cast key export --output FILE'"] }
    }
}

fn keyring(look: &Result<Presence, KeyringError>) -> KeyringLine {
    let (state, message) = match look {
        Ok(Presence::Entry) => ("key", "the keyring is open and holds the key".to_owned()),
        Ok(Presence::Nothing) => ("empty", "the keyring is open and holds no key for cast".to_owned()),
        Ok(Presence::Locked) => ("locked", KeyringError::Locked.to_string()),
        Err(error) if error.is_absent() => ("absent", error.to_string()),
        Err(error) => ("trouble", error.to_string()),
    };
    KeyringLine { state, message }
}

fn open(vaults: &[(AgentName, bool)], is_agent_key: bool) -> String {
    let open = vaults.iter().filter(|(_, opens)| *opens).count();
    match (vaults.len(), open) {
        (0, _) => "none".to_owned(),
        (all, 1) if is_agent_key && all > 1 => format!("1 of {all} opens: this is an agent key"),
        (all, 1) => format!("1 of {all} opens"),
        (all, open) if all == open => format!("all {all} open"),
        (all, open) => format!("{open} of {all} open"),
    }
}

fn line<'a>(
    keyring: Option<KeyringLine>,
    key: Option<PlaceLine>,
    backup: Option<BackupLine>,
    vaults: &'a [(AgentName, bool)],
    findings: &'a [Finding],
) -> Line<'a> {
    let finding = |finding: &'a Finding| FindingLine {
        check: finding.check.name(),
        message: &finding.message,
        fix: &finding.fix,
    };
    Line {
        healthy: findings.is_empty(),
        keyring,
        key,
        backup,
        vaults: vaults.iter().map(|(agent, opens)| VaultLine { agent: agent.as_str(), opens: *opens }).collect(),
        findings: findings.iter().map(finding).collect(),
    }
}

/// Prints each finding, and its fixes below it.
fn list(findings: &[Finding], report: Report) -> anyhow::Result<()> {
    for (number, finding) in findings.iter().enumerate() {
        let fixes = finding.fix.iter().map(|fix| format!("   {}\n", Printable(&report::as_called(fix))));
        report.data(&format!("\n{}. {}\n{}", number + 1, Printable(&finding.message), fixes.collect::<String>()))?;
    }
    Ok(())
}

fn conclude(findings: &[Finding], report: Report, in_order: &str) -> anyhow::Result<()> {
    let what = match findings.len() {
        0 => {
            report.success(in_order);
            return Ok(());
        }
        1 => "1 problem found".to_owned(),
        count => format!("{count} problems found"),
    };
    Err(Failure::new(Kind::Other, what).into())
}
