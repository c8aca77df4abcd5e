//! Places in the head.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn basic(text: &str) -> String {
    STANDARD.encode(text)
}

/// Percent-encodes each byte that `which` picks.
fn percent(text: &str, which: impl Fn(u8) -> bool) -> String {
    text.bytes().map(|byte| if which(byte) { format!("%{byte:02X}") } else { char::from(byte).to_string() }).collect()
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// `S` stands for the stand-in in what goes in, and for the value in what comes out; nothing else changes.
#[track_caller]
fn put_in(places: &[&str], target: &dyn Fn(&str) -> String, lines: &dyn Fn(&str) -> String) {
    for (name, value) in VALUES {
        let secret = secret(name, value, places);
        let stand_in = secret.stand_in.as_str().to_owned();
        let got = sent(&[secret], &request(&target(&stand_in), &lines(&stand_in)));
        assert_eq!(got.as_deref(), Ok(&*request(&target(value), &lines(value))), "{name}");
    }
}

/// A request that is refused because the stand-in is at `place`.
#[track_caller]
fn refused(places: &[&str], target: &dyn Fn(&str) -> String, lines: &dyn Fn(&str) -> String, place: &Spot) {
    for (name, value) in VALUES {
        let secret = secret(name, value, places);
        let stand_in = secret.stand_in.as_str().to_owned();
        let refusal = sent(&[secret], &request(&target(&stand_in), &lines(&stand_in))).expect_err(name);
        assert_eq!(refusal, Refusal::Misplaced { key: name.to_owned(), place: place.clone() }, "{name}");
        let mut response = Vec::new();
        refusal.write(&mut response);
        let response = String::from_utf8(response).unwrap();
        assert!(
            response.starts_with("HTTP/1.1 403 Forbidden\r\n")
                && response.contains(&format!("\r\n\r\ncast: the stand-in of '{name}' is in "))
        );
        assert!(!response.contains(&stand_in) && !response.contains(value), "{response}");
    }
}

fn header(name: &str) -> Spot {
    Spot::Header(name.to_owned())
}

fn path(_: &str) -> String {
    "/p?q".to_owned()
}

#[test]
fn authorization() {
    put_in(&[], &path, &|s| format!("Authorization: Bearer {s}\r\n"));
    put_in(&[], &path, &|s| format!("authorization: bearer   {s}\r\nX: y\r\n"));
    put_in(&[], &path, &|s| format!("Authorization: TOKEN {s}\r\n"));
    put_in(&[], &path, &|s| format!("AUTHORIZATION: Basic {}\r\n", basic(&format!("user:{s}"))));
    put_in(&[], &path, &|s| format!("Authorization: basic {}\r\n", basic(&format!(":{s}"))));
    put_in(&[], &path, &|s| format!("X: y\r\nAuthorization: Bearer {s}\r\nAuthorization: Bearer {s}\r\n"));
    // A user name has no colon.
    let user = secret("PLAIN", VALUES[0].1, &[]);
    let lines = |s: &str| format!("Authorization: Basic {}\r\n", basic(&format!("{s}:")));
    let got = sent(std::slice::from_ref(&user), &request("/", &lines(user.stand_in.as_str())));
    assert_eq!(got.unwrap(), request("/", &lines(VALUES[0].1)));
}

#[test]
fn other_forms_of_authorization() {
    for lines in [
        &(|s: &str| format!("Authorization: {s}\r\n")) as &dyn Fn(&str) -> String,
        &|s| format!("Authorization: Bearer{s}\r\n"),
        &|s| format!("Authorization: Bearer x{s}\r\n"),
        &|s| format!("Authorization: Bearer {s}x\r\n"),
        &|s| format!("Authorization: Bearer {s} x\r\n"),
        &|s| format!("Authorization: Bearer {s},\r\n"),
        &|s| format!("Authorization: Bearer \"{s}\"\r\n"),
        &|s| format!("Authorization: Bearer\t{s}\r\n"),
        &|s| format!("Authorization: Digest {s}\r\n"),
        &|s| format!("Authorization: Bot {s}\r\n"),
        &|s| format!("Authorization: Basic {s}\r\n"),
        &|s| format!("Authorization: Bearer {}\r\n", percent(s, |_| true)),
        &|s| format!("Authorization: Bearer {}\r\n", basic(&format!("user:{s}"))),
        &|s| format!("Authorization: Basic {}\r\n", basic(s)),
        &|s| format!("Authorization: Basic {}\r\n", basic(&format!("user:x{s}"))),
        &|s| format!("Authorization: Basic {}\r\n", basic(&format!("user:{s}\n"))),
        &|s| format!("Authorization: Basic {} x\r\n", basic(&format!("user:{s}"))),
        &|s| format!("Authorization: Basic x {}\r\n", basic(&format!("user:{s}"))),
    ] {
        refused(&[], &path, lines, &header("authorization"));
    }
    // One half is in its place, the other one is not.
    for text in [|s: &str| format!("x{s}:{s}"), |s: &str| format!("{}:{s}", basic(s))] {
        let secret = secret("PLAIN", VALUES[0].1, &[]);
        let lines = format!("Authorization: Basic {}\r\n", basic(&text(secret.stand_in.as_str())));
        let refusal = sent(&[secret], &request("/", &lines)).unwrap_err();
        assert_eq!(refusal, Refusal::Misplaced { key: "PLAIN".into(), place: header("authorization") });
    }
}

#[test]
fn key_headers() {
    let places = &["header:X-Key"];
    put_in(places, &path, &|s| format!("x-KEY: {s}\r\n"));
    put_in(places, &path, &|s| format!("X-Key: Key   {s}\r\nX-Key: {s}\r\n"));
    for lines in [
        &(|s: &str| format!("X-Key: {s}x\r\n")) as &dyn Fn(&str) -> String,
        &|s| format!("X-Key: a b {s}\r\n"),
        &|s| format!("X-Key: a; {s}\r\n"),
        &|s| format!("X-Key: a={s}\r\n"),
        &|s| format!("X-Key: {s} {s}\r\n"),
        &|s| format!("X-Key: {}\r\n", percent(s, |_| true)),
        &|s| format!("X-Key: Basic {}\r\n", basic(&format!("u:{s}"))),
    ] {
        refused(places, &path, lines, &header("x-key"));
    }
    refused(&[], &path, &|s| format!("X-Key: {s}\r\n"), &header("x-key"));
    refused(places, &path, &|s| format!("X-Keys: {s}\r\n"), &header("x-keys"));
    // As the owner names it, also this header takes other words.
    put_in(&["header:Authorization"], &path, &|s| format!("Authorization: Key {s}\r\n"));
    put_in(&["header:authorization"], &path, &|s| format!("Authorization: {s}\r\n"));
}

#[test]
fn headers_that_carry_no_key() {
    for lines in [
        &(|s: &str| format!("Cookie: {s}\r\n")) as &dyn Fn(&str) -> String,
        &|s| format!("Cookie: a=b; token={s}\r\n"),
        &|s| format!("cookie: {}\r\n", percent(s, |byte| byte != b'a')),
        &|s| format!("Cookie: {}\r\n", basic(&format!("xy{s}"))),
    ] {
        refused(&[], &path, lines, &header("cookie"));
    }
    refused(&[], &path, &|s| format!("User-Agent: {s}\r\nX: y\r\n"), &header("user-agent"));
    refused(&[], &path, &|s| format!("Referer: https://x/?{}\r\n", percent(s, |_| true)), &header("referer"));
    refused(&[], &path, &|s| format!("Proxy-Authorization: Bearer {s}\r\n"), &header("proxy-authorization"));
    refused(&[], &path, &|s| format!("X: {}\r\n", hexadecimal(s)), &header("x"));
    let secret = secret("HEX", VALUES[2].1, &[]);
    let refusal =
        sent(&[Arc::clone(&secret)], &request("/", &format!("{}: x\r\n", secret.stand_in.as_str()))).unwrap_err();
    assert_eq!(refusal, Refusal::Misplaced { key: "HEX".into(), place: Spot::HeaderName });
}

#[test]
fn queries() {
    let places = &["query:key"];
    let none = |_: &str| String::new();
    // What a target cannot have as it is, and what would end a parameter.
    let needed = |byte: u8| b"\"%&<>\\#".contains(&byte);
    for (name, value) in VALUES.into_iter().filter(|(name, _)| *name != "MARKS") {
        for (place, target) in [
            ("query:key", &(|s: &str| format!("/p?key={s}")) as &dyn Fn(&str) -> String),
            ("query:key", &|s| format!("/p?a=b&%6bey={s}&key={s}&c")),
            ("query:a b", &|s| format!("/p?a+b={s}")),
        ] {
            let secret = secret(name, value, &[place]);
            let stand_in = secret.stand_in.as_str().to_owned();
            assert_eq!(sent(&[secret], &request(&target(&stand_in), "")), Ok(request(&target(value), "")), "{name}");
        }
    }
    // Only the one plain spelling: an escape would be CMD's choice, and a mark that needs one is read in more ways than one.
    let key = || Spot::Query("key".to_owned());
    refused(places, &|s| format!("/p?a=b&key={}&c", percent(s, |_| true)), &none, &key());
    refused(places, &|s| format!("/p?key=%{:02X}{}", s.as_bytes()[0], percent(&s[1..], needed)), &none, &key());
    let marks = secret("MARKS", VALUES[1].1, places);
    for which in [&needed as &dyn Fn(u8) -> bool, &|byte| byte == b'+' || needed(byte)] {
        let target = format!("/p?key={}", percent(marks.stand_in.as_str(), which));
        let refusal = sent(&[Arc::clone(&marks)], &request(&target, "")).unwrap_err();
        assert_eq!(refusal, Refusal::Misplaced { key: "MARKS".into(), place: key() });
    }
    for (target, spot) in [
        (&(|s: &str| format!("/p?keys={}", percent(s, needed))) as &dyn Fn(&str) -> String, "keys"),
        (&|s| format!("/p?key={}x", percent(s, needed)), "key"),
        (&|s| format!("/p?key=x{}", percent(s, needed)), "key"),
        (&|s| format!("/p?key={}", basic(&format!("xyz{s}"))), "key"),
        (&|s| format!("/p?x;key={}", percent(s, needed)), "x;key"),
    ] {
        refused(places, target, &none, &Spot::Query(spot.to_owned()));
    }
    refused(&[], &|s| format!("/p?key={}", percent(s, needed)), &none, &Spot::Query("key".to_owned()));
    refused(places, &|s| format!("/p/{}?key", percent(s, |byte| byte == b'?' || needed(byte))), &none, &Spot::Path);
    refused(places, &|s| format!("/key={}", percent(s, needed)), &none, &Spot::Path);
    refused(places, &|s| format!("/p?{}=x", percent(s, |byte| byte == b'=' || needed(byte))), &none, &Spot::Line);
}

#[test]
fn several_secrets_in_several_places() {
    let [one, two, three] = [(0, &[][..]), (2, &["header:x-key"]), (3, &["query:k"])]
        .map(|(index, places)| secret(VALUES[index].0, VALUES[index].1, places));
    let s = [&one, &two, &three].map(|secret| secret.stand_in.as_str().to_owned());
    let text = |[a, b, c]: [&str; 3]| {
        let lines = format!("X-Key: {b}\r\nAuthorization: Basic {}\r\n", basic(&format!("{a}:{b}")));
        request(&format!("/?k={c}"), &lines)
    };
    let secrets = [one, two, three];
    let got = sent(&secrets, &text([&s[0], &s[1], &s[2]])).unwrap();
    assert_eq!(got, text([VALUES[0].1, VALUES[2].1, VALUES[3].1]));
    // Each only in its own places.
    let refusal = sent(&secrets, &request("/", &format!("X-Key: {}\r\n", s[0]))).unwrap_err();
    assert_eq!(refusal, Refusal::Misplaced { key: "PLAIN".into(), place: header("x-key") });
}

#[test]
fn what_is_not_for_this_host_is_text() {
    let mut other = Arc::into_inner(secret("PLAIN", VALUES[0].1, &["header:x-key"])).unwrap();
    other.hosts = vec![Authority::parse(b"x.api.a.b").unwrap(), Authority::parse(b"api.a.b:8443").unwrap()];
    let text = request("/", &format!("Authorization: Bearer {0}\r\nX: {0}\r\n", other.stand_in.as_str()));
    assert_eq!(sent(&[Arc::new(other)], &text).unwrap(), text);
    assert_eq!(sent(&[], &text).unwrap(), text);
}

#[test]
fn a_part_of_a_stand_in_is_text() {
    let secret = secret("PLAIN", VALUES[0].1, &[]);
    let stand_in = secret.stand_in.as_str();
    let half = &stand_in[..stand_in.len() - 1];
    let text = request(&format!("/{half}"), &format!("X: {half}\r\nAuthorization: Bearer {half}\r\nY: sk-proj-\r\n"));
    assert_eq!(sent(std::slice::from_ref(&secret), &text).unwrap(), text);
}

#[test]
fn words_of_a_refusal() {
    let refusal = |place: Spot| Refusal::Misplaced { key: "K".into(), place };
    let text = |place: Spot| {
        let mut out = Vec::new();
        refusal(place).write(&mut out);
        String::from_utf8(out).unwrap().split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    assert_eq!(
        text(header("x-token")),
        "cast: the stand-in of 'K' is in header 'x-token', where its value is not put in\n\
         cast: hint: if it belongs there, the owner can allow it with '--in header:x-token'\n"
    );
    let hint = "it with '--in header:authorization'\n";
    assert!(text(header("authorization")).ends_with(hint));
    assert_eq!(
        text(header("cookie")),
        "cast: the stand-in of 'K' is in header 'cookie', where its value is not put in\n"
    );
    assert_eq!(
        text(Spot::Query("a\n\u{1b}\u{202e}".into())),
        "cast: the stand-in of 'K' is in query parameter 'a\\n\\u{1b}\\u{202e}', where its value is not put in\n\
         cast: hint: if it belongs there, the owner can allow it with '--in query:a\\n\\u{1b}\\u{202e}'\n"
    );
    assert_eq!(text(Spot::Path), "cast: the stand-in of 'K' is in the path, where its value is not put in\n");
}

#[test]
fn headers_and_words_of_well_known_keys() {
    let check = |name: &str, host: &str, line: &dyn Fn(&str) -> String, is_put_in: bool| {
        let host = Authority::parse(host.as_bytes()).unwrap();
        let mut secret = Arc::into_inner(secret(name, VALUES[2].1, &[])).unwrap();
        secret.hosts = vec![host.clone()];
        let stand_in = secret.stand_in.as_str().to_owned();
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n\r\n", line(&stand_in));
        let head = Head::read(text.as_bytes()).unwrap();
        let request = Request::read(&head, &host).unwrap();
        let edits = judge(&request, &head, &Permitted::new(&host, &[Arc::new(secret)]));
        assert_eq!(edits.is_ok(), is_put_in, "{name} at {host}: {}", line("S"));
    };
    // By its name at any host, and at the host under any name.
    check("ANTHROPIC_API_KEY", "gateway.corp", &|s| format!("X-Api-Key: {s}"), true);
    check("MY_KEY", "api.anthropic.com", &|s| format!("x-api-key: {s}"), true);
    check("MY_KEY", "gateway.corp", &|s| format!("x-api-key: {s}"), false);
    check("MY_KEY", "api.anthropic.com:8443", &|s| format!("x-api-key: {s}"), false);
    check("LINEAR_API_KEY", "api.linear.app", &|s| format!("Authorization: {s}"), true);
    check("MY_KEY", "api.linear.app", &|s| format!("Authorization: {s}"), false);
    check("DISCORD_TOKEN", "discord.com", &|s| format!("Authorization: bot {s}"), true);
    check("MY_KEY", "discord.com", &|s| format!("Authorization: Bot {s}"), false);
}

#[test]
fn no_value_is_put_into_a_query_of_another_charset() {
    let secret = secret("K", VALUES[0].1, &["query:k"]);
    let stand_in = secret.stand_in.as_str().to_owned();
    let secrets = [secret];
    let judged =
        |target: &str, lines: &str| sent(&secrets, &request(target, lines)).map(|text| text.contains(VALUES[0].1));
    let target = format!("/?k={stand_in}");
    assert_eq!(judged(&target, "Content-Type: text/plain; charset=utf-8\r\n"), Ok(true));
    for lines in ["Content-Type: text/plain; charset=utf-16le\r\n", "content_type: x/y;charset=ibm037\r\n"] {
        assert_eq!(judged(&target, lines), Err(Refusal::Charset));
        assert_eq!(judged("/?x=y", lines), Ok(false));
    }
    for end in [
        "&_Charset_=utf-16",
        "&%5fcharset_=utf-16",
        "&a=?&_charset_=utf-16le",
        "&ie=cp037",
        "&ie=273",
        "&ie=IBM-Thai",
        "&Encoding=u16",
        "&x=UTF-16",
        "&_input_charset=x",
        "&x=_charset_=y",
    ] {
        assert_eq!(judged(&format!("{target}{end}"), ""), Err(Refusal::Charset));
    }
    assert_eq!(judged(&format!("/?a=?&_charset_=utf-16le&k={stand_in}"), ""), Err(Refusal::Charset));
    for end in ["&charset=utf-8", "&ie=utf8", "&ie=iso-8859-1"] {
        assert_eq!(judged(&format!("{target}{end}"), ""), Ok(true), "{end}");
    }
    // A body of parameters could name one for all.
    for kind in ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
        let lines = format!("Content-Type: {kind}\r\nContent-Length: 5\r\n");
        assert_eq!(judged(&target, &lines), Err(Refusal::Charset));
        assert_eq!(judged(&target, &lines.replace('5', "0")), Ok(true));
    }
    assert_eq!(judged(&target, "Content-Type: application/json\r\nContent-Length: 5\r\n"), Ok(true));
}
