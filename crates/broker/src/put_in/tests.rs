//! Every place, every other place, and what an upstream then reads.

mod bodies;
mod heads;

use super::*;
use crate::http::write;
use crate::place::Place;
use crate::stand_in;

/// A value of each alphabet, and marks that some encodings escape.
const VALUES: [(&str, &str); 4] = [
    ("PLAIN", "sk-proj-abcdefghijKLMNOP0123456789"),
    ("MARKS", "ab+/=\"\\&%:;<>'cd0123456789efghijklmn"),
    ("HEX", "00112233445566778899aabbccddeeff"),
    ("DIGITS", "12345678901234567890"),
];

fn host() -> Authority {
    Authority::parse(b"api.a.b").unwrap()
}

/// A secret that goes to `api.a.b`.
fn secret(name: &str, value: &str, places: &[&str]) -> Arc<Secret> {
    Arc::new(Secret {
        name: name.to_owned(),
        value: value.into(),
        stand_in: stand_in::derive(&[7; 32], name, value, None).unwrap(),
        hosts: vec![host()],
        places: places.iter().map(|place| Place::parse(place).unwrap()).collect(),
    })
}

/// What an upstream reads of a request, or the refusal. Without a value in the request, nothing changed but the host's
/// form.
fn sent(secrets: &[Arc<Secret>], text: &str) -> Result<String, Refusal> {
    let head = Head::read(text.as_bytes()).unwrap();
    let request = Request::read(&head, &host()).unwrap();
    let edits = judge(&request, &head, &Permitted::new(&host(), secrets))?;
    let mut out = Vec::new();
    write::request(&head, &request, &host(), &edits.head, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

/// A request with this target and these lines.
fn request(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: api.a.b\r\n{lines}\r\n")
}
