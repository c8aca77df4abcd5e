//! Places in the body.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn permitted(secrets: &[Arc<Secret>]) -> Permitted {
    Permitted::new(&host(), secrets)
}

fn edited(permitted: &Permitted, kind: BodyKind, body: &str) -> String {
    let mut bytes = body.as_bytes().to_vec();
    for edit in permitted.body(kind, body.as_bytes()) {
        edit.apply(0, &mut bytes);
    }
    String::from_utf8(bytes).unwrap()
}

/// `S` in what goes in is the stand-in, and in what comes out the value.
#[track_caller]
fn put_in_json(place: &str, kind: BodyKind, body: &dyn Fn(&str) -> String) {
    for (name, value) in VALUES.into_iter().filter(|(name, _)| *name != "MARKS") {
        let secret = secret(name, value, &[place]);
        let stand_in = secret.stand_in.as_str().to_owned();
        assert_eq!(edited(&permitted(&[secret]), kind, &body(&stand_in)), body(value), "{name}");
    }
}

/// The body passes as it is.
#[track_caller]
fn unchanged(place: &str, kind: BodyKind, body: &dyn Fn(&str) -> String) {
    for (name, value) in VALUES {
        let secret = secret(name, value, &[place]);
        let body = body(secret.stand_in.as_str());
        assert_eq!(edited(&permitted(&[secret]), kind, &body), body, "{name}");
    }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}

/// Percent-encodes only what a form needs.
fn plain(text: &str) -> String {
    let escaped =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn escaped(text: &str) -> String {
    let content = text.bytes().fold(String::new(), |content, byte| format!("{content}\\u{byte:04x}"));
    format!("\"{content}\"")
}

#[test]
fn forms() {
    let (place, kind) = ("form:token", BodyKind::Form);
    for (name, value) in VALUES.into_iter().filter(|(name, _)| *name != "MARKS") {
        let secret = secret(name, value, &[place]);
        let stand_in = secret.stand_in.as_str().to_owned();
        for body in [&(|s: &str| format!("token={s}")) as &dyn Fn(&str) -> String, &|s| {
            format!("a=b&%74oken={s}&token=&token={s}&c")
        }] {
            assert_eq!(edited(&permitted(&[Arc::clone(&secret)]), kind, &body(&stand_in)), body(value), "{name}");
        }
    }
    // Only the one plain spelling: an escape would be CMD's choice, and a mark that needs one is read in more ways than one.
    unchanged(place, kind, &|s| format!("token={}", percent(s)));
    unchanged(place, kind, &|s| format!("token=%{:02x}{}", s.as_bytes()[0], &s[1..]));
    let marks = secret("MARKS", VALUES[1].1, &[place]);
    for body in [plain(marks.stand_in.as_str()), plain(marks.stand_in.as_str()).replace("%2B", "+")] {
        let body = format!("token={body}");
        assert_eq!(edited(&permitted(&[Arc::clone(&marks)]), kind, &body), body);
    }
    unchanged(place, kind, &|s| format!("tokens={s}"));
    unchanged(place, kind, &|s| format!("token=x{s}"));
    unchanged(place, kind, &|s| format!("token={s}+"));
    unchanged(place, kind, &|s| format!("token={s}%"));
    unchanged(place, kind, &|s| format!("text=token={s}"));
    unchanged("form:other", kind, &|s| format!("token={s}"));
    unchanged("json:/token", kind, &|s| format!("token={s}"));
    // In it a form says in which charset it is.
    unchanged(place, kind, &|s| format!("token={s}&%5fcharset_=utf-16le"));
    for name in [" _charset_=utf-16le", "%25%25PostCharset=x", "ie=cp037", "x=ibm%2D037", "_input_charset=utf-16"] {
        unchanged(place, kind, &|s| format!("{name}&token={s}"));
    }
    unchanged(place, kind, &|s| format!("a b=c&token={s}"));
}

#[test]
fn strings_in_json() {
    let kind = BodyKind::Json;
    put_in_json("json:/token", kind, &|s| format!("{{\"token\":{}}}", quoted(s)));
    put_in_json("json:/token", kind, &|s| format!(" {{ \"a\" : [ 1 , {{}} ] , \"t\\u006fken\" : {} }} \n", quoted(s)));
    // Only as it is: escapes would be CMD's choice, and some hosts take any body for a form.
    unchanged("json:/token", kind, &|s| format!("{{\"token\":{}}}", escaped(s)));
    unchanged("json:/token", kind, &|s| format!("{{\"token\":\"\\u{:04x}{}}}", s.as_bytes()[0], &quoted(s)[2..]));
    unchanged("json:/token", kind, &|s| format!("{{\"x=\":0,\"token\":{},\"&_charset_=utf-16le&\":0}}", quoted(s)));
    let marks = secret("MARKS", VALUES[1].1, &["json:/token"]);
    for text in [quoted(marks.stand_in.as_str()), quoted(marks.stand_in.as_str()).replace('/', "\\/")] {
        let body = format!("{{\"token\":{text}}}");
        assert_eq!(edited(&permitted(&[Arc::clone(&marks)]), kind, &body), body);
    }
    put_in_json("json:/a/1/b~1c~0", kind, &|s| format!("{{\"a\":[null,{{\"b/c~\":{},\"x\":-0.5e+3}}]}}", quoted(s)));
    put_in_json("json:/0", kind, &|s| format!("[{}, true, false, \"\u{e9}\\ud83d\\ude00\"]", quoted(s)));
    put_in_json("json:/", kind, &|s| format!("{{\"\":{}}}", quoted(s)));
    // Another reader may take either.
    put_in_json("json:/t", kind, &|s| format!("{{\"t\":{0},\"t\":1,\"t\":{0}}}", quoted(s)));
    unchanged("json:/token", kind, &|s| format!("{{\"token\":[{}]}}", quoted(s)));
    unchanged("json:/token", kind, &|s| format!("{{\"token\":{}}}", quoted(&format!("{s} "))));
    unchanged("json:/token", kind, &|s| format!("{{\"a\":{{\"token\":{0}}},\"b\":{0}}}", quoted(s)));
    unchanged("json:/00", kind, &|s| format!("[{}]", quoted(s)));
    unchanged("json:/a", kind, &|s| format!("{{{}:\"a\"}}", quoted(s)));
    unchanged("json:/a", kind, &quoted);
    unchanged("form:token", kind, &|s| format!("{{\"token\":{}}}", quoted(s)));
}

#[test]
fn what_is_not_json_is_text() {
    for (before, after) in [
        ("{\"t\":", ""),
        ("{\"t\":", "}x"),
        ("{\"t\":", "}{}"),
        ("{\"t\":", ",}"),
        ("{\"t\":", ",\"a\":01}"),
        ("{\"t\":", ",\"a\":.5}"),
        ("{\"t\":", ",\"a\":+1}"),
        ("{\"t\":", ",\"a\":tru}"),
        ("{\"t\":", ",\"a\":\"\t\"}"),
        ("{\"t\":", ",\"a\":\"\\x\"}"),
        ("{\"t\":", ",\"a\":\"\\ud800\"}"),
        ("{\"t\":", ",\"a\":\"\\ud800\\u0041\"}"),
        ("{\"t\":", ",\"a\":\"\\udc00\"}"),
        ("{\"t\":", ",\"a\":[1,]}"),
        ("{\"t\":", ",\"a\":}"),
        ("{\"t\":", ",'a':1}"),
        ("{\"t\":", ",\"a\":1]"),
        ("\u{feff}{\"t\":", "}"),
        ("/**/{\"t\":", "}"),
        ("{\"t\":", "}\0"),
    ] {
        unchanged("json:/t", BodyKind::Json, &|s| format!("{before}{}{after}", quoted(s)));
    }
    let nested = |depth: usize| format!("{{\"t\":1,\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let secret = secret("HEX", VALUES[2].1, &["json:/t"]);
    let permitted = permitted(std::slice::from_ref(&secret));
    let at = |depth: usize| nested(depth).replace(":1", &format!(":{}", quoted(secret.stand_in.as_str())));
    assert_eq!(permitted.body(BodyKind::Json, at(limits::JSON_DEPTH - 1).as_bytes()).len(), 1);
    assert!(permitted.body(BodyKind::Json, at(limits::JSON_DEPTH).as_bytes()).is_empty());
    assert!(permitted.body(BodyKind::Json, "[".repeat(limits::BODY).as_bytes()).is_empty());
    assert!(permitted.body(BodyKind::Json, b"{\"t\":\"\xff\"}").is_empty());
}

#[test]
fn which_bodies_are_read() {
    let both = permitted(&[secret("HEX", VALUES[2].1, &["json:/t", "form:t"])]);
    let none = permitted(&[secret("HEX", VALUES[2].1, &[])]);
    let judged_in = |method: &str, permitted: &Permitted, lines: &str| {
        let text = request("/", lines).replacen("GET", method, 1);
        let head = Head::read(text.as_bytes()).unwrap();
        judge(&Request::read(&head, &host()).unwrap(), &head, permitted).map(|edits| edits.body)
    };
    let judged = |permitted: &Permitted, lines: &str| judged_in("POST", permitted, lines);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    // A host may take a body for the next request where the method brings none.
    for (method, is_read) in [("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false), ("post", false)] {
        let expected = is_read.then_some(BodyKind::Form);
        assert_eq!(judged_in(method, &both, &format!("{form}Content-Length: 5\r\n")), Ok(expected), "{method}");
    }
    for (lines, expected) in [
        (format!("{form}Content-Length: 5\r\n"), Some(BodyKind::Form)),
        (
            "content-type: Application/X-WWW-form-urlencoded ; charset=utf-8\r\nContent-Length: 5\r\n".into(),
            Some(BodyKind::Form),
        ),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n".into(), Some(BodyKind::Json)),
        ("Content-Type: application/vnd.api+json;x\r\nContent-Length: 1048576\r\n".into(), Some(BodyKind::Json)),
        (format!("{form}Content-Length: 0\r\n"), None),
        (form.into(), None),
        ("Content-Type: text/plain\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: application/jsonl\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: application/x-www-form-urlencoded+json\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: application/x-www-form-urlencoded +json\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: multipart/x,a+json\r\nContent-Length: 5\r\n".into(), None),
        ("Content-Type: application/vnd.api+json\r\nContent-Length: 5\r\n".into(), Some(BodyKind::Json)),
        ("Content-Length: 5\r\n".into(), None),
        (format!("{form}Content-Type: application/json\r\nContent-Length: 5\r\n"), None),
    ] {
        assert_eq!(judged(&both, &lines), Ok(expected), "{lines}");
        assert_eq!(judged(&none, &lines), Ok(None), "{lines}");
    }
    let coded = format!("{form}Content-Length: 5\r\nContent-Encoding: gzip\r\n");
    assert_eq!(judged(&both, &coded), Err(Refusal::BodyCoded));
    assert_eq!(judged(&none, &coded), Ok(None));
    assert_eq!(judged(&both, &coded.replace("gzip", "identity")), Ok(Some(BodyKind::Form)));
    // One that the connection takes away is none.
    assert_eq!(judged(&both, &format!("{form}Connection: x, Content-Type\r\nContent-Length: 5\r\n")), Ok(None));
    let named = |name: &str| form.replace("\r\n", &format!("; {name}\r\nContent-Length: 5\r\n"));
    for name in ["charset=utf-8", "Charset=\"UTF-8\"", "charset=US-ASCII", "boundary=x"] {
        assert_eq!(judged(&both, &named(name)), Ok(Some(BodyKind::Form)), "{name}");
    }
    for name in ["charset=utf-16le", "charset=ibm037", "charset*=utf-8''utf-16", "charset=utf-8; charset=utf-7"] {
        assert_eq!(judged(&both, &named(name)), Err(Refusal::Charset), "{name}");
        assert_eq!(judged(&none, &named(name)), Ok(None), "{name}");
    }
    let beside = format!("{form}Content_Type: text/plain; charset=utf-16\r\nContent-Length: 5\r\n");
    assert_eq!(judged(&both, &beside), Err(Refusal::Charset));
    let long = format!("{form}Content-Length: 1048577\r\n");
    assert_eq!(judged(&both, &long), Err(Refusal::BodyTooLong));
    assert_eq!(judged(&none, &long), Ok(None));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => "[a-zé\"\\\\\n\u{1f600}]{0,4}".prop_map(Value::from),
        3 => Just(Value::from("STAND-IN")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab/~]{0,2}|[0-9]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Each place with the stand-in, as pointers.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text == "STAND-IN" => found.push(here.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{here}/{index}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            pointers(member, &format!("{here}/{name}"), found);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// `serde_json` reads it as well, and finds the value exactly where the pointer leads.
    #[test]
    fn only_the_string_at_the_pointer_changes(value in json(), is_pretty: bool, which: prop::sample::Index) {
        let mut found = Vec::new();
        pointers(&value, "", &mut found);
        found.retain(|pointer| !pointer.is_empty());
        if found.is_empty() {
            return Ok(());
        }
        let pointer = &found[which.index(found.len())];
        let secret = secret("MARKS", VALUES[0].1, &[&format!("json:{pointer}")]);
        let stand_in = quoted(secret.stand_in.as_str());
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let body = text.unwrap().replace("\"STAND-IN\"", &stand_in);
        let mut expected: Value = serde_json::from_str(&body).unwrap();
        *expected.pointer_mut(pointer).unwrap() = Value::from(VALUES[0].1);
        let got = edited(&permitted(&[secret]), BodyKind::Json, &body);
        prop_assert_eq!(got.len(), body.len());
        prop_assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), expected);
    }

    /// What `serde_json` refuses is refused, and the other way round.
    #[test]
    fn it_is_json_if_serde_json_says_so(text in "[\\[\\]{}:, \"\\\\udc8094atrueflsn.eE+-]{0,12}") {
        let secret = secret("HEX", VALUES[2].1, &["json:/0"]);
        let body = format!("[{},{text}]", quoted(secret.stand_in.as_str()));
        let is_json = serde_json::from_str::<Vec<Value>>(&body).is_ok_and(|items| items.len() > 1);
        // A number that is too large for it is one for the grammar.
        prop_assume!(!text.contains(['e', 'E']));
        prop_assert_eq!(!permitted(&[secret]).body(BodyKind::Json, body.as_bytes()).is_empty(), is_json);
    }
}
