//! The hidden prompt for a value, on a real terminal: it shows nothing that the user types or pastes, all of it
//! arrives, and the terminal is afterwards as before.

use std::os::unix::process::ExitStatusExt;

use rustix::process::{Signal, kill_process};

use crate::sandbox::Sandbox;
use crate::terminal::{AND_STAY, Terminal, assert_same_modes};

const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFakeFakeFake\nsecondline+/=\n-----END PRIVATE KEY-----\n";

/// Asks for `OPENAI_API_KEY`, ready to be typed at.
#[track_caller]
fn asked(sandbox: &Sandbox) -> Terminal {
    let mut terminal = Terminal::start(sandbox.cast(["set", "my-agent", "OPENAI_API_KEY"]));
    ready(&mut terminal);
    terminal
}

#[track_caller]
fn ready(terminal: &mut Terminal) {
    terminal.sees("Enter value for OPENAI_API_KEY:");
    terminal.hides_input();
    let shown = terminal.text();
    assert!(shown.contains("\x1b[?2004h"), "no bracketed paste: {shown:?}");
}

/// Types `keys` at the prompt; the value must be `expected`, and no part of it may show.
#[track_caller]
fn check(keys: &str, expected: &str) {
    let sandbox = Sandbox::new();
    let mut terminal = asked(&sandbox);
    terminal.types(keys);
    let shown = terminal.ends_with(0);
    assert!(shown.contains(" Secret 'OPENAI_API_KEY' set for agent 'my-agent'"), "{shown:?}");
    assert!(shown.contains("\x1b[?2004l"), "bracketed paste stays on: {shown:?}");
    for part in expected.lines().filter(|part| part.len() > 3) {
        assert!(!shown.contains(&part[..part.len().min(40)]), "shown: {shown:?}");
    }
    // No hint about the history, which does not have the value.
    assert!(!shown.contains("history"), "{shown:?}");
    let value = String::from_utf8(sandbox.value("my-agent", "OPENAI_API_KEY")).unwrap();
    assert!(value == expected, "{} bytes of {}: {:.200}", value.len(), expected.len(), value);
}

fn pasted(text: &str) -> String {
    format!("\x1b[200~{}\x1b[201~", text.replace('\n', "\r"))
}

#[test]
fn typed() {
    check("sk-live-abc\r", "sk-live-abc");
    check("line feed is Enter\n", "line feed is Enter");
    check("  blanks stay \r", "  blanks stay ");
    check("clé-日本語-🔑-long\r", "clé-日本語-🔑-long");
    check("tab\tstays\r", "tab\tstays");
}

#[test]
fn corrected() {
    check("sk-live-xyz\x7f\x7f\x7fabc\r", "sk-live-abc");
    check("sk-live-x\x08abc\r", "sk-live-abc");
    check("wrong-word\x15sk-live-abc\r", "sk-live-abc");
    check("sk-live-é\x7fabc\r", "sk-live-abc");
    check("\x7f\x7f\x15sk-live-abc\r", "sk-live-abc");
}

#[test]
fn nothing_typed_is_nothing_set() {
    let sandbox = Sandbox::with("my-agent", &[("OPENAI_API_KEY", "sk-live-abc")]);
    for typed in ["\r", "x\x7f\r"] {
        let before = sandbox.snapshot();
        let mut terminal = asked(&sandbox);
        terminal.types(typed);
        let shown = terminal.ends_with(2);
        assert!(shown.contains("no value was entered") && shown.contains("KEY \"\"'"), "{shown:?}");
        assert!(sandbox.snapshot() == before);
    }
}

#[test]
fn pasted_in_brackets() {
    check(&(pasted("sk-live-abc") + "\r"), "sk-live-abc");
    // The line ending of a one-line paste does not belong to a token.
    check(&(pasted("sk-live-abc\n") + "\r"), "sk-live-abc");
    check(&(pasted(PEM) + "\r"), PEM);
    check(&(pasted("{\n  \"type\": \"service_account\"\n}\n") + "\r"), "{\n  \"type\": \"service_account\"\n}\n");
    check(&("sk-".to_owned() + &pasted("live") + "-abc\r"), "sk-live-abc");
    check("\x1b[200~dos\r\nlines\r\n\x1b[201~\r", "dos\nlines\n");
}

#[test]
fn a_key_pasted_without_brackets() {
    // Also as long as an RSA key of 4,096 bits: more than a terminal delivers at once.
    let line = format!("{}\n", "a+/".repeat(21));
    let long = format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", line.repeat(51));
    for key in [PEM, &long] {
        let sandbox = Sandbox::new();
        let mut terminal = asked(&sandbox);
        terminal.types(key.replace('\n', "\r"));
        let shown = terminal.ends_with(0);
        assert!(!shown.contains("secondline") && !shown.contains("a+/"), "{shown:?}");
        let value = String::from_utf8(sandbox.value("my-agent", "OPENAI_API_KEY")).unwrap();
        assert_eq!(value.trim_end(), key.trim_end());
    }
}

#[test]
fn a_hundred_thousand_characters_pasted() {
    let long: String = ('!'..='~').cycle().take(100_000).collect();
    check(&(pasted(&long) + "\r"), &long);
}

#[test]
fn a_hundred_thousand_characters_typed() {
    let long: String = ('!'..='~').cycle().take(100_000).collect();
    check(&(long.clone() + "\r"), &long);
}

#[test]
fn a_refused_value_is_not_shown() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    let mut terminal = asked(&sandbox);
    terminal.types(pasted(&"sk-live-".repeat(16_400)) + "\r");
    let shown = terminal.ends_with(2);
    assert!(shown.contains("cast: error: ") || shown.contains("error:"), "{shown:?}");
    assert!(!shown.contains("sk-live"), "{shown:?}");
    assert!(sandbox.snapshot() == before);
}

#[test]
fn ctrl_c_leaves_nothing() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    for typed in ["", "sk-live-abc"] {
        let mut terminal = asked(&sandbox);
        terminal.types(format!("{typed}\x03"));
        let (status, shown) = terminal.ends();
        assert_eq!(status.signal(), Some(2), "{status}: {shown:?}");
        assert!(!shown.contains("sk-live"), "{shown:?}");
        assert!(sandbox.snapshot() == before);
    }
}

#[test]
fn the_terminal_is_left_as_it_was() {
    let sandbox = Sandbox::new();
    // The keys, and the exit code that a shell sees.
    for (typed, code) in [("sk-live-abc\r", 0), ("sk-live-abc\x03", 130)] {
        let mut terminal = Terminal::start_in_shell(
            sandbox.cast(["set", "my-agent", "OPENAI_API_KEY"]),
            // Ctrl-C is for the shell, too.
            &format!("trap : INT; echo be''fore; read -r _; {AND_STAY}"),
        );
        terminal.sees("before");
        let before = terminal.modes();
        terminal.types("\r");
        ready(&mut terminal);
        assert_ne!(terminal.modes().local_modes, before.local_modes);
        terminal.types(typed);
        terminal.sees(&format!("[ended with {code}]"));
        assert_same_modes(&before, &terminal.modes());
        terminal.types("\r");
        let shown = terminal.ends_with(0);
        assert!(shown.contains("\x1b[?2004l") && !shown.contains("sk-live"), "{shown:?}");
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let script = r#"ulimit -c 0; echo be''fore; read -r _
            sh -c 'echo "[pid $$]"; exec "$@"' sh "$@"; echo "[ended with $?]"; read -r _"#;
        let mut terminal = Terminal::start_in_shell(sandbox.cast(["set", "my-agent", "OPENAI_API_KEY"]), script);
        terminal.sees("before");
        let modes = terminal.modes();
        terminal.types("\r");
        terminal.sees("[pid ");
        ready(&mut terminal);
        let shown = terminal.text();
        let pid = shown.split("[pid ").nth(1).unwrap().split(']').next().unwrap().parse().unwrap();
        kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
        terminal.sees(&format!("[ended with {}]", 128 + signal.as_raw()));
        assert_same_modes(&modes, &terminal.modes());
        terminal.types("\r");
        let shown = terminal.ends_with(0);
        assert!(shown.contains("\x1b[?2004l"), "{shown:?}");
        assert!(sandbox.snapshot() == before);
    }
}

#[test]
fn nobody_is_asked_where_nobody_would_see_the_question() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    let terminal = Terminal::start_in_shell(sandbox.cast(["set", "my-agent", "OPENAI_API_KEY"]), "exec \"$@\" 2>said");
    let shown = terminal.ends_with(2);
    assert_eq!(shown, "");
    let said = std::fs::read_to_string(sandbox.home().join("said")).unwrap();
    assert!(said.starts_with("cast: error: ") && said.contains("cast: hint: "), "{said}");
    assert!(said.contains("standard input") || said.contains("VALUE"), "what to give: {said}");
    std::fs::remove_file(sandbox.home().join("said")).unwrap();
    assert!(sandbox.snapshot() == before);
}

#[test]
fn a_value_as_a_word_on_a_terminal_is_in_the_history() {
    let sandbox = Sandbox::new();
    let shown = Terminal::start(sandbox.cast(["set", "my-agent", "K", "sk-live-abc"])).ends_with(0);
    assert!(shown.contains("hint:") && shown.contains("history"), "{shown:?}");
    assert!(!shown.contains("sk-live"), "{shown:?}");
    // Colours on a terminal, none with NO_COLOR, and no hint with `-q`.
    assert!(shown.contains("\x1b[32m"), "{shown:?}");
    let plain = Terminal::start(sandbox.cast(["set", "my-agent", "K", "v"]).env("NO_COLOR", "1")).ends_with(0);
    assert!(!plain.contains('\x1b') && plain.contains("history"), "{plain:?}");
    let quiet = Terminal::start(sandbox.cast(["set", "-q", "my-agent", "K", "v"])).ends_with(0);
    assert_eq!(quiet, "");
    let nobody = sandbox.cast(["set", "my-agent", "K", "v"]).succeeds();
    assert!(!nobody.err.contains("history"), "{nobody:?}");
}

#[test]
fn what_is_no_text_is_refused_rather_than_changed() {
    let sandbox = Sandbox::new();
    let before = sandbox.snapshot();
    let mut terminal = asked(&sandbox);
    terminal.types(b"\x1b[200~bad\xff\xfeabc\x1b[201~\r");
    let shown = terminal.ends_with(2);
    assert!(shown.contains("not valid UTF-8") && !shown.contains("abc"), "{shown:?}");
    assert!(sandbox.snapshot() == before);
}
