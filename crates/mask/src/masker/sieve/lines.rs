//! Line ends. memchr has to start again behind each of them, and in most text that costs more than the search.

/// The number of bytes to search at once: a position in them fits into 16 bits.
pub(super) const STRETCH: usize = 1 << 10;
/// The number of bytes that one mask stands for.
const BLOCK: usize = 64;

/// Where the lines of a stretch end.
pub(super) struct LineEnds([u16; STRETCH + 1]);

impl LineEnds {
    pub(super) fn new() -> Self {
        Self([0; STRETCH + 1])
    }

    /// The positions of the line ends in `text`, whose first `STRETCH` bytes count.
    pub(super) fn find(&mut self, text: &[u8]) -> &[u16] {
        let mut count = 0;
        let (blocks, rest) = text[..text.len().min(STRETCH)].as_chunks::<BLOCK>();
        for (block, start) in blocks.iter().zip((0..).step_by(BLOCK)) {
            let mut mask = mask(block);
            // Most blocks have one line end or none. It is stored in either case, as a branch that nothing predicts
            // would cost more.
            if mask & mask.wrapping_sub(1) == 0 {
                let bit = bit(mask);
                self.0[count] = start + ((bit & 7) << 3) + (bit >> 3 & 7);
                count += usize::from(mask != 0);
                continue;
            }
            mask = in_order(mask);
            while mask != 0 {
                self.0[count] = start + bit(mask);
                count += 1;
                mask &= mask - 1;
            }
        }
        let start = u16::try_from(blocks.len() * BLOCK).expect("within a stretch");
        for (byte, at) in rest.iter().zip(start..) {
            self.0[count] = at;
            count += usize::from(*byte == b'\n');
        }
        &self.0[..count]
    }
}

/// The number of the lowest bit that is set, or the number of bits.
fn bit(mask: u64) -> u16 {
    u16::try_from(mask.trailing_zeros()).expect("at most 64")
}

/// A bit for each line end: bit `8 * i + j` is for byte `8 * j + i`. In this order the compiler needs few instructions
/// for all of them.
#[inline]
fn mask(block: &[u8; BLOCK]) -> u64 {
    let mut bits = [0; BLOCK];
    for (at, byte) in block.iter().enumerate() {
        bits[at] = if *byte == b'\n' { 1 << (at / 8) } else { 0 };
    }
    bits.as_chunks::<8>().0.iter().fold(0, |mask, eight| mask | u64::from_le_bytes(*eight))
}

/// The same with bit `n` for byte `n`: rows and columns of 8 change places.
fn in_order(mask: u64) -> u64 {
    let swap = |mask: u64, by: u32, which: u64| {
        let changed = (mask ^ mask >> by) & which;
        mask ^ changed ^ changed << by
    };
    swap(swap(swap(mask, 7, 0x00AA_00AA_00AA_00AA), 14, 0x0000_CCCC_0000_CCCC), 28, 0x0000_0000_F0F0_F0F0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares each way of the search with a plain one: texts with one line end, with two, and with all others.
    #[test]
    fn each_line_end_is_found_in_its_place_and_in_order() {
        let plain = |text: &[u8]| {
            let ends = (0_u16..).zip(text).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
            ends.collect::<Vec<_>>()
        };
        let mut ends = LineEnds::new();
        for len in [0, 1, 63, 64, 65, 128, 200] {
            for first in 0..=len {
                for second in first..=len {
                    let mut text = vec![b'\x0b'; len];
                    [first, second].into_iter().filter(|at| *at < len).for_each(|at| text[at] = b'\n');
                    assert_eq!(ends.find(&text), plain(&text), "{len} {first} {second}");
                }
            }
        }
        let texts =
            (1_u8..=9).map(|each| (0..STRETCH).map(|at| b"\n\t \n.\n\n0"[at % 8 / usize::from(each)]).collect());
        for text in texts.chain([vec![b'\n'; STRETCH], vec![b'.'; STRETCH]]) {
            let text: Vec<u8> = text;
            assert_eq!(ends.find(&text), plain(&text));
        }
        // What is behind the stretch does not count.
        assert_eq!(ends.find(&[b'\n'; STRETCH + 70]).len(), STRETCH);
    }
}
