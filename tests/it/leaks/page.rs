//! The table in `docs/leaks.md`: a column for each agent, and its version.

use std::fs;
use std::sync::Mutex;

use crate::leaks::agents::Agent;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/leaks.md");

/// What stands before the table's first row.
const HEAD: &str = "| the secret and its path |";

/// The tests of the agents run side by side, and write one file.
static WRITER: Mutex<()> = Mutex::new(());

/// The page before the table, the table's rows, and the page after it.
fn parts() -> (String, Vec<Vec<String>>, String) {
    let text = fs::read_to_string(PAGE).unwrap();
    let start = text.find(HEAD).expect("the page has a table");
    let length = text[start..].find("\n\n").expect("the page goes on") + 1;
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = text[start..start + length].lines().map(cells).collect();
    (text[..start].to_owned(), rows, text[start + length..].to_owned())
}

fn place(agent: Agent) -> usize {
    1 + Agent::ALL.iter().position(|other| *other == agent).unwrap()
}

/// The agent and its version, as the table's head has them.
fn head(agent: Agent) -> String {
    format!("{} {}", agent.title(), agent.version())
}

/// The cells of an agent, from the top.
pub fn column(agent: Agent) -> Vec<String> {
    let (_, rows, _) = parts();
    rows[2..].iter().map(|row| row[place(agent)].clone()).collect()
}

/// Writes an agent's cells, its version, and the day.
pub fn rewrite(agent: Agent, cells: &[String]) {
    let _alone = WRITER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (mut before, mut rows, after) = parts();
    rows[0][place(agent)] = head(agent);
    for (row, cell) in rows[2..].iter_mut().zip(cells) {
        row[place(agent)].clone_from(cell);
    }
    if let Some(at) = before.find("Seen on ") {
        let now = jiff::Timestamp::now().to_string();
        let day = now.split('T').next().unwrap();
        before.replace_range(at + 8..at + 8 + day.len(), day);
    }
    let lines = rows.iter().map(|row| match row[0].as_str() {
        "---" => format!("|{}\n", "---|".repeat(row.len())),
        _ => format!("| {} |\n", row.join(" | ")),
    });
    fs::write(PAGE, before + &lines.collect::<String>() + &after).unwrap();
}

/// A pinned version that is changed without another run fails here, on every machine.
#[test]
fn the_page_names_the_pinned_versions() {
    let (before, rows, _) = parts();
    let heads: Vec<_> = Agent::ALL.into_iter().map(head).collect();
    assert_eq!(rows[0][1..], heads, "run the agents anew: CAST_TEST_REWRITE=1 CAST_TEST_CLIENTS=1 .ci/test leaks");
    assert!(before.contains("Seen on 20"), "the table has no date");
    assert!(rows[2..].iter().all(|row| row.len() == heads.len() + 1 && row.iter().all(|cell| !cell.is_empty())));
}

/// The README has the table in short.
#[test]
fn the_readme_names_what_the_page_names() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap().replace('\n', " ");
    let (before, rows, _) = parts();
    let day = before.split_once("Seen on ").unwrap().1.split(',').next().unwrap();
    assert!(readme.contains(&format!("(docs/leaks.md) on {day}")), "the README's table is not of {day}");
    for agent in Agent::ALL {
        assert!(readme.contains(&head(agent)), "the README does not name {}", head(agent));
    }
    // What it calls masked, the page calls masked, or not sent.
    for (agent, row) in Agent::ALL.into_iter().flat_map(|agent| rows[3..].iter().map(move |row| (agent, row))) {
        let open = ["**reaches the model**", "?"].contains(&row[place(agent)].as_str());
        assert!(!open, "the README says that '{}' is masked in {}", row[0], agent.title());
    }
}
