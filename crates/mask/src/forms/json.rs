//! A value inside a JSON string, in the dialects that encoders write.

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// How one encoder escapes. RFC 8259 §7 allows all of these.
#[derive(Clone, Copy)]
struct Dialect {
    /// `\n` and `\t`, or `\u000a` and `\u0009`.
    short: bool,
    /// The digits of `\u00e9`, in lower or upper case.
    digits: &'static [u8; 16],
    /// Characters beyond these two that become `\u....`.
    hex: &'static [char],
    /// Characters beyond ASCII become `\u....` as well.
    ascii: bool,
    /// `/` becomes `\/`.
    slash: bool,
}

const PLAIN: Dialect = Dialect { short: true, digits: LOWER, hex: &[], ascii: false, slash: false };
/// Python's json.dumps, jq -a.
const PYTHON: Dialect = Dialect { ascii: true, hex: &['\x7f'], ..PLAIN };
const DIALECTS: [Dialect; 12] = [
    PLAIN, // serde_json, JSON.stringify, Python's ensure_ascii=False
    Dialect { digits: UPPER, ..PLAIN },
    Dialect { hex: &['\x7f'], ..PLAIN }, // jq
    Dialect { slash: true, ..PLAIN },
    Dialect { ascii: true, ..PLAIN },
    Dialect { ascii: true, digits: UPPER, ..PLAIN },
    Dialect { ascii: true, slash: true, ..PLAIN }, // PHP
    PYTHON,
    Dialect { hex: &['<', '>', '&', '\u{2028}', '\u{2029}'], ..PLAIN }, // Go
    Dialect { hex: &['<', '>', '&', '\'', '"', '+', '`', '\x7f'], ascii: true, digits: UPPER, ..PLAIN }, // .NET
    Dialect { short: false, ..PLAIN },
    Dialect { short: false, digits: UPPER, ..PLAIN },
];

pub(super) fn each(value: &str, special: &str, out: &mut Vec<u8>, take: &mut dyn FnMut(&[u8])) {
    super::each_dialect(DIALECTS, Dialect::write, (value, special), out, take);
    // JSON as text inside JSON, as tools return it to agents. Each of the two encoders may escape characters beyond
    // ASCII.
    let twice = [(PLAIN, PLAIN), (PLAIN, PYTHON), (PYTHON, PYTHON)];
    let write = |(inner, outer): (Dialect, Dialect), text: &str, out: &mut Vec<u8>| {
        inner.write(text, out);
        let once = String::from_utf8(std::mem::take(out)).expect("JSON is text");
        outer.write(&once, out);
    };
    super::each_dialect(twice, write, (value, special), out, take);
}

impl Dialect {
    fn write(self, value: &str, out: &mut Vec<u8>) {
        out.clear();
        for c in value.chars() {
            let short = match c {
                '\x08' => b'b',
                '\t' => b't',
                '\n' => b'n',
                '\x0c' => b'f',
                '\r' => b'r',
                _ => 0,
            };
            if self.hex.contains(&c) || self.ascii && !c.is_ascii() {
                self.write_hex(c, out);
            } else if c == '"' || c == '\\' || c == '/' && self.slash {
                out.extend([b'\\', c as u8]);
            } else if short != 0 && self.short {
                out.extend([b'\\', short]);
            } else if c < ' ' {
                self.write_hex(c, out);
            } else {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
        }
    }

    fn write_hex(self, c: char, out: &mut Vec<u8>) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.extend(b"\\u");
            out.extend([12, 8, 4, 0].map(|shift| self.digits[usize::from(*unit >> shift & 15)]));
        }
    }
}
