//! The masker alone, without pipes and processes: compared with a plain copy, and on its worst texts.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use cast_mask::{Masker, Plan};

use crate::clock::{best, rate, time};
use crate::samples::{self, Kind, log, secrets, token};
use crate::setup::plan;

const TEXT: usize = 16 << 20;
const CHUNK: usize = 64 << 10;
const ROUNDS: usize = 9;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    writeln!(out, "in memory, chunks of 64 KiB, MB/s (best of {ROUNDS}), and how much of a plain copy's speed:")?;
    let clean = log(TEXT, &[], 1);
    let copy = copy_time(&clean);
    writeln!(out, "  copy                              {:8.0}", rate(TEXT, copy))?;
    let kinds: [(&str, Kind); 5] = [
        ("40 letters", token),
        ("40 odd", samples::odd),
        ("12 letters", samples::medium),
        ("8 letters", samples::eight),
        ("5 letters", samples::short),
    ];
    for (what, kind) in kinds {
        for count in [1, 20, 200] {
            let secrets = secrets(count, kind);
            let plan = plan(&secrets);
            for (text, hits) in [(&clean, "no hits"), (&log(TEXT, &secrets, 100), "1 in 100 lines")] {
                let took = best(ROUNDS, || time(|| mask(&plan, text)));
                let part = copy.as_secs_f64() / took.as_secs_f64();
                writeln!(out, "  {count:4} x {what:10} {hits:14} {:8.0} {part:6.2}", rate(TEXT, took))?;
            }
        }
    }
    worst(out)?;
    frame(out)?;
    Ok(Vec::new())
}

fn worst(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "in memory, the worst texts, MB/s:")?;
    let tokens = secrets(200, token);
    let key = |len: usize| plan(&[("K".to_owned(), "a".repeat(len))]);
    let near = tokens[0].1[..35].repeat(1 << 18).into_bytes();
    let cases = [
        ("near misses", plan(&tokens), near),
        ("zeros, key of 5000 a", key(5000), vec![0; 8 << 20]),
        ("a, key of 5000 a", key(5000), vec![b'a'; 8 << 20]),
        ("4999 a + b", key(5000), format!("{}b", "a".repeat(4999)).repeat(1000).into_bytes()),
        ("a, key of 100000 a", key(100_000), vec![b'a'; 8 << 20]),
    ];
    for (what, plan, text) in &cases {
        let took = best(ROUNDS, || time(|| mask(plan, text)));
        writeln!(out, "  {what:31} {:8.0}", rate(text.len(), took))?;
    }
    Ok(())
}

fn frame(out: &mut dyn Write) -> io::Result<()> {
    const FRAMES: usize = 100_000;
    let frame = br#"{"jsonrpc":"2.0","id":12345,"result":{"content":[{"type":"text","text":"hello world"}]}}"#;
    let mut masker = Masker::new(plan(&secrets(200, token)));
    let mut sink = Vec::new();
    let took = time(|| {
        for _ in 0..FRAMES {
            sink.clear();
            masker.write(frame, &mut sink).expect("memory takes it");
        }
    });
    let each = took.as_secs_f64() * 1e6 / FRAMES as f64;
    writeln!(out, "in memory, a frame of {} bytes: {each:.2} µs", frame.len())
}

fn copy_time(text: &[u8]) -> Duration {
    let mut target = vec![0; CHUNK];
    best(ROUNDS, || {
        time(|| {
            for chunk in text.chunks(CHUNK) {
                target[..chunk.len()].copy_from_slice(chunk);
                black_box(&mut target);
            }
        })
    })
}

fn mask(plan: &Arc<Plan>, text: &[u8]) {
    let mut masker = Masker::new(Arc::clone(plan));
    let mut out = Vec::with_capacity(2 * CHUNK);
    for chunk in text.chunks(CHUNK) {
        out.clear();
        masker.write(chunk, &mut out).expect("memory takes it");
        black_box(&mut out);
    }
    masker.finish(&mut out).expect("memory takes it");
}
