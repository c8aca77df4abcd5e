//! Python: urllib, requests, httpx, and pip.

use std::path::Path;
use std::process::Command;

use super::host::{Answer, Request};
use super::{Client, check};

const URLLIB: &str = r#"exec python3 - <<'END'
import os, urllib.request
request = urllib.request.Request(os.environ["URL"], headers={"Authorization": "Bearer " + os.environ["API_KEY"]})
print(urllib.request.urlopen(request).read().decode())
END"#;

const REQUESTS: &str = r#"exec python3 - <<'END'
import os, requests
with requests.Session() as session:
    answer = session.get(os.environ["URL"], headers={"Authorization": "Bearer " + os.environ["API_KEY"]})
    print(answer.text)
    answer.raise_for_status()
END"#;

const HTTPX: &str = r#"exec python3 - <<'END'
import os, httpx
with httpx.Client(follow_redirects=True) as client:
    answer = client.get(os.environ["URL"], headers={"Authorization": "Bearer " + os.environ["API_KEY"]})
    print(answer.text)
    answer.raise_for_status()
END"#;

/// The key is the password of a private index. The file of the wheel `echo` has the key in it, uncompressed.
const PIP: &str = r#"mkdir results
pip download --no-cache-dir --no-deps --retries 0 --dest results \
    --index-url "https://me:$PIP_TOKEN@$HOST/$ERRAND/simple" thing || exit 1
[ "$ERRAND" != work ] || echo fine"#;

/// Writes a wheel that has a text in it.
const WHEEL: &str = r#"
import io, sys, zipfile
whole = io.BytesIO()
with zipfile.ZipFile(whole, "w") as wheel:
    wheel.writestr("thing.txt", sys.argv[1])
    wheel.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("thing-1.0.dist-info/RECORD", "")
sys.stdout.buffer.write(whole.getvalue())
"#;

pub const ALL: [Client; 4] = [
    Client::new("Python `urllib`", "python3 --version", URLLIB),
    Client {
        installed: "python",
        ..Client::new("Python `requests`", "python3 -c 'import requests; print(requests.__version__)'", REQUESTS)
    },
    Client {
        installed: "python",
        ..Client::new("Python `httpx`", "python3 -c 'import httpx; print(httpx.__version__)'", HTTPX)
    },
    Client { key: "PIP_TOKEN", host: "pypi.org", reply: index, ..Client::new("`pip`", "pip --version", PIP) },
];

/// A package index.
fn index(request: &Request, _: &Path) -> Option<Answer> {
    let key = Some(request.key()).filter(|key| !key.is_empty())?;
    let path = request.path();
    if path.ends_with("/simple/thing/") {
        let file = "thing-1.0-py3-none-any.whl";
        let page = format!("<!DOCTYPE html><html><body><a href=\"../../files/{file}\">{file}</a></body></html>");
        return Some(Answer::new("text/html", page));
    }
    path.contains("/files/").then(|| {
        let wheel = Command::new("python3").args(["-c", WHEEL, &key]).output().unwrap();
        Answer::new("application/octet-stream", wheel.stdout)
    })
}

#[test]
fn urllib() {
    check(ALL[0]);
}

#[test]
fn requests() {
    check(ALL[1]);
}

#[test]
fn httpx() {
    check(ALL[2]);
}

#[test]
fn pip() {
    check(ALL[3]);
}
