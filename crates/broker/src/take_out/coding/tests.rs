use std::io::Write;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;
use crate::limits::PIECE;

/// All that the coding makes of `coded`, cut into pieces of `cut` bytes.
fn decode(coding: Coding, coded: &[u8], cut: usize, is_idle: bool) -> Result<Vec<u8>, Undecodable> {
    let (mut decoder, mut text) = (decoder(coding).unwrap(), Vec::new());
    for mut piece in coded.chunks(cut.max(1)) {
        drive(&mut *decoder, &mut piece, is_idle, &mut text)?;
    }
    drive(&mut *decoder, &mut &[][..], true, &mut text)?;
    decoder.end().map(|()| text)
}

fn drive(decoder: &mut dyn Decode, input: &mut &[u8], is_idle: bool, text: &mut Vec<u8>) -> Result<(), Undecodable> {
    loop {
        let before = text.len();
        let next = decoder.step(input, is_idle, text)?;
        assert!(text.len() - before <= PIECE);
        if next == Next::Input {
            assert!(input.is_empty());
            return Ok(());
        }
    }
}

/// What a program makes of `text`, or `None` with a report if it is not there.
fn through(program: &str, arguments: &[&str], text: &[u8]) -> Option<Vec<u8>> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        cast_testing::skip(&format!("content codings: there is no '{program}'"));
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&text));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}");
    Some(output.stdout)
}

const BROTLI: &str = "process.stdin.pipe(require('zlib').createBrotliCompress({params:{
    [require('zlib').constants.BROTLI_PARAM_LGWIN]: Number(process.argv[1])}})).pipe(process.stdout)";

/// Each coding, as a common program makes it.
fn encoded(text: &[u8]) -> Vec<(Coding, &'static str, Vec<u8>)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(text).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
    raw.write_all(text).unwrap();
    let mut all = vec![
        (Coding::Gzip, "gzip", gzip.finish().unwrap()),
        (Coding::Deflate, "zlib", zlib.finish().unwrap()),
        (Coding::Deflate, "raw", raw.finish().unwrap()),
    ];
    let zstd = |level| through("zstd", &[level, "-c"], text);
    all.extend(zstd("-3").map(|coded| (Coding::Zstd, "zstd -3", coded)));
    all.extend(zstd("-19").map(|coded| (Coding::Zstd, "zstd -19", coded)));
    all.extend(through("node", &["-e", BROTLI, "22"], text).map(|coded| (Coding::Brotli, "br", coded)));
    all
}

/// Words that repeat near and far, and bytes that do not.
fn text(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut text = Vec::with_capacity(length + 64);
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match state >> 62 {
            0 => text.extend_from_slice(&state.to_le_bytes()),
            1 if text.len() > 4096 => {
                let from = usize::try_from(state >> 20).unwrap() % (text.len() - 64);
                text.extend_from_within(from..from + 64);
            }
            _ => text.extend_from_slice(b"data: {\"delta\": \"one more word\"}\n\n"),
        }
    }
    text.truncate(length);
    text
}

#[test]
fn each_coding_is_undone_at_any_cut() {
    for length in [0, 1, 5, 1_000, 70_000, 700_000] {
        let text = text(length);
        for (coding, name, coded) in encoded(&text) {
            for cut in [1, 7, 4096, usize::MAX] {
                for is_idle in [false, true] {
                    // An idle moment at each byte of a large window is no real server.
                    if cut < 4096 && length > 100_000 {
                        continue;
                    }
                    let found = decode(coding, &coded, cut, is_idle);
                    assert!(found.as_deref() == Ok(&text[..]), "{name}, {length} bytes, cut at {cut}, idle: {is_idle}");
                }
            }
        }
    }
}

#[test]
fn a_cut_body_is_an_error() {
    let text = text(5_000);
    for (coding, name, coded) in encoded(&text) {
        for end in [1, 3, 10, coded.len() / 2, coded.len() - 1] {
            assert_eq!(decode(coding, &coded[..end], 4096, false), Err(Undecodable), "{name}, {end}");
        }
        assert_eq!(decode(coding, b"plain text", 4096, false), Err(Undecodable), "{name}");
    }
}

#[test]
fn a_wrong_check_sum_is_an_error() {
    for (coding, name, mut coded) in encoded(&text(5_000)).into_iter().filter(|(_, name, _)| *name == "gzip") {
        let sum = coded.len() - 6;
        coded[sum] ^= 1;
        assert_eq!(decode(coding, &coded, 4096, false), Err(Undecodable), "{name}");
    }
}

#[test]
fn gzip_has_headers_members_and_padding() {
    let mut first = flate2::GzBuilder::new()
        .filename("a name")
        .comment("a comment")
        .extra(vec![7; 300])
        .write(Vec::new(), Compression::fast());
    first.write_all(b"one, ").unwrap();
    let mut coded = first.finish().unwrap();
    let mut second = GzEncoder::new(&mut coded, Compression::fast());
    second.write_all(b"two").unwrap();
    second.finish().unwrap();
    coded.extend_from_slice(&[0; 9]);
    for cut in [1, 3, 1000] {
        assert_eq!(decode(Coding::Gzip, &coded, cut, false).unwrap(), b"one, two", "{cut}");
    }
}

#[test]
fn what_is_flushed_comes_out_at_once() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut decoder = super::decoder(Coding::Gzip).unwrap();
    for event in ["data: one\n\n", "data: two\n\n", "data: one\n\n"] {
        gzip.write_all(event.as_bytes()).unwrap();
        gzip.flush().unwrap();
        let (coded, mut out) = (std::mem::take(gzip.get_mut()), Vec::new());
        drive(&mut *decoder, &mut &coded[..], true, &mut out).unwrap();
        assert_eq!(out, event.as_bytes());
    }
}

/// A frame whose blocks refer to the blocks before, given out block by block.
#[test]
fn a_block_of_zstd_comes_out_at_once() {
    let text = text(2_000_000);
    let Some(coded) = through("zstd", &["-6", "-c"], &text) else { return };
    // Where each block ends.
    let mut ends = vec![4 + header_length_of(&coded)];
    while *ends.last().unwrap() + 4 < coded.len() {
        let at = *ends.last().unwrap();
        let header = u32::from_le_bytes([coded[at], coded[at + 1], coded[at + 2], 0]);
        ends.push(at + 3 + if header >> 1 & 3 == 1 { 1 } else { (header >> 3) as usize });
    }
    assert!(ends.len() > 10, "too few blocks to show something");
    let (mut decoder, mut out, mut start) = (super::decoder(Coding::Zstd).unwrap(), Vec::new(), 0);
    for (number, end) in ends.into_iter().enumerate() {
        drive(&mut *decoder, &mut &coded[start..end], true, &mut out).unwrap();
        start = end;
        assert_eq!(out.len(), text.len().min(number * (128 << 10)), "block {number}");
    }
    assert!(out == text);
}

fn header_length_of(coded: &[u8]) -> usize {
    // No dictionary; a window, and as many bytes of the length as the flag says.
    assert_eq!(coded[4] & 0x23, 0);
    2 + [0, 2, 4, 8][usize::from(coded[4] >> 6)]
}

#[test]
fn a_large_window_is_refused() {
    let text = text(1000);
    if let Some(coded) = through("node", &["-e", BROTLI, "24"], &text) {
        assert_eq!(decode(Coding::Brotli, &coded, 4096, false), Err(Undecodable));
    }
    if let Some(coded) = through("zstd", &["--long=27", "-c"], &vec![0; 1 << 20]) {
        assert_eq!(decode(Coding::Zstd, &coded, 4096, false), Err(Undecodable));
    }
}

/// A body that becomes 1,000 times as long comes out in bounded pieces; `drive` looks at each.
#[test]
fn a_bomb_comes_out_in_pieces() {
    let text = vec![b'a'; 10 << 20];
    for (coding, name, coded) in encoded(&text) {
        assert!(coded.len() < text.len() / 500, "{name}");
        assert!(decode(coding, &coded, 4096, false).unwrap() == text, "{name}");
    }
}

proptest! {
    /// No bytes make a decoder panic or run on for ever.
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 1_usize..50) {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let _ = decode(coding, &bytes, cut, true);
        }
    }

    /// Nor does a body of which some bytes are others.
    #[test]
    fn changed_bodies_end(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        for (coding, _, coded) in SOME.iter() {
            let mut coded = coded.clone();
            for (at, byte) in &changes {
                let at = at.index(coded.len());
                coded[at] = *byte;
            }
            let _ = decode(*coding, &coded, 4096, true);
        }
    }
}

static SOME: std::sync::LazyLock<Vec<(Coding, &'static str, Vec<u8>)>> =
    std::sync::LazyLock::new(|| encoded(&text(20_000)));
