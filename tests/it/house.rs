//! The house itself: a room imports only from floors below its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. A folder stands where its name stands.
const FLOORS: &[&[&str]] = &[
    &["testing"],
    &["failure", "names", "secret", "paths", "timestamp", "suggestion", "platform"],
    &["keys", "age_file", "document", "environment", "needles", "masker", "dotenv", "placeholder"],
    &["vault", "disk"],
    &["settings", "key_store", "vault_file", "seen", "audit_log", "process", "git"],
    &["client"],
    &["cli", "sdk"],
];

/// Neighbours on one floor that may see each other, lower first.
const STAIRS: &[(&str, &str)] =
    &[("failure", "names"), ("names", "secret"), ("failure", "secret"), ("failure", "paths"), ("needles", "masker")];

#[test]
fn a_room_imports_only_from_floors_below() {
    let floor_of: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, floor))).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = 0;
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if room == "main" || room == "lib" || relative.ends_with("tests.rs") {
            continue;
        }
        let floor = *floor_of.get(room).unwrap_or_else(|| panic!("'{room}' stands on no floor"));
        for line in fs::read_to_string(&file).unwrap().lines() {
            for imported in line.split("crate::").skip(1) {
                let imported =
                    imported.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap();
                let Some(below) = floor_of.get(imported) else {
                    panic!("{}: imports '{imported}'", relative.display())
                };
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
    assert!(imports > 20, "the imports were not found");
}

#[test]
fn platform_differences_have_one_seam() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        if relative.starts_with("platform") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for condition in
            ["cfg(unix", "cfg(windows", "cfg(target_os", "cfg!(", "cfg(not(windows", "cfg(any(unix", "cfg_attr("]
        {
            assert!(!text.contains(condition), "{}: {condition}", relative.display());
        }
    }
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
