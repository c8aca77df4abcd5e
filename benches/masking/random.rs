//! A gigabyte of random bytes through the real binary must come out unchanged.

use std::io::{self, Read, Write};
use std::process::Stdio;
use std::thread;

use crate::clock::{rate, time};
use crate::home::Home;
use crate::samples::{lines, secrets, token};

const BYTES: usize = 1 << 30;
const CHUNK: usize = 64 << 10;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    let home = Home::new()?;
    home.set("a", &secrets(20, token))?;
    home.set("a", &[("LINES".to_owned(), lines(26))])?;
    let mut cast = home.masked("a", &["cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut to, mut from) = (cast.stdin.take().expect("a pipe"), cast.stdout.take().expect("a pipe"));
    let mut unchanged = 0;
    let took = time(|| {
        let writer = thread::spawn(move || Random::new().try_for_each(|chunk| to.write_all(&chunk)));
        let mut came = vec![0; CHUNK];
        unchanged =
            Random::new().take_while(|chunk| from.read_exact(&mut came).is_ok() && came == *chunk).count() * CHUNK;
        let more = from.read(&mut came).unwrap_or(0);
        assert!(writer.join().is_ok_and(|written| written.is_ok()) && more == 0);
    });
    assert!(cast.wait()?.success());
    writeln!(out, "random bytes through pipes: {unchanged} of {BYTES} unchanged, {:.0} MB/s", rate(BYTES, took))?;
    Ok(if unchanged == BYTES { Vec::new() } else { vec!["random bytes were changed".to_owned()] })
}

/// The same bytes each time (xorshift64*).
struct Random {
    state: u64,
    left: usize,
}

impl Random {
    fn new() -> Self {
        Self { state: 0x9E37_79B9_7F4A_7C15, left: BYTES / CHUNK }
    }
}

impl Iterator for Random {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        let mut chunk = vec![0; CHUNK];
        for word in chunk.chunks_exact_mut(8) {
            self.state ^= self.state >> 12;
            self.state ^= self.state << 25;
            self.state ^= self.state >> 27;
            word.copy_from_slice(&self.state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        Some(chunk)
    }
}
