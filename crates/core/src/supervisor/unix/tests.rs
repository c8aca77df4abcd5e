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
    (writer, pumped(Source::of_pipe(source.into()).unwrap(), Plain, end, idle))
}

fn pumped(source: Source, filter: impl Filter + 'static, end: EndPolicy, idle: Option<Duration>) -> Rig {
    let (reader, sink) = io::pipe().unwrap();
    let ((ended_stop, ended), (released_stop, released)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let stops = Stops { ended: ended_stop.into(), released: released_stop.into() };
    let (sender, through): (Sender<()>, _) = mpsc::channel();
    let run = move || pump(Arc::new(source), sink.as_fd(), &stops, Box::new(filter), idle, end, sender);
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
        pumped(Source::of_terminal(Arc::new(inner)).unwrap(), Plain, EndPolicy::Drain, None);
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

/// Puts a mark in the place of each `#`, and passes the text between them on as parts of the chunk.
struct Marks;

const MARK: &str = "<a mark>";

impl Filter for Marks {
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()> {
        for (nth, part) in chunk.split(|byte| *byte == b'#').enumerate() {
            if nth > 0 {
                out.write_all(MARK.as_bytes())?;
            }
            out.write_all(part)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<end>")
    }

    fn suspend(self: Box<Self>) -> Vec<u8> {
        Vec::new()
    }
}

/// Numbered lines, with a `#` at distances of all kinds: next to each other, far apart, and around the sizes of pages,
/// pipes and chunks.
fn long_text(len: usize) -> String {
    let mut text = String::with_capacity(len + (1 << 18));
    let near = [4 << 10, 64 << 10, 128 << 10, 256 << 10].map(|size: usize| size - 3..size + 3);
    for distance in (0..3).chain(505..520).chain(near.into_iter().flatten()).cycle() {
        if text.len() > len {
            return text;
        }
        let start = text.len();
        while text.len() < start + distance {
            let line = format!("line {:08}\n", text.len());
            text.push_str(&line);
        }
        text.truncate(start + distance);
        text.push('#');
    }
    unreachable!("a cycle has no end")
}

fn marked(size_of_sink: Option<usize>) {
    let (source, mut writer) = io::pipe().unwrap();
    let Rig { mut reader, ended: _ended, pump, .. } =
        pumped(Source::of_pipe(source.into()).unwrap(), Marks, EndPolicy::HandOver, None);
    #[cfg(target_os = "linux")]
    if let Some(size) = size_of_sink {
        rustix::pipe::fcntl_setpipe_size(&reader, size).unwrap();
    }
    let text = long_text(16 << 20);
    let expected = text.replace('#', MARK) + "<end>";
    let written = thread::spawn(move || writer.write_all(text.as_bytes()));
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    written.join().unwrap().unwrap();
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
    let same = out.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    assert!(out == expected, "{size_of_sink:?}: differs at {same} of {}", expected.len());
}

#[test]
fn a_fast_stream_keeps_its_order_between_what_is_passed_and_what_is_put_in() {
    marked(None);
}

#[test]
fn a_fast_stream_waits_for_a_sink_of_one_page() {
    marked(Some(4 << 10));
}

#[test]
fn a_reader_that_leaves_a_fast_stream_ends_it() {
    let (mut writer, Rig { mut reader, ended: _ended, pump, .. }) = piped(EndPolicy::HandOver, None);
    let written = thread::spawn(move || {
        let chunk = vec![b'.'; 1 << 20];
        loop {
            if let Err(error) = writer.write_all(&chunk) {
                return error.kind();
            }
        }
    });
    reader.read_exact(&mut vec![0; 8 << 20]).unwrap();
    drop(reader);
    assert!(matches!(pump.join().unwrap(), Pumped::SinkGone(None)));
    assert_eq!(written.join().unwrap(), io::ErrorKind::BrokenPipe);
}

/// What was read is not lost, and not out of order, when another process goes on with the stream.
#[test]
fn a_fast_stream_is_given_away_without_a_gap() {
    let (mut writer, Rig { reader, ended, released, through, pump }) = piped(EndPolicy::HandOver, None);
    let text = long_text(24 << 20);
    let expected = text.clone();
    let written = thread::spawn(move || {
        writer.write_all(text.as_bytes()).unwrap();
        writer
    });
    let read = thread::spawn(move || {
        let mut out = Vec::new();
        let mut reader = reader;
        let mut half = vec![0; 12 << 20];
        reader.read_exact(&mut half).unwrap();
        // CMD ends in the middle of it.
        drop(ended);
        reader.read_to_end(&mut out).unwrap();
        half.extend(out);
        half
    });
    assert!(through.recv().is_err());
    drop(released);
    let Pumped::Held(source, _) = pump.join().unwrap() else { panic!("the writer is still there") };
    let mut rest = Vec::new();
    let source = Arc::into_inner(source).unwrap().into_end().unwrap();
    rustix::fs::fcntl_setfl(&source, rustix::fs::OFlags::empty()).unwrap();
    let gone_on = thread::spawn(move || std::fs::File::from(source).read_to_end(&mut rest).map(|_| rest));
    drop(written.join().unwrap());
    let mut out = read.join().unwrap();
    out.extend(gone_on.join().unwrap().unwrap());
    assert!(out == expected.as_bytes());
}

/// A silence may also be told where this test has to wait for a processor, but never twice.
#[test]
fn a_silence_behind_a_fast_stream_is_told_once() {
    const SILENCE: &str = "<silence>";
    let text = long_text(8 << 20);
    let words = text.clone();
    let (mut writer, Rig { mut reader, ended: _ended, pump, .. }) =
        piped(EndPolicy::HandOver, Some(Duration::from_millis(1)));
    let written = thread::spawn(move || {
        writer.write_all(words.as_bytes()).unwrap();
        writer
    });
    let (mut out, mut chunk) = (String::new(), vec![0; 1 << 20]);
    while !(out.ends_with(SILENCE) && out.replace(SILENCE, "").len() == text.len()) {
        let count = reader.read(&mut chunk).unwrap();
        out += std::str::from_utf8(&chunk[..count]).unwrap();
    }
    let mut writer = written.join().unwrap();
    writer.write_all(b"word").unwrap();
    drop(writer);
    reader.read_to_string(&mut out).unwrap();
    assert!(!out.contains(&SILENCE.repeat(2)));
    assert!(out.replace(SILENCE, "") == text + "word<end>");
    assert!(matches!(pump.join().unwrap(), Pumped::Finished));
}
