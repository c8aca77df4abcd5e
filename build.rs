//! Tells `cast --version` the commit and the target it was built from, and the linker of the static binary what to keep
//! together. It writes no file. A build without git, or of sources that are not a checkout of their own (a tarball, a
//! vendored copy), succeeds and names no commit.

#![allow(clippy::print_stdout)] // a build script talks to cargo on standard output

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let variable = |name| env::var(name).unwrap_or_default();
    let sources = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    // HEAD names the branch, its log changes with each commit; each worktree has its own.
    let files = ["HEAD", "logs/HEAD"].map(|name| git(&sources, &["rev-parse", "--git-path", name]));
    for file in files.into_iter().flatten().map(|file| sources.join(file)).filter(|file| file.exists()) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let built_from = [commit(&sources), Some(variable("TARGET"))].into_iter().flatten().collect::<Vec<_>>().join(", ");
    println!("cargo::rustc-env=CAST_VERSION={} ({built_from})", variable("CARGO_PKG_VERSION"));
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        let linker = format!("CARGO_TARGET_{}_LINKER", variable("TARGET").to_uppercase().replace('-', "_"));
        for name in [&linker, "RUSTFLAGS"] {
            println!("cargo::rerun-if-env-changed={name}");
        }
        let order = sources.join("src/start.ld");
        println!("cargo::rerun-if-changed={}", order.display());
        if reads_scripts() {
            println!("cargo::rustc-link-arg-bins=-T");
            println!("cargo::rustc-link-arg-bins={}", order.display());
        }
    }
}

/// Whether the linker is one that is known to read `src/start.ld`, and nobody has chosen another.
fn reads_scripts() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if env::var_os("RUSTC_LINKER").is_some() || flags.contains("link") {
        return false;
    }
    let Ok(output) = Command::new("cc").arg("-Wl,--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    version.starts_with("GNU ld") || version.starts_with("LLD")
}

/// The commit that these sources are checked out from, not the commit of a repository around them.
fn commit(sources: &Path) -> Option<String> {
    let top = git(sources, &["rev-parse", "--show-toplevel"])?;
    let same = Path::new(&top).canonicalize().ok()? == sources.canonicalize().ok()?;
    same.then(|| git(sources, &["rev-parse", "--short=10", "HEAD"])).flatten()
}

fn git(folder: &Path, words: &[&str]) -> Option<String> {
    // In a git hook these variables name the hook's repository.
    let mut git = Command::new("git");
    git.current_dir(folder).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").args(words);
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}
