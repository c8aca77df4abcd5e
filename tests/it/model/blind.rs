//! The checker is not blind: it takes what can be, and refuses a lost update, an old value after a finished write, half
//! an import, a value that comes back, a refusal without a reason.

use super::history::{Ending, Event, is_explained, unexplained};
use super::world::{Answer, Asked, Reason, Vault};

/// An operation from one moment to another.
fn event(moments: std::ops::Range<usize>, asked: Asked, answer: Answer) -> Event {
    let ending = if answer == Answer::Unknown { Ending::Killed } else { Ending::Itself };
    Event { worker: 0, home: 0, asked, answer, begin: moments.start, end: moments.end, ending }
}

fn set(moments: std::ops::Range<usize>, key: usize, value: u32) -> Event {
    event(moments, Asked::Set { agent: 0, key, value }, Answer::Done)
}

fn saw(moments: std::ops::Range<usize>, vault: Vault) -> Event {
    event(moments, Asked::Run { agent: 0 }, Answer::Saw(vault))
}

fn import(moments: std::ops::Range<usize>, answer: Answer) -> Event {
    event(moments, Asked::Import { agent: 0, values: vec![(0, 1), (1, 2)], removes: false }, answer)
}

fn rename(moments: std::ops::Range<usize>, answer: Answer) -> Event {
    event(moments, Asked::Rename { agent: 0, keys: [0, 1], replaces: true }, answer)
}

fn delete(moments: std::ops::Range<usize>, answer: Answer) -> Event {
    event(moments, Asked::Delete { agent: 0, keys: vec![0] }, answer)
}

fn copy(moments: std::ops::Range<usize>, answer: Answer) -> Event {
    event(moments, Asked::Copy { from: 0, to: 1, keys: vec![0], replaces: false }, answer)
}

const NOTHING: Vault = [None; 4];
const ONE: Vault = [Some(1), None, None, None];
const TWO: Vault = [Some(2), None, None, None];
const BOTH: Vault = [Some(1), Some(2), None, None];

#[track_caller]
fn right(events: &[Event]) {
    assert!(unexplained(events).is_none(), "{}", unexplained(events).unwrap_or_default());
}

#[track_caller]
fn wrong(events: &[Event]) {
    assert!(!is_explained(events), "it is taken for right: {events:?}");
    assert!(unexplained(events).unwrap().ends_with("not explained"));
}

#[test]
fn a_lost_update() {
    wrong(&[set(1..4, 0, 1), set(2..3, 1, 2), saw(5..6, ONE)]);
    right(&[set(1..4, 0, 1), set(2..3, 1, 2), saw(5..6, BOTH)]);
    // At the same time as the second one, either is right; but not one after the other.
    right(&[set(1..2, 0, 1), set(3..8, 0, 2), saw(4..5, ONE), saw(6..7, TWO)]);
    wrong(&[set(1..2, 0, 1), set(3..8, 0, 2), saw(4..5, TWO), saw(6..7, ONE)]);
}

#[test]
fn an_old_value_after_a_finished_write() {
    wrong(&[set(1..2, 0, 1), set(3..4, 0, 2), saw(5..6, ONE)]);
    wrong(&[set(1..2, 0, 1), delete(3..4, Answer::Done), saw(5..6, ONE)]);
    right(&[set(1..2, 0, 1), set(3..6, 0, 2), saw(5..7, ONE)]);
}

#[test]
fn half_an_import() {
    for answer in [Answer::Done, Answer::Unknown] {
        wrong(&[import(1..2, answer.clone()), saw(3..4, ONE)]);
        right(&[import(1..2, answer), saw(3..4, BOTH)]);
    }
    let none = Answer::Refused(Reason::NoVault(0));
    right(&[import(1..2, Answer::Unknown), event(3..4, Asked::Run { agent: 0 }, none.clone())]);
    wrong(&[import(1..2, Answer::Done), event(3..4, Asked::Run { agent: 0 }, none)]);
}

#[test]
fn a_value_that_comes_back() {
    // A killed change is done or not, and once it is known which, it stays so.
    wrong(&[set(1..2, 0, 1), delete(3..4, Answer::Unknown), saw(5..6, NOTHING), saw(7..8, ONE)]);
    right(&[set(1..2, 0, 1), delete(3..4, Answer::Unknown), saw(5..6, NOTHING), saw(7..8, NOTHING)]);
    right(&[set(1..2, 0, 1), delete(3..4, Answer::Unknown), saw(5..6, ONE), saw(7..8, ONE)]);
    // A process that is gone does nothing any more.
    let late = event(3..4, Asked::Set { agent: 0, key: 0, value: 2 }, Answer::Unknown);
    wrong(&[set(1..2, 0, 1), late.clone(), saw(5..6, ONE), saw(7..8, TWO)]);
    right(&[set(1..2, 0, 1), late, saw(5..6, TWO), saw(7..8, TWO)]);
}

#[test]
fn half_a_rename() {
    let moved = [None, Some(1), None, None];
    let doubled = [Some(1), Some(1), None, None];
    for answer in [Answer::Done, Answer::Unknown] {
        right(&[set(1..2, 0, 1), rename(3..4, answer.clone()), saw(5..6, moved)]);
        for half in [doubled, NOTHING] {
            wrong(&[set(1..2, 0, 1), rename(3..4, answer.clone()), saw(5..6, half)]);
        }
    }
}

#[test]
fn a_copy_of_what_was_not_there_at_that_moment() {
    let arrived = |vault| event(9..10, Asked::Run { agent: 1 }, Answer::Saw(vault));
    right(&[set(1..2, 0, 1), copy(3..6, Answer::Done), set(4..5, 0, 2), arrived(TWO)]);
    wrong(&[set(1..2, 0, 1), set(3..4, 0, 2), copy(5..6, Answer::Done), arrived(ONE)]);
    wrong(&[set(1..2, 0, 1), copy(3..4, Answer::Done), set(5..6, 0, 2), arrived(TWO)]);
}

#[test]
fn a_refusal_that_had_an_effect_or_no_reason() {
    let unexpected = Answer::Refused(Reason::Unexpected(String::new()));
    wrong(&[set(1..2, 0, 1), delete(3..4, unexpected.clone()), saw(5..6, NOTHING)]);
    right(&[set(1..2, 0, 1), delete(3..4, unexpected), saw(5..6, ONE)]);
    let missing = Answer::Refused(Reason::NoSecret(0, 0));
    wrong(&[set(1..2, 0, 1), delete(3..4, missing.clone())]);
    right(&[set(1..2, 1, 1), delete(3..4, missing)]);
    let taken = Answer::Refused(Reason::Taken(1, vec![0]));
    wrong(&[set(1..2, 0, 1), copy(3..4, taken.clone())]);
    right(&[set(1..2, 0, 1), copy(3..4, Answer::Done), copy(5..6, taken)]);
}

#[test]
fn a_list_that_lacks_a_key() {
    let list = |keys| event(5..6, Asked::List { agent: 0 }, Answer::Listed(keys));
    right(&[set(1..2, 0, 1), list([true, false, false, false])]);
    wrong(&[set(1..2, 0, 1), list([false; 4])]);
    wrong(&[set(1..2, 0, 1), list([true, true, false, false])]);
}
