//! The arguments of `cast completions` and `cast man`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// Print the completion script for a shell
///
/// It completes commands, options, agents and, if the vault opens without a prompt, names of secrets. In the place of
/// CMD, it completes what the shell completes for any command.
#[derive(Args)]
#[command(after_help = "\
Examples:
  echo 'eval \"$(cast completions bash)\"' >> ~/.bashrc
  echo 'eval \"$(cast completions zsh)\"' >> ~/.zshrc      below compinit
  cast completions fish > ~/.config/fish/completions/cast.fish
  cast completions powershell | Out-String | Invoke-Expression")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// Show the manual page of a command
///
/// On a terminal, 'man' shows the page; elsewhere, cast prints its source.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast man
  cast man secrets set
  cast man run > ~/.local/share/man/man1/cast-run.1")]
pub(crate) struct ManArgs {
    /// The command; if omitted, cast itself
    #[arg(value_name = "COMMAND")]
    pub(crate) page: Vec<OsString>,
}
