//! Times, and statistics of many.

use std::time::{Duration, Instant};

pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The minimum, which other work on the machine disturbs least.
pub fn best(rounds: usize, mut round: impl FnMut() -> Duration) -> Duration {
    (0..rounds).map(|_| round()).min().unwrap_or_default()
}

/// The quantile `part` of the times: 0.5 for the median.
pub fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the slice
    times[((times.len() - 1) as f64 * part).round() as usize]
}

/// In MB/s.
pub fn rate(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64() / 1e6
}
