//! Random streams for the oracle: texts with secrets in them, as writers of each family escape them, and how they arrive.

use super::{Event, Needle};

/// Small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) >> 33).expect("31 bits") % limit
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// True once in this many times.
    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// How a writer escapes.
#[derive(Clone, Copy)]
enum Writer {
    Plain,
    Json,
    Twice,
    Percent,
    Entity,
    Colour,
}

const WRITERS: [Writer; 8] = [
    Writer::Plain,
    Writer::Plain,
    Writer::Json,
    Writer::Json,
    Writer::Twice,
    Writer::Percent,
    Writer::Entity,
    Writer::Colour,
];

fn write(form: &[u8], writer: Writer, often: usize, random: &mut Random, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(form).into_owned();
    for c in text.chars() {
        let mut bytes = [0; 4];
        let plain = c.encode_utf8(&mut bytes).as_bytes();
        let special = !c.is_ascii_alphanumeric() || random.chance(often);
        match writer {
            Writer::Json if special => json(c, random, out),
            Writer::Twice if special => {
                let mut once = Vec::new();
                json(c, random, &mut once);
                for c in String::from_utf8_lossy(&once).chars() {
                    if c == '\\' || random.chance(often * 4) { json(c, random, out) } else { out.push(c as u8) }
                }
            }
            Writer::Percent if c == ' ' && random.chance(2) => out.push(b'+'),
            Writer::Percent if special => plain.iter().for_each(|b| out.extend(format!("%{b:02x}").bytes())),
            Writer::Entity if special => {
                let code = u32::from(c);
                let named = match c {
                    '&' => Some("&amp;"),
                    '"' => Some("&quot;"),
                    ' ' => Some("&nbsp;"),
                    _ => None,
                };
                match (random.below(3), named) {
                    (0, Some(named)) => out.extend(named.bytes()),
                    (1, _) => out.extend(format!("&#x{code:X};").bytes()),
                    _ => out.extend(format!("&#{code};").bytes()),
                }
            }
            Writer::Colour => {
                if random.chance(often) {
                    out.extend(random.one(&["\x1b[m", "\x1b[1;31m", "\x1b[0m\x1b[K"]).bytes());
                }
                out.extend(plain);
            }
            _ => out.extend(plain),
        }
    }
}

fn json(c: char, random: &mut Random, out: &mut Vec<u8>) {
    let code = u32::from(c);
    let short = match c {
        '\n' => Some("\\n"),
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        '/' => Some("\\/"),
        ' ' => Some("\\ "),
        _ => None,
    };
    match (random.below(6), short) {
        (0, _) => out.extend(format!("\\u{{{code:x}}}").bytes()),
        (1, _) => out.extend(format!("\\U{code:08X}").bytes()),
        (2, _) if code < 256 => {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|b| out.extend(format!("\\x{b:02x}").bytes()));
        }
        (3, _) if code < 256 => {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|b| out.extend(format!("\\{b:03o}").bytes()));
        }
        (4 | 5, Some(short)) => out.extend(short.bytes()),
        _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.extend(format!("\\u{unit:04x}").bytes())),
    }
}

/// A text with some of these forms, whole, cut, broken into lines and escaped, and with what only looks like an escape.
pub fn text(needles: &[Needle], random: &mut Random) -> Vec<u8> {
    const JUNK: [&str; 42] = [
        "\\",
        "\\\\",
        "\\u",
        "\\u00",
        "\\u{",
        "\\x4",
        "\\ud83d",
        "\\ude00",
        "\\n",
        "\\12",
        "%",
        "%4",
        "%41",
        "%zz",
        "%%",
        "&",
        "&am",
        "&amp",
        "&#",
        "&#x",
        "&#97",
        "&lt;",
        "+",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\n  ",
        "\\n  ",
        "a",
        "b",
        "ab",
        "\x1b[",
        "\x1b[31m",
        "\x1b]0;t\x07",
        "\x1b]8;",
        "\x1b\\",
        "some filler text, as logs have. ",
        "_",
        "-",
        "\\\\n",
        "{\"a\":1}\n",
    ];
    let mut text = Vec::new();
    for _ in 0..=random.below(4) {
        let needle = random.one(needles);
        let form = &needle.bytes;
        let (a, b) = (random.below(form.len() + 1), random.below(form.len() + 1));
        let part = match random.below(8) {
            0..=3 => &form[..],
            4 | 5 => &form[..a],
            6 => &form[a..],
            _ => &form[a.min(b)..a.max(b)],
        };
        if random.chance(3) {
            text.extend(random.one(&JUNK).bytes());
        }
        let writer = *random.one(&WRITERS);
        let often = *random.one(&[1, 3, 8]);
        let part = if needle.wraps && random.chance(2) {
            let width = 1 + random.below(14);
            let end = *random.one(&["\n", "\r\n", "\n   ", "\n\t"]);
            let (first, rest) = part.split_at(random.below(width + 1).min(part.len()));
            let mut lines = first.to_vec();
            for line in rest.chunks(width) {
                lines.extend(end.bytes());
                lines.extend(line);
            }
            lines
        } else {
            part.to_vec()
        };
        write(&part, writer, often, random, &mut text);
        if random.chance(12) {
            text.extend(b"filler without any secret: ".repeat(random.below(8)));
        }
    }
    text
}

/// How a text of `len` bytes arrives.
pub fn script(len: usize, random: &mut Random) -> Vec<Event> {
    let most = *random.one(&[1, 3, 20, 1000]);
    let silent = *random.one(&[1, 3, 1000]);
    let mut script = Vec::new();
    let mut left = len;
    while left > 0 {
        // Long scripts take the oracle long.
        let read = if script.len() > 7 { left } else { 1 + random.below(most.min(left)) };
        script.push(Event::Read(read));
        left -= read;
        if random.chance(silent) {
            script.push(Event::Silence);
        }
    }
    script.push(Event::End);
    script
}
