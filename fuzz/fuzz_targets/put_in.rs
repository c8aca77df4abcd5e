//! Requests with stand-ins, as they are and encoded, anywhere. No value is ever outside of a permitted place, or next
//! to anything there; and but for the values nothing changes.
#![no_main]

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cast_broker::http::naive::{Habits, Message};
use cast_broker::http::{Head, Request, write};
use cast_broker::put_in::{BodyKind, Permitted, judge};
use cast_broker::{Authority, Place, Secret, stand_in};
use libfuzzer_sys::fuzz_target;

const VALUES: [&str; 2] = ["sk-proj-abcdefghijKLMNOP0123456789", "ab+/=\"\\&%:cd0123456789efgh"];

struct World {
    host: Authority,
    stand_ins: Vec<String>,
    permitted: Permitted,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let host = Authority::parse(b"a.b").unwrap();
        let places = ["header:x-key", "query:k", "form:f", "json:/j"];
        let secrets = VALUES.map(|value| {
            let name = format!("K{}", value.len());
            let stand_in = stand_in::derive(&[7; 32], &name, value, None).unwrap();
            let places = places.iter().map(|place| Place::parse(place).unwrap()).collect();
            Arc::new(Secret { name, value: value.into(), stand_in, hosts: vec![host.clone()], places })
        });
        let stand_ins = secrets.iter().map(|secret| secret.stand_in.as_str().to_owned()).collect();
        World { permitted: Permitted::new(&host, &secrets), stand_ins, host }
    })
}

/// Writes stand-ins for some bytes that a request does not have: in each of a few forms.
fn expand(data: &[u8], stand_ins: &[String]) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in data {
        let stand_in = stand_ins[usize::from(byte & 1)].as_bytes();
        match byte {
            0x80 | 0x81 => text.extend(stand_in),
            0x82 | 0x83 => text.extend(stand_in.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes())),
            0x84 | 0x85 => {
                let plain = |byte: &u8| match byte {
                    b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(*byte).to_string(),
                    byte => format!("%{byte:02X}"),
                };
                text.extend(stand_in.iter().flat_map(|byte| plain(byte).into_bytes()));
            }
            0x86 | 0x87 => text.extend(STANDARD.encode([b"u:", stand_in].concat()).bytes()),
            0x88 | 0x89 => text.extend(STANDARD.encode([stand_in, b":p"].concat()).bytes()),
            0x8a | 0x8b => text.extend(stand_in.iter().flat_map(|byte| format!("\\u{byte:04x}").into_bytes())),
            0x8c | 0x8d => text.extend(STANDARD.encode([stand_in, b":", stand_ins[0].as_bytes()].concat()).bytes()),
            0x8e => text.extend(b"\r\n"),
            byte => text.push(byte),
        }
    }
    text
}

fn decoded(text: &[u8], is_form: bool) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match byte.map(|digits| u8::from_str_radix(digits, 16).unwrap()) {
            Some(byte) if text[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(if is_form && text[at] == b'+' { b' ' } else { text[at] });
                at += 1;
            }
        }
    }
    decoded
}

/// Whether `before` is the stand-in whose value `after` is.
fn is_swap(before: &[u8], after: &[u8], stand_ins: &[String]) -> bool {
    stand_ins.iter().zip(VALUES).any(|(stand_in, value)| before == stand_in.as_bytes() && after == value.as_bytes())
}

/// Checks `NAME=VALUE&...`: what differs is a swap in the parameter `name`.
fn check_parameters(before: &[u8], after: &[u8], name: &[u8], is_form: bool, stand_ins: &[String]) {
    let pairs = before.split(|byte| *byte == b'&').zip(after.split(|byte| *byte == b'&'));
    for (before, after) in pairs.filter(|(before, after)| before != after) {
        let mark = before.iter().position(|byte| *byte == b'=').expect("a value");
        assert_eq!(decoded(&before[..mark], true), name);
        assert_eq!(before[..mark], after[..mark]);
        let [before, after] = [before, after].map(|text| decoded(&text[mark + 1..], is_form));
        assert!(is_swap(&before, &after, stand_ins));
    }
}

/// Checks a field that differs.
fn check_field(name: &[u8], before: &[u8], after: &[u8], stand_ins: &[String]) {
    assert!(name == b"authorization" || name == b"x-key");
    assert_eq!(before.len(), after.len());
    let behind = |text: &[u8]| {
        let blank = text.iter().position(|byte| *byte == b' ')?;
        Some((text[..blank].to_vec(), text[blank..].trim_ascii().to_vec()))
    };
    if name == b"x-key" && is_swap(before, after, stand_ins) {
        return;
    }
    let ((word, before), (same, after)) = (behind(before).expect("a word"), behind(after).expect("a word"));
    assert_eq!(word, same);
    if is_swap(&before, &after, stand_ins) {
        return;
    }
    assert!(name == b"authorization" && word.eq_ignore_ascii_case(b"basic"));
    let [before, after] = [before, after].map(|text| STANDARD.decode(text).expect("base64"));
    let split = |text: &[u8]| {
        let colon = text.iter().position(|byte| *byte == b':').expect("a colon");
        [text[..colon].to_vec(), text[colon + 1..].to_vec()]
    };
    // The first value has no colon, so a user name is that of the first.
    let (before, after) = (split(&before), split(&after));
    for (before, after) in before.iter().zip(&after).filter(|(before, after)| before != after) {
        assert!(is_swap(before, after, stand_ins));
    }
}

fuzz_target!(|data: &[u8]| {
    let World { host, stand_ins, permitted } = world();
    let text = expand(data, stand_ins);
    let body_text = &text;
    let after_body = |kind| {
        let mut body = body_text.clone();
        permitted.body(kind, body_text).iter().for_each(|edit| edit.apply(0, &mut body));
        body
    };
    check_parameters(body_text, &after_body(BodyKind::Form), b"f", true, stand_ins);
    let json = after_body(BodyKind::Json);
    if json != *body_text {
        // One swap, or several of a name that comes twice: what is before and behind is the same.
        assert_eq!(json.len(), body_text.len());
        let json = String::from_utf8(json).expect("JSON");
        assert!(json.trim_ascii_start().starts_with('{'));
    }
    let Ok(head) = Head::read(&text) else { return };
    let Ok(request) = Request::read(&head, host) else { return };
    let Ok(edits) = judge(&request, &head, permitted) else { return };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    write::request(&head, &request, host, &[], &mut before);
    write::request(&head, &request, host, &edits.head, &mut after);
    let (before_end, after_end) = (before.len(), after.len());
    assert_eq!(before_end, after_end);
    // So that the second reader has a body to read.
    let habits = Habits::all().next().expect("no bad habits");
    let cut = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).replace("\r\nContent-Length", "\r\nX").into_bytes();
        Message::request(&text, habits)
    };
    let (Some(before), Some(after)) = (cut(&before), cut(&after)) else { return };
    assert_eq!(before.fields.len(), after.fields.len());
    for ((name, before), (same, after)) in before.fields.iter().zip(&after.fields) {
        assert_eq!(name, same);
        if before != after {
            check_field(name, before, after, stand_ins);
        }
    }
    let query = |first: &[u8]| {
        let mark = first.iter().position(|byte| *byte == b'?').unwrap_or(first.len());
        let end = first.iter().rposition(|byte| *byte == b' ').unwrap();
        (first[..mark].to_vec(), first[(mark + 1).min(end)..end].to_vec())
    };
    let ((path, before), (same, after)) = (query(&before.first), query(&after.first));
    assert_eq!(path, same);
    check_parameters(&before, &after, b"k", false, stand_ins);
});
