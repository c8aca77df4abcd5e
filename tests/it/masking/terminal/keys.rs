//! What is typed, and how the terminal behaves: modes, sizes, and all that passes unchanged.

use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, SpecialCodeIndex};

use super::{MARKER, masked, ready};
use crate::supervise::{SECRET, has, sandbox};
use crate::terminal::Terminal;

#[test]
fn size_and_its_changes_arrive() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let watch = "
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
print('size', *os.get_terminal_size(0), flush=True)
while True:
    signal.sigwait({signal.SIGWINCH})
    print('size', *os.get_terminal_size(0), flush=True)
";
    let mut terminal = Terminal::start(sandbox.cast(["run", "--mask", "a", "--", "python3", "-c", watch]));
    terminal.sees("size 80 24");
    for (rows, columns) in [(50, 132), (10, 40), (24, 80)] {
        terminal.resizes(rows, columns);
        terminal.sees(&format!("size {columns} {rows}"));
    }
}

#[test]
fn the_inner_terminal_begins_with_the_modes_of_the_outer() {
    let sandbox = sandbox();
    for change in ["-echo", "intr ^X", "raw -echo", "-onlcr", "-icrnl -isig"] {
        let mut terminal = Terminal::start_in_shell(
            sandbox.cast(masked("stty -a; echo ready; read line")),
            &format!("stty {change}; stty -a; echo between; \"$@\"; echo \"[ended]\"; stty sane; read _"),
        );
        terminal.sees("ready");
        let text = terminal.text();
        let (outer, inner) = text.split_once("between").unwrap();
        let lines = |text: &str| {
            let lines = text.lines().map(|line| line.trim().to_owned());
            lines.filter(|line| !line.is_empty() && line != "ready").collect::<Vec<_>>()
        };
        assert_eq!(lines(outer), lines(inner), "{change}");
        terminal.types("\n\r");
        terminal.sees("[ended]");
    }
}

#[test]
fn the_outer_terminal_passes_bytes_and_is_restored() {
    let sandbox = sandbox();
    for script in ["read line", "stty raw -echo; read line", "stty -echo; read line; exit 7"] {
        let (mut terminal, before) = ready(&sandbox, script);
        terminal.types("\n");
        terminal.sees("[ended with");
        crate::terminal::assert_same_modes(&before, &terminal.modes());
    }
}

/// A typed key that is not a letter: bytes pass in both directions as they are.
#[test]
fn keys_pastes_and_mouse_pass_unchanged() {
    let sandbox = sandbox();
    let script = "stty raw -echo; printf 'rea''dy\\r\\n'; dd bs=1 count=$1 2>/dev/null | od -An -v -tx1 | tr -d ' \\n'; printf ' end\\r\\n'";
    for keys in [
        "\x1b",
        "\x1b[A\x1bOB\x1b[15~",
        "\x03\x1a\x1c\x04\x11\x13\x16",
        "\x1b[200~pasted\rtext\x1b[201~",
        "\x1b[<0;10;5M\x1b[<0;10;5m",
        "\x1b[M !!",
        "\0\x7f\u{e9}\u{1f600}",
    ] {
        let count = keys.len().to_string();
        let words = [&masked(script)[..], &["sh", &count]].concat();
        let mut terminal = Terminal::start(sandbox.cast(words));
        terminal.sees("ready");
        terminal.types(keys);
        let hex = keys.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        terminal.sees(&format!("{hex} end"));
        terminal.ends_with(0);
    }
}

#[test]
fn what_draws_a_screen_passes_unchanged() {
    let sandbox = sandbox();
    let drawn = [
        "\x1b[?1049h\x1b[?2004h\x1b[?1006h\x1b[?25l",
        "\x1b[31mred\x1b[0m\x1b[38;2;1;2;3mtrue\x1b[m",
        "\x1b]0;title\x07\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\",
        "\x1b_Gf=24,s=1,v=1;AAAA\x1b\\\x1bP0;0;0q#0~~\x1b\\",
        "\x1b[2J\x1b[H\x1b[10;20Htext\x1b[K\x1b[?1049l",
    ];
    for text in drawn {
        std::fs::write(sandbox.home().join("drawn"), text).unwrap();
        assert_eq!(Terminal::start(sandbox.cast(masked("cat drawn"))).ends_with(0), text);
    }
}

/// What is typed begins like a secret, so on a pipe it would wait for a silence of 50 ms.
#[test]
fn a_typed_character_shows_at_once() {
    const SILENCE: Duration = Duration::from_millis(50);
    let sandbox = sandbox();
    let script = "while printf 'say: '; read line; do echo \"got $line\"; done";
    let mut terminal = Terminal::start(sandbox.cast(masked(script)));
    let keys = ["s", "k", "-"];
    assert!(SECRET.starts_with(&keys.concat()));
    let mut quickest = [Duration::MAX; 3];
    // A busy machine may be as slow as a silence, but not each time.
    for _ in 0..100 {
        terminal.sees("say: ");
        // Each is waited for before the next is typed.
        for (key, quickest) in keys.into_iter().zip(&mut quickest) {
            let start = Instant::now();
            terminal.types(key);
            terminal.sees(key);
            *quickest = start.elapsed().min(*quickest);
        }
        terminal.types("\r");
        terminal.sees("got sk-\r\n");
        if quickest.iter().all(|time| *time < SILENCE) {
            break;
        }
    }
    assert!(quickest.iter().all(|time| *time < SILENCE), "{quickest:?}");
    terminal.sees("say: ");
    terminal.types("\x04");
    terminal.ends_with(0);
}

#[test]
fn a_secret_that_is_typed_is_masked_where_it_shows() {
    let sandbox = sandbox();
    let mut terminal =
        Terminal::start(sandbox.cast(masked("echo ready; read line; test \"$line\" = \"$K\" && echo same")));
    terminal.sees("ready");
    terminal.types(format!("{SECRET}\r"));
    terminal.sees("same");
    let shown = terminal.ends_with(0);
    assert!(shown.contains(MARKER) && !shown.contains(SECRET), "{shown}");
}

#[test]
fn much_that_is_pasted_arrives() {
    let sandbox = sandbox();
    let script = "stty raw -echo; printf 'rea''dy\\r\\n'; head -c 200000 | cksum";
    let mut terminal = Terminal::start(sandbox.cast(masked(script)));
    terminal.sees("ready");
    terminal.becomes_raw(true);
    terminal.types("0123456789".repeat(20_000));
    let expected = std::process::Command::new("sh")
        .args(["-c", "yes 0123456789 | tr -d '\\n' | head -c 200000 | cksum"])
        .output()
        .unwrap();
    terminal.sees(String::from_utf8(expected.stdout).unwrap().trim());
    terminal.ends_with(0);
}

#[test]
fn ctrl_s_holds_output_and_ctrl_d_ends_input() {
    let sandbox = sandbox();
    let mut terminal = Terminal::start(sandbox.cast(masked("echo ready; cat; echo ended")));
    terminal.sees("ready");
    terminal.types("one\r");
    terminal.sees("one\r\none");
    terminal.types("\x13two\r\x11");
    terminal.sees("two\r\ntwo");
    terminal.types("\x04");
    terminal.sees("ended");
    terminal.ends_with(0);
}

/// An outer terminal with modes of its own, as a shell's line editor leaves it.
#[test]
fn odd_modes_of_the_outer_terminal_come_back() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    let mut modes = terminal.modes();
    modes.local_modes.remove(LocalModes::ECHOCTL);
    modes.special_codes[SpecialCodeIndex::VERASE] = 0x08;
    terminal.set_modes(&modes);
    terminal.types("$CAST run --mask a -- sh -c 'stty erase ^A; echo do''ne'\r");
    terminal.sees("done");
    terminal.sees("shell> ");
    crate::terminal::assert_same_modes(&modes, &terminal.modes());
    assert_eq!(terminal.modes().special_codes[SpecialCodeIndex::VERASE], 0x08);
    terminal.types("exit\r");
    terminal.ends();
}
