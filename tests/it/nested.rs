//! A run within a run: the inner one drops what the outer one injected, as long as it still is the outer's.

use std::collections::BTreeMap;
use std::fs;

use crate::sandbox::{CAST, Outcome, Sandbox};
use crate::terminal::Terminal;

const OUTER: &str = "sk-outer-0123456789";
const INNER: &str = "sk-inner-0123456789";

/// `outer` has OUTER, BOTH and a plain setting; `inner` has INNER and BOTH; `third` has THIRD.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("outer", &[("OUTER", OUTER), ("BOTH", "both-of-the-outer")]);
    sandbox.cast(["set", "outer", "PLAIN", "--unmasked", "https://example.com/api"]).succeeds();
    sandbox.set("inner", "INNER", INNER);
    sandbox.set("inner", "BOTH", "both-of-the-inner");
    sandbox.set("third", "THIRD", "third-0123456789");
    sandbox
}

/// Runs a script of the outer CMD, in which `$CAST` is cast.
fn outer(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    let script = format!("CAST='{CAST}'; {script}");
    let words = ["run", "outer"].into_iter().chain(options.iter().copied()).chain(["--", "sh", "-c", &script]);
    sandbox.cast(words).succeeds()
}

/// What writes the environment to a file, so that no stream is involved.
const SEE: &str = "sh -c 'env >seen'";

fn seen(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let text = fs::read_to_string(sandbox.home().join("seen")).unwrap();
    fs::remove_file(sandbox.home().join("seen")).unwrap();
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

/// The names that the inner CMD has, of those that a vault of the sandbox or `more` has.
#[track_caller]
fn check(sandbox: &Sandbox, options: &[&str], script: &str, expected: &[(&str, &str)]) {
    outer(sandbox, options, script);
    let mut seen = seen(sandbox);
    seen.retain(|name, _| ["OUTER", "INNER", "BOTH", "PLAIN", "THIRD"].contains(&name.as_str()));
    let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(seen, expected, "{options:?} {script}");
}

const OWN: [(&str, &str); 2] = [("BOTH", "both-of-the-inner"), ("INNER", INNER)];

#[test]
fn the_inner_cmd_gets_nothing_of_the_outer() {
    let sandbox = sandbox();
    // cast as the parent of the outer CMD, as the CMD itself, and with little else in the environment.
    for options in [&[][..], &["--no-mask"], &["--clean-env"]] {
        check(&sandbox, options, &format!("$CAST run inner -- {SEE}"), &OWN);
        check(&sandbox, options, &format!("$CAST run inner --no-mask -- {SEE}"), &OWN);
        check(&sandbox, options, &format!("$CAST run inner --except BOTH -- {SEE}"), &OWN[1..]);
        check(&sandbox, options, &format!("OUTER=$OUTER $CAST run inner --clean-env -- {SEE}"), &OWN);
    }
    // On a terminal.
    let script = format!("'{CAST}' run inner -- {SEE}");
    Terminal::start(sandbox.cast(["run", "outer", "--", "sh", "-c", &script])).ends_with(0);
    assert!(!seen(&sandbox).contains_key("OUTER"));
}

#[test]
fn a_variable_with_another_value_is_the_caller_s() {
    let sandbox = sandbox();
    let with = |more: &[(&'static str, &'static str)]| [&OWN[..], more].concat();
    for (set, expected) in [
        ("OUTER=x", with(&[("OUTER", "x")])),
        ("OUTER=", with(&[("OUTER", "")])),
        ("OUTER=$OUTER.", with(&[("OUTER", "sk-outer-0123456789.")])),
        // The value of another of the outer's variables.
        ("OUTER=$BOTH", with(&[("OUTER", "both-of-the-outer")])),
        ("OUTER=\"$OUTER\"", with(&[])),
        ("BOTH=x", with(&[])),
        ("PLAIN=\"$OUTER\"", with(&[("PLAIN", OUTER)])),
        // A copy under another name cannot be told from any other variable.
        ("THIRD=$OUTER", with(&[("THIRD", OUTER)])),
    ] {
        check(&sandbox, &["--no-mask"], &format!("{set} $CAST run inner -- {SEE}"), &expected);
    }
    // The caller's own, of a name that the outer run replaced, is gone as it was in the outer CMD.
    let call = sandbox.cast(["run", "outer", "--", "sh", "-c", &format!("'{CAST}' run inner -- {SEE}")]);
    call.env("OUTER", "of-the-caller").succeeds();
    assert!(!seen(&sandbox).contains_key("OUTER"));
}

#[test]
fn what_is_kept_is_masked() {
    let sandbox = sandbox();
    let kept =
        [("BOTH", "both-of-the-inner"), ("INNER", INNER), ("OUTER", OUTER), ("PLAIN", "https://example.com/api")];
    for options in ["--inherit-secrets", "--inherit-secrets --clean-env", "--inherit-secrets --no-mask"] {
        check(&sandbox, &["--no-mask"], &format!("$CAST run inner {options} -- {SEE}"), &kept);
    }
    let print = "sh -c 'echo $OUTER $INNER $BOTH $PLAIN; printf %s $OUTER | base64'";
    let said = outer(&sandbox, &["--no-mask"], &format!("$CAST run inner --inherit-secrets -- {print}"));
    assert_eq!(said.out, "[cast:OUTER] [cast:INNER] [cast:BOTH] https://example.com/api\n[cast:OUTER]==\n");
    // Its own value comes first, and what the caller changed is not the outer's.
    let script = "OUTER=x $CAST run inner --inherit-secrets -- sh -c 'echo $OUTER $BOTH'";
    assert_eq!(outer(&sandbox, &["--no-mask"], script).out, "x [cast:BOTH]\n");
    // The log has what is the agent's.
    let log = sandbox.audit_log();
    let last = log.lines().rfind(|line| line.contains("\"agent\":\"inner\"")).unwrap();
    assert!(last.contains("[\"BOTH\",\"INNER\"]"), "{last}");
    // Outside of any run there is nothing to keep.
    let said = sandbox.cast(["run", "inner", "--inherit-secrets", "--", "sh", "-c", "echo ${OUTER-none}"]).succeeds();
    assert_eq!(said.out, "none\n");
}

#[test]
fn nor_what_the_outer_of_the_outer_injected() {
    let sandbox = sandbox();
    let third = [("THIRD", "third-0123456789")];
    let script = |options: &str| format!("$CAST run inner {options} -- '{CAST}' run third -- {SEE}");
    for options in
        ["", "--no-mask", "--inherit-secrets", "--inherit-secrets --no-mask", "--inherit-secrets --clean-env"]
    {
        check(&sandbox, &[], &script(options), &third);
        check(&sandbox, &["--no-mask"], &script(options), &third);
    }
    // Where the inner run injects nothing, the list of the outer one does not go along.
    let script = format!("$CAST run inner --except INNER,BOTH -- '{CAST}' run third -- {SEE}");
    check(&sandbox, &["--no-mask"], &script, &third);
}

#[test]
fn the_variable_and_what_it_tells() {
    let sandbox = sandbox();
    let list = |words: &[&str]| {
        sandbox.cast(words.iter().copied().chain(["--", "sh", "-c", "env >seen"])).succeeds();
        seen(&sandbox).remove("CAST_INJECTED")
    };
    let first = list(&["run", "outer"]).unwrap();
    let (salt, entries) = first.split_once(':').unwrap();
    assert!(salt.len() == 44 && salt.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
    let parts: Vec<Vec<&str>> = entries.split(',').map(|entry| entry.split(':').collect()).collect();
    let names: Vec<_> = parts.iter().map(|entry| entry[0]).collect();
    assert_eq!(names, ["BOTH", "OUTER", "PLAIN"]);
    let is_digest = |text: &str| text.len() == 8 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    assert!(parts.iter().all(|entry| is_digest(entry[1])), "{first}");
    assert_eq!((parts[0].len(), parts[1].len(), &parts[2][2..]), (2, 2, &["unmasked"][..]));
    // Another run has another salt, and so other digests.
    let second = list(&["run", "outer", "--no-mask"]).unwrap();
    assert!(!second.contains(salt) && !second.contains(parts[1][1]), "{first} {second}");
    assert_eq!(list(&["run", "outer", "--except", "OUTER,BOTH,PLAIN"]), None);
    // A log that is masked has no salt, with which its reader could test guesses of a value.
    for print in ["env", "sh -c 'echo $CAST_INJECTED'", "sh -c 'echo CAST_INJECTED=$CAST_INJECTED | base64 -w0'"] {
        let script = format!("'{CAST}' run outer -- sh -c 'env >seen; exec \"$@\"' sh {print}");
        let said = sandbox.other("sh", ["-c", &script]).succeeds().out;
        let list = seen(&sandbox).remove("CAST_INJECTED").unwrap();
        let salt = &list[..44];
        assert!(said.contains("[cast:CAST_INJECTED]") && !said.contains(salt), "{said}");
    }
}

#[test]
fn the_list_alone_is_nothing_to_mask() {
    let sandbox = Sandbox::with("a", &[("K", "true"), ("N", "3000")]);
    let outcome = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $PPID $CAST_INJECTED"]).succeeds();
    let (parent, list) = outcome.out.split_once(' ').unwrap();
    // cast became CMD, whose parent is this process.
    assert_eq!(parent, std::process::id().to_string());
    assert!(list.len() > 22 && !list.contains("[cast:"), "{list}");
}

#[test]
fn what_every_program_needs_stays() {
    let sandbox = Sandbox::with("inner", &[("INNER", INNER)]);
    let path = std::env::var("PATH").unwrap() + ":/outer";
    for (key, value) in [("PATH", path.as_str()), ("TERM", "outer"), ("LC_TIME", "C"), ("TOKEN", OUTER)] {
        sandbox.cast(["set", "outer", key, "--allow-dangerous-name", "--", value]).succeeds();
    }
    outer(&sandbox, &["--no-mask"], &format!("$CAST run inner -- {SEE}"));
    let seen = seen(&sandbox);
    assert_eq!((&*seen["PATH"], &*seen["TERM"], &*seen["LC_TIME"]), (&*path, "outer", "C"));
    assert!(!seen.contains_key("TOKEN"));
}

#[test]
fn a_forged_list_changes_nothing() {
    let sandbox = sandbox();
    let path = std::env::var("PATH").unwrap();
    for list in [
        "",
        "x",
        ":",
        "abcdefghijklmnopqrstuv:PATH:00000000,HOME:00000000,EXTRA:00000000",
        "abcdefghijklmnopqrstuv:EXTRA:",
        "abcdefghijklmnopqrstuv:EXTRA",
        "PATH:HOME:EXTRA",
        "\u{1b}[31m:EXTRA:\u{7f}",
        &",".repeat(120_000),
        &"abcdefghijklmnopqrstuv:A:0,".repeat(4_000),
    ] {
        for name in ["CAST_INJECTED", "CAST_INJECTED_2"] {
            let call = sandbox.cast(["run", "inner", "--", "sh", "-c", "env >seen"]).env(name, list);
            let outcome = call.env("EXTRA", "extra").succeeds();
            assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", ""));
            let seen = seen(&sandbox);
            assert_eq!((&*seen["EXTRA"], &*seen["PATH"], &*seen["INNER"]), ("extra", &*path, INNER), "{list:.80}");
            // It does not go along.
            assert!(!seen.contains_key("CAST_INJECTED_2") && seen["CAST_INJECTED"] != list, "{list:.80}");
            let explained = sandbox.cast(["run", "inner", "--explain", "--json"]).env(name, list).succeeds().out;
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&explained).unwrap()["dropped"],
                serde_json::json!([])
            );
        }
    }
    // Not text.
    let bytes = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff:EXTRA:00000000");
    sandbox.cast(["run", "inner", "--", "true"]).env("CAST_INJECTED", bytes).succeeds();
    for key in ["CAST_INJECTED", "CAST_INJECTED_2"] {
        sandbox.cast(["set", "inner", key, INNER]).refuses(2, "names beginning with 'CAST_' are reserved", &[INNER]);
    }
}

#[test]
fn explain_says_so() {
    let sandbox = sandbox();
    let explain = |options: &str| outer(&sandbox, &["--no-mask"], &format!("$CAST run inner --explain {options}")).out;
    let table = explain("");
    assert!(
        table.contains("\nNot passed on from an outer 'cast run': OUTER, PLAIN ('--inherit-secrets' keeps them)\n")
    );
    let row = |table: &str, name: &str| {
        let row = table.lines().find(|line| line.split(' ').next() == Some(name));
        row.unwrap_or_else(|| panic!("{name}: {table}")).to_owned()
    };
    assert!(!row(&table, "BOTH").contains("caller"), "{table}");
    let kept = explain("--inherit-secrets");
    assert!(!kept.contains("Not passed on") && row(&kept, "OUTER").contains("an outer run"), "{kept}");
    assert!(row(&kept, "PLAIN").contains("no: set with '--unmasked'"), "{kept}");
    let json = |options: &str| serde_json::from_str::<serde_json::Value>(&explain(options)).unwrap();
    let without = json("--json");
    assert_eq!(without["dropped"], serde_json::json!(["OUTER", "PLAIN"]));
    let with = json("--json --inherit-secrets");
    assert_eq!(with["dropped"], serde_json::json!([]));
    let inherited = |whole: &serde_json::Value| -> Vec<String> {
        let lines = whole["secrets"].as_array().unwrap().iter().filter(|line| line["inherited"] == true);
        lines.map(|line| format!("{} {}", line["key"].as_str().unwrap(), line["masked"])).collect()
    };
    assert_eq!(inherited(&without), Vec::<String>::new());
    assert_eq!(inherited(&with), ["OUTER true", "PLAIN false"]);
    for said in [table, kept, without.to_string(), with.to_string()] {
        assert!(![OUTER, INNER, "both-of"].iter().any(|value| said.contains(value)), "{said}");
    }
}

/// `--check` counts what the agent itself has.
#[test]
fn what_is_kept_is_no_secret_of_the_agent() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join(".env.example"), "OUTER=\nINNER=\n").unwrap();
    let script = format!("'{CAST}' run inner --inherit-secrets --check -- touch started");
    let words = ["run", "outer", "--no-mask", "--", "sh", "-c", &script];
    sandbox.cast(words).refuses(125, "is missing 1 of the 2 secrets", &[OUTER, INNER]);
}
