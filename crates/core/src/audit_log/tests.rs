//! Tests many writers, a small size limit, and partial lines.

use std::collections::BTreeMap;
use std::thread;

use super::*;
use cast_vault::{AgentName, SecretName};

fn log(folder: &Path, bound: u64) -> AuditLog {
    AuditLog { bound, ..AuditLog::new(folder, || None) }
}

fn event(writer: usize, number: usize) -> Event {
    let agent = AgentName::parse(format!("writer-{writer}")).unwrap();
    let name = SecretName::parse(format!("N{number}")).unwrap();
    Event::new(Action::Set).agent(&agent).keys([&name])
}

/// The numbers that each writer has in the log, in log order.
fn numbers(reading: &Reading) -> BTreeMap<String, Vec<usize>> {
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for entry in &reading.entries {
        let number = entry.keys[0].trim_start_matches('N').parse().unwrap();
        numbers.entry(entry.agent.clone().unwrap()).or_default().push(number);
    }
    numbers
}

fn write_in_parallel(log: &AuditLog, writers: usize, each: usize) {
    thread::scope(|scope| {
        for writer in 0..writers {
            scope.spawn(move || (0..each).for_each(|number| log.append(&event(writer, number), OK).unwrap()));
        }
    });
}

fn line_length() -> u64 {
    serde_json::to_vec(&event(0, 100).entry(OK, None)).unwrap().len() as u64 + 1
}

#[test]
fn one_turn_loses_nothing() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        // More than fits into one file, and less than fits into two.
        let log = log(folder.path(), line_length() * (8 * 40 / 2 + 20 + round));
        write_in_parallel(&log, 8, 40);
        let reading = log.read().unwrap();
        assert_eq!(reading.damaged, 0);
        for (writer, mut numbers) in numbers(&reading) {
            numbers.sort_unstable();
            assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "{writer}");
        }
        assert!(log.older_path().exists());
    }
}

#[test]
fn who_found_the_log_full_turns_it_only_if_it_still_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), line_length() * 3);
    (0..4).for_each(|number| log.append(&event(0, number), OK).unwrap());
    // Three lines are in the older file, one is in the new one. A process that saw the full log comes too late.
    assert!(log.turn(line_length()));
    assert_eq!(numbers(&log.read().unwrap())["writer-0"], [0, 1, 2, 3]);
    // A process does not wait while another one rotates.
    let _lock = Lock::acquire(&log.lock_path()).unwrap();
    assert!(!log.turn(line_length() * 4));
}

#[test]
fn many_turns_keep_the_newest_lines_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), line_length() * 50);
    write_in_parallel(&log, 8, 400);
    let reading = log.read().unwrap();
    assert_eq!(reading.damaged, 0);
    // At least one full file, and not all: while one writer rotates, the others go on in the full file, for as long as the system lets the one wait.
    let kept = reading.entries.len();
    assert!((45..8 * 400).contains(&kept), "{kept}");
    for (writer, mut numbers) in numbers(&reading) {
        numbers.sort_unstable();
        let first = numbers[0];
        assert_eq!(numbers, (first..400).collect::<Vec<_>>(), "{writer}");
    }
    assert!(log.older_path().exists());
}

#[test]
fn a_torn_line_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), BOUND);
    log.append(&event(0, 0), OK).unwrap();
    let mut text = fs::read(log.path()).unwrap();
    let half = text[..text.len() / 2].to_vec();
    text.extend_from_slice(&half);
    fs::write(log.path(), &text).unwrap();
    log.append(&event(0, 1), OK).unwrap();
    let reading = log.read().unwrap();
    assert_eq!((numbers(&reading)["writer-0"].as_slice(), reading.damaged), ([0, 1].as_slice(), 1));
    // JSON that is not an entry, bytes that are not text, and empty lines.
    fs::write(log.path(), b"{}\n\xff\xfe\n\n{\"time\":\"yesterday\"}\n\0\0\0\0").unwrap();
    log.append(&event(0, 2), STARTED).unwrap();
    let reading = log.read().unwrap();
    assert_eq!((reading.entries.len(), reading.damaged), (1, 4));
    assert_eq!(reading.entries[0].result, STARTED);
}

#[test]
fn fields_of_a_newer_cast_are_passed_over() {
    let mut value = serde_json::to_value(event(0, 0).entry(OK, None)).unwrap();
    value["host"] = "example".into();
    value["action"] = "teleport".into();
    let entry = Entry::parse(&serde_json::to_vec(&value).unwrap()).unwrap();
    assert_eq!(entry.action, "teleport");
}

#[test]
fn a_line_longer_than_the_bound_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 100);
    for number in 0..3 {
        log.append(&event(0, number), OK).unwrap();
    }
    let reading = log.read().unwrap();
    assert_eq!((numbers(&reading)["writer-0"].as_slice(), reading.damaged), ([1, 2].as_slice(), 0));
}

#[test]
fn what_may_be_a_secret_in_the_place_of_a_program_is_not_named() {
    let mut event = event(0, 0);
    event.set_program("TOKEN=hunter2".as_ref());
    assert_eq!(event.entry(OK, None).program.as_deref(), Some("...=..."));
    event.set_program("./node".as_ref());
    assert_eq!(event.entry(OK, None).program.as_deref(), Some("./node"));
}
