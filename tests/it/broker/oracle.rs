//! A program that prints guesses and reads its own log learns nothing: whatever it prints passes as it is, but for a
//! whole value.

use std::fs;
use std::process::Stdio;

use super::HOSTILE;
use super::client::base64;
use super::world::{KEY, OTHER, TO_NAME, VALUE, World, answer, vault};
use crate::sandbox::{Sandbox, Tries};
use crate::supervise::process::Running;
use crate::terminal::Terminal;

/// Beginnings of the value, of all lengths, as a program could write them.
fn guesses() -> Vec<String> {
    let mut guesses = Vec::new();
    for length in 1..VALUE.len() {
        let begun = &VALUE[..length];
        let last = &VALUE[VALUE.len() - length..];
        let percent = spelled(begun, |byte| format!("%{byte:02X}"));
        let json = spelled(begun, |byte| format!("\\u{byte:04x}"));
        let hexadecimal = spelled(begun, |byte| format!("{byte:02x}"));
        guesses.extend([begun.to_owned(), last.to_owned(), base64(begun), percent, json, hexadecimal]);
        // Right up to the last letter, which is wrong.
        guesses.push(format!("{}~{}", begun, &VALUE[length + 1..]));
    }
    guesses
}

fn spelled(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect::<Vec<_>>().concat()
}

fn world(value: &str) -> World {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, value, TO_NAME)]);
    World::of(sandbox, answer)
}

#[test]
fn guesses_pass_as_they_are() {
    let text = guesses().join("\n") + "\n";
    let joined = guesses().join(" ");
    let world = world(VALUE);
    fs::write(world.sandbox.home().join("guesses"), &text).unwrap();
    fs::write(world.sandbox.home().join("joined"), &joined).unwrap();
    let tries = Tries::at(1, HOSTILE);
    for options in [&[][..], &["--marker", "fixed"], &["--mask"]] {
        for (script, out, err) in [
            ("cat guesses", &*text, ""),
            ("cat guesses >&2", "", &*text),
            ("cat joined", &joined, ""),
            ("cat guesses; cat joined >&2", &text, &joined),
            ("while read -r line; do printf '%s\\n' \"$line\"; done <guesses", &text, ""),
        ] {
            tries.next();
            let words = ["run", "a"].into_iter().chain(options.iter().copied()).chain(["--", "sh", "-c", script]);
            let said = world.sandbox.cast(words).succeeds();
            assert!(said.out == out && said.err == err, "{options:?} {script}: {said:?}");
        }
    }
    for options in [&["mask", "a"][..], &["mask", "a", "--marker", "fixed"]] {
        tries.next();
        assert_eq!(world.sandbox.cast(options).input(&text).succeeds().out, text);
        assert_eq!(world.sandbox.cast(options).input(&joined).succeeds().out, joined);
    }
}

/// At the end of a stream, and at a silence: nothing is held back for good.
#[test]
fn a_beginning_leaves_unchanged() {
    let world = world(VALUE);
    for length in [1, 4, 8, 15, 24, VALUE.len() - 1] {
        let begun = &VALUE[..length];
        fs::write(world.sandbox.home().join("begun"), begun).unwrap();
        assert_eq!(world.sandbox.cast(["run", "a", "--", "cat", "begun"]).succeeds().out, begun);
        assert_eq!(world.sandbox.cast(["mask", "a"]).input(begun).succeeds().out, begun);
        // CMD waits behind it.
        for words in [&["run", "a", "--", "sh", "-c", "cat begun; read x; echo over"][..], &["mask", "a"]] {
            let mut cast = Running::cast(&world.sandbox, words);
            if words[0] == "mask" {
                cast.hears(begun);
            }
            cast.says(begun);
            // What comes now makes the value whole: its rest is masked.
            if words[0] == "mask" {
                cast.hears(&format!("{}\n", &VALUE[length..]));
                cast.says("[cast:API_KEY]\n");
            } else {
                cast.hears("\n");
                cast.says("over\n");
            }
        }
    }
}

#[test]
fn a_whole_value_is_masked() {
    let (mine, other) = (world(VALUE), world(OTHER));
    let lines =
        [VALUE.to_owned(), format!("<{VALUE}>"), format!("key={VALUE}&x"), base64(VALUE), format!("\"{VALUE}\"")];
    let text = lines.join("\n") + "\n";
    for world in [&mine, &other] {
        fs::write(world.sandbox.home().join("text"), &text).unwrap();
    }
    let run = |world: &World| world.sandbox.cast(["run", "a", "--", "cat", "text"]).succeeds().out;
    let masked = text.replace(VALUE, "[cast:API_KEY]").replace(&base64(VALUE), "[cast:API_KEY]");
    let marker = "[cast:API_KEY]";
    let out = run(&mine);
    assert!(!out.contains(VALUE) && !out.contains(&base64(VALUE)), "{out}");
    assert_eq!(out.matches(marker).count(), lines.len(), "{out}");
    assert_eq!(out.lines().take(3).collect::<Vec<_>>(), masked.lines().take(3).collect::<Vec<_>>());
    assert_eq!(run(&other), text, "a guess of another value of this shape");
    let filtered = mine.sandbox.cast(["mask", "a"]).input(&text).succeeds().out;
    assert_eq!(filtered, out);
    let fixed = mine.sandbox.cast(["run", "a", "--marker", "fixed", "--", "cat", "text"]).succeeds().out;
    assert_eq!(fixed.len(), text.len());
    // A run that is not masked does not look.
    assert_eq!(mine.sandbox.cast(["run", "a", "--no-mask", "--", "cat", "text"]).succeeds().out, text);
}

/// On a terminal of cast's own.
#[test]
fn on_a_terminal() {
    let world = world(VALUE);
    let short: Vec<_> = (1..VALUE.len()).map(|length| VALUE[..length].to_owned()).collect();
    let text = short.join("|\n") + "|\n";
    fs::write(world.sandbox.home().join("guesses"), text).unwrap();
    fs::write(world.sandbox.home().join("whole"), format!("<{VALUE}>\n")).unwrap();
    let script = "cat guesses; cat whole; read x; exit 3";
    let mut terminal = Terminal::start(world.sandbox.cast(["run", "a", "--mask", "--", "sh", "-c", script]));
    for guess in &short {
        terminal.sees(&format!("{guess}|\r\n"));
    }
    // As wide as the value.
    terminal.sees("<[cast:API_KEY");
    terminal.types("\n");
    let shown = terminal.ends_with(3);
    assert!(!shown.contains(VALUE), "{shown}");
}

/// Values of one shape give the same bytes in the same order, with all streams at once.
#[test]
fn two_values_of_one_shape_cannot_be_told_apart() {
    let text = guesses().join("\n") + "\n";
    let run = |value: &str| {
        let world = world(value);
        fs::write(world.sandbox.home().join("guesses"), &text).unwrap();
        let script = "while read -r line; do printf '%s ' \"$line\"; printf '%s\\n' \"$line\" >&2; done <guesses";
        let mut command = world.sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), output.stdout, output.stderr)
    };
    assert!(run(VALUE) == run(OTHER), "the guesses tell which value is there");
}

/// A host that sends guesses back, on CMD's wish.
#[test]
fn in_a_response() {
    let all = guesses().join("\n");
    let length = all.len();
    let world = World::with(TO_NAME, move |mut line| {
        line.head();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", all.len()));
        for guess in all.split_inclusive('\n') {
            line.send(guess);
        }
        line.all();
    });
    let mut run = world.run(&[]);
    let mut client = run.client();
    client.send(run.get_request("/"));
    client.head();
    assert!(client.exactly(length) == guesses().join("\n").as_bytes(), "a guess was changed");
    run.end();
}
