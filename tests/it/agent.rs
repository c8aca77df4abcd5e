//! A real agent under `cast run`: a Node program that takes its key from the environment and makes an HTTP call with
//! it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::sandbox::{Sandbox, skip};

/// A model that answers one call with "hello"; returns its URL, and the head of the request.
pub fn model() -> (String, JoinHandle<Vec<String>>) {
    let model = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/chat", model.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = model.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").unwrap();
        head
    });
    (url, asked)
}

#[test]
fn an_agent_calls_its_model_with_the_key_from_the_vault() {
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("agent: node is not installed");
    }
    let sandbox = Sandbox::with("my-agent", &[("OPENAI_API_KEY", "sk-live-0123456789")]);
    let (url, asked) = model();
    let agent = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent/agent.js");
    let outcome = sandbox.cast(["run", "my-agent", "--", "node", agent]).env("MODEL_URL", url).succeeds();
    assert_eq!(outcome.out, "the model says: hello\n");
    assert!(
        asked.join().unwrap().iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer sk-live-0123456789"))
    );
}
