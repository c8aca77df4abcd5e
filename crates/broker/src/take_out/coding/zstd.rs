//! The `zstd` coding (RFC 8878): frames of blocks.
//!
//! ruzstd gives bytes out only when they leave its window, which may be megabytes later; an event of a server must not
//! wait for that. So each frame is told at its start that it has ended, which makes ruzstd give out all it has. At an
//! idle moment the whole window is taken out, and before the next block it is put back as raw blocks, which change
//! neither the tables nor the offsets that a later block may refer to (§3.1.1.2).

use std::io::{self, Write};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Decode, Next, Undecodable, take};
use crate::limits::{PIECE, WINDOW};

/// The most bytes that a block may have, and may become (§3.1.1.2.4).
const BLOCK: usize = 128 << 10;
const MAGIC: u32 = 0xFD2F_B528;
/// Frames that are not for the decoder have one of 16 numbers (§3.1.2).
const SKIPPABLE: u32 = 0x184D_2A50;
/// A raw block without bytes that says it is the last one.
const LAST: [u8; 3] = [1, 0, 0];

pub(super) struct Zstd {
    decoder: FrameDecoder,
    part: Part,
    /// Bytes of this part that are read whole.
    kept: Vec<u8>,
    has_check_sum: bool,
    window: usize,
    /// How many of the last bytes in the decoder were not yet given out.
    unsent: usize,
    /// The window, while it is out of the decoder.
    history: Vec<u8>,
    /// What is to be given out, and how much of it was.
    ready: Vec<u8>,
    given: usize,
}

enum Part {
    Magic,
    SkippedLength,
    Skipped(u32),
    /// The byte that says what a frame's header has.
    Descriptor,
    Header(usize),
    BlockHeader,
    Block {
        length: usize,
        is_last: bool,
    },
    CheckSum,
}

impl Zstd {
    pub(super) fn new() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW as u64);
        Self {
            decoder,
            part: Part::Magic,
            kept: Vec::new(),
            has_check_sum: false,
            window: 0,
            unsent: 0,
            history: Vec::new(),
            ready: Vec::new(),
            given: 0,
        }
    }

    /// Keeps bytes until there are `count`, and returns whether there are.
    fn keep(&mut self, input: &mut &[u8], count: usize) -> bool {
        let missing = count - self.kept.len();
        self.kept.extend_from_slice(take(input, missing));
        self.kept.len() == count
    }

    fn number(&mut self) -> u32 {
        let number = self.kept.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        self.kept.clear();
        number
    }

    /// Goes on by one part. False: it needs more input.
    fn part(&mut self, input: &mut &[u8]) -> Result<bool, Undecodable> {
        let count = match self.part {
            Part::Magic | Part::SkippedLength | Part::CheckSum => 4,
            Part::Skipped(length) => {
                let taken = take(input, length as usize).len();
                let left = length - u32::try_from(taken).expect("no more than is left");
                self.part = if left == 0 { Part::Magic } else { Part::Skipped(left) };
                return Ok(left == 0);
            }
            Part::Descriptor => 1,
            Part::Header(length) | Part::Block { length, .. } => length,
            Part::BlockHeader => 3,
        };
        if !self.keep(input, count) {
            return Ok(false);
        }
        self.part = match self.part {
            Part::Magic => match self.number() {
                MAGIC => Part::Descriptor,
                number if number & !0xF == SKIPPABLE => Part::SkippedLength,
                _ => return Err(Undecodable),
            },
            Part::SkippedLength => match self.number() {
                0 => Part::Magic,
                length => Part::Skipped(length),
            },
            Part::Skipped(_) => unreachable!("handled above"),
            Part::Descriptor => Part::Header(header_length(self.kept[0])),
            Part::Header(_) => {
                self.begin_frame()?;
                Part::BlockHeader
            }
            Part::BlockHeader => {
                let header = u32::from_le_bytes([self.kept[0], self.kept[1], self.kept[2], 0]);
                let (is_last, kind, size) = (header & 1 == 1, header >> 1 & 3, (header >> 3) as usize);
                if size > BLOCK || kind == 3 {
                    return Err(Undecodable);
                }
                // A run is one byte, which is repeated.
                Part::Block { length: 3 + if kind == 1 { 1 } else { size }, is_last }
            }
            Part::Block { is_last, .. } => {
                self.put_back()?;
                let block = std::mem::take(&mut self.kept);
                self.unsent += self.decode(&block)?;
                if is_last {
                    self.end_frame()?;
                } else {
                    self.give_beyond_window()?;
                }
                self.kept = block;
                self.kept.clear();
                match is_last {
                    true if self.has_check_sum => Part::CheckSum,
                    true => Part::Magic,
                    false => Part::BlockHeader,
                }
            }
            Part::CheckSum => {
                // TLS has protected the bytes already.
                self.number();
                Part::Magic
            }
        };
        Ok(true)
    }

    fn begin_frame(&mut self) -> Result<(), Undecodable> {
        let mut header = MAGIC.to_le_bytes().to_vec();
        header.append(&mut self.kept);
        self.has_check_sum = header[4] & 4 != 0;
        // The check sum's bytes are read here; ruzstd would want them behind `LAST`.
        header[4] &= !4;
        self.decoder.reset(&header[..]).map_err(|_| Undecodable)?;
        self.window = if header[4] & 0x20 == 0 {
            let base = 1 << (10 + (header[5] >> 3));
            base + base / 8 * usize::from(header[5] & 7)
        } else {
            usize::try_from(self.decoder.content_size()).map_err(|_| Undecodable)?
        };
        self.unsent = 0;
        self.decode(&LAST).map(drop)
    }

    /// Decodes one block, its header included, and returns how many bytes it became.
    fn decode(&mut self, block: &[u8]) -> Result<usize, Undecodable> {
        let before = self.decoder.can_collect();
        self.decoder.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| Undecodable)?;
        Ok(self.decoder.can_collect() - before)
    }

    /// Takes `count` bytes out of the decoder; those of them that were not given out are ready now.
    fn give(&mut self, count: usize) -> Result<(), Undecodable> {
        let sent = (self.decoder.can_collect() - self.unsent).min(count);
        let mut sink = Sink { skipped: sent, left: count - sent, bytes: &mut self.ready };
        self.decoder.collect_to_writer(&mut sink).map_err(|_| Undecodable)?;
        self.unsent -= count - sent;
        Ok(())
    }

    fn give_beyond_window(&mut self) -> Result<(), Undecodable> {
        match self.decoder.can_collect().saturating_sub(self.window) {
            0 => Ok(()),
            count => self.give(count),
        }
    }

    fn end_frame(&mut self) -> Result<(), Undecodable> {
        self.give(self.decoder.can_collect())
    }

    /// Makes ready what the decoder has, and keeps the window for the blocks to come.
    fn take_all(&mut self) {
        if self.unsent == 0 {
            return;
        }
        self.history = self.decoder.collect().unwrap_or_default();
        self.ready.extend_from_slice(&self.history[self.history.len() - self.unsent..]);
        self.unsent = 0;
    }

    fn put_back(&mut self) -> Result<(), Undecodable> {
        let history = std::mem::take(&mut self.history);
        let limit = BLOCK.min(self.window.max(1));
        for piece in history.chunks(limit) {
            let length = u32::try_from(piece.len()).expect("at most a block");
            let header = (length << 3).to_le_bytes();
            let block = io::Read::chain(&header[..3], piece);
            self.decoder.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| Undecodable)?;
        }
        Ok(())
    }
}

/// How many bytes a frame's header has from its descriptor on (§3.1.1.1).
fn header_length(descriptor: u8) -> usize {
    let is_single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = match descriptor >> 6 {
        0 => usize::from(is_single),
        flag => 1 << flag,
    };
    1 + usize::from(!is_single) + dictionary + content
}

impl Decode for Zstd {
    fn step(&mut self, input: &mut &[u8], is_idle: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable> {
        loop {
            if self.given < self.ready.len() {
                let piece = &self.ready[self.given..];
                let piece = &piece[..piece.len().min(PIECE)];
                out.extend_from_slice(piece);
                self.given += piece.len();
                return Ok(Next::Output);
            }
            self.ready.clear();
            self.given = 0;
            if !self.part(input)? {
                if !is_idle || self.unsent == 0 {
                    return Ok(Next::Input);
                }
                self.take_all();
            }
        }
    }

    fn end(&self) -> Result<(), Undecodable> {
        // No byte, or the last frame is whole.
        if matches!(self.part, Part::Magic) && self.kept.is_empty() { Ok(()) } else { Err(Undecodable) }
    }
}

/// Takes some bytes and drops the first of them. It says when it has enough.
struct Sink<'a> {
    skipped: usize,
    left: usize,
    bytes: &'a mut Vec<u8>,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = self.skipped.min(bytes.len());
        let taken = self.left.min(bytes.len() - skipped);
        self.bytes.extend_from_slice(&bytes[skipped..skipped + taken]);
        self.skipped -= skipped;
        self.left -= taken;
        Ok(skipped + taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
