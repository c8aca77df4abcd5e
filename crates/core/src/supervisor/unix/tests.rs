//! Tests single streams. `tests/services.rs` tests the supervisor with a real program.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::pump::{EndPolicy, Source};
use super::*;

/// Passes everything on, and writes a mark for each silence and at the end.
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

/// A pump on a thread, and the other ends of its pipes.
struct Rig {
    reader: io::PipeReader,
    ended: io::PipeWriter,
    released: io::PipeWriter,
    through: Receiver<()>,
    pump: JoinHandle<Pumped>,
}

fn piped(end: EndPolicy, idle: Option<Duration>) -> (io::PipeWriter, Rig) {
    let (source, writer) = io::pipe().unwrap();
    (writer, pumped(Source::of_pipe(source.into()).unwrap(), end, idle))
}

fn pumped(source: Source, end: EndPolicy, idle: Option<Duration>) -> Rig {
    let (reader, sink) = io::pipe().unwrap();
    let ((ended_stop, ended), (released_stop, released)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let stops = Stops { ended: ended_stop.into(), released: released_stop.into() };
    let (sender, through): (Sender<()>, _) = mpsc::channel();
    let run = move || pump(Arc::new(source), sink.as_fd(), &stops, Box::new(Plain), idle, end, sender);
    Rig { reader, ended, released, through, pump: thread::spawn(run) }
}

fn read(reader: &mut io::PipeReader, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn a_stream_that_is_drained_is_closed_when_cmd_has_ended_and_its_bytes_are_through() {
    let (mut writer, Rig { mut reader, ended, pump, .. }) = piped(EndPolicy::Drain, None);
    writer.write_all(b"last words").unwrap();
    drop(ended);
    read(&mut reader, "last words<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
    drop(writer);
}

/// An inner terminal whose other end a background process keeps.
#[test]
fn a_terminal_is_drained_and_closed_whoever_holds_it() {
    let inner = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&inner).unwrap();
    rustix::pty::unlockpt(&inner).unwrap();
    let name = rustix::pty::ptsname(&inner, Vec::new()).unwrap().into_string().unwrap();
    let mut held = std::fs::File::options().write(true).open(name).unwrap();
    let Rig { mut reader, ended, pump, .. } =
        pumped(Source::of_terminal(Arc::new(inner)).unwrap(), EndPolicy::Drain, None);
    let words = "last words;".repeat(200);
    held.write_all(words.as_bytes()).unwrap();
    drop(ended);
    read(&mut reader, &format!("{words}<end>"));
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
    assert!(held.write_all(b"too late").is_err());
}

#[test]
fn a_stream_that_others_hold_is_moved_on_until_all_are_through() {
    let (mut writer, Rig { mut reader, ended, released, through, pump }) = piped(EndPolicy::HandOver, None);
    drop(ended);
    // Its own part is finished.
    assert!(through.recv().is_err());
    writer.write_all(b"still here").unwrap();
    read(&mut reader, "still here");
    drop(released);
    assert!(matches!(pump.join().unwrap(), Pumped::Held(..)));
    drop(writer);
}

#[test]
fn a_silence_is_told_once() {
    let (mut writer, Rig { mut reader, ended: _ended, pump, .. }) =
        piped(EndPolicy::HandOver, Some(Duration::from_millis(1)));
    read(&mut reader, "<silence>");
    writer.write_all(b"word").unwrap();
    read(&mut reader, "word<silence>");
    drop(writer);
    read(&mut reader, "<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
}
