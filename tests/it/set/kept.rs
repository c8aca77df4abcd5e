//! What `set` says and keeps: that it replaced, the flags, a value that looks unintended, and a name in its own form.

use crate::sandbox::Sandbox;

#[test]
fn a_replaced_secret_is_called_so_and_keeps_its_flags() {
    let sandbox = Sandbox::new();
    let set = |words: &[&str]| sandbox.cast(["set", "a", "K"].iter().chain(words)).input("value-2").succeeds().err;
    assert_eq!(set(&["value-1", "--unmasked"]), "✓ Secret 'K' set for agent 'a'\n");
    assert_eq!(set(&[]), "✓ Secret 'K' replaced for agent 'a'\ncast: hint: 'K' keeps its flags: unmasked\n");
    assert_eq!(sandbox.listing("a")[0]["unmasked"], true);
    assert_eq!(sandbox.value("a", "K"), b"value-2");
    // What was asked for is no news.
    assert_eq!(set(&["value-3", "--unmasked"]), "✓ Secret 'K' replaced for agent 'a'\n");
    // Also with the same value.
    assert!(set(&["value-3"]).starts_with("✓ Secret 'K' replaced for agent 'a'\n"));
}

#[test]
fn a_value_that_looks_unintended_is_kept_with_a_hint() {
    let sandbox = Sandbox::new();
    for (value, what) in [
        ("sk-live-abc ", "it begins or ends with a blank"),
        ("\tsk-live-abc", "it begins or ends with a blank"),
        ("\"sk-live-abc\"", "it is in quotes, which belong to it"),
        ("'sk-live-abc'", "it is in quotes, which belong to it"),
        ("export K=sk-live-abc", "it begins with 'export '"),
        ("K=sk-live-abc", "it begins with the name of the secret and '='"),
    ] {
        let hint = format!("cast: hint: the value was stored exactly as it is: {what}\n");
        let given = sandbox.cast(["set", "a", "K", "--", value]).succeeds();
        assert!(given.err.ends_with(&hint), "{given:?}");
        given.says_nothing_of(&["sk-live"]);
        assert_eq!(sandbox.value("a", "K"), value.as_bytes());
        let piped = sandbox.cast(["set", "a", "K"]).input(format!("{value}\n")).succeeds();
        assert!(piped.err.ends_with(&hint), "{piped:?}");
        assert_eq!(sandbox.value("a", "K"), value.as_bytes());
        assert_eq!(sandbox.cast(["-q", "set", "a", "K", "--", value]).succeeds().err, "");
    }
    for value in ["sk-live-abc", "OTHER=sk-live", "it's", "-----BEGIN-----\nkey\n-----END-----\n"] {
        let outcome = sandbox.cast(["set", "a", "K", "--", value]).succeeds();
        assert!(!outcome.err.contains("exactly"), "{outcome:?}");
    }
}

#[test]
fn names_of_terraform_and_npm_have_their_own_form() {
    let sandbox = Sandbox::new();
    for name in ["TF_VAR_db_password", "npm_config_registry_token"] {
        let outcome = sandbox.cast(["set", "a", name, "sk-live-abc"]).succeeds();
        assert_eq!(outcome.err, format!("✓ Secret '{name}' set for agent 'a'\n"));
    }
    let outcome = sandbox.cast(["set", "a", "tf_var_x", "sk-live-abc"]).succeeds();
    assert!(outcome.err.contains("UPPERCASE"), "{outcome:?}");
}
