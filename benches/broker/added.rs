//! Two lists of times, and what the one has more.

use std::io::{self, Write};
use std::time::Duration;

use crate::clock::quantile;

/// Writes both in µs. Returns a word if it is more than `most` at p50.
pub fn write(
    out: &mut dyn Write,
    what: &str,
    brokered: &mut [Duration],
    direct: &mut [Duration],
    most: Duration,
) -> io::Result<Vec<String>> {
    writeln!(out, "{what}, µs, of {} each:\n        brokered  direct   added", direct.len())?;
    let mut missed = Vec::new();
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let [brokered, direct] = [&mut *brokered, &mut *direct].map(|times| quantile(times, part));
        let added = brokered.saturating_sub(direct);
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        writeln!(out, "  {name}   {:8.1} {:7.1} {:7.1}", micros(brokered), micros(direct), micros(added))?;
        if part < 0.9 && added > most {
            missed.push(format!("{what} takes {added:?} longer, more than {most:?}"));
        }
    }
    Ok(missed)
}
