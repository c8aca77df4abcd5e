//! A body on its way back: decoded and painted as it comes, in any pieces. Out comes what went in, with stand-ins where
//! values stood; and no bytes of a server make a decoder panic, give out more than a piece at once, or depend on how they
//! are cut.
#![no_main]

use std::io::Write;

use cast_broker::http::Coding;
use cast_broker::limits::PIECE;
use cast_broker::take_out::Paint;
use cast_broker::take_out::coding::{Next, Undecodable, decoder};
use cast_broker::take_out::scrub::Scrub;
use cast_fuzz::response::{Response, world};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use libfuzzer_sys::fuzz_target;

/// Enough of a bomb.
const MOST: usize = 1 << 20;

const CODINGS: [Coding; 5] = [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

/// What a client gets of this body, which comes in pieces of `cut`. `None`: more than enough.
fn relayed(coding: Coding, coded: &[u8], cut: usize, is_idle: bool) -> Result<Option<Vec<u8>>, Undecodable> {
    let (mut decoder, mut scrub, mut out) = (decoder(coding), Scrub::new(&world().plan), Vec::new());
    let mut text = Vec::new();
    for mut piece in coded.chunks(cut) {
        loop {
            let next = match &mut decoder {
                None => {
                    scrub.take(piece, &mut out);
                    Next::Input
                }
                Some(decoder) => {
                    text.clear();
                    let next = decoder.step(&mut piece, is_idle, &mut text)?;
                    assert!(text.len() <= PIECE, "a step gives out a piece at most");
                    scrub.take(&text, &mut out);
                    next
                }
            };
            if out.len() > MOST {
                return Ok(None);
            }
            if next == Next::Input {
                break;
            }
        }
    }
    if let Some(decoder) = &mut decoder {
        loop {
            text.clear();
            let next = decoder.step(&mut &[][..], true, &mut text)?;
            scrub.take(&text, &mut out);
            if out.len() > MOST {
                return Ok(None);
            }
            if next == Next::Input {
                break;
            }
        }
        decoder.end()?;
    }
    scrub.end(&mut out);
    Ok(Some(out))
}

fn coded(text: &[u8], kind: u8) -> (Coding, Vec<u8>) {
    let level = Compression::new(u32::from(kind >> 4) % 10);
    match kind & 3 {
        0 => (Coding::Identity, text.to_vec()),
        1 => {
            let mut to = GzEncoder::new(Vec::new(), level);
            to.write_all(text).unwrap();
            (Coding::Gzip, to.finish().unwrap())
        }
        2 => {
            let mut to = ZlibEncoder::new(Vec::new(), level);
            to.write_all(text).unwrap();
            (Coding::Deflate, to.finish().unwrap())
        }
        _ => {
            let mut to = DeflateEncoder::new(Vec::new(), level);
            to.write_all(text).unwrap();
            (Coding::Deflate, to.finish().unwrap())
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [kind, cut, data @ ..] = data else { return };
    let (cut, is_idle) = (1 + usize::from(cut >> 1), cut & 1 != 0);
    if kind & 8 != 0 {
        // Any bytes, as a server may send them.
        let coding = CODINGS[usize::from(kind & 7) % 5];
        let whole = relayed(coding, data, data.len().max(1), false);
        let in_pieces = relayed(coding, data, cut, is_idle);
        // What is too much may be found out sooner in pieces.
        if let (Ok(Some(whole)), Ok(Some(pieces))) = (&whole, &in_pieces) {
            assert_eq!(whole, pieces, "{coding:?}");
        }
        assert_eq!(whole.is_err(), in_pieces.is_err(), "{coding:?}");
        return;
    }
    let response = Response::new(data);
    let (coding, body) = coded(&response.values, *kind);
    let out = relayed(coding, &body, cut, is_idle).expect("it was coded so");
    let Some(out) = out else { return };
    let at = out.iter().zip(&response.stand_ins).position(|(one, other)| one != other);
    assert!(
        out == response.stand_ins,
        "{coding:?}, at {at:?}: {}\n{}\n{}",
        response.values.escape_ascii(),
        out.escape_ascii(),
        response.stand_ins.escape_ascii()
    );
});
