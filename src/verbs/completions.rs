//! `cast completions`: the script that makes Tab work in a shell.

use std::io::{self, IsTerminal};

use crate::args::{CompletionsArgs, Shell};
use crate::report::Report;

pub(crate) fn run(args: &CompletionsArgs, report: Report) -> anyhow::Result<()> {
    report.data(script(args.shell))?;
    // Not in a shell's start-up file, which reads it from a pipe.
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
        // Bash 3.2 reads nothing from `source <(...)`.
        Shell::Bash => r#"echo 'eval "$(cast completions bash)"' >> ~/.bashrc"#,
        Shell::Zsh => r#"echo 'eval "$(cast completions zsh)"' >> ~/.zshrc, below the line with compinit"#,
        Shell::Fish => "cast completions fish > ~/.config/fish/completions/cast.fish",
        Shell::Powershell => "add 'cast completions powershell | Out-String | Invoke-Expression' to $PROFILE",
    }
}
