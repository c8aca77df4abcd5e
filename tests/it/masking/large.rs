//! Values too large for tables of all their encodings are masked as they are, in bounded memory, and `--explain` says
//! so.

use crate::sandbox::Sandbox;

/// 100 MB of address space and 5 s of CPU time.
const LIMITS: &str = "ulimit -v 102400; ulimit -t 5";

/// Half a megabyte of lines, each of them a secret by itself.
fn lines(seed: usize) -> String {
    (0..3_000).map(|line| format!("line-{seed}-{line:06}-hunter2")).collect::<Vec<_>>().join("\n") + "\n"
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("a", &[("SMALL", "hunter2-hunter2-small")]);
    for seed in 1..=7 {
        sandbox.cast(["set", "a", &format!("LARGE_{seed}")]).input(lines(seed)).succeeds();
    }
    sandbox
}

#[test]
fn explain_says_which() {
    let sandbox = sandbox();
    let explained = sandbox.cast_after(LIMITS, ["run", "a", "--explain"]).succeeds().out;
    let row = |key: &str| explained.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(row("SMALL").contains("yes"), "{explained}");
    for seed in 1..=7 {
        let row = row(&format!("LARGE_{seed} "));
        assert!(row.contains("as it is or escaped, not in base64 or hexadecimal: over 64 KiB of secrets"), "{row}");
    }
}

#[test]
fn they_are_masked_as_they_are() {
    let sandbox = sandbox();
    let print = "printf '%s|%s' \"$LARGE_3\" \"$SMALL\"; printf '%s' \"$SMALL\" | base64";
    let run = sandbox.cast_after(LIMITS, ["run", "a", "--", "sh", "-c", print]).succeeds();
    run.says_nothing_of(&["hunter2", "aHVudGVyMi1odW50ZXIyLXNtYWxs"]);
    assert!(
        run.out.contains("[cast:LARGE_3]") && run.out.contains("[cast:SMALL]"),
        "{}",
        &run.out[..200.min(run.out.len())]
    );
}

#[test]
fn what_cannot_be_started_costs_nothing() {
    // More than the kernel takes for a program, found before a plan is made.
    let sandbox = sandbox();
    for seed in 8..=40 {
        sandbox.cast(["set", "a", &format!("LARGE_{seed}")]).input(lines(seed)).succeeds();
    }
    let refused = sandbox.cast_after(LIMITS, ["run", "a", "--", "touch", "started"]).run();
    assert!([125, 126].contains(&refused.code) && !sandbox.home().join("started").exists(), "{refused:?}");
    refused.says_nothing_of(&["hunter2"]);
}
