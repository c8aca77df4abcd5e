//! Forged, swapped, edited: by someone without a key who knows the recipients, by the holder of one agent's key, by a
//! newer cast.

use std::fs;

use super::{SECRET, refused, refused_with, sandbox, text, works};
use crate::forge::{Key, Text, grant_of};
use crate::sandbox::Sandbox;

/// Replaces the vault of `a` with one that has the right MAC and the body that `edit` makes of the current one.
fn edited_by_a_holder(edit: impl FnOnce(&str) -> String) -> Sandbox {
    let sandbox = sandbox();
    let mut text = text(&sandbox);
    text.body = edit(&text.body);
    text.generation += 1;
    fs::write(sandbox.vault("a"), text.seal("a", Key::master(&sandbox))).unwrap();
    sandbox
}

#[test]
fn by_someone_who_knows_both_recipients() {
    let sandbox = sandbox();
    let good = text(&sandbox);
    let master = Key::master(&sandbox);
    let agent = master.of_agent("a", &good.id, 1);
    let stranger = Key::generate();
    let forged = |id: &str, mac: &str| Text {
        mac: mac.to_owned(),
        generation: 999,
        ..Text::new("a", id, master, &[("K", "hunter2-forged")])
    };
    let macs = [
        "00".repeat(32),
        good.mac.clone(),
        // With the attacker's own keys.
        forged(&good.id, "").right_mac(stranger),
        forged(&good.id, "").right_mac(stranger.of_agent("a", &good.id, 1)),
        // With the public half in the place of the master key.
        forged(&good.id, "").right_mac(Key([0; 32])),
    ];
    for mac in macs {
        for id in [good.id.as_str(), &"42".repeat(16)] {
            let file = forged(id, &mac).encrypt(&[&master.recipient(), &agent.recipient()]);
            fs::write(sandbox.vault("a"), file).unwrap();
            refused(&sandbox, "is not authentic");
            // The holder of the agent key also refuses it.
            let grant = crate::forge::grant(master, "a", &good.id, 1);
            sandbox.cast(["list", "a"]).env("CAST_KEY", grant).refuses(5, "the vault of agent 'a' ", &[SECRET]);
        }
    }
}

#[test]
fn with_any_part_of_the_good_text_changed() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let good = text(&sandbox);
    let edits: [fn(&mut Text); 6] = [
        |text| text.generation += 1,
        |text| text.epoch += 1,
        |text| text.body = text.body.replace("first", "other"),
        |text| text.body += "\n",
        |text| text.body = text.body.replace('K', "LD_PRELOAD"),
        |text| text.id = "42".repeat(16),
    ];
    for edit in edits {
        let mut text = good.clone();
        edit(&mut text);
        fs::write(sandbox.vault("a"), text.encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "is not authentic");
    }
}

#[test]
fn sixteen_megabytes_of_it_are_no_more_work() {
    let sandbox = sandbox();
    let mut text = text(&sandbox);
    text.body += "# ";
    text.body += &"x".repeat((15 << 20) + (1 << 19));
    fs::write(sandbox.vault("a"), text.encrypt(&[&Key::master(&sandbox).recipient()])).unwrap();
    refused(&sandbox, "is not authentic");
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
    fs::copy(sandbox.vault("a"), sandbox.vault("builtin")).unwrap();
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "agent 'builtin'", &[SECRET]);
    sandbox.cast(["run", "a", "--explain"]).refuses(5, "agent 'builtin'", &[SECRET]);
    let outcome = sandbox.cast(["run", "a", "--no-builtin", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("hunter2-first\n", ""));
}

#[test]
fn another_agent_inside() {
    // Sealed with the right key for `a`, but its holder wrote that it belongs to b.
    let sandbox = edited_by_a_holder(|body| body.replace("agent = \"a\"", "agent = \"b\""));
    refused(&sandbox, "another agent");
}

#[test]
fn a_foreign_master_inside() {
    // Otherwise the owner's machine would from then on seal to the attacker.
    let stranger = Key::generate().recipient();
    let sandbox = edited_by_a_holder(|body| {
        let line = body.lines().find(|line| line.starts_with("master")).unwrap();
        body.replace(line, &format!("master = \"{stranger}\""))
    });
    refused(&sandbox, "not yours");
}

#[test]
fn another_version() {
    let sandbox = sandbox();
    let good = text(&sandbox);
    for version in ["2", "10", "1.1"] {
        let newer = Text { version: version.into(), ..good.clone() };
        fs::write(sandbox.vault("a"), newer.seal("a", Key::master(&sandbox))).unwrap();
        refused(&sandbox, "made by a newer cast");
    }
}

#[test]
fn fields_of_a_newer_cast() {
    for field in ["expires = 2027-01-01T00:00:00Z\n", "\n[secrets.L]\nvalue_file = \"x\"\n", "\n[settings]\n"] {
        refused(&edited_by_a_holder(|body| format!("{body}{field}")), "made by a newer cast");
    }
}

#[test]
fn what_no_environment_holds() {
    for (from, to) in [
        ("hunter2-first", "hunter2\\u0000-first"),
        ("[secrets.K]", "[secrets.\"K=hunter2\"]"),
        ("[secrets.K]", "[secrets.\"K B\"]"),
        ("[secrets.K]", "[secrets.\"\"]"),
        ("[secrets.K]", "[secrets.CAST_KEY_FILE]"),
        ("\"hunter2-first\"", "12345"),
    ] {
        let sandbox = edited_by_a_holder(|body| {
            let edited = body.replace(from, to);
            assert_ne!(edited, body);
            edited
        });
        refused(&sandbox, "the vault of agent 'a' ");
    }
}

#[test]
fn a_dangerous_name_without_the_allowance() {
    let sandbox = edited_by_a_holder(|body| body.replace("[secrets.K]", "[secrets.LD_PRELOAD]"));
    let refusal = "'LD_PRELOAD' makes programs load code";
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
    let stranger = Key::generate();
    refused_with(&sandbox, Some(&stranger.identity()), "wrong key");
    // Of the right agent, but another vault or epoch.
    let good = text(&sandbox);
    let master = Key::master(&sandbox);
    let right = grant_of(&sandbox, "a");
    let key = right.rsplit(':').next().unwrap();
    for grant in [
        crate::forge::grant(master, "a", &"42".repeat(16), 1),
        crate::forge::grant(master, "a", &good.id, 2),
        crate::forge::grant(stranger, "a", &good.id, 1),
        format!("cast-agent:a:{}:1:{key}", "42".repeat(16)),
        format!("cast-agent:a:{}:2:{key}", good.id),
    ] {
        refused_with(&sandbox, Some(&grant), "wrong key");
    }
    works(&sandbox);
}
