//! The Windows binary, built with mingw, under wine: a substitute for Windows, which is not available everywhere. It
//! tests the platform's half: files, streams, processes and the Credential Manager through the Windows API. Skipped,
//! with a report, if wine, mingw or the Rust target is missing.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::{env, fs};

use crate::sandbox::{Call, Sandbox, skip};
use crate::terminal::Terminal;

const TARGET: &str = "x86_64-pc-windows-gnu";
const MINGW: &str = "x86_64-w64-mingw32-gcc";
const SECRET: &str = "hunter2-hunter2";

/// A Windows for all tests, because it takes seconds to set up.
struct Windows {
    /// Its `C:`, its registry.
    prefix: PathBuf,
    /// `cast.exe` and `agent.exe`.
    programs: PathBuf,
}

impl Windows {
    fn get() -> Option<&'static Self> {
        static WINDOWS: OnceLock<Option<Windows>> = OnceLock::new();
        WINDOWS.get_or_init(Self::set_up).as_ref()
    }

    fn set_up() -> Option<Self> {
        for (program, package) in [("wine", "wine"), ("wineserver", "wine"), (MINGW, "gcc-mingw-w64-x86-64")] {
            if Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                skip(&format!("wine: '{program}' is missing (Debian: {package})"));
                return None;
            }
        }
        let std = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
        let std = String::from_utf8(std.ok()?.stdout).unwrap();
        if !Path::new(std.trim()).is_dir() {
            skip(&format!("wine: the target is missing ('rustup target add {TARGET}')"));
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine");
        let windows = Self { prefix: folder.join("prefix"), programs: folder.join("programs") };
        // A new one each time: no key of an earlier run is in it.
        let _ = windows.wine_command("wineserver").arg("-k").status();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&windows.programs).unwrap();
        fs::create_dir_all(&windows.prefix).unwrap();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/windows");
        succeeds(Command::new(MINGW).arg("-o").arg(windows.program("agent")).arg(sources.join("agent.c")));
        let library = windows.programs.join("bcryptprimitives.dll");
        succeeds(
            Command::new(MINGW)
                .args(["-shared", "-o"])
                .arg(library)
                .arg(sources.join("bcryptprimitives.c"))
                .arg("-ladvapi32"),
        );
        fs::copy(build(), windows.program("cast")).unwrap();
        succeeds(windows.wine_command("wine").args(["wineboot", "--init"]));
        Some(windows)
    }

    fn wine_command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("WINEPREFIX", self.prefix.to_str().unwrap().to_owned()),
            ("WINEARCH", "win64".to_owned()),
            ("WINEDEBUG", "-all".to_owned()),
            // No desktop files, no .NET, no browser.
            ("WINEDLLOVERRIDES", "winemenubuilder.exe=;mscoree=;mshtml=".to_owned()),
            ("WINEPATH", drive(&self.programs)),
        ]
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}.exe"))
    }
}

/// A test that keeps a key in the only Credential Manager runs alone; the others use key files.
static CREDENTIAL_MANAGER: RwLock<()> = RwLock::new(());

/// A home on that Windows.
struct Home {
    windows: &'static Windows,
    sandbox: Sandbox,
    _nobody_keeps_a_key: Option<RwLockReadGuard<'static, ()>>,
}

impl Home {
    fn empty() -> Option<Self> {
        let guard = CREDENTIAL_MANAGER.read().unwrap_or_else(PoisonError::into_inner);
        Some(Self { _nobody_keeps_a_key: Some(guard), ..Self::beside_the_credential_manager()? })
    }

    fn beside_the_credential_manager() -> Option<Self> {
        Some(Self { windows: Windows::get()?, sandbox: Sandbox::empty(), _nobody_keeps_a_key: None })
    }

    /// With a key file, and one secret of the agent `a`.
    fn new() -> Option<Self> {
        let home = Self::empty()?;
        home.cast(["init", "--key-store", "file"]).succeeds();
        home.cast(["set", "a", "K"]).input(SECRET).succeeds();
        Some(home)
    }

    fn call<'a>(&self, program: &Path, words: impl IntoIterator<Item = &'a str>) -> Call<'_> {
        let program = program.as_os_str().to_owned();
        let words = [program].into_iter().chain(words.into_iter().map(OsString::from));
        let call = self.sandbox.other("wine", words).with_retries(2).env("CAST_HOME", drive(self.sandbox.home()));
        self.windows.variables().into_iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    fn cast<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Call<'_> {
        self.call(&self.windows.program("cast"), words)
    }

    /// What `agent.exe` prints when cast runs it with these words.
    fn agent<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> String {
        let words = ["run", "a", "--no-mask", "--", "agent"].into_iter().chain(words);
        self.cast(words).succeeds().out
    }

    fn registry<const N: usize>(&self, words: [&str; N]) -> Call<'_> {
        self.call(Path::new("reg.exe"), words)
    }
}

/// The binary of the current sources; cargo rebuilds what changed.
fn build() -> PathBuf {
    succeeds(cargo("build").args(["--bin", "cast"]));
    target_folder().join(TARGET).join("debug/cast.exe")
}

fn target_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([verb, "--locked", "--quiet", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target_folder());
    // These tests need no fast binary, but a fast build.
    for setting in ["opt-level=0", "debug=false", "package.\"*\".opt-level=0"] {
        cargo.args(["--config", &format!("profile.dev.{setting}")]);
    }
    cargo
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// A path as Windows has it: wine shows `/` as the drive `Z:`.
fn drive(path: &Path) -> String {
    format!("Z:{}", path.to_str().unwrap().replace('/', "\\"))
}

#[test]
fn secrets_live_and_die() {
    let Some(home) = Home::empty() else { return };
    home.cast(["set", "a", "K", SECRET]).env("CAST_KEY", "x").refuses(
        4,
        "CAST_KEY does not contain a usable key",
        &[SECRET],
    );
    let made = home.cast(["init", "--key-store", "file"]).succeeds();
    assert!(made.err.contains("Master key created") && made.err.contains("key.txt"), "{made:?}");
    let set = home.cast(["secrets", "set", "a", "TOKEN"]).input("hunter2-hunter2\r\n").succeeds();
    assert_eq!(set.err, "✓ Secret 'TOKEN' set for agent 'a'\n");
    home.cast(["set", "a", "PEM"]).input("one\r\ntwo\r\n").succeeds();
    let listing: serde_json::Value = serde_json::from_str(&home.cast(["list", "a", "--json"]).succeeds().out).unwrap();
    assert_eq!((&listing[0]["key"], &listing[1]["key"]), (&"PEM".into(), &"TOKEN".into()));
    let variables = home.agent(["variables"]);
    assert!(variables.contains("\nTOKEN=hunter2-hunter2\n") && variables.contains("\nPEM=one\r\ntwo\r\n"));
    home.cast(["delete", "a", "PEM"]).succeeds();
    let audit = home.cast(["audit", "a"]).succeeds().out;
    assert!(["set", "run", "delete"].iter().all(|action| audit.contains(action)), "{audit}");
    assert!(!home.cast(["list", "a"]).succeeds().out.contains("PEM"));
    home.cast(["list", "b"]).refuses(3, "has no vault", &[]);
    home.cast(["set", "con", "K", SECRET]).refuses(2, "AGENT is not", &[SECRET]);
    let vault = home.sandbox.home().join("vaults/a.age");
    let mut bytes = fs::read(&vault).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&vault, bytes).unwrap();
    home.cast(["list", "a"]).refuses(5, "damaged", &[SECRET]);
    fs::remove_file(&vault).unwrap();
    fs::create_dir(&vault).unwrap();
    home.cast(["set", "a", "K", SECRET]).refuses(6, "not a regular file", &[SECRET]);
}

#[test]
fn the_unit_tests_hold() {
    let Some(windows) = Windows::get() else { return };
    let mut tests = cargo("test");
    // Without the tests of scrypt, which takes minutes in an unoptimised build, and of a log that is rotated during
    // many appends: appends are atomic on NTFS, but not under wine.
    tests.args(["--workspace", "--lib", "--", "--skip", "passphrase", "--skip", "_turn"]);
    tests.envs(windows.variables()).env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine");
    tests.env("PROPTEST_CASES", "16");
    // A missing `base64` is normal on Windows.
    tests.env_remove("CAST_TEST_SKIPS");
    let output = tests.output().unwrap();
    let said = |stream: &[u8]| String::from_utf8_lossy(stream).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn a_vault_goes_from_one_system_to_the_other() {
    let Some(home) = Home::new() else { return };
    // Windows has no modes, so wine gives files those of the folder.
    fs::set_permissions(home.sandbox.home().join("key.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    let listed =
        home.sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).env("CAST_HOME", home.sandbox.home());
    assert_eq!(listed.succeeds().out, format!("{SECRET}\n"));
}

#[test]
fn arguments_and_environment_arrive() {
    let Some(home) = Home::new() else { return };
    let words = ["", "a b", "say \"hi\"", "back\\", "back\\ slash\\\\", "%PATH%", "a&b|c>d", "--", "-q"];
    let expected = words.map(|word| format!("<{word}>\n")).concat();
    assert_eq!(home.agent(["words"].into_iter().chain(words)), expected);
    // `Path` and `PATH` are the same variable.
    home.cast(["set", "a", "PATH", "C:\\mine", "--allow-dangerous-name"]).succeeds();
    let variables = home.agent(["variables"]);
    let paths: Vec<_> = variables.lines().filter(|line| line.to_ascii_uppercase().starts_with("PATH=")).collect();
    assert_eq!(paths, ["PATH=C:\\mine"], "{variables}");
    let words = ["run", "a", "--no-mask", "--clean-env", "--", "agent", "variables"];
    let clean = home.cast(words).env("OTHER", "1").succeeds().out;
    assert!(!clean.contains("OTHER=") && clean.to_ascii_uppercase().contains("SYSTEMROOT="), "{clean}");
}

#[test]
fn what_unlocks_stays_here_in_any_case() {
    let Some(home) = Home::new() else { return };
    let key = home.sandbox.home().join("key.txt");
    let elsewhere = home.sandbox.home().join("elsewhere.txt");
    fs::rename(key, &elsewhere).unwrap();
    let words = ["run", "a", "--no-mask", "--", "agent", "variables"];
    let variables = home.cast(words).env("Cast_Key_File", drive(&elsewhere)).succeeds().out;
    assert!(variables.contains(SECRET) && !variables.to_ascii_uppercase().contains("CAST_KEY"), "{variables}");
}

#[test]
fn exit_codes_keep_their_32_bits() {
    let Some(home) = Home::new() else { return };
    let cast = drive(&home.windows.program("cast"));
    for code in ["0", "3", "255", "256", "3221225477", "4294967295"] {
        for mask in ["", "--no-mask "] {
            let line = format!("{cast} run a {mask}-- agent exit {code}");
            let said = home.call(&home.windows.program("agent"), ["code", &line]).succeeds();
            assert_eq!(said.out.trim_end(), format!("code {code}"), "{line}: {said:?}");
        }
    }
    fs::write(home.sandbox.home().join("note.txt"), "no program").unwrap();
    for (words, code, message) in [
        (&["run", "a", "--", "no-such-program"][..], 127, "was not found"),
        (&["run", "a", "--", "agent.txt"], 127, "was not found"),
        (&["run", "a", "--", ".\\note.txt"], 126, "cannot be executed"),
        (&["run", "b", "--", "agent"], 125, "has no vault"),
    ] {
        home.cast(words.iter().copied()).refuses(code, message, &[SECRET]);
    }
}

#[test]
fn batch_files_get_words_and_no_commands() {
    let Some(home) = Home::new() else { return };
    fs::write(home.sandbox.home().join("tool.cmd"), "@echo off\r\necho [%1] [%2]\r\nexit /b 9\r\n").unwrap();
    let words = ["run", "a", "--no-mask", "--", ".\\tool", "a & echo pwned", "x\" & echo pwned & \""];
    let outcome = home.cast(words).run();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    assert!(outcome.out.contains("[\"a & echo pwned\"]"), "{outcome:?}");
    assert!(!outcome.out.lines().any(|line| line.trim() == "pwned"), "{outcome:?}");
}

#[test]
fn what_leaves_the_terminal_is_masked() {
    let Some(home) = Home::new() else { return };
    let out = home.cast(["run", "a", "--", "agent", "variables"]).succeeds().out;
    assert!(out.contains("K=[cast:K]") && !out.contains(SECRET), "{out}");
    let errors = home.cast(["run", "a", "--", "agent", "errors", "K"]).succeeds();
    assert_eq!((errors.out.as_str(), errors.err.trim_end()), ("", "[cast:K]"));
}

#[test]
fn the_key_lives_in_the_credential_manager_of_this_machine() {
    let _alone = CREDENTIAL_MANAGER.write().unwrap_or_else(PoisonError::into_inner);
    let Some(home) = Home::beside_the_credential_manager() else { return };
    let first = home.cast(["set", "a", "K"]).input(SECRET).succeeds();
    assert!(first.err.contains("✓ Master key created and stored in the OS keyring"), "{first:?}");
    assert!(home.agent(["variables"]).contains(SECRET));
    let again = home.cast(["init"]).succeeds();
    assert!(again.err.contains("A key already exists"), "{again:?}");
    let files = home.sandbox.snapshot();
    assert!(!files.values().any(|(_, bytes)| bytes.windows(15).any(|found| found == b"AGE-SECRET-KEY-")));
    let entry = "HKCU\\Software\\Wine\\Credential Manager\\Generic: master-key.cast";
    // CRED_PERSIST_LOCAL_MACHINE.
    let persistence = home.registry(["query", entry, "/v", "Persist"]).succeeds().out;
    assert!(persistence.contains("0x2"), "{persistence}");
    let healthy = home.cast(["doctor"]).succeeds();
    assert!(healthy.out.contains("the OS keyring"), "{healthy:?}");
    // cast refuses more keys than fit, and the former entry stays.
    let full = (0..20).find_map(|_| {
        let outcome = home.cast(["key", "rotate"]).run();
        (outcome.code != 0).then_some(outcome)
    });
    let full = full.expect("2560 bytes are not enough for 20 keys");
    assert_eq!(full.code, 4, "{full:?}");
    assert!(full.err.contains("the keys are too long for the keyring, which takes at most 2560 bytes"), "{full:?}");
    assert!(full.err.contains("'cast key rotate --retire'") && !full.err.contains("AGE-SECRET-KEY"), "{full:?}");
    home.cast(["list", "a"]).succeeds();
    home.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
    // Move the key out and back.
    home.cast(["key", "move", "file", "--yes"]).succeeds();
    assert_ne!(home.registry(["query", entry]).run().code, 0, "it is gone from there");
    home.cast(["key", "move", "keyring"]).succeeds();
    assert!(home.agent(["variables"]).contains(SECRET));
    home.registry(["delete", entry, "/f"]).succeeds();
    home.cast(["list", "a"]).refuses(4, "the OS keyring has none", &[SECRET]);
    home.cast(["set", "b", "K", SECRET]).refuses(4, "cast makes no new key while", &[SECRET]);
    assert_ne!(home.registry(["query", entry]).run().code, 0, "no key was made");
}

#[test]
fn a_file_that_another_program_keeps_for_a_moment_is_waited_for() {
    let Some(home) = Home::new() else { return };
    let vault = home.sandbox.home().join("vaults/a.age");
    let hold = |shared: &str, until: &Path| {
        let agent = home.windows.program("agent");
        let mut holder = home.call(&agent, ["hold", &drive(&vault), shared, &drive(until)]).command();
        let mut holder = holder.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said.trim_end(), "held");
        holder
    };
    // Readers may open it, but cast cannot replace it until a while after it has written the new file beside it.
    let mut holder = hold("readable", &home.sandbox.home().join("vaults/.a.*.age.tmp"));
    home.cast(["set", "a", "L"]).input(SECRET).succeeds();
    assert!(holder.wait().unwrap().success());
    // Readers cannot open it, for longer than cast waits.
    let go = home.sandbox.home().join("go");
    let mut holder = hold("closed", &go);
    home.cast(["list", "a"]).refuses(6, "cannot open", &[SECRET]);
    fs::write(go, "").unwrap();
    assert!(holder.wait().unwrap().success());
    assert!(home.cast(["list", "a"]).succeeds().out.contains("L "));
}

#[test]
fn writers_at_once_lose_nothing() {
    let Some(home) = Home::new() else { return };
    std::thread::scope(|scope| {
        for name in ["A", "B", "C", "D"] {
            let home = &home;
            scope.spawn(move || home.cast(["set", "a", name, SECRET]).succeeds());
        }
    });
    let listing: Vec<serde_json::Value> =
        serde_json::from_str(&home.cast(["list", "a", "--json"]).succeeds().out).unwrap();
    let keys: Vec<_> = listing.iter().map(|secret| secret["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["A", "B", "C", "D", "K"]);
}

#[test]
fn ctrl_c_is_for_the_command() {
    let Some(home) = Home::new() else { return };
    let cast = drive(&home.windows.program("cast"));
    for mask in ["", "--no-mask "] {
        let line = format!("{cast} run a {mask}-- agent wait");
        let mut terminal = Terminal::start(home.call(&home.windows.program("agent"), ["code", &line]));
        terminal.sees("ready");
        terminal.types("\x03");
        terminal.sees("stopped");
        terminal.sees("code 7");
    }
}
