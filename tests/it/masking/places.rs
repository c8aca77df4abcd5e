//! Every descriptor of CMD that leads to a masked place is masked, and one socket as input and output.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use crate::sandbox::Sandbox;
use crate::supervise::process::Mortal;
use crate::supervise::{SECRET, bash, sandbox};
use crate::terminal::Terminal;

#[test]
fn a_descriptor_that_leads_to_a_masked_place_is_masked() {
    let sandbox = sandbox();
    let say = "sh -c 'echo three $K >&3'";
    for streams in ["3>&1", "3>&1 2>/dev/null", "3>&2 >/dev/null"] {
        let said = bash(&sandbox, &format!("{{ $CAST run a -- {say} {streams}; }} | cat"));
        assert_eq!(said, "three [cast:K]\n", "{streams}");
    }
    assert_eq!(
        bash(&sandbox, "exec 3>&1 4>&1 15>&1; $CAST run a -- sh -c 'echo $K >&3; echo $K >&4'"),
        "[cast:K]\n".repeat(2)
    );
    // A file, also opened a second time.
    assert_eq!(bash(&sandbox, &format!("$CAST -q run a -- {say} >f 3>&1; cat f")), "three [cast:K]\n");
    assert_eq!(bash(&sandbox, &format!("$CAST -q run a -- {say} >g 3>>g; cat g")), "three [cast:K]\n");
    let shown = Terminal::start_in_shell(
        sandbox.cast(["run", "--mask", "a", "--", "sh", "-c", "echo $K >&3; test -t 3"]),
        "\"$@\" 3>&1",
    );
    assert!(!shown.ends_with(0).contains(SECRET));
}

#[test]
fn a_descriptor_that_leads_elsewhere_stays() {
    let sandbox = sandbox();
    let said = bash(&sandbox, "$CAST run a -- sh -c 'echo $K >&3; readlink /proc/$$/fd/3' 3>other; cat other");
    assert!(said.ends_with(&format!("/other\n{SECRET}\n")), "{said}");
    // One that only reads.
    let said =
        bash(&sandbox, "echo text >read; $CAST -q run a -- sh -c 'head -n 1 <&3; echo $K' 3<read >>read; cat read");
    assert_eq!(said, "text\ntext\n[cast:K]\n");
    let said = bash(&sandbox, "$CAST run a -- sh -c 'test -e /proc/$$/fd/3 || echo closed $K' 3>&-");
    assert_eq!(said, "closed [cast:K]\n");
}

/// cast with one socket as its standard input and outputs.
fn on_socket(sandbox: &Sandbox, script: &str, errors: bool) -> (UnixStream, Mortal) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let copy = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    command.stdin(copy()).stdout(copy()).stderr(if errors { copy() } else { Stdio::null() });
    let child: Child = command.spawn().unwrap();
    (ours, Mortal(child))
}

#[test]
fn one_socket_as_input_and_output_is_masked_in_each_descriptor() {
    let sandbox = sandbox();
    for (errors, last) in [(true, "two [cast:K]\n"), (false, "")] {
        let script = "read line; echo zero $line $K >&0; echo one $K; echo two $K >&2; cat; echo end";
        let (mut socket, mut cast) = on_socket(&sandbox, script, errors);
        socket.write_all(b"hello\n").unwrap();
        // Input is not masked.
        socket.write_all(format!("rest of {}...\n", &SECRET[..9]).as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).unwrap();
        assert_eq!(said, format!("zero hello [cast:K]\none [cast:K]\n{last}rest of {}...\nend\n", &SECRET[..9]));
        assert_eq!(cast.0.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_socket_carries_much_in_both_directions() {
    let sandbox = sandbox();
    let (mut socket, mut cast) = on_socket(&sandbox, "cat; exit 5", true);
    let text = "0123456789abcdef\n".repeat(1 << 16);
    let mut to = socket.try_clone().unwrap();
    let sent = text.clone();
    let writer = std::thread::spawn(move || {
        to.write_all(sent.as_bytes()).unwrap();
        to.shutdown(Shutdown::Write).unwrap();
    });
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    writer.join().unwrap();
    assert!(said == text);
    assert_eq!(cast.0.wait().unwrap().code(), Some(5));
}

#[test]
fn a_background_process_goes_on_with_a_socket() {
    let sandbox = sandbox();
    let script = "mkfifo go; (read line <go; echo late $K) & echo soon $K";
    let (mut socket, mut cast) = on_socket(&sandbox, script, true);
    assert_eq!(cast.0.wait().unwrap().code(), Some(0));
    std::fs::write(sandbox.home().join("go"), "go\n").unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    assert_eq!(said, "soon [cast:K]\nlate [cast:K]\n");
}

#[test]
fn input_that_nobody_reads_keeps_nobody() {
    let sandbox = sandbox();
    let (mut socket, mut cast) = on_socket(&sandbox, "echo $K; exit 3", true);
    let mut to = socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || while to.write_all(&[b'x'; 4096]).is_ok() {});
    assert_eq!(cast.0.wait().unwrap().code(), Some(3));
    let mut said = [0; 9];
    socket.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"[cast:K]\n");
    drop(socket);
    writer.join().unwrap();
}
