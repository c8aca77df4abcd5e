//! The views of a text, for the oracle: each decodes it, and keeps for each decoded byte where it came from. It shares
//! nothing with the decoders of the masker, in `masker/decode.rs`.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Raw,
    Json,
    Twice,
    Percent,
    Form,
    Entity,
    Colour,
}

pub(super) const VIEWS: [View; 7] =
    [View::Raw, View::Json, View::Twice, View::Percent, View::Form, View::Entity, View::Colour];

/// A decoded byte and where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What an escape at the beginning of some bytes is: its length, and what it decodes to.
pub(super) type Escape = Option<(usize, Vec<u8>)>;

impl View {
    /// With what an escape begins.
    pub(super) fn starts(self) -> &'static [u8] {
        match self {
            Self::Raw => b"",
            Self::Json | Self::Twice => b"\\",
            Self::Percent => b"%",
            Self::Form => b"%+",
            Self::Entity => b"&",
            Self::Colour => b"\x1b",
        }
    }

    /// Decodes `text[from..to]`. A beginning of an escape at the end is left out.
    pub(super) fn units(self, text: &[u8], from: usize, to: usize) -> Vec<Unit> {
        let raw: Vec<Unit> = (from..to).map(|at| Unit { byte: text[at], start: at, end: at + 1 }).collect();
        match self {
            Self::Raw => raw,
            Self::Json => decode(&raw, self.starts(), json),
            Self::Twice => decode(&decode(&raw, self.starts(), json), self.starts(), json),
            Self::Percent => decode(&raw, self.starts(), percent),
            Self::Form => {
                decode(
                    &raw,
                    self.starts(),
                    |text| if text[0] == b'+' { Some((1, b" ".to_vec())) } else { percent(text) },
                )
            }
            Self::Entity => decode(&raw, self.starts(), entity),
            Self::Colour => decode(&raw, self.starts(), colour),
        }
    }
}

fn decode(units: &[Unit], starts: &[u8], escape: fn(&[u8]) -> Escape) -> Vec<Unit> {
    let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < units.len() {
        let rest = &bytes[at..];
        let known = if starts.contains(&rest[0]) { escape(rest) } else { None };
        if let Some((len, decoded)) = known {
            let (start, end) = (units[at].start, units[at + len - 1].end);
            out.extend(decoded.into_iter().map(|byte| Unit { byte, start, end }));
            at += len;
        } else if starts.contains(&rest[0]) && rest.len() <= LONGEST && may_become(rest, escape) {
            break;
        } else {
            out.push(units[at]);
            at += 1;
        }
    }
    out
}

/// Longer than any escape.
const LONGEST: usize = 70;

/// Whether more bytes can make an escape of all of `text`.
fn may_become(text: &[u8], escape: fn(&[u8]) -> Escape) -> bool {
    // Every way in which an escape may go on.
    const ENDS: [&[u8]; 28] = [
        b"n",
        b"00",
        b"000",
        b"0000",
        b"x00",
        b"u0000",
        b"u{0}",
        b"U00000000",
        b"0}",
        b"}",
        b"00000",
        b"000000",
        b"0000000",
        b"00000000",
        b"#0;",
        b"0;",
        b";",
        b"x0;",
        b"[0m",
        b"0m",
        b"m",
        b"\\u0000",
        b"u{00}",
        b"00}",
        b"\\udc00",
        b"udc00",
        b"dc00",
        b"0",
    ];
    const NAMES: [&[u8]; 6] = [b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&nbsp;"];
    let goes_on = |end: &&[u8]| {
        let whole = [text, end].concat();
        escape(&whole).is_some_and(|(len, _)| len > text.len())
    };
    // Of an escape that is complete already nothing is open: only halves of pairs get here.
    ENDS.iter().any(goes_on)
        || text[0] == b'&' && NAMES.iter().any(|name| name.starts_with(text) && escape(name).is_some())
        || starts_pair(text)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'\\' && rest.len() < 12 && may_be_low(rest))
}

/// What is behind the first half of a pair of surrogates, if `text` begins with one.
fn starts_pair(text: &[u8]) -> Option<&[u8]> {
    match code(text)? {
        (len, 0xD800..=0xDBFF) => Some(&text[len..]),
        _ => None,
    }
}

fn may_be_low(text: &[u8]) -> bool {
    code(text).is_none() && (json_single(text).is_none() && may_become(text, json_single))
}

fn hex(text: &[u8]) -> Option<u32> {
    let text = str::from_utf8(text).ok()?;
    if text.starts_with('+') { None } else { u32::from_str_radix(text, 16).ok() }
}

/// `\uXXXX`, `\u{X}` and `\UXXXXXXXX`.
fn code(text: &[u8]) -> Option<(usize, u32)> {
    match text.get(1)? {
        b'u' if text.get(2) == Some(&b'{') => {
            let len = text.iter().position(|byte| *byte == b'}').filter(|len| (4..=9).contains(len))?;
            Some((len + 1, hex(&text[3..len])?))
        }
        b'u' => Some((6, hex(text.get(2..6)?)?)),
        b'U' => Some((10, hex(text.get(2..10)?)?)),
        _ => None,
    }
}

fn utf8(code: u32) -> Vec<u8> {
    char::from_u32(code).map_or(vec![0xFF], |c| c.to_string().into_bytes())
}

fn json(text: &[u8]) -> Escape {
    let Some(behind) = starts_pair(text) else { return json_single(text) };
    let len = text.len() - behind.len();
    match (code(text), if behind.first() == Some(&b'\\') { code(behind) } else { None }) {
        (Some((_, high)), Some((low_len, low @ 0xDC00..=0xDFFF))) => {
            Some((len + low_len, utf8(0x1_0000 + (high - 0xD800) * 0x400 + (low - 0xDC00))))
        }
        // The half alone: known as soon as what follows is not the other half.
        _ if behind.is_empty() || behind[0] == b'\\' && may_be_low(behind) => None,
        _ => Some((len, vec![0xFF])),
    }
}

fn json_single(text: &[u8]) -> Escape {
    if let Some((len, code)) = code(text) {
        return Some((len, utf8(code)));
    }
    match text {
        [_, b'x', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
            Some((4, vec![u8::try_from(hex(&[*a, *b])?).ok()?]))
        }
        [_, a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            Some((4, vec![(a - b'0') * 64 + (b - b'0') * 8 + (c - b'0')]))
        }
        [_, letter, ..] => {
            let letters = b"abtnvfreE";
            let means = b"\x07\x08\t\n\x0b\x0c\r\x1b\x1b";
            match letters.iter().position(|known| known == letter) {
                Some(at) => Some((2, vec![means[at]])),
                None if letter.is_ascii_alphanumeric() => None,
                None => Some((2, vec![*letter])),
            }
        }
        _ => None,
    }
}

fn percent(text: &[u8]) -> Escape {
    let digits = text.get(1..3)?;
    digits.iter().all(u8::is_ascii_hexdigit).then(|| hex(digits)).flatten().map(|byte| (3, vec![byte.to_le_bytes()[0]]))
}

fn entity(text: &[u8]) -> Escape {
    let len = 1 + text.iter().take(12).position(|byte| *byte == b';')?;
    let inner = str::from_utf8(&text[1..len - 1]).ok()?;
    let decoded = match inner {
        "amp" => b"&".to_vec(),
        "lt" => b"<".to_vec(),
        "gt" => b">".to_vec(),
        "quot" => b"\"".to_vec(),
        "apos" => b"'".to_vec(),
        "nbsp" => b" ".to_vec(),
        _ => {
            let digits = inner.strip_prefix('#')?;
            let hexadecimal = digits.strip_prefix(['x', 'X']);
            let (digits, base) = hexadecimal.map_or((digits, 10), |digits| (digits, 16));
            if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
                return None;
            }
            let code =
                digits.chars().fold(0_u64, |code, c| code * u64::from(base) + u64::from(c.to_digit(base).unwrap_or(0)));
            return u32::try_from(code).ok().map(|code| (len, utf8(code)));
        }
    };
    Some((len, decoded))
}

pub(super) fn colour(text: &[u8]) -> Escape {
    let rest = text.strip_prefix(b"\x1b[")?;
    let len = rest.iter().position(|byte| !b"0123456789;:".contains(byte))?;
    (rest[len] == b'm' && len + 3 <= 64).then(|| (len + 3, Vec::new()))
}

/// Whether the bytes are one whole escape.
pub(super) fn is_escape(text: &[u8]) -> bool {
    let whole = |escape: Escape| escape.is_some_and(|(len, _)| len == text.len());
    match text[0] {
        b'\\' => whole(json_single(text)) && text.len() > 1 && text[1].is_ascii_alphanumeric(),
        b'%' => whole(percent(text)),
        b'\x1b' => whole(colour(text)),
        _ => false,
    }
}
