//! A change that cast reports is on the disk: the order of the system calls of one change.

use super::faults::{injected, traced};
use crate::sandbox::{Sandbox, skip};

#[test]
fn on_disk_before_it_has_its_name_and_named_on_disk_before_it_is_said() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    std::fs::write(sandbox.home().join(".env"), "K=imported\nL=imported\n").unwrap();
    for words in [
        &["set", "a", "K", "next"][..],
        &["set", "new", "K", "v"],
        &["secrets", "import", "a", ".env"],
        &["secrets", "copy", "a", "other"],
        &["secrets", "rename", "a", "L", "M"],
        &["delete", "a", "K"],
    ] {
        let Some(calls) = traced(&sandbox, words) else { return skip("order of a change: strace does not work here") };
        let mut steps: Vec<&str> = calls
            .iter()
            .filter_map(|call| match call.name.as_str() {
                "fsync" | "fdatasync" => Some("fsync"),
                "rename" | "renameat" | "renameat2" => Some("rename"),
                "write" if call.line.contains("write(2, ") => Some("say"),
                "write" if call.line.contains("{\\\"time\\\"") => Some("note"),
                "write" | "pwrite64" => Some("write"),
                _ => None,
            })
            .collect();
        steps.dedup();
        // The vault, where it lies if that is new, and its record; cast does not wait for the list of states, the
        // names and the audit log.
        let replace = ["write", "fsync", "rename", "fsync"];
        let soon = ["write", "rename"];
        let is_new = ["new", "other"].iter().any(|agent| words.contains(agent));
        let written: Vec<_> = vec![&replace[..]; if is_new { 2 } else { 1 }].concat();
        // First it notes the state as its own, and takes room for the record.
        let expected: Vec<_> =
            [&soon[..], &soon.repeat(4), &written, &soon, &replace, &soon, &["note", "say"]].concat();
        assert_eq!(steps, expected, "{words:?}");
    }
}

#[test]
fn a_name_that_may_not_be_on_disk_is_not_said_to_be() {
    for (words, done) in [(&["set", "a", "K", "next"][..], "written"), (&["delete", "a", "--all", "--yes"], "removed")]
    {
        let sandbox = Sandbox::with("a", &[("K", "v")]);
        let Some(calls) = traced(&sandbox, words) else { return skip("fsync of a folder: strace does not work here") };
        sandbox.set("a", "K", "v");
        let named = |call: &str| call.starts_with("rename") || call.starts_with("unlink");
        let is_it = |call: &super::faults::Call| call.line.contains("a.age\"") && call.line.ends_with("= 0");
        let at = calls.iter().position(|call| named(&call.name) && is_it(call)).unwrap();
        let sync = calls[at..].iter().find(|call| call.name == "fsync").unwrap();
        let outcome = injected(&sandbox, words, sync, "error=EIO");
        assert_eq!(outcome.code, 6, "{outcome:?}");
        assert!(outcome.err.contains(&format!("{done}, but not confirmed durable: ")), "{outcome:?}");
        assert!(outcome.err.contains("a.age") && outcome.err.contains("input/output error"), "{outcome:?}");
        assert!(!outcome.err.contains('✓'), "{outcome:?}");
        assert_eq!(sandbox.vault("a").exists(), done == "written");
    }
}

#[test]
fn a_removal_is_on_disk_before_it_is_said() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let Some(calls) = traced(&sandbox, &["delete", "a", "--all", "--yes"]) else {
        return skip("order of a removal: strace does not work here");
    };
    let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
    let at = |wanted: &[&str]| names.iter().position(|name| wanted.contains(name)).unwrap();
    let unlink = at(&["unlink", "unlinkat"]);
    let sync = unlink + names[unlink..].iter().position(|name| *name == "fsync").unwrap();
    let said = calls.iter().position(|call| call.line.contains("write(2, ")).unwrap();
    assert!(unlink < sync && sync < said, "{names:?}");
}
