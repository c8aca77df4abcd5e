//! Processes that outlive CMD and still hold its output: cast masks what they write later and does not wait for them.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use rustix::fs::fstat;

use super::process::{Output, Running, command_line, is_alive, running, stat, until};
use super::{SECRET, bash, sandbox};
use crate::sandbox::{Sandbox, skip};

/// A named pipe on which processes in the background wait for a line.
struct Gate(File);

impl Gate {
    fn new(sandbox: &Sandbox) -> Self {
        let path = sandbox.home().join("gate");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open for both: neither side waits for the other.
        Self(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }

    fn open(&mut self) {
        self.0.write_all(b"go\n").unwrap();
    }
}

/// The detached masker that writes to the other end of `output`. `None` if it cannot be told from those of other tests.
fn masker_of(output: impl AsFd) -> Option<i32> {
    let pipe = format!("pipe:[{}]", fstat(output).unwrap().st_ino);
    let mut hidden = false;
    let found = until("the detached masker", || {
        let maskers = running("__mask");
        hidden = maskers
            .iter()
            .any(|pid| fs::read_link(format!("/proc/{pid}/fd/1")).is_err_and(|e| e.raw_os_error() == Some(13)));
        let writes = |pid: &i32| fs::read_link(format!("/proc/{pid}/fd/1")).is_ok_and(|to| to.as_os_str() == &*pipe);
        maskers.into_iter().find(writes).map(Some).or(hidden.then_some(None))
    });
    if hidden {
        skip("supervise: only root can see another process's descriptors");
    }
    found
}

#[test]
fn late_output_is_masked_and_delays_nobody() {
    let sandbox = sandbox();
    let mut gate = Gate::new(&sandbox);
    let script = "(read x <gate; echo late $K; printf %s $K | base64) & echo early $K; exit 5";
    let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", script]);
    assert_eq!(cast.ends().code(), Some(5));
    cast.says("early [cast:K]\n");
    gate.open();
    assert_eq!(
        cast.rest(),
        "early [cast:K]
late [cast:K]
[cast:K]
"
    );
}

#[test]
fn a_secret_begun_by_cmd_and_finished_later_is_masked() {
    let sandbox = sandbox();
    let mut gate = Gate::new(&sandbox);
    for encode in ["printf %s \"$K\"", "printf %s \"$K\" | base64", "printf %s \"$K\" | xxd -p"] {
        for cut in [1, 5, 9, 13] {
            let script = format!(
                "all=$({encode}); first=$(printf %s $all | head -c {cut}); rest=${{all#$first}}
                (read x <gate; printf '%s.\n' $rest) & printf '<%s' $first"
            );
            let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", &script]);
            assert_eq!(cast.ends().code(), Some(0));
            cast.says("<");
            gate.open();
            assert_eq!(cast.rest(), "<[cast:K].\n", "{encode}, cut after {cut}");
        }
    }
}

#[test]
fn each_stream_and_both_as_one_go_on() {
    let sandbox = sandbox();
    let mut gate = Gate::new(&sandbox);
    let script = "(read x <gate; echo out $K; echo err $K >&2; echo more) & exit 0";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    command.stderr(Stdio::piped());
    let mut cast = Running::start(command);
    let mut errors = cast.errors();
    assert_eq!(cast.ends().code(), Some(0));
    gate.open();
    assert_eq!((cast.rest().as_str(), errors.all().as_slice()), ("out [cast:K]\nmore\n", &b"err [cast:K]\n"[..]));
    let one = format!("$CAST run a -- sh -c '{script}'; echo ended; echo go >gate");
    assert_eq!(bash(&sandbox, &one), "ended\nout [cast:K]\nerr [cast:K]\nmore\n");
}

#[test]
fn the_detached_masker_is_alone_and_leaves_nothing_behind() {
    let sandbox = sandbox();
    let key = sandbox.key();
    fs::remove_file(sandbox.key_file()).unwrap();
    let mut gate = Gate::new(&sandbox);
    let call = sandbox.cast(["run", "a", "--", "sh", "-c", "(read x <gate; echo $K) & exit 0"]).env("CAST_KEY", &key);
    let mut cast = call.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(until("its end", || cast.try_wait().unwrap()).code(), Some(0));
    let output = cast.stdout.take().unwrap();
    let Some(masker) = masker_of(&output) else { return };
    until("a session of its own", || (stat(masker)?[3] == masker.to_string()).then_some(()));
    let environment = fs::read(format!("/proc/{masker}/environ")).unwrap();
    let seen = format!("{} {}", command_line(masker), String::from_utf8_lossy(&environment));
    for hidden in [SECRET, &key, "AGE-SECRET-KEY", "sk-live"] {
        assert!(!seen.contains(hidden), "'{hidden}' is in {seen}");
    }
    // It waits only for the end of the writer, and without polling.
    assert!(is_alive(masker));
    gate.open();
    assert_eq!(Output::of(output).all(), b"[cast:K]\n");
    until("the end of the masker", || (!is_alive(masker)).then_some(()));
}

#[test]
fn a_reader_that_leaves_ends_the_writer_in_the_background() {
    let sandbox = sandbox();
    let mut gate = Gate::new(&sandbox);
    let script = "(read x <gate; exec yes) & echo $!";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    let mut cast = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(until("its end", || cast.try_wait().unwrap()).code(), Some(0));
    let mut first = [0; 64];
    let mut output = cast.stdout.take().unwrap();
    let count = output.read(&mut first).unwrap();
    let writer: i32 = String::from_utf8_lossy(&first[..count]).trim().parse().unwrap();
    assert!(is_alive(writer));
    drop(output);
    gate.open();
    until("the end of the writer", || (!is_alive(writer)).then_some(()));
}

#[test]
fn one_that_never_pauses_delays_nobody_either() {
    let sandbox = sandbox();
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $$; yes & read x; exit 3"]).command();
    let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::with_capacity(256, cast.stdout.take().unwrap());
    let mut cmd = String::new();
    output.read_line(&mut cmd).unwrap();
    let cmd = cmd.trim().parse().unwrap();
    // More than all the pipes hold: the writer waits for the reader.
    output.read_exact(&mut vec![0; 1 << 20]).unwrap();
    cast.stdin.take().unwrap().write_all(b"end\n").unwrap();
    let mut sip = [0; 256];
    until("the end of CMD", || {
        output.read_exact(&mut sip).unwrap();
        stat(cmd).is_none().then_some(())
    });
    // Many times what the pipes can hold, read in small pieces, so that something is always left. Then the reader
    // closes.
    for _ in 0..(16 << 20) / sip.len() {
        output.read_exact(&mut sip).unwrap();
    }
    assert_eq!(until("its end", || cast.try_wait().unwrap()).code(), Some(3));
}

#[test]
fn only_the_stream_that_is_held_stays_open() {
    let sandbox = sandbox();
    let mut gate = Gate::new(&sandbox);
    for (close, held_is_output) in [("2>&-", true), (">&2", false)] {
        let script = format!("(read x <gate; echo late) {close} & echo out; echo err >&2");
        let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", &script]).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut cast = command.spawn().unwrap();
        let output = Output::of(cast.stdout.take().unwrap());
        let errors = Output::of(cast.stderr.take().unwrap());
        assert_eq!(until("its end", || cast.try_wait().unwrap()).code(), Some(0));
        let (mut held, mut free) = if held_is_output { (output, errors) } else { (errors, output) };
        let (said, word) = if held_is_output { ("err\n", "out\n") } else { ("out\n", "err\n") };
        // Before the other one writes anything.
        assert_eq!(String::from_utf8(free.all()).unwrap(), said);
        gate.open();
        assert_eq!(String::from_utf8(held.all()).unwrap(), format!("{word}late\n"));
    }
}
