//! Whether a text shows a value to a reader who can see through JSON strings, HTML entities and base64.

/// JSON in JSON in JSON: a tool's answer in a request that an agent quotes in its transcript.
const LAYERS: usize = 3;

/// A text as such a reader sees it.
pub struct Views(Vec<String>);

impl Views {
    pub fn of(text: &str) -> Self {
        let mut layers = vec![text.to_owned()];
        for _ in 0..LAYERS {
            let next = unescaped(&layers[layers.len() - 1]);
            if next == layers[layers.len() - 1] {
                break;
            }
            layers.push(next);
        }
        let marked_up: Vec<_> =
            layers.iter().filter(|layer| layer.contains('&')).map(|layer| entities(layer)).collect();
        layers.extend(marked_up);
        // Wrapped base64 goes on in the next line.
        let joined = |layer: &String| layer.chars().filter(|letter| !letter.is_whitespace()).collect();
        let unwrapped: Vec<_> = layers.iter().map(joined).collect();
        layers.extend(unwrapped);
        Self(layers)
    }

    /// Whether the value is there as it is, or in base64 on any of the three alignments.
    pub fn show(&self, value: &str) -> bool {
        let mut forms = vec![value.to_owned()];
        forms.extend((0..3).map(|before| base64_core(value.as_bytes(), before)));
        self.0.iter().any(|view| forms.iter().any(|form| view.contains(form)))
    }
}

/// The base64 digits that depend on the value alone when so many bytes stand before it.
fn base64_core(value: &[u8], before: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| value[at / 8] >> (7 - at % 8) & 1;
    // The first digit that no byte before it shares.
    let first = (6 - before * 8 % 6) % 6;
    let digits = (first..).step_by(6).take_while(|start| start + 6 <= value.len() * 8);
    let digit = |start: usize| (start..start + 6).fold(0, |number, at| number << 1 | bit(at));
    digits.map(|start| char::from(DIGITS[usize::from(digit(start))])).collect()
}

/// The text with one layer of JSON escapes taken off; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain += &rest[..at];
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            plain.push('\\');
            break;
        };
        let code = rest.get(1..5).filter(|_| letter == 'u').and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (meant, length) = match (letter, code.and_then(char::from_u32)) {
            (_, Some(meant)) => (meant, 5),
            ('"' | '\\' | '/', _) => (letter, 1),
            ('n', _) => ('\n', 1),
            ('r', _) => ('\r', 1),
            ('t', _) => ('\t', 1),
            _ => ('\\', 0),
        };
        plain.push(meant);
        rest = &rest[length..];
    }
    plain + rest
}

fn entities(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.into_iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[test]
fn a_reader_sees_through_the_encodings_of_a_request() {
    let shows = |text: &str, value: &str| Views::of(text).show(value);
    let value = "leak\"&/<pipe\\9f81c2d4";
    let json = serde_json::to_string(value).unwrap();
    let twice = serde_json::to_string(&json).unwrap();
    let encoded = "bGVhayImLzxwaXBlXDlmODFjMmQ0";
    for text in [value, &json, &twice, &serde_json::to_string(&twice).unwrap(), encoded] {
        assert!(shows(&format!("before {text} after"), value), "{text}");
    }
    assert!(shows("x leak&quot;&amp;/&lt;pipe\\9f81c2d4", value));
    assert!(shows("eGxlYWsiJi88cGlwZVw5ZjgxYzJkNA==", value), "one byte before it");
    assert!(shows("eHhsZWFrIiYvPHBpcGVcOWY4MWMyZDQ=", value), "two bytes before it");
    assert!(shows("{\"leak\\u0022\\u0026\\/\\u003cpipe\\\\9f81c2d4\"}", value));
    assert!(shows("bGVhayImLzxw\n  aXBlXDlmODFjMmQ0", value), "wrapped");
    for text in ["", "\\", "\\u12", "leak\"&/<pipe", "[cast:PIPE_TOKEN]", "bGVhayImLzxwaXBlXDlmODFj"] {
        assert!(!shows(text, value), "{text}");
    }
}
