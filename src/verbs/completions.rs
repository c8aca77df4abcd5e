//! `cast completions`: prints the completion script for a shell.

use std::io::{self, IsTerminal};

use crate::args::{CompletionsArgs, Shell};
use crate::report::Report;

pub(crate) fn run(args: &CompletionsArgs, report: Report) -> anyhow::Result<()> {
    report.data(script(args.shell))?;
    // A shell's start-up file reads the script from a pipe and must not print a hint.
    if io::stdout().is_terminal() {
        report.hint(format_args!("to install it: {}", installation(args.shell)));
    }
    Ok(())
}

fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../completions/cast.bash"),
        Shell::Zsh => include_str!("../../completions/_cast"),
        Shell::Fish => include_str!("../../completions/cast.fish"),
        Shell::Powershell => include_str!("../../completions/cast.ps1"),
    }
}

fn installation(shell: Shell) -> &'static str {
    match shell {
        // `source <(...)` reads nothing in Bash 3.2.
        Shell::Bash => r#"echo 'eval "$(cast completions bash)"' >> ~/.bashrc"#,
        Shell::Zsh => r#"echo 'eval "$(cast completions zsh)"' >> ~/.zshrc, below the line with compinit"#,
        Shell::Fish => "cast completions fish > ~/.config/fish/completions/cast.fish",
        Shell::Powershell => "add 'cast completions powershell | Out-String | Invoke-Expression' to $PROFILE",
    }
}
