//! Secrets and logs, the same in every run.

use std::io::Write;

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub type Kind = fn(usize) -> String;

/// A name and its value.
pub fn secrets(count: usize, kind: Kind) -> Vec<(String, String)> {
    (0..count).map(|i| (format!("KEY_{i}"), kind(i))).collect()
}

pub fn token(seed: usize) -> String {
    format!("sk-{}", letters(seed, 37, ALNUM))
}

pub fn long(seed: usize) -> String {
    format!("sk-{}", letters(seed, 97, ALNUM))
}

pub fn odd(seed: usize) -> String {
    letters(seed, 40, b"abcdefghijklmnopqrstuvwxyz0123456789!$&'/ \"\\+=#~*%")
}

pub fn wide(seed: usize) -> String {
    letters(seed, 40, b"abcdefghijklmnopqrstuvwxyz0123456789!$").replace('a', "é")
}

pub fn medium(seed: usize) -> String {
    letters(seed, 12, ALNUM)
}

pub fn eight(seed: usize) -> String {
    letters(seed, 8, ALNUM)
}

pub fn short(seed: usize) -> String {
    letters(seed, 5, ALNUM)
}

/// Lines as long as those of a PEM file.
pub fn lines(count: usize) -> String {
    (0..count).map(|line| letters(line, 64, ALNUM) + "\n").collect()
}

/// A log of at least `len` bytes, with one of `values`, if any, every `every` lines.
pub fn log(len: usize, values: &[(String, String)], every: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 256);
    let mut line = 0;
    while text.len() < len {
        let value = if !values.is_empty() && line % every == 0 { &values[line / every % values.len()].1 } else { "-" };
        writeln!(
            text,
            "2026-01-15T10:30:{:02}.{:06}Z INFO server::http request id={line:08x} path=/api/v1/items/{line} auth={value} took {} us",
            line % 60,
            line % 999_983,
            line % 7919
        )
        .expect("memory takes it");
        line += 1;
    }
    text
}

fn letters(seed: usize, len: usize, set: &[u8]) -> String {
    let mut state = seed as u64 + 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(set[usize::try_from(state >> 33).expect("31 bits") % set.len()])
        })
        .collect()
}
