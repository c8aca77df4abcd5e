//! Output that could not be written: cast does not end with success, whatever CMD said. A reader that left is no
//! failure.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::audit::required::Disk;
use crate::sandbox::{CAST, Sandbox, skip};
use crate::supervise::process::until;
use crate::supervise::{SECRET, bash, has, sandbox};

/// The code of a run of `script` with these streams, and what the streams that are left got.
fn run(sandbox: &Sandbox, script: &str, streams: &str) -> (String, String) {
    let said = bash(sandbox, &format!("$CAST run a -- sh -c '{script}' {streams}; echo code $?"));
    assert!(!said.contains(SECRET), "{said}");
    let (text, code) = said.rsplit_once("code ").unwrap();
    (code.trim().to_owned(), text.to_owned())
}

#[test]
fn success_becomes_125() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("f"), "old\n").unwrap();
    let line = |why| format!("cast: error: cannot write some output of 'sh': {why}\n");
    for (script, streams, why) in [
        ("echo hello $K", ">/dev/full", "no space left on device"),
        ("printf %s $K", ">/dev/full", "no space left on device"),
        // The end of a secret that is cut off goes out at the end of the stream.
        ("printf %s ${K%?}", ">/dev/full", "no space left on device"),
        ("echo hello", "1<f", "bad file descriptor"),
    ] {
        assert_eq!(run(&sandbox, script, streams), ("125".into(), line(why)), "{script} {streams}");
    }
    // Where standard error itself is lost, only the code can tell.
    for streams in ["2>/dev/full", ">/dev/full 2>&1", ">/dev/full 2>/dev/full", "2<f", ">f2 2<f"] {
        assert_eq!(run(&sandbox, "echo hello >&2", streams), ("125".into(), String::new()), "{streams}");
    }
    assert_eq!(fs::read_to_string(sandbox.home().join("f")).unwrap(), "old\n");
    // Nothing was written, so nothing is lost.
    assert_eq!(run(&sandbox, "true", ">/dev/full 2>&1"), ("0".into(), String::new()));
    // Without a masker, it is CMD that sees it.
    assert_eq!(
        bash(&sandbox, "$CAST run a --no-mask -- sh -c 'echo x; echo $?' >/dev/full; echo $?").lines().last(),
        Some("1")
    );
}

#[test]
fn another_code_stays() {
    let sandbox = sandbox();
    for (end, code) in [("exit 1", "1"), ("exit 3", "3"), ("exit 255", "255"), ("kill -TERM $$", "143")] {
        let (found, said) = run(&sandbox, &format!("echo hello $K; {end}"), ">/dev/full");
        assert!(found == code && said.contains("cannot write some output of 'sh'"), "{found} {said}");
    }
}

#[test]
fn a_full_disk() {
    let sandbox = sandbox();
    let at = sandbox.home().join("disk");
    let Some(_disk) = Disk::mount(&at) else { return skip("lost output: no file system may be mounted here") };
    // More than the disk has, in one write of less than a pipe holds: CMD itself notices nothing.
    let (code, said) = run(&sandbox, "dd if=/dev/zero bs=60000 count=1 status=none", ">disk/dump");
    assert_eq!((code.as_str(), said.contains("no space left on device")), ("125", true), "{said}");
    assert!(fs::metadata(at.join("dump")).unwrap().len() < 60_000);
    fs::remove_file(at.join("dump")).unwrap();
    assert_eq!(run(&sandbox, "head -c 10000 /dev/zero", ">disk/dump"), ("0".into(), String::new()));
    assert_eq!(fs::metadata(at.join("dump")).unwrap().len(), 10_000);
}

#[test]
fn a_disk_that_fails() {
    if !has("strace", &["-V"]) {
        return;
    }
    let sandbox = sandbox();
    for (error, words) in [("EIO", "input/output error"), ("EDQUOT", "quota"), ("ENOSPC", "no space left on device")] {
        for at in 1..=2 {
            // More than one chunk.
            let script = "echo $K; head -c 300000 /dev/zero";
            let shell = format!(
                "strace -f -qq -o /dev/null -e trace=writev -e inject=writev:error={error}:when={at} \
                 '{CAST}' run a -- sh -c '{script}' >out; echo code $?"
            );
            let said = bash(&sandbox, &shell);
            // CMD may also find its pipe closed, and die of that.
            assert!(said.contains("code 125") || said.contains("code 141"), "{error} {at}: {said}");
            assert!(said.contains("cannot write some output of 'sh'") && said.contains(words), "{error} {at}: {said}");
        }
    }
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let sandbox = sandbox();
    let deaf = "trap \"\" PIPE; while echo $K; do :; done 2>/dev/null; exit";
    for code in [0, 7] {
        let said =
            bash(&sandbox, &format!("$CAST run a -- sh -c '{deaf} {code}' | head -n 1; echo ${{PIPESTATUS[0]}}"));
        assert_eq!(said, format!("[cast:K]\n{code}\n"));
    }
    // A socket whose reader left before it had read anything.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let script = format!("echo $K; read x; {deaf} 0");
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", &script]).command();
    let streams = command.stdin(Stdio::piped()).stdout(OwnedFd::from(theirs)).stderr(Stdio::piped());
    let mut cast = streams.spawn().unwrap();
    drop(command);
    until("the first line", || (rustix::io::ioctl_fionread(&ours).unwrap() > 0).then_some(()));
    drop(ours);
    drop(cast.stdin.take());
    let output = cast.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// Of what is written later cast cannot say anything by its code. It says it where the line keeps nobody waiting.
#[test]
fn a_process_in_the_background() {
    let sandbox = sandbox();
    let script = "(read x <gate; echo late $K) & exit 0";
    assert!(sandbox.command("mkfifo").arg(sandbox.home().join("gate")).status().unwrap().success());
    let said = bash(&sandbox, &format!("$CAST run a -- sh -c '{script}' >/dev/full 2>errors; echo $?; echo go >gate"));
    assert_eq!(said, "0\n");
    let errors = sandbox.home().join("errors");
    let expected = "cast: error: cannot write some output of a process in the background: no space left on device\n";
    until("the line", || (fs::read_to_string(&errors).unwrap() == expected).then_some(()));
}
