//! `cast secrets set`.

use crate::sandbox::Sandbox;

#[test]
fn stores_and_injects_byte_for_byte() {
    let sandbox = Sandbox::with("a", &[("K", " two\nlines\r\n$x \"quoted\" ")]);
    let outcome = sandbox.cast(["run", "a", "--", "printenv", "K"]).succeeds();
    assert_eq!(outcome.out, " two\nlines\r\n$x \"quoted\" \n");
    assert_eq!(outcome.err, "");
}

#[test]
fn secrets_in_the_wrong_place_are_not_echoed() {
    let sandbox = Sandbox::new();
    sandbox.cast(["set", "a", "K", "my", "secret", "words"]).refuses(2, "one word too many", &["secret", "words"]);
    sandbox.cast(["set", "a", "sk-live-abc"]).refuses(2, "KEY is not a valid secret name", &["sk-live"]);
    sandbox.cast(["set", "a", "K=sk-live-abc"]).refuses(2, "contains '='", &["sk-live"]);
    sandbox.cast(["set", "sk-live-abc/", "K", "v"]).refuses(2, "AGENT is not a valid agent name", &["sk-live"]);
    sandbox.cast(["sk-live-abc"]).refuses(2, "no such command", &["sk-live"]);
    sandbox.cast(["set", "--sk-live-abc", "a", "K"]).refuses(2, "no option", &["sk-live"]);
}
