//! What is asked, in the words of the command line, and what the answers mean. An answer that has no meaning here is a
//! failure of the test.

use super::world::{AGENTS, Answer, Asked, KEYS, Reason};
use crate::dice::Dice;
use crate::sandbox::Outcome;

/// Refusals of a vault that this home did not expect: where vaults are deleted as a whole, and where the master key is
/// rotated.
const OTHER_VAULT: [&str; 2] =
    ["is not the vault that this machine has known here since", "is there again: nothing is changed"];
const OTHER_KEY: [&str; 5] = [
    "belongs to a former key of yours",
    "does not open: wrong key, or damaged",
    "the key opens none of the vaults here",
    "the master key was dropped before the vault",
    "this machine has seen another state of the vault of agent",
];

/// The vault changed between the review and the acceptance.
const REVIEW_AGAIN: &str = "has changed meanwhile: review it again";

/// What may have happened by the time of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Meanwhile {
    pub was_deleted: bool,
    pub was_rotated: bool,
}

/// An operation, whose first new value has this number.
pub fn ask(dice: &mut Dice, value: u32) -> Asked {
    let agent = dice.throw(AGENTS.len());
    let key = dice.throw(KEYS.len());
    let other = (key + 1 + dice.throw(KEYS.len() - 1)) % KEYS.len();
    let some = |dice: &mut Dice| if dice.throw(2) == 0 { vec![key] } else { vec![key, other] };
    match dice.throw(32) {
        0..8 => Asked::Run { agent },
        8..11 => Asked::List { agent },
        11..18 => Asked::Set { agent, key, value },
        18..21 => Asked::Import { agent, values: vec![(key, value), (other, value + 1)], removes: dice.throw(2) == 0 },
        21..24 => Asked::Delete { agent, keys: some(dice) },
        24..27 => Asked::Rename { agent, keys: [key, other], replaces: dice.throw(3) > 0 },
        27..31 => {
            let to = (agent + 1 + dice.throw(AGENTS.len() - 1)) % AGENTS.len();
            let keys = if dice.throw(3) == 0 { Vec::new() } else { some(dice) };
            Asked::Copy { from: agent, to, keys, replaces: dice.throw(3) > 0 }
        }
        _ => Asked::DeleteVault { agent },
    }
}

/// The vault that a refusal is about: of a copy the one that it changes.
pub fn concerned(asked: &Asked) -> Option<usize> {
    match asked {
        Asked::Set { agent, .. }
        | Asked::Import { agent, .. }
        | Asked::Delete { agent, .. }
        | Asked::DeleteVault { agent }
        | Asked::Rename { agent, .. }
        | Asked::Run { agent }
        | Asked::List { agent }
        | Asked::Accept { agent }
        | Asked::Copy { to: agent, .. } => Some(*agent),
        Asked::Key(_) => None,
    }
}

/// The text of a value.
pub fn value(number: u32) -> String {
    format!("v{number}")
}

/// The name of the file that an import reads, which belongs to this operation.
pub fn file(values: &[(usize, u32)]) -> String {
    format!("{}.env", value(values[0].1))
}

/// What is typed after `cast`, in the home.
pub fn words(asked: &Asked) -> Vec<String> {
    let names = |keys: &[usize]| keys.iter().flat_map(|key| [" ", KEYS[*key]]).collect::<String>();
    let if_so = |is_so: bool, word: &'static str| if is_so { word } else { "" };
    let line = match asked {
        Asked::Set { agent, key, value: number } => {
            format!("set --new {} {} {}", AGENTS[*agent], KEYS[*key], value(*number))
        }
        Asked::Import { agent, values, removes } => {
            let remove = if_so(*removes, "--remove ");
            format!("secrets import --new {remove}{} {}", AGENTS[*agent], file(values))
        }
        Asked::Delete { agent, keys } => format!("delete {}{}", AGENTS[*agent], names(keys)),
        Asked::DeleteVault { agent } => format!("delete --all --yes {}", AGENTS[*agent]),
        Asked::Rename { agent, keys, replaces } => {
            format!("secrets rename {}{}{}", AGENTS[*agent], names(keys), if_so(*replaces, " --replace"))
        }
        Asked::Copy { from, to, keys, replaces } => {
            let replace = if_so(*replaces, " --replace");
            format!("secrets copy --new {} {}{}{replace}", AGENTS[*from], AGENTS[*to], names(keys))
        }
        Asked::Run { agent } => format!("run {} --no-mask -- env", AGENTS[*agent]),
        Asked::List { agent } => format!("list --json {}", AGENTS[*agent]),
        Asked::Accept { agent } => format!("vault accept --yes {}", AGENTS[*agent]),
        Asked::Key(words) => words.clone(),
    };
    line.split(' ').map(str::to_owned).collect()
}

/// What an operation that came to its end has answered.
pub fn answer(asked: &Asked, outcome: &Outcome, meanwhile: Meanwhile) -> Answer {
    let Outcome { code, out, err } = outcome;
    match (asked, code) {
        (Asked::Run { .. }, 0) => Answer::Saw(KEYS.map(|key| {
            let text = out.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            Some(text.strip_prefix('v').unwrap().parse().unwrap())
        })),
        (Asked::List { .. }, 0) => {
            let lines: Vec<serde_json::Value> = serde_json::from_str(out).unwrap();
            Answer::Listed(KEYS.map(|key| lines.iter().any(|line| line["key"] == key)))
        }
        // There was none, and this home had missed it.
        (Asked::DeleteVault { agent }, 0) if err.contains(" forgotten: ") => Answer::Refused(Reason::NoVault(*agent)),
        (_, 0) => Answer::Done,
        // The file has changed nothing of that, or another process has replaced a value since.
        (Asked::Import { .. }, _) if err.contains("imported, but '--remove' failed") => Answer::Done,
        _ => Answer::Refused(reason(asked, outcome, meanwhile)),
    }
}

fn reason(asked: &Asked, outcome: &Outcome, meanwhile: Meanwhile) -> Reason {
    let Outcome { code, err, .. } = outcome;
    let error = err.lines().find_map(|line| line.strip_prefix("cast: error: "));
    let error = error.unwrap_or_else(|| panic!("{asked:?} ended without a word: {outcome:?}"));
    let code_of = |code: i32| if matches!(asked, Asked::Run { .. }) { 125 } else { code };
    let says = |what: &[&str]| what.iter().any(|what| error.contains(what));
    let named = |names: &[&str], index: usize| {
        let name = error.split('\'').nth(index).unwrap_or_default();
        names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("{asked:?}: who? {outcome:?}"))
    };
    let not_found = *code == code_of(3);
    if says(&["has no vault", "that this machine has seen is gone"]) && (not_found || *code == 2) {
        Reason::NoVault(named(&AGENTS, 1))
    } else if says(&["has no secrets"]) && not_found {
        Reason::NoSecrets(named(&AGENTS, 1))
    } else if says(&["has no secret "]) && not_found {
        Reason::NoSecret(named(&AGENTS, 1), named(&KEYS, 3))
    } else if says(&["already has: "]) && *code == 2 {
        let keys = error.rsplit(": ").next().unwrap().split(", ");
        Reason::Taken(named(&AGENTS, 1), keys.map(|key| KEYS.iter().position(|known| *known == key).unwrap()).collect())
    } else if meanwhile.was_deleted && says(&OTHER_VAULT)
        || meanwhile.was_rotated && says(&OTHER_KEY)
        || matches!(asked, Asked::Accept { .. }) && says(&[REVIEW_AGAIN])
    {
        Reason::Unexpected(error.to_owned())
    } else {
        panic!("{asked:?}: nothing that happened explains this refusal ({meanwhile:?}): {outcome:?}")
    }
}
