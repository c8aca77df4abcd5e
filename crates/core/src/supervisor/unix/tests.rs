//! The streams one by one, and the supervisor around a real program. The latter runs in a process of its own: it blocks signals and
//! takes standard input away.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::{env, process};

use super::pump::{EndPolicy, Source};
use super::*;
use crate::platform::exec::Environment;
use crate::supervisor::{Ended, Supervisor};

/// Passes everything on, and writes a word for each silence and at the end.
struct Plain;

impl Filter for Plain {
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(chunk)
    }

    fn idle(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<silence>")
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<end>")
    }

    fn suspend(self: Box<Self>) -> Vec<u8> {
        b"state".to_vec()
    }
}

/// A pump on a thread, and the ends of all that leads to it.
struct Rig {
    writer: io::PipeWriter,
    reader: io::PipeReader,
    ended: io::PipeWriter,
    released: io::PipeWriter,
    through: Receiver<()>,
    pump: JoinHandle<Pumped>,
}

fn pumped(end: EndPolicy, idle: Option<Duration>) -> Rig {
    let ((source, writer), (reader, sink)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let ((ended_stop, ended), (released_stop, released)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let stops = Stops { ended: ended_stop.into(), released: released_stop.into() };
    let (sender, through): (Sender<()>, _) = mpsc::channel();
    let source = Arc::new(Source::new(source.into()).unwrap());
    let run = move || pump(source, sink.as_fd(), &stops, Box::new(Plain), idle, end, sender);
    Rig { writer, reader, ended, released, through, pump: thread::spawn(run) }
}

fn read(reader: &mut io::PipeReader, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn a_stream_that_is_drained_is_closed_when_cmd_has_ended_and_its_bytes_are_through() {
    let Rig { mut writer, mut reader, ended, pump, .. } = pumped(EndPolicy::Drain, None);
    writer.write_all(b"last words").unwrap();
    drop(ended);
    read(&mut reader, "last words<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
    drop(writer);
}

#[test]
fn a_stream_that_is_abandoned_waits_for_nothing() {
    let Rig { writer, mut reader, ended, pump, .. } = pumped(EndPolicy::Abandon, None);
    drop(ended);
    read(&mut reader, "<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
    drop(writer);
}

#[test]
fn a_stream_that_others_hold_is_moved_on_until_all_are_through() {
    let Rig { mut writer, mut reader, ended, released, through, pump } = pumped(EndPolicy::HandOver, None);
    drop(ended);
    // Its part is done.
    assert!(through.recv().is_err());
    writer.write_all(b"still here").unwrap();
    read(&mut reader, "still here");
    drop(released);
    assert!(matches!(pump.join().unwrap(), Pumped::Held(..)));
    drop(writer);
}

#[test]
fn a_silence_is_told_once() {
    let Rig { mut writer, mut reader, pump, .. } = pumped(EndPolicy::HandOver, Some(Duration::from_millis(1)));
    read(&mut reader, "<silence>");
    writer.write_all(b"word").unwrap();
    read(&mut reader, "word<silence>");
    drop(writer);
    read(&mut reader, "<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
}

/// Returns what it is told, to one caller.
struct Echo {
    listener: Option<TcpListener>,
    fails: bool,
}

impl Service for Echo {
    fn prepare(&mut self) -> io::Result<Vec<(OsString, OsString)>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port().to_string();
        self.listener = Some(listener);
        Ok(vec![("ECHO_PORT".into(), port.into())])
    }

    fn start(&mut self) -> io::Result<()> {
        if self.fails {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let listener = self.listener.take().expect("it is prepared");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let mut line = [0; 3];
            stream.read_exact(&mut line)?;
            stream.write_all(&line)
        });
        Ok(())
    }

    fn stop(self: Box<Self>) {}
}

const INNER: &str = "CAST_TEST_IN_A_PROCESS_OF_ITS_OWN";

/// Runs `script` by bash beside the service; returns how that went, in a process of its own.
fn in_own_process(test: &str, script: &str, fails: bool) {
    if env::var_os(INNER).is_none() {
        let program = env::current_exe().unwrap();
        let mut inner = process::Command::new(program);
        let ended = inner.args([test, "--exact", "--nocapture"]).env(INNER, "1").output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        return;
    }
    let mut environment = Environment::default();
    environment.push("PATH".as_ref(), "/usr/bin:/bin".as_ref()).unwrap();
    let arguments = vec!["-c".into(), script.into()];
    let image = Image::new("bash".as_ref(), Path::new("/bin/bash"), arguments, environment).unwrap();
    let wire = Wire { carries: Carries::Output, filter: Box::new(Plain), idle: None };
    let echo = Box::new(Echo { listener: None, fails });
    match (Supervisor { wires: vec![wire], services: vec![echo] }.run(image), fails) {
        (Ok(supervised), false) => assert_eq!(supervised.ended, Ended::Code(0)),
        (Err((error, _)), true) => assert_eq!(error.raw_os_error(), Some(libc::EMFILE)),
        (Ok(supervised), true) => panic!("CMD was started: {:?}", supervised.ended),
        (Err((error, _)), false) => panic!("{error}"),
    }
}

#[test]
fn cmd_finds_a_service_by_its_variables() {
    let script = "exec 3<>/dev/tcp/127.0.0.1/$ECHO_PORT; echo hi >&3; read -r line <&3; test \"$line\" = hi";
    in_own_process("supervisor::unix::tests::cmd_finds_a_service_by_its_variables", script, false);
}

#[test]
fn cmd_is_not_started_where_a_service_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("started");
    let script = format!("touch '{}'", witness.display());
    in_own_process("supervisor::unix::tests::cmd_is_not_started_where_a_service_cannot_start", &script, true);
    assert!(!witness.exists());
}
