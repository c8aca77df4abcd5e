//! `cast --version`, and the build script that provides its text.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::sandbox::{Sandbox, lacks};

const SOURCES: &str = env!("CARGO_MANIFEST_DIR");

fn head(folder: &Path) -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(folder).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_version_names_commit_and_target() {
    let sandbox = Sandbox::empty();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(sandbox.cast(["-V"]).succeeds().out, format!("cast {version}\n"));
    let long = sandbox.cast(["--version"]).succeeds().out;
    let built_from = long.strip_prefix(&format!("cast {version} (")).and_then(|rest| rest.strip_suffix(")\n"));
    let built_from = built_from.unwrap_or_else(|| panic!("{long}"));
    let (commit, target) = built_from.split_once(", ").unwrap_or(("", built_from));
    assert!(target.starts_with(std::env::consts::ARCH) && target.contains(std::env::consts::OS), "{long}");
    match head(Path::new(SOURCES)) {
        Some(head) => assert!(commit.len() >= 10 && head.starts_with(commit), "{long} was built from {head}"),
        // It can have been here when cast was built.
        None if lacks("git", "the version's commit") => {}
        None => assert_eq!(commit, ""),
    }
}

/// The build script in sources of each kind; cargo reads its output.
#[test]
fn the_build_script_names_a_commit_only_of_its_own_sources() {
    if lacks("git", "the build script") {
        return;
    }
    let room = TempDir::new().unwrap();
    let script = room.path().join("script");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    let rustc = rustc.args(["--edition=2024", "-o"]).arg(&script).arg(Path::new(SOURCES).join("build.rs"));
    assert!(rustc.current_dir(SOURCES).status().unwrap().success());
    let says = |sources: &Path, path: &str| {
        let mut script = Command::new(&script);
        script.current_dir(sources).env("CARGO_MANIFEST_DIR", sources).env("CARGO_PKG_VERSION", "1.2.3");
        let output = script.env("TARGET", "a-target").env("PATH", path).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = std::env::var("PATH").unwrap();
    let git = |folder: &Path, words: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(git.args(words).current_dir(folder).output().unwrap().status.success(), "git {words:?}");
    };
    let version = |commit: &str| format!("cargo::rustc-env=CAST_VERSION=1.2.3 ({commit}a-target)\n");

    let tarball = room.path().join("tarball");
    fs::create_dir(&tarball).unwrap();
    assert!(says(&tarball, &path).ends_with(&version("")));

    // Unpacked or vendored in another repository, whose commit is not that of these sources.
    let repository = room.path().join("repository");
    let vendored = repository.join("vendored");
    fs::create_dir_all(&vendored).unwrap();
    git(&repository, &["init"]);
    git(&repository, &["commit", "--allow-empty", "-m", "x"]);
    assert!(says(&vendored, &path).ends_with(&version("")));

    let worktree = room.path().join("worktree");
    git(&repository, &["worktree", "add", worktree.to_str().unwrap()]);
    git(&worktree, &["commit", "--allow-empty", "-m", "y"]);
    for checkout in [&repository, &worktree] {
        let said = says(checkout, &path);
        let commit = &head(checkout).unwrap()[..10];
        assert!(said.ends_with(&version(&format!("{commit}, "))), "{said}");
        // cargo watches the files that the next commit changes; a missing file would cause a rebuild each time.
        let watched: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")).collect();
        assert!(watched.iter().any(|file| file.ends_with("logs/HEAD")), "{said}");
        assert!(watched[1..].iter().all(|file| Path::new(file).exists()), "{said}");
        assert!(says(checkout, "/nonexistent").ends_with(&version("")), "without git");
    }
    assert_eq!(fs::read_dir(&tarball).unwrap().count(), 0, "nothing is written");
}
