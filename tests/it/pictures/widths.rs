//! In a real browser, the columns of the pictures stand below each other.

use std::fs;
use std::process::Command;

use super::file;
use crate::sandbox::lacks;

/// How much two lines of equal length may differ, in pixels.
const TOLERANCE: f64 = 1.0;

/// Prints the number of letters and the length in pixels of each line, as the browser draws it.
const SCRIPT: &str = "
const lines = [...document.querySelectorAll('text')].map(text => [[...text.textContent].length, text.getComputedTextLength()]);
document.querySelector('pre').textContent = JSON.stringify(lines);
";

/// What Chromium makes of each line of a picture.
fn lines(picture: &str) -> Vec<(f64, f64)> {
    let home = tempfile::tempdir().unwrap();
    let page = home.path().join("page.html");
    fs::write(&page, format!("<!doctype html><body>{picture}<pre></pre><script>{SCRIPT}</script>")).unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ]);
    chromium.args(["--disable-background-networking", "--disable-component-update", "--dump-dom"]);
    chromium.arg(format!("--user-data-dir={}", home.path().join("profile").display()));
    chromium.env("HOME", home.path()).arg(format!("file://{}", page.display()));
    let dumped = chromium.output().unwrap();
    let text = String::from_utf8_lossy(&dumped.stdout);
    let json = text.rsplit_once("<pre>").and_then(|(_, rest)| Some(rest.split_once("</pre>")?.0));
    serde_json::from_str(json.unwrap_or_else(|| panic!("{dumped:?}"))).unwrap()
}

/// The most that two lines of equal length differ, each line as long as its letters say.
fn most(lines: &[(f64, f64)]) -> f64 {
    let column = lines[0].1 / lines[0].0;
    lines.iter().map(|(letters, length)| (length - letters * column).abs()).fold(0.0, f64::max)
}

#[test]
fn lines_of_equal_length_are_equally_long() {
    if lacks("chromium", "pictures") {
        return;
    }
    for (name, has_columns) in [("demo", true), ("agent", false), ("doctor", true), ("diff", true)] {
        let picture = fs::read_to_string(file(name)).unwrap();
        let drawn = lines(&picture);
        assert!(drawn.len() > 5 && drawn.iter().all(|(_, length)| *length > 1.0), "{drawn:?}");
        assert!(most(&drawn) < TOLERANCE, "{name}: {drawn:?}");
        // It is seen where a browser folds the blanks.
        let folded = lines(&picture.replace(" xml:space=\"preserve\"", ""));
        assert_eq!(most(&folded) > TOLERANCE, has_columns, "{name}: {folded:?}");
    }
}
