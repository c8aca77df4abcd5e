//! Checks what is masked and in which forms, and that common encoders write no other form.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::masker::{Masker, Plan};

fn forms(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    each_form(value, &mut |form| all.push(String::from_utf8_lossy(form.bytes).into_owned()));
    all
}

fn has(value: &str, form: &str) -> bool {
    forms(value).iter().any(|known| known == form)
}

#[test]
fn says_why_a_value_is_not_masked() {
    use Unmasked::{Armour, Everyday, Number, Short};
    for (value, why) in [
        ("", Some(Short)),
        ("abc", Some(Short)),
        ("  abc\n", Some(Short)),
        ("}])", Some(Short)),
        (")}])>:\"abc", None),
        ("postgres", Some(Everyday)),
        ("us-east-1", Some(Everyday)),
        ("europe-west4", Some(Everyday)),
        ("us-east-secret1", None),
        ("127.0.0.1", Some(Everyday)),
        ("name", Some(Everyday)),
        ("RESULT", Some(Everyday)),
        ("verbose", Some(Everyday)),
        ("shop", None),
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
fn no_form_begins_or_ends_with_a_line_end() {
    for value in ["\n  indented\n  lines of it\n", " \t\r\n>>it's a long one", "{\n \"a\": \"bcdefghij\"\n}\n"] {
        for form in forms(value) {
            assert!(!form.starts_with([' ', '\t', '\r', '\n']) && !form.ends_with(['\r', '\n']), "{form:?}");
            assert!(form.len() >= 8, "{form:?}");
        }
    }
}

#[test]
fn lines_are_forms_but_for_armour_and_settings() {
    let value = "-----BEGIN A-----\r\nMIIEvQIB\r\nshort\r\n  production\r\n-----END A-----\r\n";
    let has = |form: &str| has(value, form);
    assert!(has("MIIEvQIB"));
    assert!(has("-----BEGIN A-----\nMIIEvQIB\nshort\n  production\n-----END A-----"));
    assert!(has("-----BEGIN A-----\r\nMIIEvQIB\r\nshort\r\n  production\r\n-----END A-----"));
    for absent in ["-----BEGIN A-----", "-----END A-----", "short", "production"] {
        assert!(!has(absent), "{absent}");
    }
}

#[test]
fn the_secret_leaves_of_json_are_forms() {
    let account = r#"{
      "type": "service_account",
      "project_id": "my-project-1234567",
      "private_key_id": "0123456789abcdef0123456789abcdef01234567",
      "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
      "client_email": "me@my-project.iam.gserviceaccount.com",
      "client_id": "123456789012345678901",
      "auth_uri": "https://accounts.google.com/o/oauth2/auth",
      "token_uri": "https://oauth2.googleapis.com/token",
      "inner": {"some": ["eyJhbGciOiJSUzI1NiIsImtpZCI6IkRFTU8ifQ"], "url": "redis://u:S3cretPassw0rd@h/0"}
    }"#;
    for form in [
        "0123456789abcdef0123456789abcdef01234567",
        "MIIEvQIBADANBgkq",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- MIIEvQIBADANBgkq hkiG9w0BAQEFAASC -----END PRIVATE KEY-----",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IkRFTU8ifQ",
        "S3cretPassw0rd",
        account,
    ] {
        assert!(has(account, form), "{form}");
    }
    let whole = account.len();
    for form in forms(account).iter().filter(|form| form.len() < whole / 2) {
        for plain in
            ["service_account", "my-project", "gserviceaccount", "1234567890123456789", "google", "type", "auth_uri"]
        {
            assert!(!form.contains(plain), "{form}");
        }
    }
}

#[test]
fn lines_that_frame_secrets_are_no_forms() {
    let config = "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://10.0.0.1:6443\ncontexts:\n- context:\n    \
                  namespace: default\nusers:\n- name: administrator-of-it\n  user:\n    token: abcdefgh.demo\n    \
                  client-key-data: |\n      MIIEvQIBADANBgkq\n";
    assert!(has(config, "abcdefgh.demo") && has(config, "MIIEvQIBADANBgkq"));
    for line in config.lines().map(str::trim).filter(|line| !line.starts_with("MII")) {
        assert!(!has(config, line), "{line}");
    }
    assert!(!has(config, "administrator-of-it") && !has(config, "https://10.0.0.1:6443"));
    let dotenv = "# what it needs\nexport API_TOKEN=\"abcdefghijk\"\nREGION=somewhere-nice\nDB=postgres://u:S3cretPassw0rd@h/d\n";
    assert!(has(dotenv, "abcdefghijk") && has(dotenv, "S3cretPassw0rd"));
    assert!(!has(dotenv, "somewhere-nice") && !has(dotenv, "REGION=somewhere-nice"));
    // Lines that are nothing else stand for themselves.
    assert!(has("correct horse\nbattery staple\n", "battery staple"));
}

#[test]
fn of_a_url_the_password_is_a_form_and_never_the_user_alone() {
    let url = "postgres://application:S3cret%2FPassw0rd@db.local:5432/app";
    for form in
        ["S3cret%2FPassw0rd", "S3cret/Passw0rd", "application:S3cret%2FPassw0rd", "application:S3cret/Passw0rd", url]
    {
        assert!(has(url, form), "{form}");
    }
    for form in ["application", "db.local:5432", "db.local:5432/app", "application:"] {
        assert!(!has(url, form), "{form}");
    }
    assert!(has("https://u:p@ss@word1@host/", "p@ss@word1"), "an `@` that was not encoded");
    assert!(has("redis://:hunter2@host", "hunter2"));
    for plain in ["https://example.com/a:b@c", "https://host:8443/path", "not a url: a:b@c"] {
        assert!(forms(plain).iter().all(|form| form.len() >= plain.len()), "{plain}");
    }
}

/// Runs a tool on `input`. Reports a skip and returns `None` if the tool is not installed.
fn tool(command: &[String], input: &str) -> Option<String> {
    let spawned = Command::new(&command[0])
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

/// Programs that write what they read in another form.
fn encoders() -> Vec<Vec<String>> {
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
    commands.iter().map(|command| command.iter().map(|word| (*word).to_owned()).collect()).collect()
}

#[test]
fn real_encoders_show_nothing() {
    for size in [20, 108, 164] {
        let plain: String =
            "sk-live-4eC39HqLyjWDarjtT1zdp7dcTYooMQauvdEDq54NiTphI7jx".chars().cycle().take(size).collect();
        let odd: String = "s3'\"\\/é$&+ <>%!~#=:`*(ü)[]{};,?@^|-_.".chars().cycle().take(size).collect();
        let lines: String = "first l'ine\n\tsecond \"line\" \\ é\nthird/line+\n".chars().cycle().take(size).collect();
        for token in [plain, odd, lines] {
            let commands = encoders();
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

#[test]
fn what_real_encoders_make_of_a_value_becomes_what_they_make_of_the_stand_in() {
    let letters = [
        "sk-live-4eC39HqLyjWDarjtT1zdp7dcTYooMQauvdEDq54NiTphI7jx",
        "sk-live-aZ09bY18cX27dW36eV45fU54gT63hS72iR81jQ90kP5lOmNn",
    ];
    let odd = ["s3'\"\\/k$&+<>%!~#=:`*(u)[]{};,?@^|-_.Yq8", "B7'\"\\/M$&+<>%!~#=:`*(9)[]{};,?@^|-_.aaZ"];
    for ([value, stand_in], before, after) in [(letters, "u:", ":x"), (odd, "", "\n")] {
        let plan = Arc::new(Plan::swapping([("T", value, stand_in)]));
        for command in encoders() {
            let written = [value, stand_in].map(|text| tool(&command, &format!("{before}{text}{after}")));
            let [Some(mut text), Some(mut expected)] = written else { continue };
            if command[0] == "od" {
                text.retain(|c| c != ' ');
                expected.retain(|c| c != ' ');
            }
            let (mut masker, mut out) = (Masker::new(Arc::clone(&plan)), Vec::new());
            for chunk in text.as_bytes().chunks(7) {
                masker.write(chunk, &mut out).unwrap();
            }
            masker.finish(&mut out).unwrap();
            assert_eq!(String::from_utf8_lossy(&out), expected, "{command:?}");
        }
    }
}

#[test]
fn the_prefix_of_a_token_is_how_all_tokens_of_its_service_begin() {
    for (value, prefix) in [
        ("sk-ant-api03-abc", "sk-ant-api03-"),
        ("sk-ant-abc", "sk-ant-"),
        ("sk-abc", "sk-"),
        ("github_pat_11AB", "github_pat_"),
        ("https://example.com", ""),
        ("Bearer abc", ""),
        ("0123456789abcdef", ""),
    ] {
        assert_eq!(token_prefix(value), prefix, "{value}");
    }
}
