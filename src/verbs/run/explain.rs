//! `cast run --explain`: what CMD would get and what would be masked, as tables or as JSON; without values.

use serde::Serialize;

use super::{request, say_what_is_closed, say_what_is_unmasked};
use crate::args::RunArgs;
use crate::report::Report;
use crate::table;
use cast_core::injections::Source;
use cast_core::listing::{self, OWNER};
use cast_core::read::Builtin;
use cast_core::run::{self, Explained, ExplainedSecret, Masked, Overridden, OwnTerminal, StreamTreatment};
use cast_core::session::Session;
use cast_mask::ENCODED_BYTES;
use cast_vault::{AgentName, SecretName};

/// What a run would do. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Whole<'a> {
    agent: &'a str,
    /// Who sealed the agent's values last: `owner`, or a person's name.
    sealer: &'a str,
    /// The built-in secrets: `included` (also if there are none), `left out` (by `--no-builtin` or the settings), or
    /// `closed` (to an agent key).
    builtin: &'static str,
    secrets: Vec<SecretLine<'a>>,
    /// What an outer run injected, and CMD would not get.
    dropped: &'a [SecretName],
    /// `masked`, `masked together` (both in one), `masked terminal` (on a terminal of cast's own), `off`, `nothing to
    /// mask`, or `left alone` (a terminal, `/dev/null` or closed).
    stdout: &'static str,
    stderr: &'static str,
    /// `whole`, or `outputs`: then what CMD writes to `/dev/tty` itself is not masked. `null`: no terminal is masked.
    own_terminal: Option<&'static str>,
}

/// One secret that CMD would get; also a promise.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools)] // each is a field of its own in the JSON
struct SecretLine<'a> {
    key: &'a str,
    builtin: bool,
    /// Whether an outer run injected it, and `--inherit-secrets` keeps it.
    inherited: bool,
    overrides_builtin: bool,
    overrides_caller: bool,
    /// `as it is`, or `brokered`: then CMD would get a stand-in.
    given: &'static str,
    /// The hosts that it is brokered to.
    hosts: &'a [String],
    masked: bool,
    /// Why it is not masked, or not in every form.
    note: Option<String>,
    flags: &'a [String],
}

/// What is said where only the outputs are on a terminal of cast's own.
const UNMASKED_TERMINAL: &str = "\nWhat CMD writes to /dev/tty itself is not masked here: that takes one terminal as \
                                 standard input and output, with cast in its foreground\n";

/// CMD gets the value itself.
const AS_IT_IS: &str = "as it is";

/// What is said at the end where a secret is brokered.
const WHOM_THE_BROKER_SERVES: &str = "
Brokered secrets reach only programs that use HTTPS_PROXY and trust SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. Others get the
stand-in and fail: 'fetch' of Node.js before 22.21 and in 23, Java, programs that pin certificates.
";

pub(super) fn explain(args: RunArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let json = args.json;
    let (agent, request) = request(args)?;
    let left_out = !request.builtin;
    let explained = run::explain(session, &agent, &request)?;
    say_what_is_closed(explained.builtin, report);
    say_what_is_unmasked(explained.misses_terminal, report);
    if json { report.json(&whole(&explained, &agent, left_out)) } else { tables(explained, &agent, report) }
}

fn whole<'a>(explained: &'a Explained, agent: &'a AgentName, left_out: bool) -> Whole<'a> {
    let line = |secret: &'a ExplainedSecret| SecretLine {
        key: secret.name.as_str(),
        builtin: secret.source == Source::Builtin,
        inherited: secret.source == Source::Outer,
        overrides_builtin: secret.overrides.builtin,
        overrides_caller: secret.overrides.caller,
        given: if secret.hosts.is_empty() { AS_IT_IS } else { "brokered" },
        hosts: &secret.hosts,
        masked: matches!(secret.masked, Masked::Yes | Masked::RawOnly),
        note: Some(masked(secret.masked)).filter(|_| secret.masked != Masked::Yes),
        flags: &secret.flags,
    };
    let [stdout, stderr] = explained.streams.map(state);
    Whole {
        agent: agent.as_str(),
        sealer: &explained.sealer,
        builtin: match explained.builtin {
            Builtin::Settled if left_out => "left out",
            Builtin::Settled => "included",
            Builtin::LeftOut => "left out",
            Builtin::Closed | Builtin::OfOthers => "closed",
        },
        secrets: explained.secrets.iter().map(line).collect(),
        dropped: &explained.dropped,
        stdout,
        stderr,
        own_terminal: explained.own_terminal.map(|own| match own {
            OwnTerminal::Whole => "whole",
            OwnTerminal::Outputs => "outputs",
        }),
    }
}

fn state(stream: StreamTreatment) -> &'static str {
    match stream {
        StreamTreatment::Masked => "masked",
        StreamTreatment::MaskedTogether => "masked together",
        StreamTreatment::MaskedTerminal => "masked terminal",
        StreamTreatment::Off => "off",
        StreamTreatment::NothingToMask => "nothing to mask",
        StreamTreatment::Left | StreamTreatment::LeftTerminal => "left alone",
    }
}

fn tables(explained: Explained, agent: &AgentName, report: Report) -> anyhow::Result<()> {
    let Explained { secrets, dropped, builtin, sealer, streams, own_terminal, .. } = explained;
    let rows = secrets.iter().map(|secret| {
        let from = match secret.source {
            Source::Builtin => "built-in".to_owned(),
            Source::Outer => "an outer run".to_owned(),
            Source::Agent if sealer == OWNER => format!("agent '{agent}'"),
            Source::Agent => format!("agent '{agent}', sealed by '{sealer}'"),
        };
        let (given, flags) = (given(&secret.hosts), listing::line(&secret.flags));
        [secret.name.to_string(), from, overrides(secret.overrides).to_owned(), given, masked(secret.masked), flags]
    });
    report.data(&table::lay_out(["KEY", "FROM", "OVERRIDES", "GIVEN", "MASKED", "FLAGS"], rows))?;
    if !dropped.is_empty() {
        let names = dropped.iter().map(SecretName::as_str).collect::<Vec<_>>().join(", ");
        report
            .data(&format!("\nNot passed on from an outer 'cast run': {names} ('--inherit-secrets' keeps them)\n"))?;
    }
    if builtin == Builtin::LeftOut {
        report.data(&format!("\nThe built-in secrets are left out: 'no_builtin' in the settings lists '{agent}'\n"))?;
    }
    report.data("\n")?;
    let [output, errors] = streams.map(|stream| how(stream).to_owned());
    let rows = [["standard output".to_owned(), output], ["standard error".to_owned(), errors]];
    report.data(&table::lay_out(["STREAM", "HOW"], rows))?;
    if own_terminal == Some(OwnTerminal::Outputs) {
        report.data(UNMASKED_TERMINAL)?;
    }
    if secrets.iter().any(|secret| !secret.hosts.is_empty()) {
        report.data(WHOM_THE_BROKER_SERVES)?;
    }
    Ok(())
}

/// What CMD gets of a secret.
fn given(hosts: &[String]) -> String {
    if hosts.is_empty() { AS_IT_IS.to_owned() } else { format!("brokered to {}", hosts.join(", ")) }
}

fn masked(masked: Masked) -> String {
    match masked {
        Masked::Yes => "yes".to_owned(),
        Masked::Off => "no".to_owned(),
        Masked::Unmasked => "no: set with '--unmasked'".to_owned(),
        Masked::Exempt(why) => format!("no: {why}"),
        Masked::RawOnly => {
            format!("as it is or escaped, not in base64 or hexadecimal: over {} KiB of secrets", ENCODED_BYTES >> 10)
        }
    }
}

fn overrides(overrides: Overridden) -> &'static str {
    match (overrides.builtin, overrides.caller) {
        (false, false) => "",
        (true, false) => "the built-in secret",
        (false, true) => "the caller's",
        (true, true) => "the built-in secret and the caller's",
    }
}

fn how(stream: StreamTreatment) -> &'static str {
    match stream {
        StreamTreatment::Masked => "masked",
        StreamTreatment::MaskedTogether => "masked, in one stream with the other",
        StreamTreatment::MaskedTerminal => "masked, on a terminal of cast's own",
        StreamTreatment::Off => "unchanged: masking is off",
        StreamTreatment::NothingToMask => "unchanged: there is nothing to mask",
        StreamTreatment::LeftTerminal => "unchanged: a terminal",
        StreamTreatment::Left => "unchanged: /dev/null or closed",
    }
}
