//! `cast man`: shows the manual pages. Names, synopses, options and examples come from the clap types; the rest is
//! written by hand, in man(7), in `src/verbs/man/`. A test compares the output with the repository's `man/`.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::{Cli, ManArgs};
use crate::report::Report;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::injections::UNLOCK_MATERIAL;

/// The date of the last change to the hand-written parts.
const DATE: &str = "2026-11-28";

pub(crate) fn run(args: &ManArgs, report: Report) -> anyhow::Result<()> {
    let page = render(&find(&args.page)?)?;
    if io::stdout().is_terminal() && show(&page) {
        return Ok(());
    }
    report.data(&page)
}

/// Shows a page with `man`, which, like its pager, gets no key of cast. Returns whether `man` could show it.
fn show(page: &str) -> bool {
    let mut man = Command::new("man");
    for variable in UNLOCK_MATERIAL {
        man.env_remove(variable);
    }
    let Ok(mut man) = man.args(["-l", "-"]).stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut input) = man.stdin.take() {
        // The user may leave the pager early.
        let _ = input.write_all(page.as_bytes());
    }
    man.wait().is_ok_and(|ended| ended.success())
}

/// Finds the command by its words, `secrets set`, or by the name of its page, `secrets-set`.
fn find(words: &[OsString]) -> Result<clap::Command> {
    let unknown = || Failure::new(Kind::Usage, "no such command").hint("see 'cast --help' for the commands");
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    for word in words {
        let mut word = word.to_str().ok_or_else(unknown)?;
        loop {
            let shown = |one: &&clap::Command| !one.is_hide_set();
            if let Some(next) = command.find_subcommand(word).filter(shown) {
                command = next.clone();
                break;
            }
            let (first, rest) = word.split_once('-').ok_or_else(unknown)?;
            command = command.find_subcommand(first).filter(shown).ok_or_else(unknown)?.clone();
            word = rest;
        }
    }
    Ok(command)
}

/// Renders the page of a command in man(7).
fn render(command: &clap::Command) -> anyhow::Result<String> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let short = short(&name);
    let words = HAND_WRITTEN.iter().find(|(page, _)| *page == short).map_or("", |(_, text)| text);
    // The settings are on this page itself.
    let settings = ("Settings; all of them are in\n.BR cast (1).\n", "Settings; see SETTINGS above.\n");
    let common = if section(words, "SETTINGS").is_some() { &COMMON.replace(settings.0, settings.1) } else { COMMON };
    let part = |heading: &str| section(words, heading).or_else(|| section(common, heading)).unwrap_or_default();
    let source = concat!("cast ", env!("CARGO_PKG_VERSION"));
    // clap_mangen would drop the help of options that `-h` hides.
    let whole = command.clone().mut_args(|arg| arg.hide_short_help(false));
    let generated = Man::new(whole).title(name.to_uppercase()).date(DATE).source(source).manual("User Commands");
    let mut page = Vec::new();
    generated.render_title(&mut page)?;
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    writeln!(page, ".SH NAME\n{} \\- {}", escaped(&name), escaped(&about))?;
    writeln!(page, ".SH SYNOPSIS")?;
    for line in command.clone().render_usage().to_string().trim_start_matches("Usage: ").lines() {
        writeln!(page, ".B {}", escaped(line.trim()))?;
    }
    writeln!(page, ".SH DESCRIPTION")?;
    let long = command.get_long_about().map(ToString::to_string).filter(|_| section(words, "DESCRIPTION").is_none());
    // The first line is in NAME already.
    let long = long.as_deref().and_then(|text| text.split_once("\n\n")).map(|(_, rest)| escaped(rest));
    match (long, section(words, "DESCRIPTION")) {
        (_, Some(text)) => page.extend(text.as_bytes()),
        (Some(text), None) => writeln!(page, "{text}")?,
        (None, None) => writeln!(page, "{}.", escaped(&about))?,
    }
    let mut options = Vec::new();
    generated.render_options_section(&mut options)?;
    // mandoc warns about more than one blank line.
    page.extend(String::from_utf8(options)?.replace(".br\n\n.br\n", ".sp\n").into_bytes());
    if command.has_subcommands() {
        generated.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    if let Some(after) = &after {
        let examples = after.split_once(':').map_or(after.as_str(), |(_, examples)| examples).trim();
        let examples: Vec<_> = examples.lines().map(|line| escaped(line.trim())).collect();
        write!(page, ".SH EXAMPLES\n.nf\n{}\n.fi\n", examples.join("\n"))?;
    }
    if let Some(settings) = section(words, "SETTINGS") {
        write!(page, ".SH SETTINGS\n{settings}")?;
    }
    for heading in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SECURITY"] {
        write!(page, ".SH {heading}\n{}", part(heading))?;
    }
    write!(page, ".SH \"SEE ALSO\"\n{}", see_also(&name))?;
    Ok(String::from_utf8(page)?)
}

/// The short name of a command, as in `cast-set` for `cast-secrets-set`; its hand-written part is under this name.
fn short(name: &str) -> String {
    name.replace("-secrets-", "-")
}

/// The names of all pages.
fn names() -> Vec<String> {
    fn collect(command: &clap::Command, all: &mut Vec<String>) {
        all.push(command.get_display_name().unwrap_or(command.get_name()).to_owned());
        command.get_subcommands().filter(|one| !one.is_hide_set()).for_each(|one| collect(one, all));
    }
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut all = Vec::new();
    collect(&root, &mut all);
    all
}

/// All the other pages.
fn see_also(name: &str) -> String {
    let mut all = names();
    all.retain(|other| other != name);
    all.extend(["age", "secret-tool"].map(str::to_owned));
    all.sort();
    all.join(" (1),\n.BR ").replace('-', "\\-").replacen("", ".BR ", 1) + " (1)\n"
}

/// The text below `.SH heading` in a hand-written page.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, text) = page.split_once(&format!(".SH {heading}\n"))?;
    Some(text.find("\n.SH ").map_or(text, |end| &text[..=end]))
}

/// Escapes plain text for man(7).
fn escaped(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        match line.strip_prefix(['.', '\'']) {
            Some(_) => format!("\\&{line}"),
            None => line,
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

const COMMON: &str = include_str!("man/common.man");

/// The parts of each page that do not come from the types. The short and the long form of a command share theirs.
const HAND_WRITTEN: &[(&str, &str)] = &[
    ("cast", include_str!("man/cast.man")),
    ("cast-secrets", include_str!("man/cast-secrets.man")),
    ("cast-set", include_str!("man/cast-set.man")),
    ("cast-list", include_str!("man/cast-list.man")),
    ("cast-delete", include_str!("man/cast-delete.man")),
    ("cast-import", include_str!("man/cast-import.man")),
    ("cast-check", include_str!("man/cast-check.man")),
    ("cast-copy", include_str!("man/cast-copy.man")),
    ("cast-rename", include_str!("man/cast-rename.man")),
    ("cast-run", include_str!("man/cast-run.man")),
    ("cast-mask", include_str!("man/cast-mask.man")),
    ("cast-init", include_str!("man/cast-init.man")),
    ("cast-audit", include_str!("man/cast-audit.man")),
    ("cast-doctor", include_str!("man/cast-doctor.man")),
    ("cast-share", include_str!("man/cast-share.man")),
    ("cast-unshare", include_str!("man/cast-unshare.man")),
    ("cast-key", include_str!("man/cast-key.man")),
    ("cast-key-card", include_str!("man/cast-key-card.man")),
    ("cast-key-export", include_str!("man/cast-key-export.man")),
    ("cast-key-import", include_str!("man/cast-key-import.man")),
    ("cast-key-move", include_str!("man/cast-key-move.man")),
    ("cast-key-revoke", include_str!("man/cast-key-revoke.man")),
    ("cast-key-rotate", include_str!("man/cast-key-rotate.man")),
    ("cast-key-status", include_str!("man/cast-key-status.man")),
    ("cast-vault", include_str!("man/cast-vault.man")),
    ("cast-vault-accept", include_str!("man/cast-vault-accept.man")),
    ("cast-vault-merge", include_str!("man/cast-vault-merge.man")),
    ("cast-git", include_str!("man/cast-git.man")),
    ("cast-git-setup", include_str!("man/cast-git-setup.man")),
    ("cast-completions", include_str!("man/cast-completions.man")),
    ("cast-man", include_str!("man/cast-man.man")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_page_has_its_hand_written_part_and_none_is_left_over() {
        let pages: BTreeSet<_> = names().iter().map(|name| short(name)).collect();
        let written: BTreeSet<_> = HAND_WRITTEN.iter().map(|(page, _)| (*page).to_owned()).collect();
        assert_eq!(pages, written);
        for (page, text) in HAND_WRITTEN {
            assert!(text.starts_with(".SH DESCRIPTION\n"), "{page}");
        }
    }
}
