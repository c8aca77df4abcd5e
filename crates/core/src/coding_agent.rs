//! Whether a coding agent started this process: then no person may be reading, even on a terminal, and what is printed
//! ends up in a transcript. This is the one list of the variables that tell.

use std::env;
use std::ffi::OsString;

/// Variables that coding agents set for the tools they start: Claude Code, the convention of several agents, Gemini
/// CLI, Codex and `OpenCode`. `docs/design/traps.md` has where they were seen.
const VARIABLES: [&str; 8] =
    ["CLAUDECODE", "AI_AGENT", "AGENT", "GEMINI_CLI", "CODEX_THREAD_ID", "CODEX_SESSION_ID", "CODEX_CI", "OPENCODE"];

/// The variable that tells that a coding agent started this process, if one does. An empty one tells nothing.
pub fn variable() -> Option<&'static str> {
    first_set(|name| env::var_os(name))
}

/// The variable that tells that something reads what this process shows on its terminal: a coding agent, or the log of
/// a CI step. `CI=false` and `CI=0` say that there is no CI.
pub fn reader() -> Option<&'static str> {
    let is_ci = env::var_os("CI").is_some_and(|value| !["", "false", "0"].iter().any(|off| value == *off));
    variable().or(is_ci.then_some("CI"))
}

fn first_set(value: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    VARIABLES.into_iter().find(|name| value(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_variable_with_a_value_tells() {
        let among = |set: &[(&str, &str)]| {
            first_set(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value)))
        };
        assert_eq!(among(&[]), None);
        assert_eq!(among(&[("HOME", "/"), ("CLAUDECODE", ""), ("SSH_AGENT_PID", "1")]), None);
        for variable in VARIABLES {
            assert_eq!(among(&[(variable, "1")]), Some(variable));
        }
        assert_eq!(among(&[("CLAUDECODE", ""), ("OPENCODE", "1")]), Some("OPENCODE"));
    }
}
