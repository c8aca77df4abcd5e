//! The `gzip` coding: members, each with a header, a stream of deflate and a check sum (RFC 1952).

use flate2::Crc;

use super::inflate::Inflate;
use super::{Decode, Next, Undecodable, take};

pub(super) struct Gzip {
    part: Part,
    /// Bytes of this part that are read whole.
    kept: Vec<u8>,
    is_begun: bool,
}

/// Where in a member the reader is. The first number is the flags of the header's parts that are still to come.
enum Part {
    /// The ten bytes at the start of a member.
    Fixed,
    /// The length of the extra field.
    ExtraLength(u8),
    /// So many bytes of the extra field.
    Extra(u8, u16),
    /// A name or a comment, up to its zero byte.
    Text(u8),
    /// The check sum of the header.
    HeaderSum,
    Stream(Box<(Inflate, Crc)>),
    /// Check sum and length of the bytes that came out.
    Sums(Crc),
    /// Behind a whole member: another one, or bytes that are nothing of the body.
    Behind,
    /// Bytes that are nothing of the body.
    Padding,
}

const HEADER_SUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

impl Gzip {
    pub(super) fn new() -> Self {
        Self { part: Part::Fixed, kept: Vec::new(), is_begun: false }
    }

    /// Keeps bytes until there are `count`, and returns these.
    fn whole(&mut self, input: &mut &[u8], count: usize) -> Option<Vec<u8>> {
        let missing = count - self.kept.len();
        self.kept.extend_from_slice(take(input, missing));
        (self.kept.len() == count).then(|| std::mem::take(&mut self.kept))
    }
}

/// The next part of a header in which only the parts of `flags` are left.
fn after(flags: u8) -> Part {
    if flags & EXTRA != 0 {
        Part::ExtraLength(flags & !EXTRA)
    } else if flags & NAME != 0 {
        Part::Text(flags & !NAME)
    } else if flags & COMMENT != 0 {
        Part::Text(flags & !COMMENT)
    } else if flags & HEADER_SUM != 0 {
        Part::HeaderSum
    } else {
        Part::Stream(Box::new((Inflate::new(false), Crc::new())))
    }
}

impl Decode for Gzip {
    fn step(&mut self, input: &mut &[u8], _: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable> {
        self.is_begun |= !input.is_empty();
        // A stream that filled its piece goes on without input; all other parts need some.
        if input.is_empty() && !matches!(self.part, Part::Stream(_)) {
            return Ok(Next::Input);
        }
        match &mut self.part {
            Part::Fixed => {
                let Some(fixed) = self.whole(input, 10) else { return Ok(Next::Input) };
                // 31, 139; 8 is deflate; the upper three flags are reserved.
                if fixed[..3] != [0x1F, 0x8B, 8] || fixed[3] & 0xE0 != 0 {
                    return Err(Undecodable);
                }
                self.part = after(fixed[3]);
            }
            Part::ExtraLength(flags) => {
                let flags = *flags;
                let Some(length) = self.whole(input, 2) else { return Ok(Next::Input) };
                self.part = Part::Extra(flags, u16::from_le_bytes([length[0], length[1]]));
            }
            Part::Extra(flags, left) => {
                let taken = take(input, usize::from(*left)).len();
                *left -= u16::try_from(taken).expect("no more than is left");
                if *left == 0 {
                    self.part = after(*flags);
                }
            }
            Part::Text(flags) => match input.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    take(input, end + 1);
                    self.part = after(*flags);
                }
                None => *input = &[],
            },
            Part::HeaderSum => {
                if self.whole(input, 2).is_none() {
                    return Ok(Next::Input);
                }
                self.part = after(0);
            }
            Part::Stream(parts) => {
                let (stream, sum) = &mut **parts;
                let start = out.len();
                let next = stream.step(input, out)?;
                sum.update(&out[start..]);
                if stream.is_done() {
                    let sum = std::mem::replace(sum, Crc::new());
                    self.part = Part::Sums(sum);
                }
                return Ok(next);
            }
            Part::Sums(sum) => {
                let expected = [sum.sum().to_le_bytes(), sum.amount().to_le_bytes()].concat();
                let Some(sums) = self.whole(input, 8) else { return Ok(Next::Input) };
                if sums != expected {
                    return Err(Undecodable);
                }
                self.part = Part::Behind;
            }
            Part::Behind => self.part = if input[0] == 0x1F { Part::Fixed } else { Part::Padding },
            Part::Padding => *input = &[],
        }
        Ok(Next::Output)
    }

    fn end(&self) -> Result<(), Undecodable> {
        match self.part {
            Part::Behind | Part::Padding => Ok(()),
            _ if !self.is_begun => Ok(()),
            _ => Err(Undecodable),
        }
    }
}
