//! `cast git setup`, and what `doctor` says where it is missing.

use std::fs;

use super::{SECRETS, two_machines};
use crate::advice::{told, typed};
use crate::sandbox::{CAST, Sandbox};

#[test]
fn attributes_are_added_once_and_others_stay() {
    let Some([here, there]) = two_machines() else { return };
    let attributes = here.vaults().join(".gitattributes");
    assert_eq!(fs::read_to_string(&attributes).unwrap(), "*.age diff=cast merge=cast\n");
    fs::write(&attributes, "*.txt text").unwrap();
    let done = here.cast(&["git", "setup"]).succeeds();
    assert!(done.err.contains("for other clones, commit"), "{done:?}");
    assert_eq!(fs::read_to_string(&attributes).unwrap(), "*.txt text\n*.age diff=cast merge=cast\n");
    let again = here.cast(&["git", "setup"]).succeeds();
    assert!(!again.err.contains("commit"), "{again:?}");
    let settings = here.gits(&["config", "--local", "--get-regexp", "^(diff|merge)\\.cast\\."]).out;
    let program = CAST;
    assert_eq!(
        settings,
        format!(
            "diff.cast.textconv '{program}' git textconv\ndiff.cast.cachetextconv false\n\
             merge.cast.name vaults of cast, secret by secret\n\
             merge.cast.driver '{program}' git merge %O %A %B %P %X %Y\n"
        )
    );
    // A clone has the attributes, and not the programs.
    assert_eq!(there.cast(&["doctor"]).succeeds().code, 0);
    there.gits(&["config", "--local", "--remove-section", "merge.cast"]);
    let found = there.cast(&["doctor"]).run();
    assert!(found.code == 1 && found.out.contains("does not know how to show and merge vaults"), "{found:?}");
    told(&found, "set it up: 'cast git setup'");
    typed(&there.sandbox, "cast git setup").env("CAST_VAULTS", there.vaults()).succeeds();
    assert_eq!(there.cast(&["doctor"]).run().code, 0);
}

#[test]
fn only_in_a_work_tree() {
    let sandbox = Sandbox::with("a", &[("K", SECRETS[0])]);
    let refused = sandbox.cast(["git", "setup"]).refuses(2, "the vaults are in no git work tree", &SECRETS);
    told(&refused, "to keep them in one: 'export CAST_VAULTS=\"$PWD/vaults\"', in the work tree");
}

#[test]
fn a_link_in_the_place_of_the_attributes_is_not_followed() {
    let Some([here, _]) = two_machines() else { return };
    let attributes = here.vaults().join(".gitattributes");
    let victim = here.sandbox.home().join("victim");
    fs::write(&victim, "mine").unwrap();
    fs::remove_file(&attributes).unwrap();
    std::os::unix::fs::symlink(&victim, &attributes).unwrap();
    here.cast(&["git", "setup"]).refuses(6, "it is a link to", &SECRETS);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}
