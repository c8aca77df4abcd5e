//! What the audit log has of a brokered run: which secrets, which hosts, how often; never a path or a value.

use serde_json::{Value, json};

use super::upstream::Line;
use super::world::{KEY, NAME, OTHER, TO_NAME, VALUE, World, answer, vault};
use crate::sandbox::Sandbox;

fn entries(world: &World) -> Vec<Value> {
    serde_json::from_str(&world.sandbox.cast(["audit", "--json"]).succeeds().out).unwrap()
}

#[test]
fn a_run_and_its_end() {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME), ("PLAIN", OTHER, "")]);
    let world = World::of(sandbox, answer);
    let mut run = world.run(&[]);
    let mut client = run.client();
    for _ in 0..3 {
        client.send(run.get_request("/secret-path"));
        assert!(client.head().starts_with("HTTP/1.1 200 "));
    }
    let mut client = run.client();
    client.send(format!("GET /secret-path HTTP/1.1\r\nHost: {NAME}\r\nX-Key: {}\r\n\r\n", run.stand_in()));
    assert!(client.all().starts_with("HTTP/1.1 403 "));
    // A tunnel is not looked into, and not counted.
    drop(Line::new(run.tunnel("other.test:443")));
    let started = entries(&world).pop().unwrap();
    assert_eq!((&started["action"], &started["result"]), (&json!("run"), &json!("started")));
    assert_eq!((&started["keys"], &started["brokered"]), (&json!(["API_KEY", "PLAIN"]), &json!(["API_KEY"])));
    assert_eq!(started["hosts"], Value::Null);
    run.end();
    let ended = entries(&world).pop().unwrap();
    assert_eq!((&ended["action"], &ended["result"], &ended["agent"]), (&json!("broker"), &json!("ok"), &json!("a")));
    assert_eq!(
        (&ended["keys"], &ended["brokered"], &ended["program"]),
        (&json!(["API_KEY"]), &Value::Null, &json!("sh"))
    );
    assert_eq!(ended["hosts"], json!([{"host": NAME, "requests": 3, "refused": 1, "failed": 0}]));
    let log = world.sandbox.audit_log();
    for secret in [VALUE, run.stand_in(), "secret-path", run.way_in().1] {
        assert!(!log.contains(secret), "{log}");
    }
    let table = world.sandbox.cast(["audit"]).succeeds().out;
    assert!(table.trim_end().ends_with("api.example.test 3, refused 1"), "{table}");
    // One without has no second line.
    world.sandbox.cast(["run", "a", "--except", KEY, "--", "true"]).succeeds();
    let last = entries(&world).pop().unwrap();
    assert_eq!((&last["action"], &last["brokered"]), (&json!("run"), &Value::Null));
}

/// The start is recorded, and the end cannot be.
#[test]
fn an_end_that_has_to_be_recorded() {
    let world = World::new();
    let settings = std::fs::read_to_string(world.sandbox.home().join(".config/cast/config.toml")).unwrap();
    world.set(&format!("{settings}audit = \"required\"\n"));
    let log = world.sandbox.state().join("audit.jsonl");
    let script = |code: u8| format!("rm {0}; mkdir {0}; exit {code}", log.display());
    for (code, expected) in [(0, 125), (3, 3)] {
        let said = world.sandbox.cast(["run", "a", "--", "sh", "-c", &script(code)]).run();
        assert_eq!(said.code, expected, "{said:?}");
        assert!(said.err.contains("the end of the run is not recorded in the audit log: "), "{said:?}");
        std::fs::remove_dir(&log).unwrap();
    }
}
