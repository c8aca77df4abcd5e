//! Forged, swapped, edited: by someone without a key who knows the recipients, by an owner with other tools, by a newer
//! cast. Whoever holds a key that reads is in `forgeries`.

use std::fs;

use super::{SECRET, refused, refused_with, sandbox, text, works};
use crate::forge::{Key, Text, grant_of};
use crate::sandbox::Sandbox;

/// Replaces the vault of `a` with one that its owner signed, with the edit made in it.
fn edited_by_the_owner(edit: impl FnOnce(Text) -> Text) -> Sandbox {
    let sandbox = sandbox();
    let edited = edit(text(&sandbox)).next();
    fs::write(sandbox.vault("a"), edited.seal(Key::master(&sandbox))).unwrap();
    sandbox
}

#[test]
fn by_someone_who_knows_all_recipients() {
    let sandbox = sandbox();
    let good = text(&sandbox);
    let (master, stranger) = (Key::master(&sandbox), Key::generate());
    let recipients = good.recipients();
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    for id in [good.id.as_str(), &"42".repeat(16)] {
        let forged = Text::new("a", id, master, &[("K", "hunter2-forged")]).next();
        let with = |sig1: &str, sig2: &str| Text { sig1: sig1.into(), sig2: sig2.into(), ..forged.clone() };
        for forged in [
            with(&"00".repeat(64), &"00".repeat(64)),
            with(&good.sig1, &good.sig2),
            // With the attacker's own keys, also with the public half in the place of the master key.
            forged.clone().with_owners_signature(stranger).with_seal(stranger),
            forged.clone().with_owners_signature(stranger).sealed_by(stranger),
            forged.clone().with_owners_signature(Key([0; 32])).with_seal(Key([0; 32])),
        ] {
            fs::write(sandbox.vault("a"), forged.encrypt(&recipients)).unwrap();
            refused(&sandbox, "is not authentic");
            // The holder of the agent key also refuses it.
            let grant = good.grant(master);
            sandbox.cast(["list", "a"]).env("CAST_KEY", grant).refuses(5, "the vault of agent 'a' ", &[SECRET]);
        }
        // Who names another owner is one.
        for owner in [stranger, Key([0; 32])] {
            let forged = Text { owner: owner.verification(), ..forged.clone() };
            for forged in [forged.clone().signed(owner), forged.edited(&master.card(), &owner.card()).signed(owner)] {
                fs::write(sandbox.vault("a"), forged.encrypt(&recipients)).unwrap();
                refused(&sandbox, "has another owner");
            }
        }
    }
}

#[test]
fn with_any_part_of_the_good_text_changed() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    sandbox.set("a", "K", "hunter2-first");
    let good = text(&sandbox);
    let edits: [fn(Text) -> Text; 12] = [
        Text::next,
        Text::next_values,
        |text| Text { epoch: text.epoch + 1, ..text },
        |text| text.edited("first", "other"),
        |text| Text { values: text.values + "\n", ..text },
        |text| Text { part: text.part + "\n", ..text },
        |text| Text { id: "42".repeat(16), ..text },
        |text| text.edited(".K]", ".LD_PRELOAD]"),
        |text| text.with("LD_PRELOAD", "hunter2.so", "dangerous = true\n"),
        |text| Text { sig1: text.sig2.clone(), sig2: text.sig1.clone(), ..text },
        |text| Text { sig2: text.sig1.clone(), ..text },
        |text| Text { sig1: text.sig2.clone(), ..text },
    ];
    for edit in edits {
        let edited = edit(good.clone());
        let edited = Text { bytes: edited.part.len(), ..edited };
        fs::write(sandbox.vault("a"), edited.encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "the vault of agent 'a' is not authentic");
    }
}

#[test]
fn spliced_from_states_that_their_owner_signed() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let first = text(&sandbox);
    sandbox.set("a", "K", "hunter2-second");
    let second = text(&sandbox);
    sandbox.set("a", "L", "hunter2-l");
    let third = text(&sandbox);
    sandbox.set("b", "K", "hunter2-of-b");
    let other = Text::read(&sandbox.vault("b"), master);
    for (above, below) in [(&third, &first), (&third, &second), (&first, &third), (&third, &other), (&second, &other)] {
        let Text { at, sealer, sig2, values, .. } = below.clone();
        let spliced = Text { at, sealer, sig2, values, ..above.clone() };
        // With as many names as there are values, or not.
        fs::write(sandbox.vault("a"), spliced.encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "the vault of agent 'a' is not authentic");
        // The first line of one over the owner's part of another.
        let Text { part, bytes, .. } = below.clone();
        if part != above.part {
            let spliced = Text { bytes, part, ..above.clone() };
            fs::write(sandbox.vault("a"), spliced.encrypt(&[&master.recipient()])).unwrap();
            refused(&sandbox, "the vault of agent 'a' is not authentic");
        }
    }
}

#[test]
fn sixteen_megabytes_of_it_are_no_more_work() {
    let sandbox = sandbox();
    let good = text(&sandbox);
    let filler = format!("# {}", "x".repeat((15 << 20) + (1 << 19)));
    for filled in [
        Text { values: good.values.clone() + &filler, ..good.clone() },
        Text { part: format!("{}{filler}\n", good.part), bytes: good.part.len() + filler.len() + 1, ..good.clone() },
    ] {
        fs::write(sandbox.vault("a"), filled.encrypt(&[&Key::master(&sandbox).recipient()])).unwrap();
        refused(&sandbox, "is not authentic");
    }
}

#[test]
fn swapped_and_renamed() {
    let sandbox = sandbox();
    sandbox.set("b", "K", "hunter2-of-b");
    sandbox.set("builtin", "K", "hunter2-of-all");
    let good = fs::read(sandbox.vault("a")).unwrap();
    for other in ["b", "builtin"] {
        fs::copy(sandbox.vault(other), sandbox.vault("a")).unwrap();
        refused(&sandbox, "another agent");
    }
    fs::remove_file(sandbox.vault("builtin")).unwrap();
    fs::write(sandbox.vault("c"), good).unwrap();
    sandbox.cast(["list", "c"]).refuses(5, "another agent", &[SECRET]);
    sandbox.cast(["run", "c", "--", "touch", "started"]).refuses(125, "another agent", &[SECRET]);
}

#[test]
fn a_builtin_vault_that_is_refused_stops_every_run() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let foreign = Key::generate();
    let foreign = Text::new("builtin", &"42".repeat(16), foreign, &[("K", "hunter2-of-a-stranger")]);
    for file in [
        fs::read(sandbox.vault("a")).unwrap(),
        // Another owner's, who shares it with this user and who was never accepted, and never will be.
        foreign.encrypt(&[&master.recipient()]),
    ] {
        fs::write(sandbox.vault("builtin"), file).unwrap();
        sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "agent 'builtin'", &[SECRET]);
        sandbox.cast(["run", "a", "--explain"]).refuses(5, "agent 'builtin'", &[SECRET]);
        sandbox.cast(["vault", "accept", "builtin", "--yes"]).refuses(5, "agent 'builtin'", &[SECRET]);
        let outcome = sandbox.cast(["run", "a", "--no-builtin", "--no-mask", "--", "printenv", "K"]).succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("hunter2-first\n", ""));
    }
}

#[test]
fn another_agent_inside() {
    // Sealed for the right recipients, but its owner wrote that it belongs to b.
    refused(&edited_by_the_owner(|text| Text { agent: "b".into(), ..text }), "another agent");
}

#[test]
fn foreign_keys_inside() {
    // Otherwise the owner's machine would from then on seal to the attacker.
    let stranger = Key::generate();
    for edit in [
        |text: Text, stranger: Key| {
            let own = text.recipients();
            text.edited(&own[0], &stranger.recipient())
        },
        |text: Text, stranger: Key| {
            let own = text.recipients();
            text.edited(&own[1], &stranger.recipient())
        },
    ] {
        let sandbox = sandbox();
        let master = Key::master(&sandbox);
        let edited = edit(text(&sandbox), stranger).next().signed(master);
        fs::write(sandbox.vault("a"), edited.encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "names keys that are not its owner's");
    }
}

#[test]
fn another_version() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let good = text(&sandbox);
    for version in ["2", "10", "1.1"] {
        let newer = Text { version: version.into(), ..good.clone() };
        fs::write(sandbox.vault("a"), newer.signed(master).encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "made by a newer cast");
    }
    let newer = good.plain().replace("# cast-values 1 ", "# cast-values 2 ");
    fs::write(sandbox.vault("a"), crate::forge::encrypt(newer.as_bytes(), &[&master.recipient()])).unwrap();
    refused(&sandbox, "made by a newer cast");
}

#[test]
fn fields_of_a_newer_cast() {
    for field in ["expires = 2027-01-01T00:00:00Z\n", "\n[secrets.L]\nvalue_file = \"x\"\n", "\n[settings]\n"] {
        let edited = |text: Text| Text { values: text.values + field, ..text };
        refused(&edited_by_the_owner(edited), "made by a newer cast");
        let edited = |text: Text| Text { part: text.part + field, ..text };
        refused(&edited_by_the_owner(edited), "made by a newer cast");
    }
}

#[test]
fn what_no_environment_holds() {
    let long = format!("\"{}\"", "hunter2".repeat(20_000));
    for (from, to) in [
        ("hunter2-first", "hunter2\\u0000-first"),
        (".K]", ".\"K=hunter2\"]"),
        (".K]", ".\"K B\"]"),
        (".K]", ".\"\"]"),
        (".K]", ".CAST_KEY_FILE]"),
        ("\"hunter2-first\"", "12345"),
        ("\"hunter2-first\"", &long),
        // Another form of what it holds.
        ("\"hunter2-first\"", "'hunter2-first'"),
        ("hunter2-first", "hunter2-\\u0066irst"),
        ("created", "  created"),
    ] {
        refused(&edited_by_the_owner(|text| text.edited(from, to)), "the vault of agent 'a' ");
    }
}

#[test]
fn names_without_values_and_values_without_names() {
    for edit in [
        |text: Text| text.with_name("L", ""),
        |text: Text| text.with_name("L", "unmasked = true\n"),
        |text: Text| Text { part: text.part.replace("\n[names.K]\n", ""), ..text },
        |text: Text| Text { values: String::new(), ..text },
    ] {
        refused(&edited_by_the_owner(edit), "its values are not those that its owner lists");
    }
}

#[test]
fn a_dangerous_name_without_the_allowance() {
    let sandbox = edited_by_the_owner(|text| text.edited(".K]", ".LD_PRELOAD]"));
    let refusal = "'LD_PRELOAD' is refused: it makes programs load code";
    for words in
        [&["run", "a", "--", "touch", "started"][..], &["run", "a", "--only", "LD_PRELOAD", "--", "touch", "x"]]
    {
        // The reader accepts the vault and records its state; cast refuses only the injection.
        let outcome = sandbox.cast(words).run();
        assert_eq!(outcome.code, 125, "{outcome:?}");
        assert!(outcome.err.contains(refusal) && outcome.err.contains("--allow-dangerous-name"), "{outcome:?}");
        outcome.says_nothing_of(&[SECRET]);
        assert!(!sandbox.home().join("started").exists());
    }
    // The user can list and delete it.
    assert_eq!(sandbox.listing("a")[0]["key"], "LD_PRELOAD");
    sandbox.cast(["delete", "a", "LD_PRELOAD"]).succeeds();
    sandbox.cast(["run", "a", "--", "true"]).succeeds();
}

#[test]
fn a_key_that_is_not_the_vaults() {
    let sandbox = sandbox();
    let (master, stranger) = (Key::master(&sandbox), Key::generate());
    refused_with(&sandbox, Some(&stranger.identity()), "wrong key");
    // Of the right agent, but another vault or epoch; also with the right key in a line that states another.
    let good = text(&sandbox);
    let right = grant_of(&sandbox, "a");
    let other_id = "42".repeat(16);
    for grant in [
        Text { id: other_id.clone(), ..good.clone() }.grant(master),
        Text { epoch: 2, ..good.clone() }.grant(master),
        good.grant(stranger),
        right.replace(&good.id, &other_id),
        right.replace(&format!(":{}:1:", good.id), &format!(":{}:2:", good.id)),
    ] {
        refused_with(&sandbox, Some(&grant), "wrong key");
    }
    // With the right key, and another owner expected.
    let other_owner = right.replace(&master.verification(), &stranger.verification());
    refused_with(&sandbox, Some(&other_owner), "has another owner");
    works(&sandbox);
}
