//! `cast secrets set` with hosts, places and a prefix: what it says, keeps, takes back and refuses.

use std::fs;

use serde_json::json;

use super::{SHORT, VALUE, line, text};
use crate::advice::told;
use crate::forge::{Key, grant_of};
use crate::sandbox::{Outcome, Sandbox};
use crate::terminal::Terminal;

#[track_caller]
fn says(outcome: &Outcome, lines: &[&str]) {
    assert_eq!(outcome.err.lines().collect::<Vec<_>>(), lines);
    assert_eq!(outcome.out, "");
    outcome.says_nothing_of(&["hunter2"]);
}

/// The hosts, places and prefix of a secret.
fn flags(sandbox: &Sandbox, key: &str) -> [serde_json::Value; 3] {
    let line = line(sandbox, "codex", key);
    ["hosts", "in", "prefix"].map(|name| line[name].clone())
}

#[test]
fn a_host_with_the_value_in_each_way() {
    let sandbox = Sandbox::new();
    let set = "✓ Secret 'OPENAI_API_KEY' set for agent 'codex', brokered to api.openai.com";
    for words in [
        &["set", "codex", "OPENAI_API_KEY", VALUE, "--host", "api.openai.com"][..],
        &["secrets", "set", "--host", "API.OpenAI.com.:443", "codex", "OPENAI_API_KEY", VALUE],
        &["set", "codex", "OPENAI_API_KEY", "--host=api.openai.com"],
        &["set", "codex", "OPENAI_API_KEY", "--exact", "--host=api.openai.com", "--host", "api.openai.com:443"],
    ] {
        says(&sandbox.cast(words).input(VALUE).succeeds(), &[set]);
        assert_eq!(flags(&sandbox, "OPENAI_API_KEY"), [json!(["api.openai.com"]), json!([]), json!(null)]);
        assert!(text(&sandbox, "codex").values.contains(VALUE));
        sandbox.cast(["delete", "codex", "OPENAI_API_KEY"]).succeeds();
    }
    let shown = {
        let call = sandbox.cast(["set", "codex", "OPENAI_API_KEY", "--host", "api.openai.com"]);
        let mut terminal = Terminal::start(call);
        terminal.sees("Enter value for OPENAI_API_KEY: ");
        terminal.types(format!("{VALUE}\r"));
        terminal.ends_with(0)
    };
    assert!(shown.contains("brokered to api.openai.com") && !shown.contains("hunter2"), "{shown}");
    assert!(text(&sandbox, "codex").values.contains(VALUE));
    // A random value is long enough.
    let random = sandbox.cast(["set", "codex", "OPENAI_API_KEY", "--generate", "--host", "api.openai.com"]).succeeds();
    says(&random, &["✓ Secret 'OPENAI_API_KEY' replaced for agent 'codex', brokered to api.openai.com"]);
}

#[test]
fn several_hosts_and_places() {
    let sandbox = Sandbox::new();
    let words = ["--host", "z.corp:8443", "--host", "api.openai.com", "--in", "query:key", "--in", "header:X-Key"];
    let set = sandbox.cast(["set", "codex", "K", VALUE, "--prefix", "sk-proj-hun"].iter().chain(&words)).succeeds();
    says(
        &set,
        &[
            "✓ Secret 'K' set for agent 'codex', brokered to api.openai.com, z.corp:8443",
            "cast: hint: 'api.openai.com' and 'z.corp:8443' may store or log what is sent there",
        ],
    );
    let expected =
        [json!(["api.openai.com", "z.corp:8443"]), json!(["header:X-Key", "query:key"]), json!("sk-proj-hun")];
    assert_eq!(flags(&sandbox, "K"), expected);
    // A new value keeps all of it, and says so.
    says(
        &sandbox.cast(["set", "codex", "K"]).input(VALUE).succeeds(),
        &[
            "✓ Secret 'K' replaced for agent 'codex'",
            "cast: hint: 'K' keeps its flags: brokered to api.openai.com, brokered to z.corp:8443, in header:X-Key, in \
             query:key, prefix sk-proj-hun",
        ],
    );
    assert_eq!(flags(&sandbox, "K"), expected);
    // Each option replaces what there was of its kind, and nothing else.
    says(
        &sandbox.cast(["set", "codex", "K", VALUE, "--in", "form:token"]).succeeds(),
        &[
            "✓ Secret 'K' replaced for agent 'codex'",
            "cast: hint: 'K' keeps its flags: brokered to api.openai.com, brokered to z.corp:8443, prefix sk-proj-hun",
            "cast: hint: 'api.openai.com' and 'z.corp:8443' may store or log what is sent there",
        ],
    );
    assert_eq!(flags(&sandbox, "K"), [expected[0].clone(), json!(["form:token"]), expected[2].clone()]);
}

#[test]
fn keep_leaves_the_value() {
    let sandbox = Sandbox::with("codex", &[("OPENAI_API_KEY", VALUE)]);
    let values = text(&sandbox, "codex").values;
    let keep = |words: &[&str]| {
        // What is on standard input is for others.
        let words = ["set", "codex", "OPENAI_API_KEY", "--keep"].iter().chain(words);
        let outcome = sandbox.cast(words).input("hunter2-not-this-one-hunter2").succeeds();
        assert_eq!(text(&sandbox, "codex").values, values);
        outcome
    };
    let brokered = "✓ Secret 'OPENAI_API_KEY' of agent 'codex' is now brokered to api.openai.com; its value stays";
    says(&keep(&["--host", "api.openai.com"]), &[brokered]);
    says(
        &keep(&["--in", "json:/key"]),
        &[brokered, "cast: hint: 'api.openai.com' may store or log what is sent there"],
    );
    says(&keep(&["--prefix", "sk-"]), &[brokered]);
    assert_eq!(flags(&sandbox, "OPENAI_API_KEY"), [json!(["api.openai.com"]), json!(["json:/key"]), json!("sk-")]);
    says(&keep(&["--in", "", "--prefix", ""]), &[brokered]);
    assert_eq!(flags(&sandbox, "OPENAI_API_KEY"), [json!(["api.openai.com"]), json!([]), json!(null)]);
    let plain = "✓ Secret 'OPENAI_API_KEY' of agent 'codex' is now given as it is";
    says(
        &keep(&["--host", ""]),
        &[
            plain,
            "cast: hint: 'codex' can use this key without holding it: 'cast secrets set codex OPENAI_API_KEY --keep --host \
             api.openai.com'",
        ],
    );
    assert_eq!(sandbox.value("codex", "OPENAI_API_KEY"), VALUE.as_bytes());
    says(&keep(&["--unmasked"]), &["✓ Secret 'OPENAI_API_KEY' of agent 'codex' is now unmasked; its value stays"]);
    // On a terminal nothing is asked.
    sandbox.set("codex", "K", VALUE);
    let shown = Terminal::start(sandbox.cast(["set", "codex", "K", "--keep", "--host", "a.b"])).ends_with(0);
    assert!(shown.contains("is now brokered to a.b") && !shown.contains("Enter"), "{shown}");
}

#[test]
fn keep_needs_a_secret_and_something_to_change() {
    let sandbox = Sandbox::with("codex", &[("K", VALUE)]);
    let set = |words: &[&str]| sandbox.cast(["set"].iter().chain(words));
    set(&["codex", "L", "--keep", "--host", "a.b"]).refuses(3, "agent 'codex' has no secret 'L'", &["hunter2"]);
    set(&["other", "K", "--keep", "--host", "a.b"]).refuses(3, "agent 'other' has no vault", &["hunter2"]);
    set(&["codex", "K", "--keep"]).refuses(2, "'--keep' leaves the value, and nothing else is to change", &["hunter2"]);
    for words in [
        &["codex", "K", VALUE, "--keep", "--host", "a.b"][..],
        &["codex", "K", "--keep", "--generate", "--host", "a.b"],
        &["codex", "K", "--keep", "--exact", "--host", "a.b"],
        &["codex", "K", "--keep", "--new", "--host", "a.b"],
        &["codex", "K", "--keep", "--allow-dangerous-name", "--host", "a.b"],
    ] {
        set(words).input(VALUE).refuses(2, "cannot be used with", &["hunter2"]);
    }
    let empty = Sandbox::empty();
    empty.cast(["set", "codex", "K", "--keep", "--host", "a.b"]).refuses(3, "agent 'codex' has no vault", &[]);
}

#[test]
fn taken_back_with_a_new_value() {
    let sandbox = Sandbox::new();
    let set = |words: &[&str]| sandbox.cast(["set", "codex", "K", VALUE].iter().chain(words)).succeeds();
    set(&["--host", "api.openai.com", "--prefix", "sk-"]);
    says(
        &set(&["--host", ""]),
        &[
            "✓ Secret 'K' replaced for agent 'codex', and now given as it is",
            "cast: hint: 'K' keeps its flags: prefix sk-",
        ],
    );
    assert_eq!(sandbox.value("codex", "K"), VALUE.as_bytes());
    // It was not brokered.
    says(&set(&["--host", "", "--prefix", ""]), &["✓ Secret 'K' replaced for agent 'codex'"]);
    assert_eq!(flags(&sandbox, "K"), [json!([]), json!([]), json!(null)]);
}

#[test]
fn a_well_known_name_earns_a_hint() {
    let sandbox = Sandbox::new();
    let hint = |outcome: &Outcome| {
        let lines = outcome.err.lines().filter(|line| line.contains("without holding it"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let set = |agent: &str, key: &str, value: &str| sandbox.cast(["set", agent, key, value]).succeeds();
    let told = hint(&set("codex", "GITHUB_TOKEN", VALUE));
    assert_eq!(
        told,
        [
            "cast: hint: 'codex' can use this key without holding it: 'cast secrets set codex GITHUB_TOKEN --keep --host \
          api.github.com --host uploads.github.com --host github.com'"
        ]
    );
    // What it says to type works, and is said no more.
    let command = told[0].split('\'').nth(3).unwrap();
    crate::advice::typed(&sandbox, command).succeeds();
    assert_eq!(line(&sandbox, "codex", "GITHUB_TOKEN")["hosts"].as_array().unwrap().len(), 3);
    assert!(hint(&set("codex", "GITHUB_TOKEN", VALUE)).is_empty());
    assert!(hint(&set("builtin", "OPENAI_API_KEY", VALUE))[0].contains(" each agent can use this key without"));
    // Not for a value that cannot be brokered, for one that is no secret, or for another name.
    assert!(hint(&set("codex", "OPENAI_API_KEY", SHORT)).is_empty());
    assert!(hint(&set("codex", "MY_KEY", VALUE)).is_empty());
    let unmasked = sandbox.cast(["set", "codex", "OPENAI_API_KEY", VALUE, "--unmasked"]).succeeds();
    assert!(hint(&unmasked).is_empty());
    assert_eq!(sandbox.cast(["-q", "set", "codex", "GH_TOKEN", VALUE]).succeeds().err, "");
}

#[test]
fn what_its_owner_should_know() {
    let sandbox = Sandbox::new();
    let goes_into = |headers: &str| {
        format!("cast: hint: the value goes into {headers}; another header is named with '--in header:NAME'")
    };
    let fails = |what: &str| format!("cast: hint: a program usually {what}: brokered, it will fail");
    let signs = |name: &str| fails(&format!("signs with '{name}', for which it needs the value itself"));
    let logs_in =
        |name: &str| fails(&format!("logs in to a database with '{name}', for which it needs the value itself"));
    for (key, words, hints) in [
        ("K", &["--host", "a.b"][..], vec![goes_into("'Authorization'")]),
        ("K", &["--host", "a.b", "--in", "header:X-Key"], vec![]),
        ("K", &["--host", "api.openai.com"], vec![]),
        ("ANTHROPIC_API_KEY", &["--host", "gateway.corp"], vec![goes_into("'Authorization' and 'x-api-key'")]),
        ("AWS_SECRET_ACCESS_KEY", &["--host", "api.openai.com"], vec![signs("AWS_SECRET_ACCESS_KEY")]),
        ("APP_PRIVATE_KEY", &["--host", "api.openai.com"], vec![signs("APP_PRIVATE_KEY")]),
        ("STRIPE_WEBHOOK_SECRET", &["--host", "api.stripe.com"], vec![signs("STRIPE_WEBHOOK_SECRET")]),
        ("DATABASE_URL", &["--host", "a.b"], vec![goes_into("'Authorization'"), logs_in("DATABASE_URL")]),
        ("PGPASSWORD", &["--host", "api.openai.com"], vec![logs_in("PGPASSWORD")]),
        (
            "TELEGRAM_BOT_TOKEN",
            &["--host", "api.telegram.org", "--in", "header:x"],
            vec![fails("puts 'TELEGRAM_BOT_TOKEN' into the path, where no value is put in")],
        ),
    ] {
        let set = sandbox.cast(["set", "codex", key, VALUE].iter().chain(words)).succeeds();
        assert_eq!(set.err.lines().skip(1).collect::<Vec<_>>(), hints, "{key} {words:?}");
        // It is stored all the same.
        assert_eq!(line(&sandbox, "codex", key)["hosts"][0], words[1]);
        sandbox.cast(["delete", "codex", key]).succeeds();
        let quiet = sandbox.cast(["-q", "set", "codex", key, VALUE].iter().chain(words)).succeeds();
        assert_eq!(quiet.err, "");
        sandbox.cast(["delete", "codex", key]).succeeds();
    }
}

#[test]
fn a_value_that_cannot_be_brokered() {
    let sandbox =
        Sandbox::with("codex", &[("OLD", SHORT), ("K", VALUE), ("LONG", "hunter2 of several words, and long")]);
    sandbox.cast(["set", "codex", "K", "--keep", "--host", "a.b", "--prefix", "sk-proj-"]).succeeds();
    let blanks = "it contains blanks, control characters or letters beyond ASCII";
    let short = "it has 7 letters and digits beyond its prefix, and 16 are needed";
    let marks = "a query, a form or JSON takes letters, digits and '-._~' only";
    for (words, input, why) in [
        (&["set", "codex", "NEW", SHORT, "--host", "a.b"][..], "", short),
        (&["set", "codex", "NEW", "--host", "a.b"], SHORT, short),
        (&["set", "new-agent", "NEW", "--exact", "--host", "a.b"], "hunter2\nhunter2hunter2hunter2\n", blanks),
        (&["set", "codex", "NEW", "hunter2hunter2hunter2é", "--host", "a.b"], "", blanks),
        (&["set", "codex", "NEW", "hunter2 hunter2 hunter2", "--host", "a.b"], "", blanks),
        (&["set", "codex", "NEW", VALUE, "--host", "a.b", "--prefix", "ghp_"], "", "it does not begin with the prefix"),
        (&["set", "codex", "NEW", "--generate=8", "--host", "a.b"], "", "it has 8 letters"),
        // A new value for a secret that is brokered already, and another prefix.
        (&["set", "codex", "K", SHORT], "", short),
        (&["set", "codex", "K", "hunter2hunter2hunter2"], "", "it does not begin with the prefix"),
        (&["set", "codex", "K", "--keep", "--prefix", "sk-proj-hunter2hunter2"], "", short),
        // A value that stays.
        (&["set", "codex", "OLD", "--keep", "--host", "a.b"], "", short),
        // Where it would have to be escaped, CMD would choose the spelling.
        (&["set", "codex", "NEW", "hunter2+/hunter2hunter2=", "--host", "a.b", "--in", "query:k"], "", marks),
        (&["set", "codex", "NEW", "hunter2%62hunter2hunter2", "--host", "a.b", "--in", "form:k"], "", marks),
        (&["set", "codex", "NEW", "hunter2hunter2hunter2==", "--host", "a.b", "--in", "json:/k"], "", marks),
        (&["set", "codex", "NEW", "--host", "a.b"], &"hunter2".repeat(2000), "it is longer than 8 KiB"),
        (&["set", "codex", "LONG", "--keep", "--host", "a.b"], "", blanks),
    ] {
        let refused = sandbox.cast(words).input(input).refuses(2, "this value cannot be brokered: ", &["hunter2"]);
        assert!(refused.err.contains(why), "{words:?}: {refused:?}");
        let otherwise = if words[2] == "K" { ": '--host '''" } else { ", leave '--host' out" };
        let hint = format!("cast: hint: to give it to the program as it is{otherwise}\n");
        assert!(refused.err.ends_with(&hint), "{words:?}: {refused:?}");
    }
    sandbox.cast(["set", "codex", "OTHER", SHORT]).succeeds();
    sandbox.cast(["set", "codex", "K", SHORT, "--host", ""]).succeeds();
    // Typed at the prompt.
    let before = sandbox.snapshot();
    let mut terminal = Terminal::start(sandbox.cast(["set", "codex", "NEW", "--host", "a.b"]));
    terminal.sees("Enter value for NEW: ");
    terminal.types(format!("{SHORT}\r"));
    let shown = terminal.ends_with(2);
    assert!(shown.contains("cannot be brokered") && !shown.contains("hunter2"), "{shown}");
    assert!(sandbox.snapshot() == before);
    // No key is made for it.
    let empty = Sandbox::empty();
    let words = ["set", "codex", "K", SHORT, "--host", "a.b"];
    empty.cast(words).refuses(2, "this value cannot be brokered", &["hunter2"]);
}

#[test]
fn words_that_are_no_host_place_or_prefix() {
    let sandbox = Sandbox::with("codex", &[("K", VALUE)]);
    let set = |words: &[&str]| sandbox.cast(["set", "codex", "K", VALUE].iter().chain(words));
    for host in [
        "https://hunter2.com",
        "hunter2.com/v1",
        "*.hunter2.com",
        "127.0.0.1",
        "[::1]:8443",
        "::1",
        "1",
        "0x7f",
        "hunter2.com:0",
        "hunter2.com:65536",
        "hunter2.com:x",
        "hunter_2.com",
        "hunter2..com",
        "-hunter2.com",
        "hunter2\u{e9}.com",
        "hunter2 .com",
        "me@hunter2.com",
    ] {
        let option = format!("--host={host}");
        for words in [&[option.as_str()][..], &["--host", "a.b", &option]] {
            let refused = set(words).refuses(2, "HOST is not a host name, or a name and a port", &["hunter2"]);
            told(
                &refused,
                "use a name such as 'api.example.com' or 'api.example.com:8443', not an IP address or a wildcard",
            );
        }
    }
    // An empty word takes back; among others it is none.
    set(&["--host", "a.b", "--host", ""]).refuses(2, "HOST is not", &["hunter2"]);
    for place in
        ["header:", "header:hunter2 x", "cookie:hunter2", "json:hunter2", "query:", "hunter2", "Header:hunter2"]
    {
        set(&["--host", "a.b", "--in", place]).refuses(2, "PLACE is not one of 'header:NAME'", &["hunter2"]);
    }
    for prefix in ["hunter2 ", "hunter2\u{e9}", &"hunter2".repeat(10)] {
        set(&["--host", "a.b", "--prefix", prefix]).refuses(2, "PREFIX is not a short text", &["hunter2"]);
    }
    let many: Vec<_> = (0..65).map(|number| format!("--host=a{number}.hunter2.com")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    set(&many).refuses(2, "a secret has at most 64 hosts and 64 places", &["hunter2"]);
    set(&many[1..]).succeeds();
    let empty = Sandbox::empty();
    empty.cast(["set", "codex", "K", VALUE, "--host", "hunter2/x"]).refuses(2, "HOST is not", &["hunter2"]);
    for option in ["--host", "--in", "--prefix"] {
        set(&[option]).refuses(2, "needs a value", &["hunter2"]);
    }
}

#[test]
fn flags_that_do_not_go_together() {
    let sandbox = Sandbox::with("codex", &[("K", VALUE), ("B", VALUE)]);
    sandbox.cast(["set", "codex", "REGION", VALUE, "--unmasked"]).succeeds();
    sandbox.cast(["set", "codex", "B", "--keep", "--host", "a.b"]).succeeds();
    let both = "'--unmasked' cannot be used with '--host'";
    for words in [
        &["set", "codex", "K", VALUE, "--unmasked", "--host", "a.b"][..],
        &["set", "new-agent", "K", VALUE, "--unmasked", "--host", "a.b"],
        &["set", "codex", "K", "--keep", "--unmasked", "--host", "a.b"],
        &["set", "codex", "REGION", "--keep", "--host", "a.b"],
        &["set", "codex", "B", VALUE, "--unmasked"],
        &["set", "codex", "B", "--keep", "--unmasked"],
    ] {
        sandbox.cast(words).refuses(2, both, &["hunter2"]);
    }
    for (option, word) in [("--in", "query:key"), ("--prefix", "sk-")] {
        let only = format!("'{option}' is only for a brokered secret");
        for words in [
            &["set", "codex", "K", VALUE, option, word][..],
            &["set", "codex", "K", "--keep", option, word],
            &["set", "new-agent", "K", VALUE, option, word],
            &["set", "codex", "B", "--keep", "--host", "", option, word],
        ] {
            sandbox.cast(words).refuses(2, &only, &["hunter2"]);
        }
    }
    // As it is, and unmasked.
    sandbox.cast(["set", "codex", "B", "--keep", "--unmasked", "--host", ""]).succeeds();
    assert_eq!(line(&sandbox, "codex", "B")["unmasked"], true);
}

/// Where a secret goes is the owner's to decide.
#[test]
fn only_the_owner_decides() {
    let sandbox = Sandbox::with("codex", &[("K", VALUE)]);
    let grant = grant_of(&sandbox, "codex");
    for words in
        [&["set", "codex", "K", "--keep", "--host", "evil.com"][..], &["set", "codex", "K", VALUE, "--host", "a.b"]]
    {
        sandbox.cast(words).env("CAST_KEY", &grant).refuses(4, "agent key", &["hunter2"]);
    }
    // A person who may set the value.
    let alice = Sandbox::new();
    sandbox.cast(["set", "codex", "K", "--keep", "--host", "a.b"]).succeeds();
    let listed = text(&sandbox, "codex").with_person("alice", &Key::master(&alice).card(), &["K"]);
    fs::create_dir_all(alice.vault("codex").parent().unwrap()).unwrap();
    fs::write(alice.vault("codex"), listed.next().seal(Key::master(&sandbox))).unwrap();
    alice.cast(["vault", "accept", "codex", "--yes"]).succeeds();
    for words in [
        &["--keep", "--host", "evil.com"][..],
        &[VALUE, "--host", "evil.com"],
        &["--keep", "--host", ""],
        &["--keep", "--in", "query:key"],
        &["--keep", "--prefix", "sk-"],
    ] {
        let words = ["set", "codex", "K"].iter().chain(words);
        alice.cast(words).refuses(4, "only its owner changes this", &["hunter2"]);
    }
    alice.cast(["set", "codex", "K", SHORT]).refuses(2, "this value cannot be brokered", &["hunter2"]);
    let set = alice.cast(["set", "codex", "K"]).input(format!("{VALUE}-of-alice")).succeeds();
    assert!(set.err.contains("'K' keeps its flags: brokered to a.b"), "{set:?}");
}

/// A file gives new values to secrets, and takes none of their flags.
#[test]
fn an_import_brings_no_unfit_value() {
    let sandbox = Sandbox::with("codex", &[("K", VALUE), ("L", VALUE)]);
    sandbox.cast(["set", "codex", "K", "--keep", "--host", "a.b"]).succeeds();
    fs::write(sandbox.home().join(".env"), format!("L={SHORT}\nK={SHORT}\n")).unwrap();
    let import = || sandbox.cast(["secrets", "import", "codex", ".env"]);
    let refused = import().refuses(2, "the value of 'K' cannot be brokered: it has 7 letters and digits", &["hunter2"]);
    let hint = "to give it to the program as it is: 'cast secrets set codex K --keep --host '''\n";
    assert!(refused.err.ends_with(hint), "{refused:?}");
    fs::write(sandbox.home().join(".env"), format!("L={SHORT}\nK={VALUE}more\n")).unwrap();
    import().succeeds().says_nothing_of(&["hunter2"]);
    assert_eq!(line(&sandbox, "codex", "K")["hosts"], json!(["a.b"]));
    assert!(text(&sandbox, "codex").values.contains(&format!("{VALUE}more")));
}
