//! A second reader, to compare with: for tests and the fuzzer. It reads as careless servers do, each in its own way.
//! What the broker has written must mean the same to all of them.

/// How a careless server reads: a set of bad habits.
#[derive(Clone, Copy, Debug)]
pub struct Habits(u8);

/// A bare LF ends a line.
const BARE_LINE_FEED: u8 = 1;
/// A line that begins with a blank continues the one before.
const FOLDS: u8 = 2;
/// Blanks around names do not count, and `_` is as good as `-`.
const LOOSE_NAMES: u8 = 4;
/// `Content-Length` wins over `Transfer-Encoding`.
const LENGTH_WINS: u8 = 8;
/// The last field with a name wins.
const LAST_WINS: u8 = 16;

impl Habits {
    /// All that there are.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..32).map(Self)
    }

    fn has(self, habit: u8) -> bool {
        self.0 & habit != 0
    }
}

/// A message as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The first line.
    pub first: Vec<u8>,
    /// Names in lower case, and values.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// The fields behind a chunked body.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// What follows the message.
    pub rest: Vec<u8>,
}

impl Message {
    /// The value that this server would take.
    pub fn get(&self, name: &str, habits: Habits) -> Option<&[u8]> {
        let mut values = self.fields.iter().filter(|(one, _)| one == name.as_bytes()).map(|(_, value)| &value[..]);
        if habits.has(LAST_WINS) { values.next_back() } else { values.next() }
    }

    /// Reads a request.
    pub fn request(text: &[u8], habits: Habits) -> Option<Self> {
        Self::read(text, habits, false, false)
    }

    /// Reads a response. `is_empty`: it has no body, because of its status or the request's method.
    pub fn response(text: &[u8], habits: Habits, is_empty: bool) -> Option<Self> {
        Self::read(text, habits, is_empty, true)
    }

    fn read(text: &[u8], habits: Habits, is_empty: bool, is_response: bool) -> Option<Self> {
        let (first, at) = line(text, 0, habits)?;
        let (fields, at) = fields(text, at, habits)?;
        let mut message = Self { first, fields, body: Vec::new(), trailers: Vec::new(), rest: Vec::new() };
        let length = message.get("content-length", habits).map(<[u8]>::to_vec);
        let is_chunked = message
            .get("transfer-encoding", habits)
            .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"));
        let end = match length {
            _ if is_empty => at,
            Some(length) if !is_chunked || habits.has(LENGTH_WINS) => {
                let length: usize = str::from_utf8(&length).ok()?.trim().parse().ok()?;
                message.body = text.get(at..at.checked_add(length)?)?.to_vec();
                at + length
            }
            _ if is_chunked => message.chunks(text, at, habits)?,
            _ if is_response => {
                message.body = text[at..].to_vec();
                text.len()
            }
            _ => at,
        };
        message.rest = text[end..].to_vec();
        Some(message)
    }

    fn chunks(&mut self, text: &[u8], mut at: usize, habits: Habits) -> Option<usize> {
        loop {
            let (size, next) = line(text, at, habits)?;
            let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let size = usize::from_str_radix(str::from_utf8(&size[..digits]).ok()?, 16).ok()?;
            if size == 0 {
                let (trailers, end) = fields(text, next, habits)?;
                self.trailers = trailers;
                return Some(end);
            }
            self.body.extend(text.get(next..next.checked_add(size)?)?);
            let (_, next) = line(text, next + size, habits)?;
            at = next;
        }
    }
}

/// The line from `at`, and where the next one begins.
fn line(text: &[u8], at: usize, habits: Habits) -> Option<(Vec<u8>, usize)> {
    let rest = text.get(at..)?;
    if habits.has(BARE_LINE_FEED) {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        Some((line.to_vec(), at + end + 1))
    } else {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        Some((rest[..end].to_vec(), at + end + 2))
    }
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn fields(text: &[u8], mut at: usize, habits: Habits) -> Option<(Fields, usize)> {
    let mut fields: Fields = Vec::new();
    loop {
        let (line, next) = line(text, at, habits)?;
        at = next;
        if line.is_empty() {
            return Some((fields, at));
        }
        if habits.has(FOLDS)
            && line.starts_with(b" ")
            && let Some((_, value)) = fields.last_mut()
        {
            value.extend(&line);
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let mut name = line[..colon].to_ascii_lowercase();
        if habits.has(LOOSE_NAMES) {
            name = name.trim_ascii().iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
        }
        fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}
