//! The masker against its oracle, on forms, texts and cuts that the fuzzer makes up.
#![no_main]

use std::sync::Arc;

use cast_mask::oracle::{Needle, masked};
use cast_mask::{Masker, Plan};
use libfuzzer_sys::fuzz_target;

/// Few letters make many near misses.
const EXACT: &[u8; 16] = b"aaaabbbbcdnr\n\\\r-";
const DIGITS: &[u8; 8] = b"aabbcnrx";
const TEXT: &[u8; 16] = b"aaabbbcdnrx\n\\\r- ";

fuzz_target!(|data: &[u8]| {
    let mut data = data.iter().copied();
    let mut next = || data.next();
    let Some(count) = next() else { return };
    let mut needles = Vec::new();
    for _ in 0..=count % 4 {
        let (Some(kind), Some(len)) = (next(), next()) else { return };
        let wraps = kind & 1 != 0;
        let len = usize::from(if wraps { 10 + len % 50 } else { 4 + len % 50 });
        let period = usize::from(kind >> 3).max(1);
        let mut bytes: Vec<u8> = Vec::new();
        for index in 0..len {
            let byte = if index < period {
                let Some(choice) = next() else { return };
                if wraps { DIGITS[usize::from(choice % 8)] } else { EXACT[usize::from(choice % 16)] }
            } else {
                bytes[index - period]
            };
            bytes.push(byte);
        }
        needles.push(Needle { name: format!("N{}", kind >> 1 & 3), bytes, wraps });
    }
    let Some(cut) = next() else { return };
    let mut text: Vec<u8> = Vec::new();
    while let Some(op) = next() {
        match op >> 5 {
            0..=2 => text.push(TEXT[usize::from(op % 16)]),
            3 | 4 => {
                let needle = &needles[usize::from(op) % needles.len()].bytes;
                let (Some(from), Some(to)) = (next(), next()) else { break };
                let (from, to) = (usize::from(from) % (needle.len() + 1), usize::from(to) % (needle.len() + 1));
                text.extend(&needle[from.min(to)..from.max(to)]);
            }
            5 => {
                let needle = &needles[usize::from(op >> 2) % needles.len()].bytes;
                let Some(width) = next() else { break };
                let line_end = ["\n", "\r\n", "\\n", "\\r\\n"][usize::from(op & 3)];
                let (first, rest) = needle.split_at(usize::from(width >> 4).min(needle.len()));
                text.extend(first);
                for line in rest.chunks(usize::from(width & 15) + 1) {
                    text.extend(line_end.bytes());
                    text.extend(line);
                }
            }
            6 => text.extend(&needles[usize::from(op) % needles.len()].bytes),
            _ => text.extend(b". filler: ".repeat(usize::from(op & 7))),
        }
        // The oracle's work grows with the square of it.
        if text.len() > 400 {
            break;
        }
    }
    let cut = match cut {
        0..=99 => 1 + usize::from(cut) / 2,
        100..=199 => usize::from(cut),
        _ => text.len().max(1),
    };
    let mut masker = Masker::new(Arc::new(Plan::of_forms(&needles)));
    let mut out = Vec::new();
    let mut seen = 0;
    for (turn, chunk) in text.chunks(cut).enumerate() {
        masker.write(chunk, &mut out).unwrap();
        seen += chunk.len();
        // The oracle is slow: not after every byte.
        if turn % 7 == 0 {
            assert_eq!(out, masked(&needles, &text[..seen], false));
        }
    }
    assert_eq!(out, masked(&needles, &text, false));
    masker.finish(&mut out).unwrap();
    assert_eq!(out, masked(&needles, &text, true));
});
