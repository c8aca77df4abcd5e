//! A file or folder that is not what it is to be, or that the system forbids.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::{told, typed};
use crate::sandbox::{Outcome, Sandbox, lacks, skip};

const SECRET: &str = "hunter2-hunter2";

fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", SECRET)])
}

/// The record of the one vault that was seen.
fn record(sandbox: &Sandbox) -> PathBuf {
    let entries = fs::read_dir(sandbox.state().join("seen")).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.is_file() && path.extension().is_none()).unwrap()
}

/// What doctor finds.
#[track_caller]
fn found(sandbox: &Sandbox) -> Outcome {
    let before = sandbox.snapshot();
    let outcome = sandbox.cast(["doctor"]).run();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome.says_nothing_of(&[SECRET, &key_or_nothing(sandbox)]);
    assert!(sandbox.snapshot() == before);
    outcome
}

fn key_or_nothing(sandbox: &Sandbox) -> String {
    if sandbox.key_file().is_file() { sandbox.key() } else { "AGE-SECRET-KEY-1Q".to_owned() }
}

#[track_caller]
fn is_well(sandbox: &Sandbox) {
    sandbox.cast(["list", "a"]).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn something_else_in_the_place_of_a_file() {
    let vault = |sandbox: &Sandbox| sandbox.vault("a");
    let log = |sandbox: &Sandbox| sandbox.state().join("audit.jsonl");
    let places: [fn(&Sandbox) -> PathBuf; 4] = [vault, Sandbox::key_file, record, log];
    for place in places {
        let sandbox = sandbox();
        let path = place(&sandbox);
        let [kept, nowhere] = ["kept", "nowhere"].map(|folder| {
            fs::create_dir(sandbox.home().join(folder)).unwrap();
            sandbox.home().join(folder).join(path.file_name().unwrap())
        });
        let away = || fs::rename(&path, &kept).unwrap();
        // A folder.
        away();
        fs::create_dir(&path).unwrap();
        typed(&sandbox, told(&found(&sandbox), "move it away: {}").hole(0)).succeeds();
        assert!(path.symlink_metadata().is_err());
        fs::rename(&kept, &path).unwrap();
        is_well(&sandbox);
        // A link to the file.
        away();
        symlink(&kept, &path).unwrap();
        typed(&sandbox, told(&found(&sandbox), "put the file itself there: {}").hole(0)).succeeds();
        is_well(&sandbox);
        // A link to nothing: it comes back, or the link goes.
        away();
        symlink(&nowhere, &path).unwrap();
        told(&found(&sandbox), "restore what it leads to");
        fs::rename(&kept, &nowhere).unwrap();
        typed(&sandbox, told(&found(&sandbox), "put the file itself there: {}").hole(0)).succeeds();
        is_well(&sandbox);
        away();
        symlink(&nowhere, &path).unwrap();
        typed(&sandbox, told(&found(&sandbox), "or remove the link: {}").hole(0)).succeeds();
        assert!(path.symlink_metadata().is_err());
        fs::rename(&kept, &path).unwrap();
        is_well(&sandbox);
    }
}

#[test]
fn a_file_in_the_place_of_a_folder() {
    let places: [fn(&Sandbox) -> PathBuf; 2] = [Sandbox::state, |sandbox| sandbox.data().join("vaults")];
    for place in places {
        let sandbox = sandbox();
        let path = place(&sandbox);
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, "in the way").unwrap();
        let set = || sandbox.cast(["set", "--new", "a", "K", SECRET]);
        let refused = set().refuses(6, "cast: error: ", &[SECRET]);
        typed(&sandbox, told(&refused, "move it away: {}").hole(0)).succeeds();
        set().succeeds();
        is_well(&sandbox);
    }
}

#[test]
fn a_vault_that_is_to_be_kept_elsewhere() {
    let sandbox = sandbox();
    let (folder, elsewhere) = (sandbox.data().join("vaults"), sandbox.home().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(sandbox.vault("a"), elsewhere.join("a.age")).unwrap();
    symlink(elsewhere.join("a.age"), sandbox.vault("a")).unwrap();
    told(&found(&sandbox), "to keep it elsewhere, link the folder and not the file");
    fs::remove_dir_all(&folder).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
    is_well(&sandbox);
}

/// Those of root's tests who obey permission bits.
fn close(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o0)).unwrap();
}

#[test]
fn forbidden_files_and_folders() {
    let places: [fn(&Sandbox) -> PathBuf; 4] =
        [|sandbox| sandbox.vault("a"), Sandbox::key_file, |sandbox| sandbox.data().join("vaults"), Sandbox::data];
    for place in places {
        let sandbox = sandbox();
        let path = place(&sandbox);
        let call = || sandbox.cast_as_nobody("", ["list", "a"]);
        call().succeeds();
        close(&path);
        let refused = call().run();
        assert_eq!((refused.code, refused.out.as_str()), (6, ""), "{refused:?}");
        assert!(refused.err.contains("permission denied"), "{refused:?}");
        typed(&sandbox, told(&refused, "allow it: {}").hole(0)).succeeds();
        call().succeeds();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
}

#[test]
fn files_that_sudo_left_to_root() {
    if !rustix::process::geteuid().is_root() {
        return skip("advice: only root can give a file away");
    }
    let places: [fn(&Sandbox) -> PathBuf; 3] =
        [|sandbox| sandbox.vault("a"), |sandbox| sandbox.data().join("vaults"), Sandbox::data];
    for place in places {
        let sandbox = sandbox();
        let path = place(&sandbox);
        sandbox.cast_as_nobody("", ["list", "a"]).succeeds();
        let call = sandbox.cast_as_nobody("", ["list", "a"]);
        chown(&path, Some(0), Some(0)).unwrap();
        let refused = call.run();
        assert_eq!(refused.code, 6, "{refused:?}");
        let advice = told(&refused, "take it back, if it is yours: {}").hole(0).to_owned();
        // As that user types it, whom sudo makes root for the one command.
        let (sudo, rest) = advice.split_at("sudo ".len());
        assert_eq!(sudo, "sudo ");
        typed(&sandbox, &rest.replace("$(id -u)", "65534")).succeeds();
        // Not by the helper, which would give everything back itself.
        let mut again = sandbox.command("setpriv");
        again.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(sandbox.home().join("cast"));
        assert!(again.args(["list", "a"]).status().unwrap().success());
    }
}

#[test]
fn a_folder_of_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        return skip("advice: only root has folders that nobody may enter");
    }
    let (sandbox, roots) = (sandbox(), Sandbox::empty());
    let set = |folder: &Path| sandbox.cast_as_nobody("", ["set", "b", "K", SECRET]).env("CAST_VAULTS", folder);
    let refused = set(&roots.home().join("vaults")).run();
    assert_eq!(refused.code, 6, "{refused:?}");
    refused.says_nothing_of(&[SECRET]);
    let advice = told(&refused, "another user owns '{}': ask for access, or use another folder");
    assert_eq!(Path::new(advice.hole(0)), roots.home());
    set(&sandbox.home().join("mine")).succeeds();
    // Or with access.
    chown(roots.home(), Some(65534), None).unwrap();
    set(&roots.home().join("vaults")).succeeds();
}

#[test]
fn root_in_the_home_of_a_user() {
    if !rustix::process::geteuid().is_root() {
        return skip("advice: not root");
    }
    let sandbox = Sandbox::empty();
    chown(sandbox.home(), Some(65534), None).unwrap();
    let refused = sandbox.cast(["init", "--key-store", "file"]).refuses(6, "cast runs as root", &[]);
    told(&refused, "or set CAST_HOME, or CAST_VAULTS, to a folder of root");
    let own = Sandbox::empty();
    sandbox.cast(["init", "--key-store", "file"]).env("CAST_HOME", own.home()).succeeds();
    told(&refused, "run cast as that user, without sudo");
    sandbox.cast_as_nobody("", ["init", "--key-store", "file"]).succeeds();
}

#[test]
fn a_file_that_is_there_already() {
    let sandbox = sandbox();
    let backup = |name: &str| sandbox.home().join(name).display().to_string();
    sandbox.cast(["key", "export", "--output", &backup("one")]).succeeds();
    let refused = sandbox.cast(["key", "export", "--output", &backup("one")]).refuses(6, "already exists", &[SECRET]);
    told(&refused, "cast does not overwrite files: choose another name");
    sandbox.cast(["key", "export", "--output", &backup("two")]).succeeds();
}

#[test]
fn folders_that_are_not_named_by_whole_paths() {
    let sandbox = sandbox();
    for (variable, value) in [("CAST_HOME", "~/.local/share/cast"), ("CAST_VAULTS", ".local/share/cast/vaults")] {
        let call = |value: &str| sandbox.cast(["list"]).env(variable, value);
        let refused = call(value).refuses(6, "is not an absolute path", &[]);
        let whole = told(&refused, "write the whole path: '{}'").hole(0).to_owned();
        let listed = call(&whole).succeeds();
        assert_eq!(listed.out.lines().count(), 2, "{listed:?}");
    }
    let refused = sandbox.cast(["list"]).env("CAST_HOME", "~nobody/cast").refuses(6, "is not an absolute path", &[]);
    told(&refused, "set {variable} to the whole path of a folder");
    sandbox.cast(["list"]).env("CAST_HOME", sandbox.home().join("cast")).succeeds();
    let key = sandbox.key_file();
    let key = key.strip_prefix(sandbox.home()).unwrap().display();
    let call = |value: &str| sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", value);
    let refused = call(&format!("~/{key}")).refuses(4, "begins with '~'", &[]);
    call(told(&refused, "write the whole path: '{}'").hole(0)).succeeds();
    let refused = call(&format!("~nobody/{key}")).refuses(4, "begins with '~'", &[]);
    told(&refused, "write the whole path");
    call(&sandbox.key_file().display().to_string()).succeeds();
}

#[test]
fn a_disk_that_is_not_there() {
    let sandbox = sandbox();
    let (vaults, disk) = (sandbox.data().join("vaults"), sandbox.home().join("disk"));
    fs::rename(&vaults, &disk).unwrap();
    symlink(&disk, &vaults).unwrap();
    let away = sandbox.home().join("away");
    fs::rename(&disk, &away).unwrap();
    told(&found(&sandbox), "mount or restore what it leads to");
    fs::rename(&away, &disk).unwrap();
    is_well(&sandbox);
    fs::rename(&disk, &away).unwrap();
    typed(&sandbox, told(&found(&sandbox), "or, to begin with an empty folder, run: {}").hole(0)).succeeds();
    sandbox.cast(["set", "--new", "a", "K", SECRET]).succeeds();
    is_well(&sandbox);
}

#[test]
fn a_file_for_import() {
    let sandbox = sandbox();
    let file = sandbox.home().join(".env");
    let import = |words: &[&str]| sandbox.cast([&["secrets", "import", "b", ".env"], words].concat());
    let utf16: Vec<u8> = "\u{feff}L=hunter3-hunter3\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf16, b"L=hunter3-\xe9\n".to_vec()] {
        fs::write(&file, bytes).unwrap();
        told(&import(&[]).refuses(2, "UTF-", &["hunter3"]), "save it as UTF-8");
    }
    fs::remove_file(&file).unwrap();
    sandbox.other("mkfifo", [&file]).succeeds();
    told(&import(&["--remove"]).refuses(6, "not a regular file", &[]), "name a file, or run it without '--remove'");
    typed(&sandbox, "echo N=hunter3-hunter3 >.env & cast secrets import b .env").succeeds();
    fs::remove_file(&file).unwrap();
    fs::write(&file, "L=hunter3-hunter3\n").unwrap();
    import(&[]).succeeds();
    let real = sandbox.home().join("real.env");
    fs::rename(&file, &real).unwrap();
    symlink(&real, &file).unwrap();
    let refused = import(&["--remove"]).refuses(6, "does not follow the symbolic link", &["hunter3"]);
    let name = told(&refused, "name the file itself: '{}'").hole(0).to_owned();
    sandbox.cast(["secrets", "import", "b", &name, "--remove"]).succeeds();
    assert!(!real.exists());
}

#[test]
fn a_file_for_import_that_git_would_take() {
    if lacks("git", "advice: a file that git would take") {
        return;
    }
    let sandbox = sandbox();
    let folder = sandbox.home().join("project");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(".env"), "L=hunter3-hunter3\n").unwrap();
    let git = |line: &str| {
        typed(&sandbox, line).dir(&folder).succeeds();
    };
    git("git init -q . && git add .env");
    let import = || sandbox.cast(["secrets", "import", "b", ".env"]).dir(&folder).succeeds();
    let tracked = told(
        &import(),
        "'{shown}' is tracked by git: run 'git {there}rm --cached {name}', add it to .gitignore, and change the committed values at their source",
    );
    git(&tracked.command("git "));
    let open = told(&import(), "'{shown}' is not ignored by git: add '{name}' to .gitignore");
    fs::write(folder.join(".gitignore"), format!("{}\n", open.hole(1))).unwrap();
    assert!(!import().err.contains("git"));
}
