//! Continuous integration, as far as a shell can imitate it: the workflows of docs/ci.md on a checkout that belongs to
//! another user, with committed vaults, only two variables set, no D-Bus, no terminal and an empty home.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::exported;
use crate::sandbox::{CAST, Sandbox, lacks, skip};

const TOKEN: &str = "sk-live-0123456789abcdef";

/// A runner with its checkout.
struct Runner {
    home: Sandbox,
    checkout: PathBuf,
    key: String,
}

impl Runner {
    /// `None` without git.
    fn new() -> Option<Self> {
        if lacks("git", "the workflows of docs/ci.md") {
            return None;
        }
        let owner = Sandbox::new();
        let repository = owner.home().join("repository");
        fs::create_dir(&repository).unwrap();
        let vaults = repository.join("vaults");
        owner.cast(["set", "my-agent", "API_TOKEN", TOKEN]).env("CAST_VAULTS", &vaults).succeeds();
        let export = owner.cast(["key", "export", "--agent", "my-agent"]).env("CAST_VAULTS", &vaults);
        let key = export.succeeds().out.trim().to_owned();
        let script = "#!/bin/sh\necho \"deployed with $API_TOKEN\"\n";
        fs::write(repository.join("deploy.sh"), script).unwrap();
        fs::set_permissions(repository.join("deploy.sh"), PermissionsExt::from_mode(0o755)).unwrap();
        let home = Sandbox::empty();
        let checkout = home.home().join("checkout");
        for words in [
            &["-C", repository.to_str().unwrap(), "init", "-q"][..],
            &["-C", repository.to_str().unwrap(), "add", "."],
            &[
                "-C",
                repository.to_str().unwrap(),
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "commit.gpgsign=false",
                "commit",
                "-qm",
                "vaults",
            ],
            &["clone", "-q", repository.to_str().unwrap(), checkout.to_str().unwrap()],
        ] {
            let git = owner.command("git").args(words).status().unwrap();
            assert!(git.success(), "git {words:?}");
        }
        if rustix::process::geteuid().is_root() {
            let given = Command::new("chown").args(["-R", "65534:65534"]).arg(&checkout).status().unwrap();
            assert!(given.success());
        } else {
            skip("a checkout of another user: not root");
        }
        fs::create_dir_all(home.home().join("bin")).unwrap();
        std::os::unix::fs::symlink(CAST, home.home().join("bin/cast")).unwrap();
        fs::create_dir(home.home().join("home")).unwrap();
        Some(Self { home, checkout, key })
    }

    /// One step, with these variables and few others.
    fn step(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.home.home().join("bin").display(), std::env::var("PATH").unwrap());
        let mut step = Command::new("sh");
        step.args(["-e", "-c", script]).current_dir(&self.checkout).env_clear().env("PATH", path);
        step.env("HOME", self.home.home().join("home")).env("CAST_VAULTS", self.checkout.join("vaults"));
        step.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
    }

    /// The changes that git finds in the checkout.
    fn changes(&self) -> String {
        let mut status = self.home.command("git");
        status.args(["-c", "safe.directory=*", "-C"]).arg(&self.checkout).args(["status", "--porcelain", "--ignored"]);
        let output = status.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The commands of the page's section on CI that call `cast`, in their order.
fn commands_of_the_page() -> Vec<String> {
    let blocks = crate::readme::blocks_of("docs/ci.md").into_iter();
    let blocks = blocks.filter(|block| block.section == "CI" && block.language == "yaml");
    let section: String = blocks.map(|block| block.text).collect();
    let lines = section.lines().map(|line| line.trim().trim_start_matches("- run: ").trim_start_matches("- "));
    lines.filter(|line| line.starts_with("cast ") || line.contains("| cast ")).map(str::to_owned).collect()
}

#[test]
fn the_workflows_of_the_page() {
    let Some(runner) = Runner::new() else { return };
    let commands = commands_of_the_page();
    let of_vaults: Vec<_> = commands.iter().filter(|command| command.contains("./deploy.sh")).collect();
    assert!(of_vaults.len() >= 2, "one for GitHub, one for GitLab: {commands:?}");
    for command in of_vaults {
        let step = runner.step(command, &[("CAST_KEY", &runner.key)]);
        assert_eq!(String::from_utf8_lossy(&step.stdout), "deployed with [cast:API_TOKEN]\n", "{command}: {step:?}");
        assert_eq!((step.status.code(), &step.stderr[..]), (Some(0), &b""[..]), "{command}");
        assert_eq!(runner.changes(), "");
    }
    // The other way: the platform's secrets, stored on the runner for the steps that follow.
    let mut stored = commands.iter().filter(|command| command.contains("| cast secrets set")).peekable();
    assert!(stored.peek().is_some(), "{commands:?}");
    let elsewhere = runner.home.home().join("vaults");
    let variables = [("CAST_VAULTS", elsewhere.to_str().unwrap()), ("OPENAI_API_KEY", TOKEN)];
    let made = runner.step("cast init", &variables);
    assert!(made.status.success(), "{made:?}");
    for command in stored {
        let step = runner.step(command, &variables);
        assert!(step.status.success() && step.stdout.is_empty(), "{command}: {step:?}");
    }
    let run = runner.step("cast run my-agent -- printenv OPENAI_API_KEY", &variables[..1]);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "[cast:OPENAI_API_KEY]\n", "{run:?}");
    assert_eq!(runner.changes(), "");
}

#[test]
fn wrong_and_truncated_keys_name_the_variable() {
    let Some(runner) = Runner::new() else { return };
    let other = Sandbox::with("my-agent", &[("K", "v")]);
    let stranger = exported(&other, &["--agent", "my-agent"]);
    let cases = [
        ("5", stranger.trim().to_owned()),
        ("5", crate::forge::Key::generate().identity()),
        ("4", runner.key[..runner.key.len() - 1].to_owned()),
        ("4", runner.key[..30].to_owned()),
        ("4", runner.key.replacen("cast-agent:", "", 1)),
        ("4", String::new()),
        ("4", runner.key.replacen(":my-agent:", ":other:", 1)),
    ];
    for (code, key) in cases {
        let step = runner.step("cast list my-agent || echo $?", &[("CAST_KEY", &key)]);
        let said = String::from_utf8(step.stderr).unwrap();
        assert_eq!(String::from_utf8_lossy(&step.stdout).trim(), code, "{said}");
        assert!(said.contains("CAST_KEY") || said.contains("the agent key of 'other'"), "{said}");
        assert!(key.len() < 30 || !said.contains(&key), "{said}");
        let run = runner.step("cast run my-agent -- touch started", &[("CAST_KEY", &key)]);
        assert_eq!(run.status.code(), Some(125));
        assert_eq!(runner.changes(), "");
    }
}

#[test]
fn the_key_shows_nowhere() {
    let Some(runner) = Runner::new() else { return };
    // The child's environment and command line, and those of cast itself, which stays as its parent to mask.
    let script =
        "cast run my-agent -- sh -c 'env; tr \"\\0\" \" \" </proc/$$/cmdline; tr \"\\0\" \" \" </proc/$PPID/cmdline'";
    let step = runner.step(script, &[("CAST_KEY", &runner.key)]);
    let shown = String::from_utf8_lossy(&step.stdout).into_owned() + &String::from_utf8_lossy(&step.stderr);
    assert!(step.status.success() && shown.contains("API_TOKEN=[cast:API_TOKEN]"), "{shown}");
    assert!(!shown.contains("AGE-SECRET-KEY") && !shown.contains("CAST_KEY=") && !shown.contains(TOKEN), "{shown}");
    for folder in [runner.home.home().join("home"), runner.checkout.clone()] {
        assert!(!crate::keyring::somewhere(&folder, b"AGE-SECRET-KEY-"));
    }
}

/// What a deploy script that looks for the key would try: the environment, the descriptors and the files of its
/// ancestors.
const SEARCH: &str = r#"#!/bin/sh
pid=$$
while [ "$pid" -gt 1 ]; do
    grep -lsa "AGE-SECRET-[K]EY-" "/proc/$pid/environ" && echo "found in the environment of $pid"
    for descriptor in /proc/$pid/fd/*; do
        # Not what would wait for input.
        [ -f "$descriptor" ] && grep -lsa "AGE-SECRET-[K]EY-" "$descriptor" && echo "found in $descriptor"
    done
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null || echo 1)
    case $pid in "$LAST" | '') break ;; esac
done
grep -rlsa "AGE-SECRET-[K]EY-" "$RUNNER_TEMP" && echo "found in a file"
echo "looked for it with $API_TOKEN"
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks in /proc")]
fn the_recipe_leaves_the_key_nowhere_that_a_deploy_script_could_look() {
    let owner = Sandbox::with("my-agent", &[("API_TOKEN", TOKEN)]);
    let key = exported(&owner, &["--agent", "my-agent"]);
    let runner = Sandbox::empty();
    let script = runner.home().join("deploy.sh");
    fs::write(&script, SEARCH).unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let temporary = runner.home().join("temp");
    let step = |text: &str, with_key: bool| {
        fs::create_dir_all(&temporary).unwrap();
        let mut call = runner.other("bash", ["-c", text]);
        call = call.env("CAST", CAST).env("CAST_VAULTS", owner.data().join("vaults"));
        call = call.env("RUNNER_TEMP", &temporary).env("LAST", std::process::id().to_string());
        if with_key { call.env("CAST_KEY", &key).run() } else { call.run() }
    };
    let write = r#"(umask 077; printf '%s' "$CAST_KEY" > "$RUNNER_TEMP/cast-key")"#;
    for options in ["", "--no-mask"] {
        step(write, true);
        let deploy = format!(
            r#"f="$RUNNER_TEMP/cast-key"
            ( rm -f "$f"; CAST_KEY_FILE=/dev/fd/3 exec "$CAST" run {options} my-agent -- ./deploy.sh ) 3<"$f""#
        );
        let outcome = step(&deploy, false);
        assert!(!outcome.out.contains("found in"), "{outcome:?}");
        assert!(outcome.out.contains("looked for it with"), "{outcome:?}");
    }
    // The search finds what is there to be found: the shell of a step that has the key itself.
    let outcome = step(r#""$CAST" run my-agent -- ./deploy.sh; :"#, true);
    assert!(outcome.out.contains("found in the environment"), "{outcome:?}");
    step(write, true);
    let outcome = step(r#"CAST_KEY_FILE="$RUNNER_TEMP/cast-key" "$CAST" run my-agent -- ./deploy.sh"#, false);
    assert!(outcome.out.contains("found in a file"), "{outcome:?}");
}
