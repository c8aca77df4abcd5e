//! The layout of the code: modules import only downward, platforms differ in one place for each crate, and rare things
//! (unsafe code, exposed values) are only where the documents say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Rooms on one floor of cast-core that may see each other, lower first.
const STAIRS: &[(&str, &str)] = &[
    ("platform", "advice"),
    ("failure", "paths"),
    ("advice", "failure"),
    ("dotenv", "example"),
    ("injections", "example"),
    ("door", "first_key"),
    ("first_key", "change"),
    ("read", "change"),
    ("read", "survey"),
    ("git", "key_store"),
];

/// The rooms of cast-core by floor, as the table in its `lib.rs` has them.
fn floors() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(Path::new(ROOT).join("crates/core/src/lib.rs")).unwrap();
    let mut floors = BTreeMap::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let Some((floor, rooms)) = row.split_once(" | ") else { continue };
        let Ok(floor) = floor.parse() else { continue };
        let rooms = rooms.split(':').next().unwrap();
        floors.extend(rooms.split('`').skip(1).step_by(2).map(|room| (room.to_owned(), floor)));
    }
    floors
}

#[test]
fn a_room_of_the_core_imports_only_from_floors_below() {
    let floors = floors();
    let source = Path::new(ROOT).join("crates/core/src");
    let mut imports = 0;
    for (file, text) in sources("crates/core/src") {
        let relative = file.strip_prefix(&source).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if room == "lib" || relative.ends_with("tests.rs") {
            continue;
        }
        let floor = *floors.get(room).unwrap_or_else(|| panic!("'{room}' stands on no floor"));
        for line in text.lines() {
            for imported in line.split("crate::").skip(1) {
                let imported =
                    imported.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap();
                let Some(below) = floors.get(imported) else { panic!("{}: imports '{imported}'", relative.display()) };
                let stairs = STAIRS.contains(&(imported, room));
                assert!(
                    imported == room || *below < floor || stairs,
                    "{}: upward or sideways to '{imported}'",
                    relative.display()
                );
                imports += 1;
            }
        }
    }
    assert!(imports > 100, "the imports were not found: {imports}");
}

#[test]
fn platforms_differ_in_one_seam_a_crate() {
    const SEAMS: [&str; 5] = [
        "crates/broker/src/tls/roots/",
        "crates/core/src/platform/",
        "crates/core/src/supervisor/",
        "crates/core/tests/",
        "crates/keyring/src/",
    ];
    for (path, text) in all_sources() {
        if SEAMS.iter().any(|seam| path.starts_with(seam)) {
            continue;
        }
        for condition in
            ["cfg(unix", "cfg(windows", "cfg(target_os", "cfg!(", "cfg(not(windows", "cfg(any(unix", "cfg_attr("]
        {
            assert!(!text.contains(condition), "{path}: {condition}");
        }
    }
}

/// A value leaves its type for the ciphertext, the child's environment and the masker, and when it is checked on the
/// way in.
#[test]
fn values_are_exposed_where_the_documents_say() {
    let expected = [
        "crates/core/src/brokered.rs",
        "crates/core/src/injections.rs",
        "crates/core/src/injections/given.rs",
        "crates/core/src/masking.rs",
        "crates/core/src/run/brokering.rs",
        "crates/vault/src/value.rs",
        "crates/vault/src/values.rs",
    ];
    assert_eq!(files_with(".expose()"), expected.map(str::to_owned).into());
}

#[test]
fn unsafe_code_has_one_room() {
    assert_eq!(files_with("unsafe {"), ["crates/core/src/platform/exec/raw.rs".to_owned()].into());
    assert_eq!(files_with("allow(unsafe_code)"), ["crates/core/src/platform/exec/raw.rs".to_owned()].into());
}

/// A program that uses the SDK compiles no terminal code.
#[test]
fn the_sdk_brings_no_command_line() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "cast-sdk", "-e", "normal", "--prefix", "none"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("cast-core v"), "{tree}");
    for stranger in ["clap", "crossterm", "comfy-table", "anyhow"] {
        assert!(!tree.lines().any(|line| line.starts_with(&format!("{stranger} v"))), "{stranger}");
    }
}

/// The width of a line of code or of a comment, in columns, as in `rustfmt.toml`. Only a string literal or an address
/// may be longer, where breaking it would hurt. The comments of `crates/` are still to be wrapped.
#[test]
fn no_line_is_wider_than_the_code() {
    const WIDTH: usize = 120;
    for folder in ["src", "tests/it", "benches"] {
        for (path, text) in sources(folder) {
            // Whether the line is inside of a string literal that began on a line before.
            let mut in_literal = false;
            for (number, line) in text.lines().enumerate() {
                let is_comment = line.trim_start().starts_with("//") && !in_literal;
                let quotes = line.matches('"').count() - line.matches("\\\"").count();
                let may_be_long = in_literal || !is_comment && quotes > 0 || line.contains("://");
                in_literal ^= !is_comment && quotes % 2 == 1;
                let width = line.chars().count();
                assert!(width <= WIDTH || may_be_long, "{}:{}: {width} columns", path.display(), number + 1);
            }
        }
    }
}

/// The sources that contain `text` outside their unit tests.
fn files_with(text: &str) -> BTreeSet<String> {
    let product = |code: &str| code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().contains(text);
    let files = all_sources().into_iter().filter(|(path, _)| !path.ends_with("tests.rs") && !path.contains("/tests/"));
    files.filter(|(_, code)| product(code)).map(|(path, _)| path).collect()
}

/// All Rust files of the product, with their paths in the repository.
fn all_sources() -> Vec<(String, String)> {
    let files = ["src", "crates"].into_iter().flat_map(sources);
    let named: Vec<_> = files
        .map(|(path, text)| (path.strip_prefix(ROOT).unwrap().to_string_lossy().replace('\\', "/"), text))
        .collect();
    assert!(named.len() > 100, "most sources are missing");
    named
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let files = rust_files(&Path::new(ROOT).join(folder)).into_iter();
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path {
            path if path.is_dir() => rust_files(&path),
            path if path.extension().is_some_and(|ending| ending == "rs") => vec![path],
            _ => vec![],
        })
        .collect()
}
