//! Checks what a run with brokered secrets needs: roots, a proxy that cast can use, values that are fit. Who brokers
//! nothing hears only of settings that are wrong.

use std::env;

use cast_broker::tls::roots::Roots;
use cast_vault::AgentName;

use super::{Check, Finding};
use crate::failure::Cause;
use crate::settings::{Settings, read_root};
use crate::survey::Standing;

/// What a broker could not work with.
pub(super) fn look(settings: &Settings, is_brokering: bool) -> Vec<Finding> {
    let (mut roots, mut findings) = (Vec::new(), Vec::new());
    for path in &settings.roots {
        let file = match read_root(path) {
            Ok(file) => file,
            Err(failure) => {
                findings.push(Finding::of(Check::Broker, &failure));
                continue;
            }
        };
        match Roots::read(std::slice::from_ref(&file)) {
            Ok(_) => roots.push(file),
            Err(error) => findings.push(Finding {
                check: Check::Broker,
                message: format!("the settings name roots that cannot be read: {}", Cause(&error)),
                fix: vec!["put certificates in PEM there, or take it out of 'roots' in the settings".to_owned()],
            }),
        }
    }
    if !is_brokering {
        return findings;
    }
    // Where some are named and none can be used, that was said.
    if settings.roots.is_empty()
        && let Err(error) = Roots::read(&roots)
    {
        findings.push(Finding {
            check: Check::Broker,
            message: format!("brokered secrets reach no host: {}", Cause(&error)),
            fix: vec![
                "install 'ca-certificates', or name a file: roots = [\"/etc/corp/root.pem\"] in the settings"
                    .to_owned(),
            ],
        });
    }
    findings.extend(settings.outer(|name| env::var_os(name)).err().map(|failure| Finding::of(Check::Broker, &failure)));
    findings
}

/// Brokered secrets whose values cannot be brokered.
pub(super) fn unfit(agent: &AgentName, standing: &Standing) -> Vec<Finding> {
    let finding = |(name, why): &(_, String)| Finding {
        check: Check::Broker,
        message: format!("secret '{name}' of agent '{agent}' cannot be brokered: {why}"),
        fix: vec![
            format!("set the right value: 'cast secrets set {agent} {name}'"),
            format!("or give it as it is: 'cast secrets set {agent} {name} --keep --host '''"),
        ],
    };
    standing.unfit.iter().map(finding).collect()
}
