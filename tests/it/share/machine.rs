//! A second machine: the same master key, sealed to the card of the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{SECRET, answered, card, carry, fingerprint, owner, share, user};
use crate::advice::{told, typed};
use crate::forge::Key;
use crate::sandbox::{Sandbox, lacks};

/// The laptop with a vault, and another one with a key of its own; the key of the first, sealed to the second.
fn two_laptops() -> (Sandbox, Sandbox, String) {
    let (first, second) = (owner(), user());
    let sealed = second.home().join("laptop.age").to_str().unwrap().to_owned();
    let done = first.cast(["key", "export", "--yes", "--to", &card(&second), "--output", &sealed]).succeeds();
    assert!(done.err.contains(&fingerprint(&second)), "{done:?}");
    (first, second, sealed)
}

#[test]
fn the_master_key_goes_to_the_card_of_the_other_machine() {
    let (first, second, sealed) = two_laptops();
    let mode = fs::metadata(&sealed).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let bytes = fs::read(&sealed).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    let imported = second.cast(["key", "import", "--yes", &sealed]).succeeds();
    imported.says_nothing_of(&["AGE-SECRET-KEY-1", SECRET]);
    // The card of its own key is out, so that one stays, behind.
    assert!(imported.err.contains("the former key stays as a fallback"), "{imported:?}");
    assert_eq!(Key::master(&second), Key::master(&first));
    carry(&first, &second);
    assert_eq!(second.value("a", "K"), SECRET.as_bytes());
    second.set("a", "K", "hunter2-second");
    carry(&second, &first);
    assert_eq!(first.value("a", "K"), b"hunter2-second");
    // A copy of the key is elsewhere now, and what was shared with the second one's own card opens as before.
    assert!(first.cast(["doctor"]).succeeds().err.contains("Everything is in order"));
    // Through a pipe, as by ssh.
    let third = user();
    let sent = first.cast(["key", "export", "--yes", "--to", &card(&third)]);
    let bytes = sent.output().stdout;
    third.cast(["key", "import", "--yes", "-"]).input(bytes).succeeds();
    assert_eq!(Key::master(&third), Key::master(&first));
}

#[test]
fn what_was_shared_with_a_machines_own_key_stays_open() {
    let (_, second, sealed) = two_laptops();
    let colleague = owner();
    share(&colleague, "ann", &second, &["K"]);
    second.cast(["key", "import", "--yes", &sealed]).succeeds();
    carry(&colleague, &second);
    second.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(second.value("a", "K"), SECRET.as_bytes());
    second.set("a", "K", "hunter2-of-ann");
    carry(&second, &colleague);
    assert_eq!(colleague.value("a", "K"), b"hunter2-of-ann");
}

#[test]
fn asks_for_the_fingerprint_and_gives_nothing_away_before() {
    let (first, second) = (owner(), user());
    let to = card(&second);
    let words = ["key", "export", "--to", &to, "--output", "laptop.age"];
    let before = first.snapshot();
    let asked = first.cast(words).run();
    assert!(asked.code == 2 && asked.err.contains("pass '--yes'"), "{asked:?}");
    let question = "Does your other machine show the same with 'cast key card'? Give it the master key? [y/N] ";
    let (code, text) = answered(first.cast(words), &[(question, "n")]);
    assert!(code == 1 && text.contains(&fingerprint(&second)), "{text}");
    assert!(first.snapshot() == before);
    let (code, text) = answered(first.cast(words), &[(question, "y")]);
    assert!(code == 0, "{text}");
    assert!(first.home().join("laptop.age").exists());
    // Not over a file that is there, not onto a terminal, not unasked below a coding agent, not with an agent key.
    first
        .cast(["key", "export", "--yes", "--to", &to, "--output", "laptop.age"])
        .run()
        .says_nothing_of(&["AGE-SECRET"]);
    let (code, text) = answered(first.cast(["key", "export", "--yes", "--to", &to]), &[]);
    assert!(code == 2 && text.contains("with '--output FILE'"), "{text}");
    let refused = first.cast(["key", "export", "--to", &to]).env("CLAUDECODE", "1");
    refused.refuses(2, "a coding agent started this command", &[]);
    let grant = first.cast(["key", "export", "--agent", "a"]).succeeds().out;
    let refused = first.cast(["key", "export", "--yes", "--to", &to]).env("CAST_KEY", grant.trim()).run();
    assert!(refused.code == 4 && refused.out.is_empty(), "{refused:?}");
    first.cast(["key", "export", "--to", "nonsense"]).refuses(2, "CARD is not a whole card", &[]);
    first.cast(["key", "export", "--to", &to, "--agent", "a"]).refuses(2, "", &[]);
}

/// Whoever knows the card of the laptop can seal a key of their own to it.
#[test]
fn a_sealed_key_is_taken_for_its_fingerprint() {
    let (first, second, sealed) = two_laptops();
    let before = second.snapshot();
    let asked = second.cast(["key", "import", &sealed]).run();
    assert!(asked.code == 2 && asked.err.contains("pass '--yes'"), "{asked:?}");
    assert!(
        asked.err.contains(&format!("Fingerprint of the card of this key: {}\n", fingerprint(&first))),
        "{asked:?}"
    );
    let question = "Does your other machine show the same with 'cast key card'? Import the key? [y/N] ";
    let call = || second.cast(["key", "import", &sealed]);
    let (code, text) = answered(call(), &[(question, "n")]);
    assert!(code == 1 && text.contains("Cancelled."), "{text}");
    assert!(second.snapshot() == before);
    let (code, text) = answered(call(), &[(question, "y")]);
    assert!(code == 0, "{text}");
    assert_eq!(Key::master(&second), Key::master(&first));
}

/// What is sealed to a key that leaked is open to whoever has it.
#[test]
fn nothing_is_sealed_to_a_card_of_ones_own() {
    let (first, second, sealed) = two_laptops();
    second.cast(["key", "import", "--yes", &sealed]).succeeds();
    first.cast(["key", "rotate"]).succeeds();
    // The second laptop still has the key from before.
    let former = card(&second);
    let message = "that card is of a former key of yours";
    let refused = first.cast(["key", "export", "--yes", "--to", &former, "--output", "x.age"]).run();
    assert!(refused.code == 2 && refused.err.contains(message), "{refused:?}");
    let with = format!("laptop={former}");
    let refused = first.cast(["share", "a", "--yes", "--with", &with]).refuses(2, message, &[SECRET]);
    let advice =
        told(&refused, "on the machine that has it, make a new key first: 'cast key rotate', then 'cast key card'");
    let own = card(&first);
    let refused = first.cast(["key", "export", "--yes", "--to", &own]).run();
    assert!(refused.code == 2 && refused.err.contains("that card is the one of this machine"), "{refused:?}");
    first.cast(["key", "rotate", "--retire"]).succeeds();
    first.cast(["share", "a", "--yes", "--with", &with]).refuses(2, message, &[SECRET]);
    // As told.
    typed(&second, &advice.command("cast key rotate")).succeeds();
    let fresh = typed(&second, &advice.command("cast key card")).succeeds().out;
    let path = second.home().join("again.age").to_str().unwrap().to_owned();
    first.cast(["key", "export", "--yes", "--to", fresh.trim(), "--output", &path]).succeeds();
    second.cast(["key", "import", "--yes", &path]).succeeds();
    assert_eq!(Key::master(&second), Key::master(&first));
    carry(&first, &second);
    assert_eq!(second.value("a", "K"), SECRET.as_bytes());
}

#[test]
fn a_sealed_key_that_does_not_open_here() {
    let (first, second, sealed) = two_laptops();
    let third = user();
    let other = third.home().join("laptop.age");
    fs::copy(&sealed, &other).unwrap();
    let refused = third.cast(["key", "import", "laptop.age"]);
    let refused = refused.refuses(4, "it is not sealed to the card of this machine", &[SECRET]);
    let form = "on the machine with the key, seal it to the card that 'cast key card' prints here: 'cast key export --to CARD --output FILE'";
    let advice = told(&refused, form);
    let on_the_fly = told(&refused, "or decrypt it on the fly: '<(age -d key.age)'").command("<(age");
    let card = typed(&third, &advice.command("cast key card")).succeeds().out;
    let export = advice.command("cast key export").replace("CARD", card.trim()).replace("FILE", "again.age");
    typed(&first, &format!("{export} --yes")).succeeds();
    fs::copy(first.home().join("again.age"), &other).unwrap();
    third.cast(["key", "import", "--yes", "laptop.age"]).succeeds();
    // No key is here at all, or the file is cut.
    Sandbox::empty().cast(["key", "import", &sealed]).refuses(4, "not sealed to the card of this machine", &[]);
    let bytes = fs::read(&sealed).unwrap();
    fs::write(&sealed, &bytes[..bytes.len() - 1]).unwrap();
    second.cast(["key", "import", "laptop.age"]).refuses(4, "or it is damaged", &[SECRET]);
    // age opens it, too, and on the way.
    if lacks("age", "share") {
        return;
    }
    fs::write(&sealed, &bytes).unwrap();
    let identity = second.key_file();
    let shown = second.other("age", ["-d", "-i", identity.to_str().unwrap(), &sealed]).run();
    assert!(shown.out.contains("AGE-SECRET-KEY-1") && shown.out.contains("# cast master key"), "{shown:?}");
    let decrypt = on_the_fly.replace("age -d key.age", &format!("age -d -i {} {sealed}", identity.display()));
    let empty = Sandbox::empty();
    typed(&empty, &format!("exec bash -c 'cast key import --key-store file {decrypt}'")).succeeds();
    assert_eq!(Key::master(&empty), Key::master(&first));
}

/// Who does not open the other's vaults, and has none, keeps the own key first unless told.
#[test]
fn where_vaults_are_the_own_key_stays_first_unless_it_is_to_be_replaced() {
    let (first, second, sealed) = two_laptops();
    second.set("mine", "K", "hunter2-mine");
    let refused = second.cast(["key", "import", "--yes", &sealed]).run();
    assert!(refused.code != 0, "{refused:?}");
    fs::create_dir_all(second.vault("a").parent().unwrap()).unwrap();
    carry(&first, &second);
    let refused = second.cast(["key", "import", "--yes", &sealed]).run();
    assert!(refused.code == 2 && refused.err.contains("add '--replace'"), "{refused:?}");
    second.cast(["key", "import", "--replace", "--yes", &sealed]).succeeds();
    assert_eq!(second.value("a", "K"), SECRET.as_bytes());
    assert_eq!(second.value("mine", "K"), b"hunter2-mine");
}
