//! A secret that was masked in a file: a user who redirects a program's output may not expect that, so one line says
//! it. It never goes into a file that was masked.

use std::fs;

use crate::sandbox::Sandbox;
use crate::supervise::{SECRET, bash, sandbox};

const LINE: &str = "cast: hint: standard output is a file, and secrets in it were masked; to keep them: '--no-mask'\n";

#[test]
fn one_line_says_so() {
    let sandbox = sandbox();
    assert_eq!(bash(&sandbox, "$CAST run a -- printenv K >f; echo $?; cat f"), format!("{LINE}0\n[cast:K]\n"));
    // Many finds, one line; the exit code is CMD's.
    let many = "$CAST run a -- sh -c 'echo $K $K; echo $K; exit 3' >f; echo $?";
    assert_eq!(bash(&sandbox, many), format!("{LINE}3\n"));
    // Standard error as another file.
    assert_eq!(bash(&sandbox, "$CAST run a -- sh -c 'echo $K; echo err >&2' >f 2>e; cat e"), format!("err\n{LINE}"));
}

/// The end of a secret that is cut off is masked at the end of the stream.
#[test]
fn also_when_it_was_at_the_end() {
    let sandbox = sandbox();
    let begun = &SECRET[..SECRET.len() - 1];
    assert_eq!(bash(&sandbox, &format!("$CAST run a -- printf %s {begun} >f; cat f")), format!("{LINE}[cast:K]"));
}

#[test]
fn nothing_is_said_otherwise() {
    let sandbox = sandbox();
    for script in [
        "$CAST -q run a -- printenv K >f",
        "$CAST run a -q -- printenv K >f",
        "$CAST run a --no-mask -- printenv K >f",
        "$CAST run a -- echo no secret >f",
        "$CAST run a -- printenv K | cat >f",
        "$CAST run a -- printenv K >f 2>/dev/null",
        // The line would go into the file that was masked.
        "$CAST run a -- printenv K >f 2>&1",
        "$CAST run a -- printenv K >>f 2>>f",
        "$CAST run a -- sh -c 'echo $K >&2' 2>f",
    ] {
        fs::write(sandbox.home().join("f"), "").unwrap();
        assert_eq!(bash(&sandbox, script), "", "{script}");
        let file = fs::read_to_string(sandbox.home().join("f")).unwrap();
        assert!(!file.contains("hint"), "{script}: {file}");
    }
}

/// What no agent is to see is in no message.
#[test]
fn the_line_has_no_name_and_no_value() {
    let sandbox = Sandbox::with("a", &[("PAYROLL_TOKEN", "hunter2-hunter2")]);
    let said = bash(&sandbox, "$CAST run a -- printenv PAYROLL_TOKEN >f");
    assert_eq!(said, LINE);
}
