//! `cast secrets set`: stores one secret from an argument, standard input or a hidden prompt, and how it is treated.

mod brokered;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read};
use std::ops::RangeInclusive;

use age::secrecy::zeroize::Zeroizing;

use crate::args::{self, SetArgs};
use crate::prompt;
use crate::report::Report;
use crate::words;
use cast_core::brokered::Brokering;
use cast_core::change::Missing;
use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::listing;
use cast_core::masking::exemption;
use cast_core::session::Session;
use cast_core::suggestion;
use cast_core::verbs::set::Set;
use cast_vault::{Change, Flags, MAX_ENVIRONMENT_STRING, Oddity, SecretName, SecretValue};

/// The length of a random value: 190 bits.
const RANDOM: usize = 32;
/// The lengths of a random value: not one that can be guessed, or that is not masked in every form.
const RANDOM_LENGTHS: RangeInclusive<usize> = 8..=4096;

pub(crate) fn run(args: SetArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent_before_key(&args.agent)?;
    let name = words::secret(&args.key)?;
    refuse_misspelt_option(args.value.as_deref())?;
    let (dangerous, unmasked) = (args.allow_dangerous_name, args.unmasked.then_some(true));
    let brokering = brokered::asked(&args)?;
    let missing = match (args.keep, args.new) {
        (true, _) => Missing::Refuse,
        (_, true) => Missing::CreateAnew,
        _ => Missing::Create,
    };
    let from_argument = args.value.is_some() && args.generate.is_none();
    let value = match args.value {
        _ if args.keep => None,
        word if args.generate.is_some() => Some(random(args.generate.as_ref(), word.as_ref())?),
        Some(word) => Some(SecretValue::from_bytes(word.into_encoded_bytes()).map_err(Failure::from)?),
        None if args.exact || !io::stdin().is_terminal() => Some(from_standard_input(args.exact)?),
        None if prompt::can_ask() => Some(from_prompt(&name)?),
        None => {
            return Err(Failure::new(Kind::Usage, "missing VALUE, and there is no terminal to prompt on")
                .hint(format!("pass it on standard input: 'cast secrets set {agent} {name} < FILE'"))
                .into());
        }
    };
    // Checked before cast asks for any key.
    if let Some(value) = &value {
        value.check_fits(&name).map_err(Failure::from)?;
    }
    let oddity = value.as_ref().and_then(|value| value.oddity(&name));
    let is_placeholder = value.as_ref().is_some_and(|value| value.is_placeholder(None));
    let trivial = value.as_ref().filter(|_| !args.unmasked).and_then(exemption);
    let asked = brokering.clone();
    let stored =
        session.perform(Set { agent: &agent, name: name.clone(), value, dangerous, unmasked, brokering, missing })?;
    let done = match stored.change {
        _ if args.keep => None,
        Change::Added => Some("set"),
        _ => Some("replaced"),
    };
    match done {
        Some(done) => report
            .success(format_args!("Secret '{name}' {done} for agent '{agent}'{}", brokered::addition(&stored, &asked))),
        None => report.success(format_args!(
            "Secret '{name}' of agent '{agent}' is now {}",
            brokered::state(&stored.flags, &asked)
        )),
    }
    let kept = listing::flags(&kept(&stored.flags, &asked, dangerous, unmasked.is_some()));
    if done == Some("replaced") && !kept.is_empty() {
        report.hint(format_args!("'{name}' keeps its flags: {}", listing::line(&kept)));
    }
    brokered::hints(&agent, &name, &stored, &asked, report);
    if let Some(oddity) = oddity {
        report.hint(format_args!("the value was stored exactly as it is: it {}", odd(oddity)));
    }
    if is_placeholder {
        report.hint("the value looks like a placeholder");
    }
    if let Some(why) = trivial {
        report.hint(format_args!("'{name}' is not masked in output, because {why}"));
    }
    if !name.is_conventional() {
        report.hint(format_args!("'{name}' is not UPPERCASE_WITH_UNDERSCORES, as environment variables usually are"));
    }
    if from_argument && io::stderr().is_terminal() {
        report.hint("the value is now in this shell's history; leave it out to be prompted for it");
    }
    Ok(())
}

/// The flags that this call did not ask for: what it asks for is no news.
fn kept(flags: &Flags, asked: &Brokering, dangerous: bool, unmasked: bool) -> Flags {
    let mut kept = flags.clone();
    kept.dangerous &= !dangerous;
    kept.unmasked &= !unmasked;
    if asked.hosts.is_some() {
        kept.hosts.clear();
    }
    if asked.places.is_some() {
        kept.places.clear();
    }
    if asked.prefix.is_some() {
        kept.prefix = None;
    }
    kept
}

/// What is unusual about a value.
fn odd(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Blank => "begins or ends with a blank",
        Oddity::Quotes => "is in quotes, which belong to it",
        Oddity::Export => "begins with 'export '",
        Oddity::Assignment => "begins with the name of the secret and '='",
    }
}

/// A random value; its length is the option's own or, without one, in the place of VALUE.
fn random(own: Option<&OsString>, place_of_value: Option<&OsString>) -> Result<SecretValue> {
    let length = match (own.filter(|word| !word.is_empty()), place_of_value) {
        (None, None) => RANDOM,
        (Some(word), None) | (None, Some(word)) => words::number(word, RANDOM_LENGTHS)?,
        (Some(_), Some(_)) => return Err(Failure::new(Kind::Usage, "'--generate' cannot be used with VALUE")),
    };
    Ok(SecretValue::random(length)?)
}

/// VALUE may begin with a dash. But cast does not store a misspelt option as a secret.
fn refuse_misspelt_option(value: Option<&OsStr>) -> Result<()> {
    let Some(word) = value.and_then(OsStr::to_str).filter(|word| word.starts_with("--")) else { return Ok(()) };
    let options = options();
    match suggestion::closest(word, options.iter().map(String::as_str)) {
        Some(option) if !env::args_os().any(|word| word == "--") => {
            Err(Failure::new(Kind::Usage, format!("VALUE looks like a misspelling of the option '{option}'"))
                .hint("put such a value after '--': 'cast secrets set AGENT KEY -- VALUE'"))
        }
        _ => Ok(()),
    }
}

/// The long options of `set`, and `--stdin`, which other tools have.
fn options() -> Vec<String> {
    let root = args::all();
    let set = root.find_subcommand("set").expect("cast has this command");
    let long = set.get_arguments().filter_map(clap::Arg::get_long).chain(["help", "stdin"]);
    long.map(|name| format!("--{name}")).collect()
}

/// How to write an empty value.
const EMPTY: &str = "write an empty value as \"\": 'cast secrets set AGENT KEY \"\"'";

/// Asks for the value at a hidden prompt. An empty answer is an error, not an empty value.
fn from_prompt(name: &SecretName) -> Result<SecretValue> {
    let bytes = prompt::hidden(&format!("Enter value for {name}: "))?;
    if bytes.is_empty() {
        return Err(Failure::new(Kind::Usage, "no value was entered").hint(EMPTY));
    }
    Ok(SecretValue::from_bytes(bytes)?)
}

/// Reads the value from standard input. A one-line value loses its line ending; a value of several lines is kept
/// exactly, because key files need their last line ending. `exact` is for programs, which know what they write: every
/// byte belongs to the value, and no bytes are an empty value.
fn from_standard_input(exact: bool) -> Result<SecretValue> {
    if exact && io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "'--exact' reads standard input, which is a terminal here")
            .hint("leave it out to be prompted for the value"));
    }
    // One buffer that never moves, with room for the longest value and one byte that shows that it is too long.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ENVIRONMENT_STRING + 2));
    let limit = bytes.capacity() as u64;
    io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|cause| Failure::new(Kind::Io, format!("cannot read standard input: {}", Cause(&cause))))?;
    if exact {
        return Ok(SecretValue::from_bytes(std::mem::take(&mut *bytes))?);
    }
    if bytes.is_empty() {
        return Err(Failure::new(Kind::Usage, "standard input is empty")
            .hint("pipe the value in: 'COMMAND | cast secrets set AGENT KEY', or run this on a terminal to be prompted for it")
            .hint(EMPTY));
    }
    prompt::trim_line_end(&mut bytes);
    Ok(SecretValue::from_bytes(std::mem::take(&mut *bytes))?)
}
