//! Strings in TOML: one form, and an independent reader finds the same in it.

use proptest::prelude::*;

use super::*;

fn written(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text).unwrap();
    out
}

fn read(text: &str) -> Option<String> {
    let mut reader = Reader::new(text);
    reader.string().filter(|_| reader.is_at_end())
}

#[track_caller]
fn check(text: &str, form: &str) {
    assert_eq!(written(text), form);
    assert_eq!(read(form).as_deref(), Some(text), "{form}");
    assert_eq!(in_toml(form).as_deref(), Some(text), "{form}");
}

fn in_toml(form: &str) -> Option<String> {
    let table: toml::Table = format!("x = {form}\n").parse().ok()?;
    table["x"].as_str().map(str::to_owned)
}

#[test]
fn strings_have_one_form() {
    check("", "\"\"");
    check("a \"b\" \\ é", "\"a \\\"b\\\" \\\\ é\"");
    check("\u{1}\u{8}\t\u{c}\r\u{1f}\u{7f}", "\"\\u0001\\b\\t\\f\\r\\u001F\\u007F\"");
    check("\n", "\"\"\"\n\n\"\"\"");
    check("a\nb", "\"\"\"\na\nb\"\"\"");
    check("a\r\nb\t", "\"\"\"\na\\r\nb\\t\"\"\"");
    check("{\"a\": \"b\"}\n", "\"\"\"\n{\"a\": \"b\"}\n\"\"\"");
    check("\"\"\"\n\"", "\"\"\"\n\"\\\"\\\"\n\\\"\"\"\"");
}

#[test]
fn other_forms_are_refused() {
    for form in [
        "",
        "\"",
        "\"a",
        "a",
        "'a'",
        "\"a\nb\"",
        "\"\u{1}\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "\"\\n\"",
        "\"\\e\"",
        "\"\\u0000\"",
        "\"\\u0009\"",
        "\"\\u001f\"",
        "\"\\u0041\"",
        "\"\\u+01F\"",
        "\"\\u1\"",
        "\"\\",
        "\"\"\"a\nb\"\"\"",
        "\"\"\"\na\"\"\"",
        "\"\"\"\na\n\\\"b\"\"\"",
        "\"\"\"\na\n\"\"b\"\"\"",
        "\"\"\"\na\n\\\n  b\"\"\"",
        "\"\"\"\na\n\"\"\"\"",
    ] {
        assert_eq!(read(form), None, "{form:?}");
    }
}

fn tricky() -> impl Strategy<Value = String> {
    prop_oneof!["[\"\\\\\n\r\u{1}\u{7f}a]{0,8}", "[^\0]{0,40}", "(\"\"\"|\n|\\\\u0001|\\\\|'''|# x| = |é){0,6}"]
}

proptest! {
    #[test]
    fn every_string_comes_back(text in tricky()) {
        let form = written(&text);
        prop_assert_eq!(read(&form), Some(text.clone()));
        prop_assert_eq!(in_toml(&form), Some(text));
        let mut length = Length::default();
        write_string(&mut length, &read(&form).unwrap()).unwrap();
        prop_assert_eq!(length.0, form.len());
    }

    #[test]
    fn what_is_read_is_written_the_same(form in "\"(\"\"\n)?[\"\\\\\nubtfr0017Fa]{0,10}\"(\"\")?") {
        if let Some(text) = read(&form) {
            prop_assert_eq!(written(&text), form);
        }
    }
}
