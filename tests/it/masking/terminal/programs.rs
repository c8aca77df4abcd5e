//! Programs that people use on a terminal, in a masked run, on a real terminal outside.

use std::fs;

use super::MARKER;
use crate::sandbox::{Sandbox, lacks};
use crate::supervise::{SECRET, sandbox};
use crate::terminal::Terminal;

/// A program in a masked run.
fn start(sandbox: &Sandbox, words: &[&str]) -> Terminal {
    Terminal::start(sandbox.cast([&["run", "--mask", "a", "--"], words].concat()).env("TERM", "xterm-256color"))
}

/// A file that holds the secret of the run between other lines.
fn file_with_secret(sandbox: &Sandbox) {
    let lines = (1..=200).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
    fs::write(sandbox.home().join("file"), format!("first\n|{SECRET}|\n{lines}last\n")).unwrap();
}

#[test]
fn vim_edits_a_file() {
    if lacks("vim", "vim in a masked terminal") {
        return;
    }
    let sandbox = sandbox();
    for round in 0..3 {
        file_with_secret(&sandbox);
        let mut vim = start(&sandbox, &["vim", "-u", "NONE", "-i", "NONE", "-N", "file"]);
        vim.sees("first");
        vim.sees(MARKER);
        // It takes no new size while it draws.
        vim.types(":echo 'be'.'gun'\r");
        vim.sees("begun");
        vim.resizes(30 + round, 100);
        // What is typed may overtake the size, which goes another way: vim has it once it shows more lines.
        vim.sees("line 27");
        vim.types(format!("Goadded {round}\x1b"));
        vim.sees(&format!("added {round}"));
        vim.types(":set columns?\r");
        vim.sees("columns=100");
        vim.types(":wq\r");
        let shown = vim.ends_with(0);
        assert!(!shown.contains(SECRET) && shown.contains("\x1b[?1049l"), "{shown:?}");
        let text = fs::read_to_string(sandbox.home().join("file")).unwrap();
        assert!(text.contains(SECRET) && text.ends_with(&format!("last\nadded {round}\n")), "{text}");
    }
}

#[test]
fn less_shows_pages() {
    if lacks("less", "less in a masked terminal") {
        return;
    }
    let sandbox = sandbox();
    file_with_secret(&sandbox);
    for (keys, seen) in [("G", "last"), ("/line 150\r", "150"), ("50%", "line 115")] {
        let mut less = start(&sandbox, &["less", "file"]);
        less.sees(MARKER);
        less.types(keys);
        less.sees(seen);
        less.types("q");
        assert!(!less.ends_with(0).contains(SECRET));
    }
    // As a pager behind a masked run.
    let call = sandbox.cast(["run", "--mask", "a", "--", "cat", "file"]).env("TERM", "xterm-256color");
    let mut less = Terminal::start_in_shell(call, "\"$@\" | less");
    less.sees("[cast:K]");
    less.types("G");
    less.sees("last");
    less.types("q");
    assert!(!less.ends_with(0).contains(SECRET));
}

#[test]
fn htop_draws_and_quits() {
    if lacks("htop", "htop in a masked terminal") {
        return;
    }
    let sandbox = sandbox();
    for (rows, columns) in [(24, 80), (40, 120), (30, 100)] {
        let mut htop = start(&sandbox, &["htop"]);
        htop.sees("Load average");
        htop.resizes(rows, columns);
        htop.types("\x1bOP");
        htop.sees("htop");
        htop.types("\x1b");
        htop.types("q");
        htop.types("q");
        let shown = htop.ends_with(0);
        assert!(shown.contains("\x1b[?1049l"), "{shown:?}");
    }
}

#[test]
fn python_asks_and_edits_lines() {
    if lacks("python3", "python in a masked terminal") {
        return;
    }
    let sandbox = sandbox();
    let mut python = start(&sandbox, &["python3", "-q"]);
    python.sees(">>> ");
    python.types("import os, getpass\r");
    python.sees(">>> ");
    python.types("os.environ['K']\r");
    python.sees(MARKER);
    python.sees(">>> ");
    python.types("len(getpass.getpass('wo' 'rd: '))\r");
    python.sees("word: ");
    python.types(format!("{SECRET}\r"));
    python.sees("18");
    python.sees(">>> ");
    // A line is edited: what is erased is not run.
    python.types("'wrong'\x15print('ri' 'ght')\r");
    python.sees("right");
    python.sees(">>> ");
    // It is sure to see Ctrl-C while it works; at its prompt, a signal in the wrong moment waits for the next key.
    python.types("exec(\"print('bu' 'sy')\\nwhile 1: pass\")\r");
    python.sees("busy");
    python.types("\x03");
    python.sees("KeyboardInterrupt");
    python.sees(">>> ");
    python.types("exit(6)\r");
    assert!(!python.ends_with(6).contains(SECRET));
}
