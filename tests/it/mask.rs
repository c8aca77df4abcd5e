//! `cast mask`: a filter that writes what `cast run` would write.

mod refused;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::sandbox::{Outcome, Sandbox};
use crate::supervise::process::{Running, until};
use crate::supervise::{SECRET, bash, has, sandbox};

fn mask(sandbox: &Sandbox, words: &[&str], input: &str) -> Outcome {
    sandbox.cast(["mask"].iter().chain(words)).input(input).succeeds()
}

#[test]
fn it_writes_what_run_would_write() {
    let value = "hunter2-\u{e9}\"hunter2";
    let sandbox = Sandbox::with("a", &[("K", SECRET), ("L", value), ("PIN", "ab-12"), ("PLAIN", "true")]);
    sandbox.set("builtin", "SHARED", "shared-0123456789");
    sandbox.set("builtin", "K", "builtin-of-the-same-name");
    sandbox.cast(["set", "a", "URL", "--unmasked", "https://example.com/api"]).succeeds();
    let log = sandbox.home().join("log");
    let base64 = sandbox.other("base64", ["-w0"]).input(SECRET).succeeds().out;
    let json = serde_json::to_string(value).unwrap();
    let large = format!("{}{SECRET}{}", "x".repeat((64 << 10) - 7), format!("{SECRET}\n").repeat(20_000));
    for bytes in [
        Vec::new(),
        format!("a {SECRET} b\n{base64} {json} ab-12 shared-0123456789 https://example.com/api true").into_bytes(),
        [&b"\0\xff\xfe"[..], SECRET.as_bytes(), b"\xc3"].concat(),
        b"the built-in one that the agent's replaces: builtin-of-the-same-name".to_vec(),
        SECRET[..SECRET.len() - 1].into(),
        SECRET[..7].into(),
        large.into_bytes(),
    ] {
        fs::write(&log, &bytes).unwrap();
        for options in [&[][..], &["--no-builtin"], &["--marker=fixed"]] {
            let run = sandbox.cast([&["run", "a"], options, &["--", "cat", "log"]].concat()).output();
            let mask = sandbox.cast([&["mask", "a"], options].concat()).input(&bytes).output();
            assert!(run.stdout == mask.stdout, "{options:?} {:.200}", String::from_utf8_lossy(&mask.stdout));
            assert_eq!((mask.status.code(), mask.stderr.as_slice()), (Some(0), &b""[..]));
        }
    }
    let said = mask(&sandbox, &["a"], &format!("{SECRET} {base64} {json} ab-12 shared-0123456789\n"));
    assert_eq!(said.out, "[cast:K] [cast:K] \"[cast:L]\" [cast:PIN] [cast:SHARED]\n");
}

#[test]
fn the_secrets_of_several_agents() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    sandbox.set("b", "K", "another-0123456789");
    sandbox.set("c", "K", "third-0123456789");
    sandbox.set("builtin", "SHARED", "shared-0123456789");
    let text = format!("{SECRET} another-0123456789 third-0123456789 shared-0123456789");
    for (words, expected) in [
        (&["a", "b"][..], "[cast:K] [cast:K] third-0123456789 [cast:SHARED]"),
        (&["b", "a", "b", "c"], "[cast:K] [cast:K] [cast:K] [cast:SHARED]"),
        (&["c", "--no-builtin"], &format!("{SECRET} another-0123456789 [cast:K] shared-0123456789")),
        (&["builtin"], &format!("{SECRET} another-0123456789 third-0123456789 [cast:SHARED]")),
        (&["a", "b", "--marker", "fixed"], "[cast:K**********] [cast:K**********] third-0123456789 [cast:SHARED****]"),
    ] {
        let outcome = mask(&sandbox, words, &text);
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), (expected, ""), "{words:?}");
    }
}

#[test]
fn an_agent_key_serves_its_own_vault() {
    let sandbox = sandbox();
    let key = crate::forge::grant_of(&sandbox, "a");
    let call = |words: &[&str]| sandbox.cast(["mask"].iter().chain(words)).env("CAST_KEY", &key).input(SECRET);
    let outcome = call(&["a"]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("[cast:K]", ""));
    sandbox.set("builtin", "SHARED", "shared-0123456789");
    let line = "cast: an agent key cannot open the built-in secrets; '--no-builtin' drops this line\n";
    for (words, expected) in [(&["a"][..], line), (&["a", "--no-builtin"], "")] {
        let outcome = call(words).succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("[cast:K]", expected));
    }
    sandbox.set("b", "K", "another-0123456789");
    for words in [&["b"][..], &["a", "b"], &["b", "a"], &["builtin"]] {
        let output = call(words).run();
        assert!(output.code == 5 || output.code == 4, "{output:?}");
        call(words).refuses(output.code, "", &[SECRET, "another-"]);
    }
}

#[test]
fn settings_do_not_switch_it_off() {
    let sandbox = sandbox();
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "mask = \"never\"\n").unwrap();
    assert_eq!(mask(&sandbox, &["a"], SECRET).out, "[cast:K]");
    // But they decide which agents have the built-in secrets.
    sandbox.set("builtin", "SHARED", "shared-0123456789");
    fs::write(&settings, "no_builtin = [\"a\"]\n").unwrap();
    assert_eq!(mask(&sandbox, &["a"], "shared-0123456789").out, "shared-0123456789");
    assert_eq!(mask(&sandbox, &["a", "builtin"], "shared-0123456789").out, "[cast:SHARED]");
}

#[test]
fn where_nothing_is_to_be_masked_everything_passes() {
    let sandbox = Sandbox::with("a", &[("K", "true")]);
    let text = "true\0\n".repeat(50_000);
    assert!(mask(&sandbox, &["a"], &text).out == text);
}

#[test]
fn what_cannot_be_a_secret_passes_at_once() {
    let sandbox = sandbox();
    let mut command = sandbox.cast(["mask", "a"]).command();
    command.stderr(Stdio::null());
    let mut cast = Running::start(command);
    for (heard, said) in [
        ("Login: ", "Login: "),
        (&format!("{SECRET}> ")[..], "[cast:K]> "),
        (&format!("a {SECRET}!"), "a [cast:K]!"),
        ("{\"id\":1}", "{\"id\":1}"),
    ] {
        cast.hears(heard);
        cast.says(said);
    }
    // The beginning of a secret waits for what follows.
    for (first, rest, said) in [(5, "!", "[cast:K]!"), (17, "?", "[cast:K]?")] {
        cast.hears(&SECRET[..first]);
        cast.hears(&SECRET[first..]);
        cast.hears(rest);
        cast.says(said);
    }
}

#[test]
fn a_reader_that_leaves_ends_it_as_it_ends_cat() {
    let sandbox = sandbox();
    for program in ["$CAST mask a", "cat"] {
        let script = format!("yes {SECRET} | {program} | head -n 1 >/dev/null; echo ${{PIPESTATUS[1]}}");
        assert_eq!(bash(&sandbox, &script), "141\n");
    }
}

#[test]
fn the_log_says_who_masked_with_which() {
    let sandbox = sandbox();
    sandbox.set("b", "L", "another-0123456789");
    sandbox.cast(["set", "b", "URL", "--unmasked", "https://example.com"]).succeeds();
    mask(&sandbox, &["a", "b"], "");
    let log = sandbox.audit_log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last: Vec<_> = lines.iter().rev().take(2).rev().collect();
    for (line, agent, key) in [(last[0], "a", "K"), (last[1], "b", "L")] {
        let found = (&line["action"], &line["agent"], &line["keys"], &line["result"]);
        let keys = serde_json::json!([key]);
        assert_eq!(found, (&"mask".into(), &agent.into(), &keys, &"started".into()), "{log}");
    }
    assert!(!log.contains(SECRET) && !log.contains("another-"));
    let table = sandbox.cast(["audit", "b"]).succeeds().out;
    assert!(table.lines().last().unwrap().contains("mask"), "{table}");
}

/// 100 MB of address space, and an input of twice that.
#[test]
fn memory_is_bounded_whatever_the_input() {
    let sandbox = sandbox();
    let limits = "ulimit -v 102400";
    for (source, bytes) in [
        ("head -c 209715200 /dev/zero".to_owned(), "209715200"),
        // One long line, and one find without end.
        (format!("yes {} | tr -d '\\n' | head -c 209715200", &SECRET[..12]), "209715200"),
        (format!("yes {SECRET} | head -c 20000000 | tr -d '\\n'"), ""),
    ] {
        let said = bash(&sandbox, &format!("({source}) | ({limits}; $CAST mask a; echo $? >code) | wc -c; cat code"));
        let (count, code) = said.trim().split_once('\n').unwrap();
        assert!(code == "0" && (bytes.is_empty() || count == bytes), "{source}: {said}");
    }
    let same = Sandbox::with("a", &[("K", "aaaaaaaaaaaa")]);
    let said = bash(&same, &format!("(yes a | tr -d '\\n' | head -c 20000000) | ({limits}; $CAST mask a)"));
    assert_eq!(said, "[cast:K]");
}

#[test]
fn it_ends_by_signals_as_any_filter() {
    let sandbox = sandbox();
    let mut cast = Running::cast(&sandbox, &["mask", "a"]);
    cast.hears("up\n");
    cast.says("up\n");
    crate::supervise::process::send(cast.pid(), rustix::process::Signal::TERM);
    assert_eq!(crate::supervise::process::code(cast.ends()), 143);
    if !has("python3", &["--version"]) {
        return;
    }
    // An input that never ends is not waited for once standard output is closed and something is to be written.
    let mut command = sandbox.cast(["mask", "a"]).command();
    let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(cast.stdout.take());
    let mut input = cast.stdin.take().unwrap();
    input.write_all(b"text\n").unwrap();
    let status = until("its end", || cast.try_wait().unwrap());
    assert_eq!(crate::supervise::process::code(status), 141);
}
