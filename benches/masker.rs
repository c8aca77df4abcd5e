//! Throughput of the masker in memory, beside a plain copy, and the cost of its set-up. Ratios within one run are what counts. Times are
//! the best of several rounds, which other work on the machine disturbs least.

#![allow(clippy::cast_precision_loss)] // rates of a few digits

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cast::masker::{Masker, Plan};

const TEXT: usize = 16 << 20;
const ROUNDS: usize = 15;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if std::env::args().any(|arg| arg == "--pipe") {
        return pipe();
    }
    writeln!(out, "set-up, ms (best of {ROUNDS}):")?;
    for (what, value) in
        [("40 letters", token as fn(usize) -> String), ("100 letters", long), ("40 odd", odd), ("40 non-ASCII", wide)]
    {
        for count in [1, 20, 200, 1000] {
            let secrets = secrets(count, value);
            let times = (0..ROUNDS).map(|_| time(|| drop(black_box(plan(&secrets)))));
            writeln!(out, "  {count:4} x {what:12} {:8.2}", best(times).as_secs_f64() * 1e3)?;
        }
    }
    let lines: Vec<String> = (0..1600).map(|line| letters(line, 64, ALNUM)).collect();
    let big = vec![("KEY".to_owned(), lines.join("\n"))];
    writeln!(
        out,
        "     1 x 100 kB lines  {:8.2}",
        best((0..ROUNDS).map(|_| time(|| drop(black_box(plan(&big)))))).as_secs_f64() * 1e3
    )?;

    writeln!(out, "throughput, MB/s, chunks of 64 KiB (to a copy of the same chunks):")?;
    let clean = log(&[], usize::MAX);
    let mut target = vec![0; 1 << 16];
    let copy = best((0..ROUNDS).map(|_| {
        time(|| {
            for chunk in clean.chunks(1 << 16) {
                target[..chunk.len()].copy_from_slice(chunk);
                black_box(&mut target);
            }
        })
    }));
    writeln!(out, "  copy                  {:8.0}", rate(copy))?;
    for (what, value) in [
        ("40 letters", token as fn(usize) -> String),
        ("40 odd", odd),
        ("12 letters", medium),
        ("8 letters", eight),
        ("5 letters", short),
    ] {
        for count in [1, 20, 200] {
            let secrets = secrets(count, value);
            let plan = plan(&secrets);
            let values: Vec<&str> = secrets.iter().map(|(_, value)| value.as_str()).collect();
            for (text, name) in [(&clean, "no hits"), (&log(&values, 100), "1 in 100 lines")] {
                let took = best((0..ROUNDS).map(|_| time(|| mask(&plan, text, 1 << 16))));
                writeln!(
                    out,
                    "  {count:4} x {what:10} {name:14} {:8.0}  {:5.2}",
                    rate(took),
                    copy.as_secs_f64() / took.as_secs_f64()
                )?;
            }
        }
    }
    writeln!(out, "worst cases, MB/s:")?;
    let two_hundred = secrets(200, token);
    let near = two_hundred[0].1[..35].repeat(1 << 18);
    let cases = [
        ("near misses", plan(&two_hundred), near.into_bytes()),
        ("zeros, key of 5000 a", plan(&[("K".into(), "a".repeat(5000))]), vec![0; 8 << 20]),
        ("a, key of 5000 a", plan(&[("K".into(), "a".repeat(5000))]), vec![b'a'; 8 << 20]),
        (
            "4999 a + b",
            plan(&[("K".into(), "a".repeat(5000))]),
            format!("{}b", "a".repeat(4999)).repeat(1000).into_bytes(),
        ),
        ("a, key of 100000 a", plan(&[("K".into(), "a".repeat(100_000))]), vec![b'a'; 8 << 20]),
    ];
    for (what, plan, text) in &cases {
        let took = best((0..ROUNDS).map(|_| time(|| mask(plan, text, 1 << 16))));
        writeln!(out, "  {what:22} {:8.0}", text.len() as f64 / took.as_secs_f64() / 1e6)?;
    }
    let plan = plan(&two_hundred);
    let frame =
        "{\"jsonrpc\":\"2.0\",\"id\":12345,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hello world\"}]}}\n";
    let mut masker = Masker::new(plan);
    let mut sink = Vec::new();
    let took = time(|| {
        for _ in 0..100_000 {
            sink.clear();
            masker.write(frame.as_bytes(), &mut sink).unwrap();
        }
    });
    writeln!(out, "a frame of {} bytes: {:.2} µs", frame.len(), took.as_secs_f64() * 10.0)
}

/// Standard input to standard output, for a comparison with `cat | cat`.
fn pipe() -> std::io::Result<()> {
    let mut masker = Masker::new(plan(&secrets(200, token)));
    let (mut input, mut out) = (std::io::stdin().lock(), std::fs::File::create("/dev/stdout")?);
    let mut chunk = vec![0; 1 << 16];
    loop {
        match input.read(&mut chunk)? {
            0 => return masker.finish(&mut out),
            n => masker.write(&chunk[..n], &mut out)?,
        }
    }
}

fn mask(plan: &Arc<Plan>, text: &[u8], chunk: usize) {
    let mut masker = Masker::new(Arc::clone(plan));
    let mut out = Vec::with_capacity(chunk * 2);
    for chunk in text.chunks(chunk) {
        out.clear();
        masker.write(chunk, &mut out).unwrap();
        black_box(&mut out);
    }
    masker.finish(&mut out).unwrap();
}

fn plan(secrets: &[(String, String)]) -> Arc<Plan> {
    Arc::new(Plan::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

fn secrets(count: usize, value: fn(usize) -> String) -> Vec<(String, String)> {
    (0..count).map(|i| (format!("KEY_{i}"), value(i))).collect()
}

fn letters(seed: usize, len: usize, set: &[u8]) -> String {
    let mut state = seed as u64 + 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(set[(state >> 33) as usize % set.len()])
        })
        .collect()
}

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn token(seed: usize) -> String {
    format!("sk-{}", letters(seed, 37, ALNUM))
}
fn long(seed: usize) -> String {
    format!("sk-{}", letters(seed, 97, ALNUM))
}
fn odd(seed: usize) -> String {
    letters(seed, 40, b"abcdefghijklmnopqrstuvwxyz0123456789!$&'/ \"\\+=#~*%")
}
fn wide(seed: usize) -> String {
    letters(seed, 40, b"abcdefghijklmnopqrstuvwxyz0123456789!$").replace('a', "é")
}
fn medium(seed: usize) -> String {
    letters(seed, 12, ALNUM)
}
fn eight(seed: usize) -> String {
    letters(seed, 8, ALNUM)
}
fn short(seed: usize) -> String {
    letters(seed, 5, ALNUM)
}

/// A log with a value every `every` lines.
fn log(values: &[&str], every: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(TEXT + 256);
    let mut line = 0;
    while text.len() < TEXT {
        let value = if !values.is_empty() && line % every == 0 { values[line / every % values.len()] } else { "-" };
        writeln!(text, "2026-01-15T10:30:{:02}.{:06}Z INFO server::http request id={line:08x} path=/api/v1/items/{line} auth={value} took {} us", line % 60, line % 999_983, line % 7919).unwrap();
        line += 1;
    }
    text
}

fn rate(took: Duration) -> f64 {
    TEXT as f64 / took.as_secs_f64() / 1e6
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn best(times: impl Iterator<Item = Duration>) -> Duration {
    times.min().unwrap_or_default()
}
