//! Framed protocols through the masker: JSON-RPC in both directions, message by message; a real MCP server under the
//! official client.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use sha2::{Digest, Sha256};

use crate::sandbox::{CAST, Sandbox, skip};
use crate::supervise::process::{Running, is_alive, running, until};

/// A key file as a cloud console offers it: JSON of many lines, with a PEM key in one of them. Each line begins as a
/// JSON-RPC message may.
fn credential() -> String {
    let lines = (0..8).map(|line| format!("{}{line}\\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".repeat(2)));
    let key = lines.collect::<Vec<_>>().concat();
    format!(
        "{{\n  \"type\": \"service_account\",\n  \"project_id\": \"a-project-of-mine\",\n  \"private_key\": \
        \"-----BEGIN PRIVATE KEY-----\\n{key}-----END PRIVATE KEY-----\\n\",\n  \"client_email\": \"a@example.com\"\n}}\n"
    )
}

fn sandbox() -> Sandbox {
    sandbox_of("a")
}

fn sandbox_of(agent: &str) -> Sandbox {
    let sandbox = Sandbox::with(
        agent,
        &[("K", "sk-live-0123456789"), ("FLAG", "true"), ("PORT", "3000"), ("BRACE", "{\"jsonrpc\"}")],
    );
    sandbox.cast(["set", agent, "CREDENTIAL"]).input(credential()).succeeds();
    sandbox
}

#[test]
fn a_hundred_thousand_messages_go_to_and_fro() {
    let sandbox = sandbox();
    let mut command = sandbox.cast(["run", "a", "--", "cat"]).command();
    let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut to, mut from) = (cast.stdin.take().unwrap(), BufReader::new(cast.stdout.take().unwrap()));
    let shapes = [
        "\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"port\":3000,\"ok\":true}}}\n",
        "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"{\\n  \\\"type\\\": \\\"service\"}]}}\n",
        "\"result\":{}}\n",
        "\"error\":{\"code\":-32601,\"message\":\"{\\n  \"}}\r\n\r\n",
    ];
    let talk = thread::spawn(move || {
        let mut answer = Vec::new();
        for number in 0..100_000 {
            let message = format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},{}", shapes[number % shapes.len()]);
            to.write_all(message.as_bytes()).unwrap();
            // The test writes the next message only after this one has arrived.
            answer.resize(message.len(), 0);
            from.read_exact(&mut answer).unwrap();
            assert!(answer == message.as_bytes(), "{message:?} came as {:?}", String::from_utf8_lossy(&answer));
        }
        drop(to);
        let mut rest = String::new();
        from.read_line(&mut rest).unwrap();
        rest
    });
    until("the last message", || talk.is_finished().then_some(()));
    assert_eq!(talk.join().unwrap(), "");
    assert_eq!(cast.wait().unwrap().code(), Some(0));
}

#[test]
fn a_credential_of_many_lines_is_masked_in_an_answer() {
    let sandbox = sandbox();
    if Command::new("jq").arg("--version").output().is_err() {
        return skip("protocol: jq is not installed");
    }
    let script = "jq -nc '{jsonrpc: \"2.0\", id: 1, result: {text: env.CREDENTIAL, ok: true}}'";
    let masked = sandbox.cast(["run", "a", "--", "sh", "-c", script]).succeeds().out;
    assert_eq!(masked, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"text\":\"[cast:CREDENTIAL]\\n\",\"ok\":true}}\n");
}

/// 256 MiB: a gigabyte takes too long in a debug build on two shared cores. `benches/` measures that.
const RANDOM_BYTES: u64 = 256 << 20;

#[test]
fn random_bytes_pass_unchanged() {
    if Command::new("openssl").arg("version").output().is_err() {
        return skip("protocol: openssl, which makes the random bytes, is not installed");
    }
    let sandbox = sandbox();
    let make = |before: &str| {
        let script =
            format!("head -c {RANDOM_BYTES} /dev/zero | {before} openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null");
        let mut command = sandbox.command("sh");
        command.args(["-c", &script]).env("CAST", CAST).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut made = command.spawn().unwrap();
        let mut stream = made.stdout.take().unwrap();
        let mut hash = Sha256::new();
        let length = std::io::copy(&mut stream, &mut hash).unwrap();
        assert!(made.wait().unwrap().success());
        (length, hash.finalize())
    };
    let (with, without) = (make("$CAST run a --"), make(""));
    assert!(with == without, "{} bytes of {} came, or not the same", with.0, without.0);
    assert_eq!(with.0, RANDOM_BYTES);
}

/// How the README has an MCP client start a server: the words from `run` to `--`.
fn words_of_the_readme() -> Vec<String> {
    let blocks = crate::readme::blocks_of("README.md");
    let block = blocks.iter().find(|block| block.text.starts_with("{ \"mcpServers\"")).unwrap();
    let configuration: serde_json::Value = serde_json::from_str(&block.text).unwrap();
    let server = configuration["mcpServers"].as_object().unwrap().values().next().unwrap();
    assert_eq!(server["command"], "cast");
    let words = server["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    let words: Vec<_> = words.take_while(|word| word != "npx").collect();
    assert!(words.len() >= 3 && words[0] == "run" && words.last().unwrap() == "--", "{words:?}");
    words
}

/// The conversation of `tests/mcp/client.js` with a server that `cast` starts with these words before its own, as JSON
/// values; `None` if node or its modules are missing.
fn converse(sandbox: &Sandbox, words: &[String], ending: &str) -> Option<Vec<serde_json::Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = root.join("target/tools/mcp");
    let server = modules.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    if Command::new("node").arg("--version").output().is_err() || !server.exists() {
        skip("protocol: node or the MCP packages are not installed; 'sh .ci/setup' does that");
        return None;
    }
    let mut command = sandbox.command("node");
    command.arg(root.join("tests/mcp/client.js")).arg(ending).arg(&modules);
    // The home as last argument marks the processes of this conversation.
    command.arg(CAST).args(words).arg("node").arg(server).arg("stdio").arg(sandbox.home());
    let mut client = Running::start(command);
    let status = client.ends();
    let said = client.rest();
    assert!(status.success(), "{said}");
    Some(said.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn an_mcp_server_serves_its_client_and_keeps_the_secret() {
    let words = words_of_the_readme();
    let agent = &words[1];
    let sandbox = sandbox_of(agent);
    sandbox.set(agent, "QUOTED", "sk-live-\"quoted\"-0123456789");
    for ending in ["close", "kill"] {
        let Some(said) = converse(&sandbox, &words, ending) else { return };
        assert!(said.iter().all(|value| value.get("error").is_none()), "{said:?}");
        let [hello, tools, environment, echoed, closed] = &said[..] else { panic!("{said:?}") };
        assert!(hello["server"]["name"].is_string(), "{hello}");
        assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool == "get-env"), "{tools}");
        // The environment is JSON in the JSON of the message.
        let environment: serde_json::Value =
            serde_json::from_str(environment["environment"].as_str().unwrap()).unwrap();
        assert_eq!(environment["K"], "[cast:K]");
        assert_eq!(environment["QUOTED"], "[cast:QUOTED]");
        assert_eq!((&environment["FLAG"], &environment["PORT"]), (&"true".into(), &"3000".into()));
        let credential = environment["CREDENTIAL"].as_str().unwrap();
        assert!(credential.contains("[cast:CREDENTIAL]") && !credential.contains("MIIE"), "{credential}");
        assert_eq!(echoed["echoed"], "Echo: [cast:QUOTED]");
        assert_eq!(closed["closed"], true);
        let mark = sandbox.home().to_str().unwrap();
        until("the end of all its processes", || running(mark).is_empty().then_some(()));
        assert!(!is_alive(i32::try_from(hello["pid"].as_i64().unwrap()).unwrap()));
    }
}
