//! Compares the masker with its oracle on random streams: forms, escapes of every family, cuts and silences. One seed
//! repeats a failure: `CAST_TEST_SEED`. `CAST_TEST_STREAMS` says how many streams there are.

use std::sync::Arc;

use cast_testing::Tries;

use super::super::oracle::streams::{Random, script, text};
use super::super::oracle::{Event, Mode, Needle, leaks, outputs};
use super::super::{Masker, Plan};

/// The kind of these tries, for the table of `.ci/prove`.
pub(super) const AGAINST_THE_ORACLE: &str = "masked streams against the oracle";
const STREAMS: u64 = 100_000;
/// The streams that share a plan.
pub(super) const OF_A_PLAN: u64 = 25;

pub(super) fn needles(random: &mut Random) -> Vec<Needle> {
    const LETTERS: [&str; 9] =
        ["ab", "ab", "aab\"", "ab\\n", "a%4b1", "a&;#b", "ab +c", "a\u{e9}b\n", "ghp_sk-u0041x{}"];
    (0..=random.below(3))
        .map(|_| {
            let wraps = random.chance(4);
            let letters: Vec<char> =
                if wraps { "ab4n+/".chars().collect() } else { random.one(&LETTERS).chars().collect() };
            let len = match random.below(6) {
                _ if wraps => 10 + random.below(20),
                0 => 4 + random.below(4),
                1 => 16 + random.below(16),
                _ => 8 + random.below(8),
            };
            let period = if random.chance(3) { 1 + random.below(4) } else { len };
            let first: String = (0..period).map(|_| *random.one(&letters)).collect();
            let mut text: String = first.chars().cycle().take(len).collect();
            if !wraps && random.chance(12) {
                text = format!("ghp_{text}");
            }
            if !wraps && random.chance(20) {
                text = format!("-----BEGIN A-----\n{text}");
            }
            if text.len() < 8 && (wraps || !text.is_ascii()) {
                text = "bbabbaab".into();
            }
            Needle { name: format!("N{}", random.below(4)), bytes: text.into_bytes(), wraps }
        })
        .collect()
}

fn check(plan: &Arc<Plan>, needles: &[Needle], random: &mut Random, seed: u64) {
    let text = text(needles, random);
    let script = script(text.len(), random);
    let mode = Mode { fixed: random.chance(4), terminal: random.chance(3) };
    let expected = outputs(needles, &text, &script, mode);
    let told = |what: &str, index: usize, out: &[u8]| {
        format!(
            "CAST_TEST_SEED={seed}: {what} at event {index} of {script:?}, {mode:?}\n needles {:?}\n text     {:?}\n masker  {:?}\n oracle  {:?}",
            needles.iter().map(|n| (&n.name, n.wraps, String::from_utf8_lossy(&n.bytes))).collect::<Vec<_>>(),
            String::from_utf8_lossy(&text),
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(&expected[index]),
        )
    };
    let mut masker = Masker::new(Arc::clone(plan));
    if mode.fixed {
        masker = masker.fixed();
    }
    if mode.terminal {
        masker = masker.for_terminal();
    }
    let (mut out, mut at) = (Vec::new(), 0);
    for (index, event) in script.iter().enumerate() {
        match event {
            Event::Read(len) => {
                masker.write(&text[at..at + len], &mut out).unwrap();
                at += len;
            }
            Event::Silence => {
                masker.idle(&mut out).unwrap();
                if seed.is_multiple_of(3) {
                    let state = masker.suspend();
                    masker = Masker::resume(Arc::clone(plan), &state).unwrap();
                }
            }
            Event::End => {
                masker.finish(&mut out).unwrap();
                assert!(out == expected[index], "{}", told("differs", index, &out));
                break;
            }
        }
        assert!(out == expected[index], "{}", told("differs", index, &out));
    }
    // A form that ends like an escape begins may stand before an escape, and a marker in its place makes another text of
    // that.
    let decoded = !needles.iter().any(|needle| needle.bytes.iter().any(|byte| b"\\%&".contains(byte)));
    let is_clear = mode.terminal || mode.fixed || !needles.iter().any(|needle| leaks(needle, &out, decoded));
    assert!(is_clear, "{}", told("leaks", script.len() - 1, &out));
}

fn run(seed: u64) {
    // A seed is one stream; streams next to each other share a plan.
    let needles = needles(&mut Random(seed / OF_A_PLAN));
    let plan = Arc::new(Plan::of_forms(&needles));
    check(&plan, &needles, &mut of_stream(seed), seed);
}

#[test]
fn agrees_with_the_oracle() {
    if let Some(seed) = number("CAST_TEST_SEED") {
        return run(seed);
    }
    let tries = Tries::at(1, AGAINST_THE_ORACLE);
    for group in 0..number("CAST_TEST_STREAMS").unwrap_or(STREAMS).div_ceil(OF_A_PLAN) {
        let needles = needles(&mut Random(group));
        let plan = Arc::new(Plan::of_forms(&needles));
        for seed in group * OF_A_PLAN..(group + 1) * OF_A_PLAN {
            tries.next();
            check(&plan, &needles, &mut of_stream(seed), seed);
        }
    }
}

/// A number in the environment.
pub(super) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

/// What is random in one stream.
pub(super) fn of_stream(seed: u64) -> Random {
    Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D))
}
