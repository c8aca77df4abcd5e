//! What CMD has: the stand-in, the way to the broker, and nowhere the value.

use std::fs;

use super::client::{Run, base64};
use super::upstream::Root;
use super::world::{KEY, NAME, OTHER, TO_NAME, VALUE, WAITS, World, answer, forms, vault};
use crate::sandbox::{Sandbox, skip};
use crate::supervise::process::{Running, command_line};

/// Whether both have the same kinds of letters.
fn is_alike(one: &str, other: &str) -> bool {
    let kind = |letter: char| letter.is_ascii_alphanumeric();
    one.len() == other.len()
        && one.chars().zip(other.chars()).all(|(one, other)| kind(one) == kind(other) && (kind(one) || one == other))
}

#[test]
fn cmd_has_a_stand_in_and_never_the_value() {
    let world = World::new();
    let mut run = world.run(&[]);
    let stand_in = run.stand_in().to_owned();
    assert!(stand_in != VALUE && stand_in.starts_with("sk-") && is_alike(&stand_in, VALUE), "{stand_in}");
    let mut client = run.client();
    client.send(run.get_request("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(world.host.seen.count(&format!("Authorization: Bearer {VALUE}\r\n")), 1);
    assert_eq!(world.host.seen.count(&stand_in), 0);
    // Neither in what can be read of CMD, nor in a file of the home.
    let forms = forms(VALUE);
    let shown = format!("{:?} {}", run.variables, command_line(run.cmd));
    for (path, (_, bytes)) in world.sandbox.snapshot() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!forms.iter().any(|form| text.contains(form.as_str())), "{}", path.display());
    }
    assert!(!forms.iter().any(|form| shown.contains(form.as_str())), "{shown}");
    match memory(run.cmd) {
        Some(memory) => {
            let has = |text: &str| memory.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(has(&stand_in), "the memory of CMD was not read");
            assert!(!forms.iter().any(|form| has(form)));
        }
        None => skip("broker: the memory of another process cannot be read here"),
    }
    run.end();
    assert!(!world.sandbox.audit_log().contains(VALUE));
}

/// What a process can write to, if the system lets the test read it.
fn memory(pid: i32) -> Option<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let file = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut memory = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if file.read_exact_at(&mut bytes, from).is_ok() {
            memory.extend(bytes);
        }
    }
    Some(memory)
}

#[test]
fn it_is_the_same_in_each_run_and_another_for_each_vault() {
    let sandbox = Sandbox::new();
    for (agent, value) in [("a", VALUE), ("b", VALUE), ("c", OTHER)] {
        vault(
            &sandbox,
            agent,
            &[(KEY, value, TO_NAME), ("SECOND", OTHER, "hosts = [\"b.test\"]\nprefix = \"sk-test-\"\n")],
        );
    }
    vault(&sandbox, "builtin", &[("BUILTIN", VALUE, TO_NAME)]);
    let world = World::of(sandbox, answer);
    let has = |agent: &str, options: &[&str]| {
        let words: Vec<_> =
            ["run", agent].into_iter().chain(options.iter().copied()).chain(["--"]).chain(WAITS).collect();
        let mut run = Run::of(&world.sandbox, Running::cast(&world.sandbox, &words));
        run.end();
        run.variables
    };
    let first = has("a", &[]);
    for options in [&[][..], &["--no-mask"], &["--clean-env"], &["--only", KEY]] {
        assert_eq!(has("a", options)[KEY], first[KEY], "{options:?}");
    }
    assert!(first["SECOND"].starts_with("sk-test-") && first["SECOND"] != OTHER);
    let others = [has("b", &[])[KEY].clone(), has("c", &[])[KEY].clone(), first["BUILTIN"].clone()];
    assert!(others.iter().all(|other| *other != first[KEY] && other != VALUE && other != OTHER), "{others:?}");
    assert_eq!(has("b", &[])["BUILTIN"], first["BUILTIN"]);
}

/// The variables of the page's table, whatever the caller has.
#[test]
fn variables_lead_to_the_broker() {
    let world = World::new();
    let corporate = Root::new();
    let mut command = world.sandbox.cast(["run", "a", "--clean-env", "--"].into_iter().chain(WAITS));
    for (name, value) in [
        ("NO_PROXY", format!("corp.test, {NAME},.example.test,*")),
        ("SSL_CERT_FILE", corporate.path().display().to_string()),
        ("NODE_EXTRA_CA_CERTS", corporate.path().display().to_string()),
        ("CURL_CA_BUNDLE", "/does/not/exist".to_owned()),
        ("HTTP_PROXY", "http://plain.test:1".to_owned()),
        ("HTTPS_PROXY", "http://not.used.test:1".to_owned()),
        // Not what this machine has for all its users.
        ("npm_config_globalconfig", "/does/not/exist".to_owned()),
    ] {
        command = command.env(name, value);
    }
    let clean = Run::of(&world.sandbox, Running::start(command.command()));
    let run = {
        let command = world.sandbox.cast(["run", "a", "--"].into_iter().chain(WAITS));
        let command = command.env("npm_config_cafile", corporate.path()).env("HTTP_PROXY", "http://plain.test:1");
        Run::of(&world.sandbox, Running::start(command.command()))
    };
    for run in [&clean, &run] {
        assert_eq!(run.get("https_proxy"), run.get("HTTPS_PROXY"));
        assert_eq!(run.get("no_proxy"), run.get("NO_PROXY"));
        assert_eq!(run.get("NODE_USE_ENV_PROXY"), "1");
        let bundle = run.get("SSL_CERT_FILE");
        for name in [
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "GIT_SSL_CAINFO",
            "PIP_CERT",
            "CARGO_HTTP_CAINFO",
            "AWS_CA_BUNDLE",
            "DENO_CERT",
            "CODEX_CA_CERTIFICATE",
            "BUNDLE_SSL_CA_CERT",
            "NIX_SSL_CERT_FILE",
            "HTTPLIB2_CA_CERTS",
        ] {
            assert_eq!(run.get(name), bundle, "{name}");
        }
    }
    let mut client = run.client_by("SSL_CERT_FILE");
    client.send(run.get_request("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    // What the caller has for its other hosts stays.
    assert_eq!(clean.get("NO_PROXY"), "corp.test,localhost,127.0.0.1,::1");
    assert_eq!(run.get("NO_PROXY"), "localhost,127.0.0.1,::1");
    assert!(!clean.variables.contains_key("HTTP_PROXY"));
    assert_eq!(run.get("HTTP_PROXY"), "http://plain.test:1");
    assert!(!clean.variables.contains_key("npm_config_cafile"));
    assert_eq!(run.get("npm_config_cafile"), run.get("SSL_CERT_FILE"));
    let read = |run: &Run, name: &str| fs::read_to_string(run.get(name)).unwrap();
    let corporate = corporate.pem();
    assert!(
        read(&clean, "SSL_CERT_FILE").contains(&corporate) && read(&clean, "NODE_EXTRA_CA_CERTS").contains(&corporate)
    );
    assert!(
        read(&run, "SSL_CERT_FILE").contains(&corporate) && !read(&run, "NODE_EXTRA_CA_CERTS").contains(&corporate)
    );
    // The system's roots, and the run's own first.
    let system = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    assert!(read(&run, "SSL_CERT_FILE").matches("BEGIN").count() >= system.matches("BEGIN").count());
    assert!(read(&run, "SSL_CERT_FILE").starts_with(&run.authority()));
}

/// A value that CMD would have all the same is refused before anything of the run exists.
#[test]
fn a_value_that_is_also_elsewhere_is_refused() {
    let sandbox = Sandbox::new();
    let url = format!("postgres://user:{VALUE}@db.test/x");
    let plain = [("DATABASE_URL", url.as_str(), ""), ("COPY", VALUE, "")];
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME), plain[0], plain[1]]);
    let world = World::of(sandbox, answer);
    let refused = |call: crate::sandbox::Call<'_>, message: &str| {
        let outcome = call.refuses(125, message, &[VALUE]);
        assert!(!world.sandbox.home().join("ran").exists() && world.folders() == 0);
        outcome
    };
    let touch = ["--", "touch", "ran"];
    let cast = |options: &[&str]| world.sandbox.cast(["run", "a"].iter().chain(options).chain(&touch));
    let said =
        refused(cast(&[]), "the value of 'API_KEY' is also in 'COPY', which CMD gets: it would have it all the same");
    assert!(said.err.contains("hint: broker or leave out that one, too: '--except COPY'"), "{said:?}");
    refused(cast(&["--except", "COPY"]), "the value of 'API_KEY' is also in 'DATABASE_URL'");
    let alone = ["--only", KEY];
    for value in [VALUE.to_owned(), format!("x{VALUE}y"), base64(VALUE), base64(&format!("user:{VALUE}"))] {
        let said = refused(cast(&alone).env("FOUND", &value), "the value of 'API_KEY' is also in 'FOUND'");
        assert!(said.err.contains("hint: unset 'FOUND' for this run"), "{said:?}");
        let words = ["run", "a", "--only", KEY, "--", "touch", "ran", &value];
        refused(world.sandbox.cast(words), "the value of 'API_KEY' is also in word 3 of the command");
    }
    // The caller's variable of its name is not CMD's, and without the brokered secret nothing is looked at.
    world.sandbox.cast(["run", "a", "--only", KEY, "--", "true"]).env(KEY, VALUE).succeeds();
    world.sandbox.cast(["run", "a", "--only", KEY, "--clean-env", "--", "true"]).env("FOUND", VALUE).succeeds();
    world.sandbox.cast(["run", "a", "--except", KEY, "--", "true"]).env("FOUND", VALUE).succeeds();
}

#[test]
fn a_value_that_is_unfit_is_refused() {
    let sandbox = Sandbox::new();
    vault(&sandbox, "short", &[(KEY, "sk-short0123456", TO_NAME)]);
    vault(&sandbox, "blank", &[(KEY, "four blanks are in this value", TO_NAME)]);
    vault(&sandbox, "prefix", &[(KEY, VALUE, "hosts = [\"a.test\"]\nprefix = \"pk-\"\n")]);
    let world = World::of(sandbox, answer);
    for (agent, value, why) in [
        ("short", "sk-short0123456", "its value has 12 letters and digits beyond its prefix, and 16 are needed"),
        ("blank", "four blanks", "its value contains blanks, control characters or letters beyond ASCII"),
        ("prefix", VALUE, "its value does not begin with the prefix"),
    ] {
        let message = format!("secret 'API_KEY' of agent '{agent}' cannot be brokered: {why}");
        let said = world.sandbox.cast(["run", agent, "--", "touch", "ran"]).refuses(125, &message, &[value]);
        assert!(said.err.contains("'--except API_KEY'"), "{said:?}");
        world.sandbox.cast(["run", agent, "--except", KEY, "--", "true"]).succeeds();
    }
    assert!(!world.sandbox.home().join("ran").exists() && world.folders() == 0);
}

/// cast sets these itself.
#[test]
fn a_secret_with_a_name_of_the_broker_s_is_refused() {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME), ("HTTPS_PROXY", "http://proxy.test:1", "dangerous = true\n")]);
    let world = World::of(sandbox, answer);
    let message = "'HTTPS_PROXY' is set by cast when a secret is brokered";
    world.sandbox.cast(["run", "a", "--", "true"]).refuses(125, message, &[VALUE, "proxy.test"]);
    world.sandbox.cast(["run", "a", "--only", "HTTPS_PROXY", "--", "true"]).succeeds();
}
