//! The mode for values that the program does not have: against its oracle, and the rule as it is written.

use std::sync::Arc;

use cast_testing::Tries;

use super::super::oracle::streams::{self, Random};
use super::super::oracle::{Event, Mode, Needle, whole_outputs};
use super::super::{Masker, Plan};
use super::rule::{SPELLINGS, spelled};
use super::streams::{AGAINST_THE_ORACLE, OF_A_PLAN, needles as any_needles, number, of_stream};

const STREAMS: u64 = 20_000;

/// Forms without blanks and line ends: what is not in a token is in no value that can be given so.
fn needles(random: &mut Random) -> Vec<Needle> {
    let mut needles = any_needles(random);
    for needle in &mut needles {
        needle.bytes = String::from_utf8_lossy(&needle.bytes).replace(['\n', ' '], "'").into_bytes();
    }
    needles
}

fn stand_in(value: &[u8], random: &mut Random) -> Vec<u8> {
    let drawn = |byte: &u8| if byte.is_ascii_alphanumeric() { *random.one(b"abczZ019Jn") } else { *byte };
    value.iter().map(drawn).collect()
}

/// What a masker has written after each event of a script.
pub(super) fn outputs(plan: &Arc<Plan>, text: &[u8], script: &[Event], mode: Mode, hands_over: bool) -> Vec<Vec<u8>> {
    let mut masker = Masker::new(Arc::clone(plan));
    if mode.fixed {
        masker = masker.fixed();
    }
    if mode.terminal {
        masker = masker.for_terminal();
    }
    let (mut outputs, mut out, mut rest) = (Vec::new(), Vec::new(), text);
    let (last, script) = script.split_last().expect("an end");
    assert_eq!(*last, Event::End);
    for event in script {
        match event {
            Event::Read(len) => {
                let (chunk, behind) = rest.split_at(*len);
                masker.write(chunk, &mut out).unwrap();
                rest = behind;
            }
            _ => masker.idle(&mut out).unwrap(),
        }
        if hands_over {
            masker = Masker::resume(Arc::clone(plan), &masker.suspend()).unwrap();
        }
        outputs.push(out.clone());
    }
    masker.finish(&mut out).unwrap();
    outputs.push(out);
    outputs
}

fn check(needles: &[Needle], stand_ins: Option<&[Vec<u8>]>, plan: &Arc<Plan>, seed: u64) {
    let mut random = of_stream(seed);
    let text = streams::text(needles, &mut random);
    let script = streams::script(text.len(), &mut random);
    let terminal = stand_ins.is_none() && random.chance(3);
    let mode = Mode { fixed: random.chance(4), terminal };
    let Some(expected) = whole_outputs(needles, stand_ins, &text, &script, mode) else { return };
    let shown = outputs(plan, &text, &script, mode, seed.is_multiple_of(3));
    let Some(index) = (0..script.len()).find(|index| shown[*index] != expected[*index]) else { return };
    let names: Vec<_> = needles.iter().map(|n| (&n.name, n.wraps, String::from_utf8_lossy(&n.bytes))).collect();
    panic!(
        "CAST_TEST_SEED={seed}: event {index} of {script:?}, {mode:?}\n needles {names:?}\n for     {:?}\n text    {:?}\n masker  {:?}\n oracle  {:?}",
        stand_ins.map(|all| all.iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect::<Vec<_>>()),
        String::from_utf8_lossy(&text),
        String::from_utf8_lossy(&shown[index]),
        String::from_utf8_lossy(&expected[index]),
    );
}

/// The streams of a plan, or the one of `CAST_TEST_SEED`.
fn run(paints: bool) {
    let only = number("CAST_TEST_SEED");
    let tries = Tries::at(1, AGAINST_THE_ORACLE);
    let all = 0..number("CAST_TEST_STREAMS").unwrap_or(STREAMS).div_ceil(OF_A_PLAN);
    for group in only.map_or(all, |seed| seed / OF_A_PLAN..seed / OF_A_PLAN + 1) {
        let mut random = Random(group);
        let needles = needles(&mut random);
        let stand_ins =
            paints.then(|| needles.iter().map(|needle| stand_in(&needle.bytes, &mut random)).collect::<Vec<Vec<u8>>>());
        let plan = Arc::new(Plan::of_whole_forms(&needles, stand_ins.as_deref()));
        let seeds = group * OF_A_PLAN..(group + 1) * OF_A_PLAN;
        for seed in seeds.filter(|seed| only.is_none_or(|only| only == *seed)) {
            tries.next();
            check(&needles, stand_ins.as_deref(), &plan, seed);
        }
    }
}

#[test]
fn whole_values_agree_with_the_oracle() {
    run(false);
}

#[test]
fn painted_values_agree_with_the_oracle() {
    run(true);
}

#[test]
fn finds_the_secret_that_stands_first_in_any_encoding() {
    let values = ["sk-ant-4eC39HqLyjWDarjt", "Bh2fE8sKp0wLq7Vd", "a'7\"c?8>d~9e0f1g2h3i4"];
    let plans = [
        Plan::whole(["Z", "M", "A"].into_iter().zip(values)),
        Plan::swapping([
            ("Z", values[0], "sk-ant-Zx81kPwQn4VbTfGh"),
            ("M", values[1], "aaaaaaaaaaaaaaaa"),
            ("A", values[2], "b'8\"d?9>e~0f1g2h3i4j5"),
        ]),
    ];
    for plan in plans {
        for (index, value) in values.into_iter().enumerate() {
            for spelling in 0..SPELLINGS {
                let text = spelled(value, spelling);
                let others = format!("x={text} {} {}", values[0], values[2]);
                assert_eq!(plan.find(others.as_bytes()), Some(index), "{others}");
                assert_eq!(plan.find(format!("x={}", &text[..text.len() * 3 / 4]).as_bytes()), None, "{text}");
            }
        }
        assert_eq!(plan.find(b""), None);
    }
    assert_eq!(
        Plan::whole([("A", "short"), ("B", values[0])]).find(format!("short {}", values[0]).as_bytes()),
        Some(1)
    );
}

#[test]
fn a_run_waits_for_a_silence_and_nothing_else_does() {
    let plan = Arc::new(Plan::whole([("K", "sk-ant-4eC39HqLyjWDarjtT1zdp7dc")]));
    let shown = |pieces: &[&str]| super::steps(Masker::new(Arc::clone(&plan)), pieces);
    let line = "0123456789abcdef".repeat(5);
    for text in [
        "$ ",
        "name>",
        "Password: ",
        "[y/N] ",
        "ok",
        "100%",
        "{\"a\":\"0123456789\"}\n",
        "done-0123456789\n",
        "data: x\n\n",
    ] {
        assert_eq!(shown(&[text])[0], text);
    }
    assert_eq!(shown(&["see compiling", "~", "!"]), ["see ", "compiling", "!", ""]);
    assert_eq!(shown(&["compiling", "!"]), ["", "compiling!", ""]);
    // The lines of an encoding wait for the next; the last of them for the end.
    assert_eq!(shown(&[&format!("{line}\n"), "x", "\n"]), ["", "", &format!("{line}\nx\n"), ""]);
    assert_eq!(shown(&[&format!("{line}\r"), "\n\n"]), ["", &format!("{line}\r\n\n"), ""]);
    // Braces belong to a run only within an escape.
    assert_eq!(shown(&["0123456789\\u{}ab"])[0], "0123456789\\u{}ab");
    assert_eq!(shown(&["0123456789\\u{4}ab"])[0], "");
    // On a terminal nothing waits, and a value that comes in pieces is masked from the piece on that makes it whole.
    let masker = Masker::new(Arc::clone(&plan)).for_terminal();
    assert_eq!(
        super::steps(masker, &["sk-ant-4eC39HqLyjWDarj", "tT1zdp7dc"]),
        ["sk-ant-4eC39HqLyjWDarj", "[cast:K*]", ""]
    );
    // No more is held than the longest form takes.
    let long = "a".repeat(10_000);
    assert_eq!(shown(&[&long])[0].len(), long.len() - 62 + 1);
}

#[test]
fn nothing_is_masked_at_the_end_of_a_stream_but_a_whole_value() {
    let value = "sk-ant-4eC39HqLyjWDarjtT1zdp7dc";
    let plan = Arc::new(Plan::whole([("K", value)]));
    for len in 0..value.len() {
        assert_eq!(super::steps(Masker::new(Arc::clone(&plan)), &[&value[..len]]).concat(), value[..len]);
        assert_eq!(
            super::steps(Masker::new(Arc::clone(&plan)), &[&value[..len], "~", &value[len..]]).concat(),
            format!("{}[cast:K]", &value[..len])
        );
    }
    // Values that stand in each other: the marker names the longest.
    let plan =
        Arc::new(Plan::whole([("A", "0123456789abcdef"), ("B", "abcdef0123456789"), ("C", "x0123456789abcdefx")]));
    let shown = |text: &str| super::steps(Masker::new(Arc::clone(&plan)), &[text]).concat();
    assert_eq!(shown("0123456789abcdef0123456789"), "[cast:A]");
    assert_eq!(shown("x0123456789abcdefx"), "[cast:C]");
    assert_eq!(shown("0123456789abcdef01234"), "[cast:A]01234");
}

#[test]
fn values_that_stand_in_each_other_are_painted_from_the_longest_on() {
    let plan = Arc::new(Plan::swapping([
        ("A", "0123456789abcdef", "aaaaaaaaaaaaaaaa"),
        ("B", "abcdef0123456789", "bbbbbbbbbbbbbbbb"),
        ("C", "x0123456789abcdefx", "cccccccccccccccccc"),
    ]));
    let shown = |text: &str| super::steps(Masker::new(Arc::clone(&plan)), &[text]).concat();
    assert_eq!(shown("0123456789abcdef0123456789"), "aaaaaaaaaaaaaaaabbbbbbbbbb");
    assert_eq!(shown("x0123456789abcdefx"), "cccccccccccccccccc");
    assert_eq!(shown("x0123456789abcdefy"), "xaaaaaaaaaaaaaaaay");
}

#[test]
fn skipping_changes_nothing_for_whole_values() {
    let values = [
        "sk-live-4eC39HqLyjWDarjtT1zdp7dc",
        "rn-live-4eC39HqL",
        "n2n2n2n2n2n2n2n2n2n2",
        "it's_\"odd\"+\\new0123456789",
    ];
    let stand_ins = [
        "sk-live-Zx81kPwQn4VbTfGhYr2sLm6j",
        "rn-live-aaaabbbb",
        "abcdefghijklmnopqrst",
        "aa'a_\"aaa\"+\\aaaaaaaaaaaaa",
    ];
    let names = ["A", "B", "C", "D"];
    let secrets: Vec<_> = names.into_iter().zip(values).collect();
    let plans = [
        Plan::whole(secrets.iter().copied()),
        Plan::swapping(secrets.iter().zip(stand_ins).map(|((name, value), stand_in)| (*name, *value, stand_in))),
    ];
    let needles = super::forms(&secrets);
    for plan in plans.map(Arc::new) {
        for round in 0..6 {
            let text = super::long_text(&needles, 40_000, round);
            for chunk in [33, 1000, 4096, 1 << 20] {
                let [skipping, reading] = [false, true].map(|reads_all| {
                    let mut masker = Masker::new(Arc::clone(&plan));
                    masker.reads_all = reads_all;
                    let mut outputs = Vec::new();
                    for chunk in text.chunks(chunk) {
                        let mut out = Vec::new();
                        masker.write(chunk, &mut out).unwrap();
                        outputs.push(out);
                    }
                    outputs
                });
                let differs = skipping.iter().zip(&reading).find(|(skipping, reading)| skipping != reading);
                let differs =
                    differs.map(|(one, other)| [one, other].map(|out| String::from_utf8_lossy(out).into_owned()));
                assert_eq!(differs, None, "round {round}, chunks of {chunk}");
            }
        }
    }
}

#[test]
fn finds_that_follow_each_other_closely_cost_no_more_with_their_number() {
    // Each byte ends a find: nothing that is kept for one of them grows.
    let value = "a".repeat(16);
    for plan in [Plan::whole([("K", &value[..])]), Plan::swapping([("K", &value[..], &"b".repeat(16)[..])])] {
        let mut masker = Masker::new(Arc::new(plan));
        let mut out = Vec::new();
        masker.write(&b"a".repeat(20_000), &mut out).unwrap();
        assert!(serde_json::to_vec(&masker).unwrap().len() < 40_000);
        masker.finish(&mut out).unwrap();
        assert!(out == b"[cast:K]" || out == b"b".repeat(20_000));
    }
}

#[test]
fn a_masker_without_such_values_hands_over_no_more_than_before() {
    let state = |plan: Plan| {
        let mut masker = Masker::new(Arc::new(plan));
        masker.write(b"sk-ant-4eC39HqLyjWDarjtT1zdp7dc and sk-ant-4eC39", &mut Vec::new()).unwrap();
        String::from_utf8(masker.suspend()).unwrap()
    };
    assert!(!state(Plan::new([("K", "sk-ant-4eC39HqLyjWDarjtT1zdp7dc")])).contains("painted"));
    assert!(state(Plan::whole([("K", "sk-ant-4eC39HqLyjWDarjtT1zdp7dc")])).contains("painted"));
}

#[test]
fn what_stands_before_a_value_does_not_tell_its_first_letter() {
    // `%35ecret` reads as the value, too, if it begins with a digit.
    for value in ["5ecretValue01234", "SecretValue01234"] {
        let whole = Arc::new(Plan::whole([("K", value)]));
        let swapping = Arc::new(Plan::swapping([("K", value, "zzzzzzzzzzzzzzzz")]));
        for before in ["%3", "\\x3", "\\u003", "%5", "\\\\u003"] {
            let text = format!("{before}{value}");
            let masker = Masker::new(Arc::clone(&whole));
            assert_eq!(super::steps(masker, &[&text]).concat(), format!("{before}[cast:K]"));
            let masker = Masker::new(Arc::clone(&swapping));
            assert_eq!(super::steps(masker, &[&text]).concat(), format!("{before}zzzzzzzzzzzzzzzz"));
        }
    }
}

#[test]
fn a_spelling_that_has_no_room_shows_nothing_of_the_value() {
    let shown = |value: &str, stand_in: &str, pieces: &[&str]| {
        super::steps(Masker::new(Arc::new(Plan::swapping([("K", value, stand_in)]))), pieces).concat()
    };
    let shown_in_decimals = "&#90;&#90;&#57;&#97;&#065;&#100;&#122;&#090;&#57;&#56;";
    assert_eq!(
        shown("ZZZZabcd01", "zz9aAdzZ98", &["&#90;&#90;&#90;&#90;&#097;&#098;&#099;&#100;&#48;&#49;"]),
        shown_in_decimals
    );
    // Each byte of an escape as an escape: longer than anybody writes, so its beginning is not remembered.
    let (value, stand_in) = ("ZZZZabcd01234567", "zz9aAdzZ98765432");
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| spelled(&char::from(byte).to_string(), 12)).collect() };
    let twice = escaped(&escaped(value));
    let last = twice.len() - 1;
    assert_eq!(shown(value, stand_in, &[&twice]), escaped(&escaped(stand_in)));
    let out = shown(value, stand_in, &[&twice[..last], &twice[last..]]);
    assert_eq!(out.len(), twice.len());
    assert!(out[600..].bytes().all(|byte| matches!(byte, b'\\' | b'0')), "{out}");
}
