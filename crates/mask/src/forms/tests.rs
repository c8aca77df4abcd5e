//! Checks what is masked and in which forms, and that common encoders write no other form.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::masker::{Masker, Plan};

fn forms(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    each_form(value, &mut |form| all.push(String::from_utf8(form.bytes.to_vec()).unwrap()));
    all
}

#[test]
fn says_why_a_value_is_not_masked() {
    use Unmasked::{Armour, Everyday, Number, Short};
    for (value, why) in [
        ("", Some(Short)),
        ("abc", Some(Short)),
        (" }}}}}}]):>\"abc\n", Some(Short)),
        ("true", Some(Everyday)),
        ("True\n", Some(Everyday)),
        ("localhost", Some(Everyday)),
        ("\"production", Some(Everyday)),
        ("3000", Some(Number)),
        ("-1.25", Some(Number)),
        ("1234567", Some(Number)),
        ("12345678", None),
        ("1.2.3", None),
        ("-----BEGIN PRIVATE KEY-----\n", Some(Armour)),
        ("-----END RSA PRIVATE KEY-----", Some(Armour)),
        ("-----BEGIN A-----\nMIIEvQIB\n-----END A-----\n", None),
        ("abcd", None),
        ("hunter2", None),
    ] {
        assert_eq!(unmasked(value), why, "{value:?}");
        assert_eq!(forms(value).is_empty(), why.is_some(), "{value:?}");
    }
}

#[test]
fn short_values_are_looked_for_as_they_are() {
    assert_eq!(forms("a\"b/"), ["a\"b/"]);
    assert_eq!(forms("ab\ncdef"), ["ab\ncdef"]);
}

#[test]
fn no_form_begins_with_what_ends_a_frame_or_a_prompt() {
    for value in [
        "}\n]): > \"secret value\n  \"indented\": 1,\n}",
        " \t\r\n>>it's a long one",
        "\"quoted\": \"value\"",
        "{\n \"a\": \"bcdefghij\"\n}\n",
    ] {
        for form in forms(value) {
            assert!(!form.starts_with([' ', '\t', '\r', '\n', '}', ']', ')', '"', '>', ':']), "{form:?}");
            assert!(form.len() >= 8, "{form:?}");
        }
    }
}

#[test]
fn lines_are_forms_but_for_armour_and_settings() {
    let forms = forms("-----BEGIN A-----\r\nMIIEvQIB\r\nshort\r\n  production\r\n-----END A-----\r\n");
    let has = |form: &str| forms.iter().any(|known| known == form);
    assert!(has("MIIEvQIB"));
    assert!(has("-----BEGIN A-----\nMIIEvQIB\nshort\n  production\n-----END A-----"));
    assert!(has("-----BEGIN A-----\r\nMIIEvQIB\r\nshort\r\n  production\r\n-----END A-----"));
    for absent in ["-----BEGIN A-----", "-----END A-----", "short", "production"] {
        assert!(!has(absent), "{absent}");
    }
}

#[test]
fn knows_the_dialects() {
    let forms = forms("it's/\"é\" <5$ \\\x1b+");
    for form in [
        r#"it's/\"é\" <5$ \\\u001b+"#,
        r#"it's/\"é\" <5$ \\\u001B+"#,
        r#"it's\/\"é\" <5$ \\\u001b+"#,
        r#"it's/\"\u00e9\" <5$ \\\u001b+"#,
        r#"it's/\"\u00E9\" <5$ \\\u001B+"#,
        r#"it's\/\"\u00e9\" <5$ \\\u001b+"#,
        r#"it's/\"é\" \u003c5$ \\\u001b+"#,
        r"it\u0027s/\u0022\u00E9\u0022 \u003C5$ \\\u001B\u002B",
        r#"it's/\\\"é\\\" <5$ \\\\\\u001b+"#,
        r#"it's/\\\"\u00e9\\\" <5$ \\\\\\u001b+"#,
        r#"it's/\\\"\\u00e9\\\" <5$ \\\\\\u001b+"#,
        "it's%2F%22%C3%A9%22%20%3C5%24%20%5C%1B%2B",
        "it%27s%2f%22%c3%a9%22%20%3c5%24%20%5c%1b%2b",
        "it%27s/%22%C3%A9%22%20%3C5%24%20%5C%1B%2B",
        "it%27s%2F%22%C3%A9%22+%3C5%24+%5C%1B%2B",
        "it'\\''s/\"é\" <5$ \\\x1b+",
        "it'\"'\"'s/\"é\" <5$ \\\x1b+",
        "it's/\\\"é\\\" <5\\$ \\\\\x1b+",
        r#"it\'s/"é" <5$ \\\E+"#,
        r#"it\'s/"\303\251" <5$ \\\E+"#,
        "697427732f22c3a922203c3524205c1b2b",
        "697427732F22C3A922203C3524205C1B2B",
    ] {
        assert!(forms.iter().any(|known| known == form), "{form}");
    }
}

/// Runs a tool on `input`. Reports a skip and returns `None` if the tool is not installed.
fn tool(command: &[&str], input: &str) -> Option<String> {
    let spawned = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env("LC_ALL", "C.UTF-8")
        .spawn();
    let Ok(mut child) = spawned else {
        cast_testing::skip(&format!("masking: '{}' is not installed", command[0]));
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The masked `text`, fed whole and byte by byte.
fn rest(token: &str, text: &str) -> String {
    let plan = Arc::new(Plan::new([("T", token)]));
    let [whole, bytewise] = [text.len().max(1), 1].map(|size| {
        let (mut masker, mut out) = (Masker::new(Arc::clone(&plan)), Vec::new());
        for chunk in text.as_bytes().chunks(size) {
            masker.write(chunk, &mut out).unwrap();
        }
        masker.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    });
    assert_eq!(whole, bytewise, "{text:?}");
    whole
}

#[test]
fn real_encoders_show_nothing() {
    for size in [20, 108, 164] {
        let plain: String =
            "sk-live-4eC39HqLyjWDarjtT1zdp7dcTYooMQauvdEDq54NiTphI7jx".chars().cycle().take(size).collect();
        let odd: String = "s3'\"\\/é$&+ <>%!~#=:`*(ü)[]{};,?@^|-_.".chars().cycle().take(size).collect();
        let lines: String = "first l'ine\n\tsecond \"line\" \\ é\nthird/line+\n".chars().cycle().take(size).collect();
        for token in [plain, odd, lines] {
            let quote = "import sys,urllib.parse as u;t=sys.stdin.read();";
            let json = "import sys,json;t=sys.stdin.read();";
            let python = |setup: &str, call: &str| format!("{setup}sys.stdout.write({call})");
            let programs = [
                python(quote, "u.quote(t)"),
                python(quote, "u.quote(t,safe='')"),
                python(quote, "u.quote_plus(t)"),
                python(quote, "u.urlencode({'k':t})[2:]"),
                python(json, "json.dumps(t)"),
                python(json, "json.dumps(t,ensure_ascii=False)"),
                python(json, "json.dumps(json.dumps(t,ensure_ascii=False),ensure_ascii=False)"),
                python(json, "json.dumps(json.dumps(t,ensure_ascii=False))"),
                python(json, "json.dumps(json.dumps(t))"),
                python("import sys,shlex;t=sys.stdin.read();", "shlex.quote(t)"),
                python("import sys,base64;t=sys.stdin.buffer.read();", "base64.urlsafe_b64encode(t).decode()"),
                python("import sys,base64;t=sys.stdin.buffer.read();", "base64.encodebytes(b'u:'+t+b'@').decode()"),
                python(
                    "import sys,base64;t=sys.stdin.buffer.read();",
                    "base64.encodebytes(b'u'+t).decode().replace('\\n','\\r\\n')",
                ),
            ];
            let mut commands: Vec<Vec<&str>> = vec![
                vec!["cat"],
                vec!["base64"],
                vec!["base64", "-w0"],
                vec!["base64", "-w20"],
                vec!["openssl", "base64"],
                vec!["openssl", "base64", "-A"],
                vec!["xxd", "-p"],
                vec!["xxd", "-p", "-u"],
                vec!["xxd", "-p", "-c", "0"],
                vec!["jq", "-Rs", "."],
                vec!["jq", "-Rsa", "."],
                vec!["jq", "-R", "."],
                vec!["jq", "-Rs", "@uri"],
                vec!["jq", "-Rsr", "@sh"],
                vec!["jq", "-Rs", "@base64"],
                vec!["bash", "-c", "IFS= read -rd '' t; printf %q \"$t\""],
                vec!["bash", "-c", "IFS= read -rd '' t; echo \"${t@Q}\""],
                vec!["bash", "-c", "IFS= read -rd '' t; export t; export -p | grep -A99 ' t='"],
                vec!["bash", "-c", "IFS= read -rd '' t; exec 2>&1; set -x; : \"$t\""],
                vec!["bash", "-c", "IFS= read -rd '' t; LC_ALL=C; printf %q \"$t\""],
                vec!["sh", "-c", "t=$(cat; echo .); t=${t%.}; export t; export -p | grep -A99 ' t='"],
                vec!["od", "-An", "-v", "-tx1", "-w9999"],
            ];
            commands.extend(programs.iter().map(|program| vec!["python3", "-c", program]));
            for command in &commands {
                for (before, after) in [("", "\n"), ("token: ", "!")] {
                    let Some(mut text) = tool(command, &format!("{before}{token}{after}")) else { continue };
                    if command[0] == "od" {
                        text.retain(|c| c != ' ');
                    }
                    let rest = rest(&token, &text);
                    assert!(rest.contains("[cast:T]"), "{command:?} on {token:?} writes {text:?}, shown as {rest:?}");
                    // Only the text around the token or its lines may be left, and at each edge one or two digits that
                    // share bits with the token.
                    let left = rest.replace("[cast:T]", "");
                    assert!(left.len() <= 60, "{command:?} on {token:?} writes {text:?}, shown as {rest:?}");
                }
            }
        }
    }
}
