//! Ctrl-Z, `fg` and `&` in a shell with job control.

use rustix::process::{Signal, kill_process};

use super::{KINDS, Kind, asks, shows_no_secret};
use crate::sandbox::Sandbox;
use crate::terminal::{Terminal, assert_same_modes};

/// An interactive bash that says at once when a job stops.
fn shell(sandbox: &Sandbox) -> Terminal {
    let mut terminal = Terminal::bash(sandbox, &[]);
    terminal.types("set -b\r");
    terminal.sees("shell> ");
    terminal
}

/// The job ends well, the shell is as before, and no secret was shown.
#[track_caller]
fn ends_well(mut terminal: Terminal) {
    terminal.sees("shell> ");
    terminal.types("echo en''ded with $?\r");
    terminal.sees("ended with 0");
    terminal.types("exit\r");
    shows_no_secret(&terminal.ends_with(0));
}

fn typed(kind: &Kind) -> String {
    format!("$CAST {}", kind.words.join(" "))
}

#[test]
fn ctrl_z_and_fg_at_every_question() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = shell(&sandbox);
        let modes = terminal.modes();
        terminal.types(format!("{}\r", typed(&kind)));
        kind.comes_to(&mut terminal);
        // What was typed before counts, also what arrives together with the key.
        let (head, tail) = kind.answer.split_at(kind.answer.len() / 2);
        terminal.types(format!("{head}\x1a"));
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        assert_same_modes(&modes, &terminal.modes());
        terminal.types("fg\r");
        asks(&mut terminal, kind.question);
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        terminal.types("fg\r");
        asks(&mut terminal, kind.question);
        kind.is_answered(&mut terminal, tail);
        ends_well(terminal);
    }
}

#[test]
fn begun_in_the_background() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = shell(&sandbox);
        terminal.types(format!("{} &\r", typed(&kind)));
        terminal.sees("Stopped");
        let first = kind.before.first().map_or(kind.question, |(question, _)| question);
        assert!(!terminal.text().contains(first), "{}", terminal.text());
        // `bg` changes nothing.
        terminal.types("bg\r");
        terminal.sees("Stopped");
        assert!(!terminal.text().contains(first), "{}", terminal.text());
        terminal.types("fg\r");
        kind.comes_to(&mut terminal);
        kind.is_answered(&mut terminal, kind.answer);
        ends_well(terminal);
    }
}

#[test]
fn a_question_goes_to_the_background() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = shell(&sandbox);
        terminal.types(format!("{}\r", typed(&kind)));
        kind.comes_to(&mut terminal);
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.types("bg\r");
        terminal.sees("Stopped");
        terminal.types("fg\r");
        asks(&mut terminal, kind.question);
        kind.is_answered(&mut terminal, kind.answer);
        ends_well(terminal);
    }
}

/// It cannot be caught, so the terminal is hidden again only afterwards.
#[test]
fn stopped_from_outside() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = shell(&sandbox);
        terminal.types(format!("sh -c 'echo \"[pid $$]\"; exec \"$@\"' sh {}\r", typed(&kind)));
        terminal.sees("\n");
        let pid = super::pid(&mut terminal);
        kind.comes_to(&mut terminal);
        kill_process(pid, Signal::STOP).unwrap();
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        terminal.types("stty echo icanon; fg\r");
        asks(&mut terminal, kind.question);
        kind.is_answered(&mut terminal, kind.answer);
        terminal.sees("shell> ");
        terminal.types("exit\r");
        shows_no_secret(&terminal.ends_with(0));
    }
}

/// The leader of a session has no shell that would continue it: Ctrl-Z only asks again.
#[test]
fn ctrl_z_without_a_shell() {
    for kind in KINDS {
        let sandbox = (kind.sandbox)();
        let mut terminal = Terminal::start(sandbox.cast(kind.words));
        kind.comes_to(&mut terminal);
        let (head, tail) = kind.answer.split_at(kind.answer.len() / 2);
        terminal.types(format!("{head}\x1a"));
        asks(&mut terminal, kind.question);
        kind.is_answered(&mut terminal, tail);
        shows_no_secret(&terminal.ends_with(0));
    }
}
