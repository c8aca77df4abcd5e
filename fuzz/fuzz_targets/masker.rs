//! The masker against its oracle, on forms, texts, cuts and silences that the fuzzer makes up.
#![no_main]

use std::sync::Arc;

use cast_mask::oracle::{Event, Mode, Needle, outputs};
use cast_mask::{Masker, Plan};
use libfuzzer_sys::fuzz_target;

/// Few letters make many near misses.
const EXACT: &[u8; 16] = b"aaaabbbb4%nr\n\\&-";
const DIGITS: &[u8; 8] = b"aabbcnrx";
const TEXT: &[u8; 32] = b"aaabb4%nrxu0061&#;{}\n\\\\\r- +\x1b[m]\x07";

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
            0 | 1 => text.push(TEXT[usize::from(op % 32)]),
            2 => {
                let needle = &needles[usize::from(op) % needles.len()].bytes;
                let Some(often) = next() else { break };
                for (index, byte) in needle.iter().enumerate() {
                    let escape = match often >> 5 {
                        0 => format!("\\x{byte:02x}"),
                        1 => format!("\\u{byte:04x}"),
                        2 => format!("\\\\u{byte:04X}"),
                        3 => format!("%{byte:02x}"),
                        4 => format!("&#{byte};"),
                        5 => format!("\\{byte:03o}"),
                        6 => format!("\x1b[1m{}", char::from(*byte)),
                        _ => format!("\\u{{{byte:x}}}"),
                    };
                    if index % (1 + usize::from(often & 31)) == 0 {
                        text.extend(escape.bytes())
                    } else {
                        text.push(*byte)
                    }
                }
            }
            3 | 4 => {
                let needle = &needles[usize::from(op) % needles.len()].bytes;
                let (Some(from), Some(to)) = (next(), next()) else { break };
                let (from, to) = (usize::from(from) % (needle.len() + 1), usize::from(to) % (needle.len() + 1));
                text.extend(&needle[from.min(to)..from.max(to)]);
            }
            5 => {
                let needle = &needles[usize::from(op >> 2) % needles.len()].bytes;
                let Some(width) = next() else { break };
                let line_end = ["\n", "\r\n  ", "\\n", "%0a\t"][usize::from(op & 3)];
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
    let mode = Mode { fixed: cut & 1 != 0, terminal: cut & 2 != 0 };
    let silent = cut & 4 != 0;
    let cut = match cut >> 3 {
        size @ 0..=15 => 1 + usize::from(size),
        size @ 16..=28 => usize::from(size) * 8,
        _ => text.len().max(1),
    };
    // The oracle is slow: not after every byte of a long text.
    let cut = cut.max(text.len() / 24);
    let mut script = Vec::new();
    for chunk in text.chunks(cut) {
        script.push(Event::Read(chunk.len()));
        if silent {
            script.push(Event::Silence);
        }
    }
    script.push(Event::End);
    let expected = outputs(&needles, &text, &script, mode);
    let mut masker = Masker::new(Arc::new(Plan::of_forms(&needles)));
    if mode.fixed {
        masker = masker.fixed();
    }
    if mode.terminal {
        masker = masker.for_terminal();
    }
    let (mut out, mut at) = (Vec::new(), 0);
    for (event, expected) in script.iter().zip(&expected) {
        match event {
            Event::Read(len) => {
                masker.write(&text[at..at + len], &mut out).unwrap();
                at += len;
            }
            Event::Silence => masker.idle(&mut out).unwrap(),
            Event::End => {
                masker.finish(&mut out).unwrap();
                return assert_eq!(&out, expected);
            }
        }
        assert_eq!(&out, expected);
    }
});
