//! git over HTTPS, with a host that speaks its real protocol.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::host::{Answer, Request};
use super::stage::runs;
use super::{Client, check};

/// Clones, and pushes more than git sends in one piece; or only looks.
macro_rules! script {
    ($way:literal) => {
        concat!(
            "set -e\nexport GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0\nURL=$URL/r.git\n",
            "git config --global user.name x; git config --global user.email x@x.test\n",
            $way,
            "\n[ \"$ERRAND\" = work ] || exec git ls-remote \"$URL\"\n",
            "git clone -q \"$URL\" copy\ncd copy\ncat file\nhead -c 3000000 /dev/urandom >large\n",
            "git add large\ngit commit -qm large\ngit push -q origin HEAD:main\ngit fetch -q origin main",
        )
    };
}

const HELPER: &str =
    script!(r#"git config --global credential.helper '!f() { echo username=me; echo "password=$GITHUB_TOKEN"; }; f'"#);
const FIELD: &str = script!(
    r#"git config --global http.extraHeader "Authorization: Basic $(printf me:%s "$GITHUB_TOKEN" | base64 -w0)""#
);
const ADDRESS: &str = script!(r#"URL=https://me:$GITHUB_TOKEN@${URL#https://}"#);

const fn git(name: &'static str, script: &'static str) -> Client {
    Client {
        key: "GITHUB_TOKEN",
        host: "github.com",
        prepare: make_repository,
        reply: backend,
        ..Client::new(name, "git --version", script)
    }
}

pub const ALL: [Client; 3] = [
    git("`git`, a credential helper", HELPER),
    git("`git`, `http.extraHeader`", FIELD),
    git("`git`, a token in the URL", ADDRESS),
];

/// A repository at the host, with one file.
fn make_repository(home: &Path) {
    let script = "export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
        git init -q --bare -b main host/r.git
        git -C host/r.git config http.receivepack true
        git init -q -b main first
        cd first
        echo fine >file
        git add file
        git -c user.name=x -c user.email=x@x.test commit -qm first
        git push -q ../host/r.git main
        rm -rf ../first";
    runs(home, script);
}

/// What a web server does: it calls git's own program for each request.
fn backend(request: &Request, home: &Path) -> Option<Answer> {
    let key = Some(request.key()).filter(|key| !key.is_empty())?;
    let (path, query) = request.path().split_once('?').unwrap_or((request.path(), ""));
    if path.contains("/echo/") {
        // git shows such an answer.
        return Some(Answer { status: "403 Forbidden", ..Answer::new("text/plain", format!("{key}\n")) });
    }
    let place = path[1..].find('/').map(|at| &path[1 + at..])?;
    let mut command = Command::new("git");
    command.arg("http-backend").env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_PROJECT_ROOT", home.join("host")).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "me");
    command.env("REQUEST_METHOD", request.method()).env("PATH_INFO", place).env("QUERY_STRING", query);
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    for (variable, field) in [
        ("CONTENT_TYPE", "content-type"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
        ("GIT_PROTOCOL", "git-protocol"),
    ] {
        request.field(field).map(|value| command.env(variable, value));
    }
    let mut child = command.spawn().unwrap();
    let (mut to, body) = (child.stdin.take().unwrap(), request.body.clone());
    let writer = std::thread::spawn(move || drop(to.write_all(&body)));
    let said = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let end = said.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(said[..end + 2].to_vec()).unwrap();
    assert!(!head.contains("Status:"), "{head}");
    Some(Answer { status: "200 OK", fields: head, body: said[end + 4..].to_vec() })
}

#[test]
fn with_a_credential_helper() {
    check(ALL[0]);
}

#[test]
fn with_a_field() {
    check(ALL[1]);
}

#[test]
fn with_a_token_in_the_address() {
    check(ALL[2]);
}
