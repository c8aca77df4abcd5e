//! `cast man`: the manual pages. Names, synopses, options and examples come from the clap types; the rest is written by hand, in man(7), in
//! `man/`. The pages in the repository's `man/` are this room's output, which a test holds.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use super::report::Report;
use crate::failure::{Failure, Kind, Result};

/// When the hand-written parts were last changed.
const DATE: &str = "2026-11-25";

pub(super) fn run(args: &ManArgs, report: Report) -> anyhow::Result<()> {
    let page = render(&find(&args.page)?)?;
    if io::stdout().is_terminal() && show(&page) {
        return Ok(());
    }
    report.data(&page)
}

/// Shows a page as `man` shows any. Whether there was a `man` that could.
fn show(page: &str) -> bool {
    let Ok(mut man) = Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut input) = man.stdin.take() {
        // Whoever leaves the pager early has read enough.
        let _ = input.write_all(page.as_bytes());
    }
    man.wait().is_ok_and(|ended| ended.success())
}

/// The command of these words: `secrets set`, or `secrets-set` as its page is called.
fn find(words: &[OsString]) -> Result<clap::Command> {
    let unknown = || Failure::new(Kind::Usage, "there is no such command").hint("see 'cast --help' for the commands");
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

/// The page of a command, in man(7).
fn render(command: &clap::Command) -> anyhow::Result<String> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let words = HAND_WRITTEN.iter().find(|(page, _)| *page == name).map_or("", |(_, text)| text);
    let part = |heading: &str| section(words, heading).or_else(|| section(COMMON, heading)).unwrap_or_default();
    let source = concat!("cast ", env!("CARGO_PKG_VERSION"));
    let generated =
        Man::new(command.clone()).title(name.to_uppercase()).date(DATE).source(source).manual("User Commands");
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
    // Its first line is the name's.
    let long = long.as_deref().and_then(|text| text.split_once("\n\n")).map(|(_, rest)| escaped(rest));
    match (long, section(words, "DESCRIPTION")) {
        (_, Some(text)) => page.extend(text.as_bytes()),
        (Some(text), None) => writeln!(page, "{text}")?,
        (None, None) => writeln!(page, "{}.", escaped(&about))?,
    }
    let mut options = Vec::new();
    generated.render_options_section(&mut options)?;
    // A blank line is space enough, says mandoc.
    page.extend(String::from_utf8(options)?.replace(".br\n\n.br\n", ".sp\n").into_bytes());
    if command.has_subcommands() {
        generated.render_subcommands_section(&mut page)?;
    }
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    if let Some(after) = &after {
        let examples: Vec<_> = after.lines().skip(1).map(|line| escaped(line.trim())).collect();
        write!(page, ".SH EXAMPLES\n.nf\n{}\n.fi\n", examples.join("\n"))?;
    }
    for heading in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SECURITY"] {
        write!(page, ".SH {heading}\n{}", part(heading))?;
    }
    write!(page, ".SH \"SEE ALSO\"\n{}", see_also(&name))?;
    Ok(String::from_utf8(page)?)
}

/// All the other pages.
fn see_also(name: &str) -> String {
    fn names(command: &clap::Command, all: &mut Vec<String>) {
        all.push(command.get_display_name().unwrap_or(command.get_name()).to_owned());
        command.get_subcommands().filter(|one| !one.is_hide_set()).for_each(|one| names(one, all));
    }
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut all = Vec::new();
    names(&root, &mut all);
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

/// Plain text as man(7) shows it.
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

const HAND_WRITTEN: &[(&str, &str)] =
    &[("cast", include_str!("man/cast.man")), ("cast-run", include_str!("man/cast-run.man"))];
