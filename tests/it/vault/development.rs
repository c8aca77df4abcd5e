//! A vault of a development build, whose first line has a MAC in the place of signatures: refused in words of its own.

use std::fs;

use super::{refused, refused_with, sandbox, text};
use crate::advice::{told, typed};
use crate::forge::{Key, encrypt};

#[test]
fn is_refused_and_untouched() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let good = text(&sandbox);
    let agent = good.agent_key(master).recipient();
    let old = format!(
        "# cast-vault 1 id={} epoch=1 generation=17 mac={}\nagent = \"a\"\nmaster = \"{}\"\n\n[secrets.K]\nvalue = \"hunter2\"\n\
         created = 2026-01-15T10:30:00Z\nupdated = 2026-01-15T10:30:00Z\n",
        good.id,
        "5a".repeat(32),
        master.recipient()
    );
    fs::write(sandbox.vault("a"), encrypt(old.as_bytes(), &[&master.recipient(), &agent])).unwrap();
    refused(&sandbox, "made by a development build");
    refused_with(&sandbox, Some(&good.grant(master)), "made by a development build");
    let refused =
        sandbox.cast(["vault", "accept", "a", "--yes"]).refuses(5, "made by a development build", &["hunter2"]);
    let advice =
        told(&refused, "move '{agent}.age' away, then set its values again: 'cast secrets set --new {agent} KEY'");
    assert_eq!(advice.hole(0), "a");
    fs::rename(sandbox.vault("a"), sandbox.home().join("a.age")).unwrap();
    typed(&sandbox, &advice.command("cast secrets set --new a")).input("hunter2-again").succeeds();
    sandbox.cast(["list", "a"]).succeeds();
}
