//! Responses with values in them, and what must come out: the same with stand-ins, in the same bytes but those.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cast_broker::take_out::scrub;
use cast_broker::{Authority, Secret, stand_in};
use cast_mask::Plan;

const VALUES: [&str; 2] = ["sk-proj-abcdefghijKLMNOP0123456789", "xy+/=:cd0123456789efgh_ij-kl.mn"];

/// What stands between the values: nothing that makes another escape of what follows it.
const TEXT: &[u8; 64] = b"abcdefghijklmnopABCDEF0123456789 \n\"\"{}:,,data: [DONE]\r\n()<>?!@*|";

pub struct World {
    pub plan: Arc<Plan>,
    stand_ins: Vec<String>,
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let host = Authority::parse(b"a.b").expect("a host");
        let secrets = VALUES.map(|value| {
            let name = format!("K{}", value.len());
            let stand_in = stand_in::derive(&[7; 32], &name, value, None).expect("a fit value");
            Secret { name, value: value.into(), stand_in, hosts: vec![host.clone()], places: Vec::new() }
        });
        let stand_ins = secrets.iter().map(|secret| secret.stand_in.as_str().to_owned()).collect();
        World { plan: scrub::plan(&secrets), stand_ins }
    })
}

/// A text with values, and the same with stand-ins.
pub struct Response {
    pub values: Vec<u8>,
    pub stand_ins: Vec<u8>,
}

impl Response {
    /// Each byte of `data` is a piece of text or a value in one of a few forms.
    pub fn new(data: &[u8]) -> Self {
        let mut response = Self { values: Vec::new(), stand_ins: Vec::new() };
        for &byte in data {
            let which = usize::from(byte & 1);
            if byte < 0x80 {
                // Each form stands alone: a digit next to one of hexadecimal or base64 is a longer text of it.
                response.add(&TEXT[usize::from(byte & 63)..][..1], &TEXT[usize::from(byte & 63)..][..1]);
            } else {
                let form = byte >> 1 & 7;
                let write = |value: &str| written(value.as_bytes(), form);
                response.add(&write(VALUES[which]), &write(&world().stand_ins[which]));
            }
        }
        assert_eq!(response.values.len(), response.stand_ins.len());
        response
    }

    fn add(&mut self, values: &[u8], stand_ins: &[u8]) {
        self.values.extend_from_slice(values);
        self.stand_ins.extend_from_slice(stand_ins);
    }
}

/// A value as a server may write it.
fn written(value: &[u8], form: u8) -> Vec<u8> {
    let each = |write: &dyn Fn(u8) -> String| value.iter().flat_map(|byte| write(*byte).into_bytes()).collect();
    match form {
        0 | 1 => value.to_vec(),
        2 => each(&|byte| format!("%{byte:02X}")),
        3 => each(&|byte| format!("\\u{byte:04x}")),
        4 => STANDARD.encode([b"u:", value].concat()).into_bytes(),
        5 => each(&|byte| format!("{byte:02x}")),
        6 => each(&|byte| format!("&#x{byte:x};")),
        _ => {
            let digits = STANDARD.encode([b"user:", value, b":", value].concat());
            digits.as_bytes().chunks(20).collect::<Vec<_>>().join(&b"\n"[..])
        }
    }
}
