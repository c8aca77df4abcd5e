//! The owner's part: one written form, and nothing else is read.

use proptest::prelude::*;

use super::*;
use crate::key::MasterKey;

fn name(word: &str) -> SecretName {
    SecretName::parse(word).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:30:00Z").unwrap()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn full() -> Part {
    let key = |_| MasterKey::generate(now());
    let keys: Vec<_> = (0..4).map(key).collect();
    let flags = Flags {
        dangerous: true,
        unmasked: true,
        hosts: words(&["a.b", "c.d:8443"]),
        places: words(&["header:X-Key", "json:/a"]),
        prefix: Some("sk-".into()),
        file: true,
        from: Some(words(&["op", "read", ""])),
    };
    let person = |index: usize, may_set: &[&str]| Person {
        card: keys[index].card(),
        since: now(),
        may_set: may_set.iter().map(|word| name(word)).collect(),
    };
    Part {
        card: keys[0].card(),
        reader: keys[1].recipient().clone(),
        nonce: [0x5a; 16],
        fp: [0xa5; 16],
        names: [(name("A"), flags), (name("B"), Flags::default())].into(),
        people: [
            (PersonName::parse("alice").unwrap(), person(2, &["A", "B"])),
            (PersonName::parse("b.laptop").unwrap(), person(3, &[])),
        ]
        .into(),
    }
}

#[test]
fn reads_as_the_format_shows_it() {
    let part = full();
    let (alice, bob) = (&part.people[&PersonName::parse("alice").unwrap()], part.people.values().nth(1).unwrap());
    let text = format!(
        "card = \"{}\"\nreader = \"{}\"\nnonce = \"{}\"\nfp = \"{}\"\n\
         \n[names.A]\ndangerous = true\nunmasked = true\nhosts = [\"a.b\", \"c.d:8443\"]\n\
         in = [\"header:X-Key\", \"json:/a\"]\nprefix = \"sk-\"\nfile = true\nfrom = [\"op\", \"read\", \"\"]\n\
         \n[names.B]\n\
         \n[people.alice]\ncard = \"{}\"\nsince = 2026-01-15T10:30:00Z\nmay-set = [\"A\", \"B\"]\n\
         \n[people.\"b.laptop\"]\ncard = \"{}\"\nsince = 2026-01-15T10:30:00Z\n",
        part.card,
        part.reader,
        "5a".repeat(16),
        "a5".repeat(16),
        alice.card,
        bob.card,
    );
    assert_eq!(part.to_text(), text);
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["people"]["b.laptop"]["card"].as_str(), Some(&*bob.card.to_string()));
    assert_eq!(table["names"]["A"]["from"].as_array().unwrap().len(), 3);
    assert!(table["names"]["B"].as_table().unwrap().is_empty());
}

#[test]
fn other_texts_are_refused() {
    let part = full();
    let good = part.to_text();
    assert_eq!(Part::from_text(&good).unwrap().to_text(), good);
    let (card, recipient) = (part.card.to_string(), part.card.recipient().to_string());
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    for bad in [
        swap("card =", "crad ="),
        swap("fp = ", "colour = 1\nfp = "),
        swap("nonce = \"5a", "nonce = \""),
        swap("unmasked = true\n", "masked = true\n"),
        swap("unmasked = true\n", "unmasked = false\n"),
        swap("unmasked = true\n", "unmasked=true\n"),
        swap("dangerous = true\nunmasked = true\n", "unmasked = true\ndangerous = true\n"),
        swap("hosts = [\"a.b\", \"c.d:8443\"]", "hosts = []"),
        swap("hosts = [\"a.b\", \"c.d:8443\"]", "hosts = [\"c.d:8443\", \"a.b\"]"),
        swap("hosts = [\"a.b\", \"c.d:8443\"]", "hosts = [\"a.b\", \"a.b\"]"),
        swap("hosts = [\"a.b\", \"c.d:8443\"]", "hosts = [\"a.b\",\"c.d:8443\"]"),
        swap("hosts = [\"a.b\", \"c.d:8443\"]", "hosts = [\"127.0.0.1\"]"),
        swap("header:", "cookie:"),
        swap("sk-", ""),
        swap("[names.B]", "[names.A]"),
        swap("[names.B]", "[names.\"B\"]"),
        swap("[names.B]", "[names.B-C]"),
        swap("[names.B]\n", "[names.B]\nexpires = 1\n"),
        swap("[people.alice]", "[people.\"alice\"]"),
        swap("[people.\"b.laptop\"]", "[people.b.laptop]"),
        swap("[people.\"b.laptop\"]", "[people.\"b.laptop]"),
        swap("[people.\"b.laptop\"]", "[people.\"alice\"]"),
        swap("[people.\"b.laptop\"]", "[people.A]"),
        swap("may-set = [\"A\", \"B\"]", "may-set = [\"B\", \"A\"]"),
        swap("may-set = [\"A\", \"B\"]", "may-set = [\"A\", \"C\"]"),
        swap("may-set = [\"A\", \"B\"]", "may-set = []"),
        swap("since = 2026-01-15T10:30:00Z", "since = 2026-01-15"),
        swap(&"a5".repeat(16), &"A5".repeat(16)),
        good.replace("a5a5", "a5"),
        format!("{good}\n"),
        good.trim_end().to_owned(),
        format!("{good}[secrets.A]\n"),
        good.replace(&card, &card.replace(&recipient, &recipient.to_uppercase())),
    ] {
        assert!(bad != good, "nothing was changed");
        assert!(Part::from_text(&bad).is_none(), "{bad}");
    }
}

#[test]
fn nobody_is_listed_twice() {
    let part = full();
    let cards: Vec<_> = part.people.values().map(|person| person.card.clone()).collect();
    let text = part.to_text();
    for (from, to) in [(&cards[1], &cards[0]), (&cards[1], &part.card)] {
        let (from, to) = (from.to_string(), to.to_string());
        let (from_key, to_key) = (&from[from.len() - 64..], &to[to.len() - 64..]);
        for bad in [text.replace(&from, &to), text.replace(from_key, to_key)] {
            assert!(Part::from_text(&bad).is_none(), "{bad}");
        }
        let (from_recipient, to_recipient) = (&from[..from.len() - 64], &to[..to.len() - 64]);
        assert!(Part::from_text(&text.replace(from_recipient, to_recipient)).is_none());
    }
    let mut crowd = full();
    let person = |_| Person { card: MasterKey::generate(now()).card(), since: now(), may_set: BTreeSet::new() };
    crowd.people =
        (0..MAX_PEOPLE).map(|number| (PersonName::parse(format!("p{number}")).unwrap(), person(number))).collect();
    assert!(Part::from_text(&crowd.to_text()).is_some());
    crowd.people.insert(PersonName::parse("one-more").unwrap(), person(0));
    assert!(Part::from_text(&crowd.to_text()).is_none());
}

fn any_flags() -> impl Strategy<Value = Flags> {
    let hosts = prop::collection::btree_set("[a-z]{1,4}\\.[a-z]{2}(:8[0-9]{1,3})?", 0..3);
    let places = prop::collection::btree_set("header:[A-Za-z-]{1,5}|query:[a-z\"\\\\é ]{1,4}|json:/[a-z/]{0,3}", 0..3);
    let from = prop::option::of(("[a-z]{1,5}", prop::collection::vec("[^\\p{Cc}]{0,6}", 0..3)));
    let prefix = prop::option::of("[!-~]{1,8}");
    (any::<bool>(), any::<bool>(), hosts, places, prefix, any::<bool>(), from).prop_map(
        |(dangerous, unmasked, hosts, places, prefix, file, from)| Flags {
            dangerous,
            unmasked,
            hosts: hosts.into_iter().collect(),
            places: places.into_iter().collect(),
            prefix,
            file,
            from: from.map(|(command, words)| std::iter::once(command).chain(words).collect()),
        },
    )
}

proptest! {
    #[test]
    fn every_part_comes_back(
        names in prop::collection::btree_map("[A-Z_][A-Z0-9_]{0,5}", any_flags(), 0..6),
        people in prop::collection::btree_map("[a-z0-9]([._-]?[a-z0-9]){0,3}", prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0..3),
    ) {
        let parsed = |word: &String| SecretName::parse(word).ok();
        let names: BTreeMap<_, _> = names.iter().filter_map(|(word, flags)| Some((parsed(word)?, flags.clone()))).collect();
        let all: Vec<_> = names.keys().cloned().collect();
        let people = people.iter().filter_map(|(word, picks)| {
            let may_set = picks.iter().filter(|_| !all.is_empty()).map(|pick| pick.get(&all).clone()).collect();
            Some((PersonName::parse(word).ok()?, Person { card: MasterKey::generate(now()).card(), since: now(), may_set }))
        });
        let part = Part { names, people: people.collect(), ..full() };
        let text = part.to_text();
        prop_assert!(text.parse::<toml::Table>().is_ok(), "{}", text);
        let back = Part::from_text(&text).expect("its own form");
        prop_assert_eq!(&back.names, &part.names);
        prop_assert_eq!(&back.people, &part.people);
        prop_assert_eq!(back.to_text(), text);
    }
}
