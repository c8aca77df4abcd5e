//! What is held: a run of bytes as tokens and their encodings have, at the end of the stream. Whether a value could
//! begin there is not asked, so nothing of a value can be told from it.

use super::super::brief::Past;
use super::super::cursor::MOST_INDENT;
use super::Shape;

/// The marks of encodings and of most tokens.
const MARKS: &[u8] = b"+/=_-.~%\\:&;#";
/// Where a marker stands for a value: the shortest run that is held, so that a word that is typed and a prompt show at
/// once, and how long it is if the stream ends with a line end behind it. The lines of an encoding are that long.
const LEAST: usize = 8;
const FULL_LINE: usize = 60;
/// How far before blanks an escape of a line end may begin: `\U0000005cU0000000a`.
const LONGEST_ESCAPE: usize = 20;

/// All of it is public: it can be read off the stand-ins.
pub(super) struct Rule {
    is_token: [bool; 256],
    least: usize,
    full_line: usize,
    /// One byte less than the longest form has, as it is and in its longest spelling.
    short: usize,
    pub(super) long: usize,
}

impl Rule {
    pub(super) fn new(shape: &Shape, paints: bool) -> Self {
        let mut is_token = [false; 256];
        for byte in 0..=u8::MAX {
            is_token[usize::from(byte)] =
                byte.is_ascii_alphanumeric() || MARKS.contains(&byte) || shape.marks.contains(&byte);
        }
        // A stream that is painted comes from a server, which may cut it anywhere for who asks it to.
        let (least, full_line) = if paints { (1, 1) } else { (LEAST, FULL_LINE) };
        Self { is_token, least, full_line, short: shape.short.saturating_sub(1), long: shape.long.saturating_sub(1) }
    }

    /// How many bytes at the end of the stream are held.
    pub(super) fn held(&self, past: Past<'_>) -> usize {
        let tail = Tail { rule: self, past };
        let (mut len, mut is_broken) = (0, false);
        if !tail.is_token(0) {
            len = tail.gap(0);
            if len == 0 || !(len..len + self.full_line).all(|back| tail.is_token(back)) {
                return 0;
            }
            is_broken = true;
        }
        while len < self.long {
            if tail.is_token(len) {
                is_broken |= tail.starts_escape(len);
                len += 1;
                continue;
            }
            match tail.gap(len) {
                0 => break,
                gap => len += gap,
            }
            is_broken = true;
        }
        if len < self.least {
            return 0;
        }
        // Without an escape or a line end in it, a form takes no more bytes than it has.
        len.min(if is_broken { self.long } else { self.short })
    }
}

/// The stream, counted from its end.
#[derive(Clone, Copy)]
struct Tail<'a> {
    rule: &'a Rule,
    past: Past<'a>,
}

impl Tail<'_> {
    fn byte(self, back: usize) -> Option<u8> {
        let Past { before, chunk, .. } = self.past;
        match chunk.len().checked_sub(back + 1) {
            Some(at) => Some(chunk[at]),
            None => before.len().checked_sub(back - chunk.len() + 1).map(|at| before[at]),
        }
    }

    /// Braces count only in `\u{41}`.
    fn is_token(self, back: usize) -> bool {
        let opens = |back: usize| {
            self.byte(back) == Some(b'{') && self.byte(back + 1) == Some(b'u') && self.byte(back + 2) == Some(b'\\')
        };
        match self.byte(back) {
            Some(byte) if self.rule.is_token[usize::from(byte)] => true,
            Some(b'{') => opens(back),
            Some(b'}') => {
                let is_digit = |back: usize| self.byte(back).is_some_and(|b| b.is_ascii_hexdigit());
                let digits = (1..=6).take_while(|digit| is_digit(back + digit)).count();
                digits > 0 && opens(back + 1 + digits)
            }
            _ => false,
        }
    }

    fn starts_escape(self, back: usize) -> bool {
        matches!(self.byte(back), Some(b'\\' | b'%' | b'&'))
    }

    /// The length of what may stand between two lines of an encoding and ends here: a line end and blanks, or blanks
    /// alone behind what may be an escape of a line end. It has a byte of a run before it.
    fn gap(self, back: usize) -> usize {
        let most = usize::from(MOST_INDENT);
        let blanks = (0..=most).take_while(|at| matches!(self.byte(back + at), Some(b' ' | b'\t'))).count();
        let mut len = blanks;
        if self.byte(back + len) == Some(b'\n') {
            len += 1;
            len += usize::from(self.byte(back + len) == Some(b'\r'));
        } else if back == 0 && blanks == 0 && self.byte(0) == Some(b'\r') {
            // The other half of the line end may follow.
            len += 1;
        } else if !(0..LONGEST_ESCAPE).any(|at| self.starts_escape(back + len + at)) {
            return 0;
        }
        if blanks <= most && self.is_token(back + len) { len } else { 0 }
    }
}
