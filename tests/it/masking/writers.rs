//! Ten thousand random values through real writers, each found by what it decodes to. The masker is called as the
//! binary calls it, in this process: a process for each value would take hours.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use cast_mask::{Masker, Plan};

use crate::sandbox::skip;

const VALUES: usize = 10_000;
/// Values of one plan.
const TOGETHER: usize = 200;

/// What a writer does not change into another value.
#[derive(Clone, Copy)]
enum Kind {
    /// Anything.
    Any,
    /// One line.
    Line,
    /// What a URL does not normalise: it takes `%41` for an escape that is there already, and a backslash for a slash.
    Url,
}

fn values(kind: Kind) -> Vec<String> {
    const LETTERS: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ0123456789";
    const ODD: &str = "!\"#$&'()*+,-/:;<=>?@[]^_`{|}~ äöüßéñ€密码🔑";
    let odd: Vec<char> = match kind {
        Kind::Any => ODD.chars().chain("\\%\n\t".chars()).collect(),
        Kind::Line => ODD.chars().chain("\\%".chars()).collect(),
        Kind::Url => ODD.chars().collect(),
    };
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut state = 17_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    (0..VALUES)
        .map(|_| {
            let often = 1 + below(6);
            let mut value: String = (0..10 + below(30))
                .map(|_| if below(often) == 0 { odd[below(odd.len())] } else { letters[below(letters.len())] })
                .collect();
            // Blanks at the ends belong to the text around a value.
            value.insert(0, letters[below(letters.len())]);
            value.push(letters[below(letters.len())]);
            value
        })
        .collect()
}

/// Runs a writer: it reads values, each as hexadecimal in a line, and writes each in its own way, with RS behind it.
/// Checks that of each nothing but `around` bytes is left.
fn check(what: &str, kind: Kind, around: usize, command: &mut Command) {
    let values = values(kind);
    let input: String = values.iter().fold(String::new(), |mut input, value| {
        value.bytes().for_each(|byte| write!(input, "{byte:02x}").unwrap());
        input.push('\n');
        input
    });
    check_output(what, &values, around, &run(what, command, input));
}

fn run(what: &str, command: &mut Command, input: String) -> Vec<u8> {
    let mut child = command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    // curl finds nobody to talk to.
    assert!(output.status.success() || what == "curl", "{what}");
    output.stdout
}

fn check_output(what: &str, values: &[String], around: usize, output: &[u8]) {
    let records: Vec<&[u8]> = output.split(|byte| *byte == 0x1e).collect();
    assert!(records.len() > values.len(), "{what}: {} records", records.len());
    let names: Vec<String> = (0..TOGETHER).map(|index| format!("K{index:03}")).collect();
    for (values, records) in values.chunks(TOGETHER).zip(records.chunks(TOGETHER)) {
        let secrets = names.iter().zip(values).map(|(name, value)| (name.as_str(), value.as_str()));
        let plan = Arc::new(Plan::new(secrets));
        for ((name, value), record) in names.iter().zip(values).zip(records) {
            let mut masker = Masker::new(Arc::clone(&plan));
            let mut out = Vec::new();
            masker.write(record, &mut out).unwrap();
            masker.finish(&mut out).unwrap();
            let out = String::from_utf8_lossy(&out);
            let shown = format!("[cast:{name}]");
            let left = out.replace(&shown, "");
            assert!(
                out.contains(&shown) && left.trim().len() <= around,
                "{what} writes {value:?} as {:?}: {out:?}",
                String::from_utf8_lossy(record)
            );
        }
    }
}

fn has(program: &str, version: &str) -> bool {
    let has = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !has {
        skip(&format!("masking: {program} is not installed"));
    }
    has
}

#[test]
fn node() {
    if !has("node", "--version") {
        return;
    }
    let each = |expression: &str| {
        let script = format!(
            "const u = () => new URL('http://h/'); for (const l of require('fs').readFileSync(0, 'utf8').split('\\n')) \
             {{ if (!l) continue; const v = Buffer.from(l, 'hex').toString(); process.stdout.write(({expression}) + '\\x1e') }}"
        );
        let mut node = Command::new("node");
        node.args(["-e", &script]);
        node
    };
    for expression in [
        "JSON.stringify(v)",
        "JSON.stringify(JSON.stringify(v))",
        "encodeURIComponent(v)",
        "encodeURI(v)",
        "require('util').inspect(v)",
        "new URLSearchParams({t: v}).toString()",
        "require('querystring').stringify({t: v})",
        "Buffer.from('u:' + v).toString('base64')",
        "Buffer.from(v).toString('hex')",
    ] {
        check(expression, Kind::Any, 8, &mut each(expression));
    }
    for expression in [
        "(() => { const a = u(); a.username = 'u'; a.password = v; return a.href })()",
        "(() => { const a = u(); a.search = '?t=' + v; return a.href })()",
        "(() => { const a = u(); a.hash = v; return a.href })()",
    ] {
        check(expression, Kind::Url, 14, &mut each(expression));
    }
}

#[test]
fn python() {
    if !has("python3", "--version") {
        return;
    }
    for expression in [
        "json.dumps(v)",
        "json.dumps(v, ensure_ascii=False)",
        "json.dumps(json.dumps(v))",
        "json.dumps(json.dumps(v, ensure_ascii=False))",
        "repr(v)",
        "ascii(v)",
        "repr(v.encode())",
        "v.encode('unicode_escape').decode()",
        "parse.quote(v)",
        "parse.quote(v, safe='')",
        "parse.quote_plus(v)",
        "parse.urlencode({'t': v})",
        "html.escape(v)",
        "html.escape(v, quote=False)",
        "saxutils.escape(v)",
        "saxutils.quoteattr(v)",
        "v.encode('ascii', 'xmlcharrefreplace').decode()",
        "shlex.quote(v)",
        "base64.b64encode(('user:' + v).encode()).decode()",
        "base64.urlsafe_b64encode(v.encode()).decode()",
        "textwrap.indent(base64.encodebytes(v.encode() * 4).decode(), '    ')",
        "v.encode().hex()",
    ] {
        let script = format!(
            "import sys, json, html, shlex, base64, textwrap\nfrom urllib import parse\nfrom xml.sax import saxutils\n\
             for l in sys.stdin:\n    v = bytes.fromhex(l).decode()\n    sys.stdout.write(({expression}) + '\\x1e')\n"
        );
        // Where a value begins within the last digits of a line, these stay: too few to tell anything.
        let around = if expression.contains("textwrap") { 40 } else { 10 };
        check(expression, Kind::Any, around, Command::new("python3").args(["-c", &script]));
    }
}

#[test]
fn jq() {
    if !has("jq", "--version") {
        return;
    }
    for (filter, around) in [("@json", 4), ("@json|@json", 8), ("@uri", 0), ("@html", 0), ("@sh", 2), ("@base64", 4)] {
        let values = values(Kind::Any);
        let input = serde_json::to_string(&values).unwrap();
        let program = format!(".[] | ({filter}) + \"\\u001e\"");
        let output = run(filter, Command::new("jq").args(["-j", &program]), input.clone());
        check_output(filter, &values, around, &output);
        // Its output is JSON once more; views are not mixed.
        if filter.contains('|') || filter == "@html" {
            continue;
        }
        let output = run(filter, Command::new("jq").args(["-a", &format!(".[] | ({filter})")]), input);
        let output: Vec<u8> = output.iter().map(|byte| if *byte == b'\n' { 0x1e } else { *byte }).collect();
        check_output(filter, &values, around + 2, &output);
    }
}

#[test]
fn php() {
    if !has("php", "--version") {
        return;
    }
    for expression in [
        "json_encode($v)",
        "json_encode(json_encode($v))",
        "json_encode($v, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT)",
        "urlencode($v)",
        "rawurlencode($v)",
        "http_build_query(['t' => $v])",
        "htmlspecialchars($v)",
        "addslashes($v)",
        "var_export($v, true)",
        "base64_encode($v)",
        "chunk_split(base64_encode('u:' . $v), 20)",
    ] {
        let script = format!(
            "foreach (file('php://stdin') as $l) {{ $v = hex2bin(trim($l)); echo ({expression}), \"\\x1e\"; }}"
        );
        check(expression, Kind::Any, 12, Command::new("php").args(["-r", &script]));
    }
}

#[test]
fn curl() {
    if !has("curl", "--version") {
        return;
    }
    let values = values(Kind::Line);
    // curl keeps an empty line of its own for each transfer.
    let config: Vec<String> = values
        .iter()
        .map(|value| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("get\nurl = \"http://127.0.0.1:1/\"\ndata-urlencode = \"t={value}\"\nwrite-out = \"%{{url_effective}}\\x1e\"\n")
        })
        .collect();
    let output: Vec<u8> = config
        .chunks(500)
        .flat_map(|part| {
            run("curl", Command::new("curl").args(["-s", "-K", "-"]), part.join("next\n").replace("\\x1e", "\u{1e}"))
        })
        .collect();
    check_output("curl --data-urlencode", &values, 24, &output);
}

#[test]
fn xmllint() {
    if !has("xmllint", "--version") {
        return;
    }
    let values = values(Kind::Any);
    let escaped = |value: &str| {
        value.bytes().map(|byte| if byte.is_ascii() { format!("&#{byte};") } else { String::new() }).collect::<String>()
    };
    let ascii: Vec<String> =
        values.iter().map(|value| value.chars().filter(char::is_ascii).chain("0123456789".chars()).collect()).collect();
    for (what, encoding) in [("text", "UTF-8"), ("attribute", "US-ASCII")] {
        let elements: String = ascii
            .iter()
            .map(|value| {
                let value = escaped(value);
                if what == "text" { format!("<v>{value}</v>") } else { format!("<v a=\"{value}\"/>") }
            })
            .collect();
        let output = run(what, Command::new("xmllint").args(["--encode", encoding, "-"]), format!("<r>{elements}</r>"));
        let output = String::from_utf8(output).unwrap();
        let (_, body) = output.split_once("<r>").unwrap();
        let end = if what == "text" { "</v>" } else { "\"/>" };
        let records = body.replace(end, "\u{1e}");
        check_output(what, &ascii, 8, records.as_bytes());
    }
}

/// Writes each value in the way that its argument names.
const GO_PROGRAM: &str = r#"package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
)

func marshal(v string) string { b, _ := json.Marshal(v); return string(b) }

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		b, _ := hex.DecodeString(in.Text())
		v := string(b)
		var s string
		switch os.Args[1] {
		case "json":
			s = marshal(v)
		case "twice":
			s = marshal(marshal(v))
		case "%q":
			s = fmt.Sprintf("%q", v)
		case "%+q":
			s = fmt.Sprintf("%+q", v)
		case "path":
			s = url.PathEscape(v)
		case "query":
			s = url.QueryEscape(v)
		case "user":
			s = url.UserPassword("u", v).String()
		case "html":
			s = html.EscapeString(v)
		}
		out.WriteString(s + "\x1e")
	}
}
"#;

#[test]
fn go() {
    if !has("go", "version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("main.go");
    std::fs::write(&file, GO_PROGRAM).unwrap();
    let program = folder.path().join("writer");
    build(&file, &program, folder.path());
    for what in ["json", "twice", "%q", "%+q", "path", "query", "user", "html"] {
        check(what, Kind::Any, 8, Command::new(&program).arg(what));
    }
}

fn build(file: &Path, program: &Path, cache: &Path) {
    let built = Command::new("go")
        .arg("build")
        .arg("-o")
        .arg(program)
        .arg(file)
        .env("GOCACHE", cache)
        .env("GOFLAGS", "-mod=mod")
        .status();
    assert!(built.unwrap().success());
}
