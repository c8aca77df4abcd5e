//! The time to prepare the masker. Required: 200 secrets in 5 ms.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use cast_mask::Plan;

use crate::clock::{best, time};
use crate::samples::{self, Kind, lines, secrets};

const ROUNDS: usize = 15;
const MOST: Duration = Duration::from_millis(5);

pub fn plan(secrets: &[(String, String)]) -> Arc<Plan> {
    Arc::new(Plan::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    let mut missed = Vec::new();
    writeln!(out, "set-up, ms (best of {ROUNDS}):")?;
    let kinds: [(&str, Kind); 4] = [
        ("40 letters", samples::token),
        ("100 letters", samples::long),
        ("40 odd", samples::odd),
        ("40 non-ASCII", samples::wide),
    ];
    for (what, kind) in kinds {
        for count in [1, 20, 200, 1000] {
            let took = plan_time(&secrets(count, kind));
            writeln!(out, "  {count:4} x {what:12} {:8.2}", took.as_secs_f64() * 1e3)?;
            if count == 200 && took > MOST {
                missed.push(format!("the set-up of 200 x {what} took {took:?}, more than {MOST:?}"));
            }
        }
    }
    for count in [26, 1600] {
        let took = plan_time(&[("KEY".to_owned(), lines(count))]);
        writeln!(out, "     1 x {count:4} lines   {:8.2}", took.as_secs_f64() * 1e3)?;
    }
    Ok(missed)
}

fn plan_time(secrets: &[(String, String)]) -> Duration {
    best(ROUNDS, || time(|| drop(black_box(plan(secrets)))))
}
