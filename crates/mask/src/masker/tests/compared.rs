//! Forms that are compared as a whole: against the oracle, where others begin and end within them.

use super::*;

/// A form that overlaps with others: of few letters, and perhaps with the end or the beginning of one that is there.
fn form(random: &mut Random, others: &[Needle]) -> Vec<u8> {
    let letters = [&b"ab"[..], b"abcdefgh"][random.below(2)];
    let mut bytes: Vec<u8> = (0..8 + random.below(20)).map(|_| letters[random.below(letters.len())]).collect();
    if let Some(other) = others.get(random.below(others.len() + 1)) {
        let part = 1 + random.below(other.bytes.len());
        match random.below(3) {
            0 => bytes.splice(..0, other.bytes[other.bytes.len() - part..].iter().copied()).for_each(drop),
            1 => bytes.extend(&other.bytes[..part]),
            _ => {}
        }
    }
    bytes
}

fn text(random: &mut Random, needles: &[Needle]) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < 600 {
        let form = &needles[random.below(needles.len())].bytes;
        match random.below(8) {
            0..=3 => text.extend(form),
            4 => text.extend(&form[..random.below(form.len())]),
            5 => text.extend(&form[random.below(form.len())..]),
            6 => text.extend(b"-".repeat(random.below(100))),
            _ => text.push(b"\n\r\\%&+ -"[random.below(8)]),
        }
    }
    text
}

#[test]
fn a_form_within_others_is_found_as_if_it_were_read() {
    let mut random = Random(1);
    let mut compared = 0;
    for _ in 0..1500 {
        let mut needles: Vec<Needle> = Vec::new();
        for name in 0..=random.below(5) {
            let bytes = form(&mut random, &needles);
            needles.push(Needle { name: format!("N{name}"), bytes, wraps: random.below(4) == 0 });
        }
        let text = text(&mut random, &needles);
        for size in [7, 61, 1000] {
            check_chunks(&needles, &text, size);
        }
        let mut masker = Masker::new(Arc::new(Plan::of_forms(&needles)));
        masker.write(&text, &mut std::io::sink()).unwrap();
        compared += masker.wholes.count();
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn a_form_is_compared_only_where_its_bytes_mean_nothing_else() {
    let token = "sk-live-4eC39HqLyjWDarjtT1zdp7dc";
    let cases: [(&[(&str, &str)], usize); 5] = [
        (&[("A", token)], 1),
        (&[("A", token), ("B", "another-value")], 1),
        // Forms with escapes, beginnings of longer forms, and others where a value is short.
        (&[("A", "sk-live-%34eC39HqLyjWDarjtT1zdp7dc")], 0),
        (&[("A", token), ("B", "sk-live-4eC39HqLyjWDarjtT1zdp7dc-longer")], 0),
        (&[("A", token), ("B", "n2n2n")], 0),
    ];
    for (secrets, compared) in cases {
        let mut masker = Masker::new(plan(secrets));
        let value = secrets[0].1;
        let mut out = Vec::new();
        masker.write(format!("{value} {value}\n").as_bytes(), &mut out).unwrap();
        assert_eq!(masker.wholes.count(), compared, "{secrets:?}");
        masker.finish(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "[cast:A] [cast:A]\n");
    }
}
