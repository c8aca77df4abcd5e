//! A real coding agent whose tool runs through cast, and what its model was sent.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::drawing::Picture;
use super::{VALUE, check, shown, typed};
use crate::leaks::agents::Agent;
use crate::leaks::session::Session;
use crate::sandbox::skip;

/// What Codex says of itself and of its tool; not its identifiers and warnings.
const WORTH_SEEING: [&str; 4] = ["OpenAI Codex", "exec", "/bin/bash -lc", "deployed with"];

#[test]
fn a_coding_agent_reads_the_marker() {
    let agent = Agent::Codex;
    if std::env::var("CAST_TEST_CLIENTS").as_deref() != Ok("1") || !agent.is_there() {
        return skip("pictures: a real coding agent runs only with CAST_TEST_CLIENTS=1");
    }
    let session = Session::new(agent, None, vec![agent.shell("step_deploy", "cast run deploy -- ./deploy.sh")]);
    let sandbox = &session.sandbox;
    sandbox.set("deploy", "API_TOKEN", VALUE);
    let script = sandbox.home().join("work/deploy.sh");
    fs::write(&script, "#!/bin/sh\necho \"deployed with $API_TOKEN\"\n").unwrap();
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    let said = session.run_and("", |_| ());
    let home = sandbox.home().display().to_string();
    let seen = said.lines().filter(|line| WORTH_SEEING.iter().any(|start| line.starts_with(start)));
    let mut lines = vec![typed("cast run codex -- codex exec --skip-git-repo-check go")];
    lines.extend(seen.map(|line| line.replace(&home, "~")));
    lines.push(String::new());
    fs::write(sandbox.home().join("requests-to-its-model"), session.model.bodies().join("\n")).unwrap();
    lines.extend(shown(sandbox.cast([""]), 84, "grep -o 'deployed with [^\"\\]*' requests-to-its-model", &[], 0));
    let title = "Codex runs a script through cast; in the request to its model, the token is [cast:API_TOKEN]";
    check("agent", &Picture { title, columns: 84, lines: &lines });
}
