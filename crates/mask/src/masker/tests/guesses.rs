//! A program that does not have a value, and guesses: it prints longer and longer beginnings and reads its own log.

use std::sync::Arc;

use super::super::{Masker, Plan};
use super::rule::{SPELLINGS, spelled};

const VALUE: &str = "sk-ant-4eC39HqLyjWDarjtT1zdp7dcTYoo";
const OTHER: &str = "Bh2fE8sKp0wLq7Vd";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// What the program does between its looks at the log.
#[derive(Clone, Copy)]
enum Step<'a> {
    Print(&'a str),
    Wait,
}

/// What the log tells: how long it is at each look, and what is in it, but for the guess.
fn look(mut masker: Masker, steps: &[Step], guess: &str) -> (Vec<usize>, String) {
    let (mut out, mut lengths) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Print(text) => masker.write(text.as_bytes(), &mut out).unwrap(),
            Step::Wait => masker.idle(&mut out).unwrap(),
        }
        lengths.push(out.len());
    }
    masker.finish(&mut out).unwrap();
    lengths.push(out.len());
    let shown = String::from_utf8(out).unwrap().replace(guess, "GUESS");
    (lengths, shown)
}

/// Whether the guess with the next letter of the value can be told from others.
fn tells(masker: &dyn Fn() -> Masker, known: usize, spelling: usize) -> bool {
    let right = VALUE.as_bytes()[known];
    let wrong = LETTERS.bytes().filter(|letter| *letter != right).map(char::from).step_by(9);
    let looks = |next: char| {
        let guess = spelled(&format!("{}{next}", &VALUE[..known]), spelling);
        let guess = guess.trim_end_matches('=');
        let other = format!("{OTHER}{guess}");
        let (first, last) = guess.split_at(guess.len() / 2);
        let drops: Vec<&str> = guess.split("").filter(|drop| !drop.is_empty()).collect();
        let slowly = drops.iter().flat_map(|drop| [Step::Print(drop), Step::Wait]).collect();
        let ways: [Vec<Step>; 7] = [
            vec![Step::Print(guess)],
            vec![Step::Print(guess), Step::Wait, Step::Print("\n")],
            vec![Step::Print("key: \""), Step::Print(first), Step::Print(last), Step::Print("\"\n")],
            vec![Step::Print(first), Step::Wait, Step::Print(last), Step::Wait, Step::Print(" and more")],
            // Behind a whole value, which a server may echo.
            vec![Step::Print(&other), Step::Wait, Step::Print("!")],
            vec![Step::Print(OTHER), Step::Print(guess), Step::Print("\n")],
            slowly,
        ];
        ways.map(|steps| look(masker(), &steps, guess))
    };
    let seen = looks(char::from(right));
    // Base64 of the right letter may be the same digits as that of others, and what is printed then is the same.
    wrong.into_iter().any(|letter| looks(letter) != seen)
}

/// How many letters of the value the attack learns.
fn learned(masker: &dyn Fn() -> Masker, spelling: usize) -> usize {
    (7..VALUE.len() - 1).filter(|known| tells(masker, *known, spelling)).count()
}

#[test]
fn guesses_tell_nothing_of_a_value() {
    let whole = Arc::new(Plan::whole([("K", VALUE), ("L", OTHER)]));
    let stand_in = "sk-ant-Zx81kPwQn4VbTfGhYr2sLm6jEaKu";
    let swapping = Arc::new(Plan::swapping([("K", VALUE, stand_in), ("L", OTHER, "aaaaaaaaaaaaaaaa")]));
    let maskers: [(&str, &dyn Fn() -> Masker); 4] = [
        ("markers", &|| Masker::new(Arc::clone(&whole))),
        ("fixed markers", &|| Masker::new(Arc::clone(&whole)).fixed()),
        ("a terminal", &|| Masker::new(Arc::clone(&whole)).for_terminal()),
        ("stand-ins", &|| Masker::new(Arc::clone(&swapping))),
    ];
    for (what, masker) in maskers {
        for spelling in 0..SPELLINGS {
            assert_eq!(learned(masker, spelling), 0, "{what}, spelling {spelling}");
        }
    }
}

#[test]
fn the_same_guesses_tell_all_of_a_value_that_a_program_has() {
    let plan = Arc::new(Plan::new([("K", VALUE), ("L", OTHER)]));
    for spelling in [0, 2, 4] {
        assert_eq!(learned(&|| Masker::new(Arc::clone(&plan)), spelling), VALUE.len() - 8, "spelling {spelling}");
    }
}
