//! What git shows of a vault: a line for each secret, never a value.

use super::{SECRETS, two_machines};

#[test]
fn a_diff_shows_which_secrets_changed() {
    let Some([here, _]) = two_machines() else { return };
    here.set("T_SHORT", "hunter2");
    here.commit("short");
    here.set("T_ONE", "hunter2-here");
    here.cast(&["set", "a", "T_TWO", "--keep", "--unmasked"]).succeeds();
    here.cast(&["secrets", "delete", "a", "T_SHORT"]).succeeds();
    here.set("T_NEW", "hunter2-new");
    let shown = here.gits(&["diff"]).out;
    let lines: Vec<_> = shown.lines().filter(|line| line.starts_with(['+', '-']) && line.contains("  ")).collect();
    let starts = |line: &str, start: &str| line.starts_with(&format!("{start}  20"));
    assert_eq!(lines.len(), 6, "{shown}");
    for (line, start) in lines.iter().zip(["+T_NEW", "-T_ONE", "-T_SHORT", "-T_TWO", "+T_ONE", "+T_TWO"]) {
        assert!(
            shown.contains('#') && (starts(line, start) || lines.iter().any(|line| starts(line, start))),
            "{shown}"
        );
    }
    let find = |start: &str| *lines.iter().find(|line| line.starts_with(start)).unwrap();
    let fingerprint = |line: &str| line.rsplit_once('#').map(|(_, digits)| digits.to_owned());
    // A value that stays keeps its fingerprint, another one has another; of a short one there is none.
    assert_eq!(fingerprint(find("-T_TWO")), fingerprint(find("+T_TWO")));
    assert_ne!(fingerprint(find("-T_ONE")), fingerprint(find("+T_ONE")));
    assert_eq!(fingerprint(find("-T_SHORT")), None);
    assert!(find("+T_TWO").contains("  unmasked  #"), "{shown}");
    here.commit("all");
    for words in [&["log", "-p", "-1"][..], &["show"], &["blame", "vaults/a.age"]] {
        let out = here.gits(words).out;
        assert!(out.contains("T_ONE  20") && out.contains("agent keys of epoch 1"), "{out}");
    }
    let revoked = here.cast(&["key", "revoke", "--agent", "a"]).run();
    assert_eq!(revoked.code, 0, "{revoked:?}");
    assert!(here.gits(&["diff"]).out.contains("\n-agent keys of epoch 1\n+agent keys of epoch 2\n"));
}

/// The same value under another name, or in another vault, has another fingerprint.
#[test]
fn a_fingerprint_is_for_one_name_in_one_vault() {
    let Some([here, _]) = two_machines() else { return };
    here.set("T_SAME", "hunter2-one");
    here.cast(&["set", "b", "T_ONE", "hunter2-one"]).succeeds();
    here.commit("more");
    let shown = here.gits(&["show", "HEAD:vaults/a.age", "--textconv"]).out
        + &here.gits(&["show", "HEAD:vaults/b.age", "--textconv"]).out;
    let mut fingerprints: Vec<_> = shown.lines().filter_map(|line| Some(line.rsplit_once('#')?.1)).collect();
    let count = fingerprints.len();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert!(count == 4 && fingerprints.len() == 4, "{shown}");
}

#[test]
fn what_does_not_verify_is_said() {
    let Some([here, _]) = two_machines() else { return };
    std::fs::write(here.file(), b"no vault at all").unwrap();
    let shown = here.gits(&["diff"]);
    assert!(shown.out.contains("+cast: this state does not verify with the key at hand\n"), "{shown:?}");
    shown.says_nothing_of(&SECRETS);
    // No note of having seen anything, and no line in the log.
    let log = here.sandbox.audit_log();
    here.gits(&["diff"]);
    assert_eq!(here.sandbox.audit_log(), log);
}
