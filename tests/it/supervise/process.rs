//! Processes seen from outside: their output as it arrives, their state in `/proc`, their end. Tests wait for events;
//! the time limit only ends a test that has failed.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;

/// After this long, a test stops waiting and fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls a function until it returns a value.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that the test talks to through pipes.
pub struct Running {
    child: Mortal,
    output: Output,
}

/// A process that is killed if the test fails.
pub struct Mortal(pub Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An output that is read as it comes.
pub struct Output {
    chunks: Receiver<Vec<u8>>,
    said: Vec<u8>,
    heard: usize,
}

impl Running {
    /// `cast` with these words, standard output a pipe, standard error nothing.
    pub fn cast(sandbox: &Sandbox, words: &[&str]) -> Self {
        let mut command = sandbox.cast(words).command();
        command.stderr(Stdio::null());
        Self::start(command)
    }

    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = Output::of(child.stdout.take().unwrap());
        Self { child: Mortal(child), output }
    }

    pub fn pid(&self) -> i32 {
        self.child.0.id().cast_signed()
    }

    /// Waits for a line and returns it.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.output.line()
    }

    #[track_caller]
    pub fn says(&mut self, text: &str) {
        self.output.says(text);
    }

    /// Writes to its standard input.
    pub fn hears(&mut self, text: &str) {
        self.child.0.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits until it has ended, even if others still write.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let child = &mut self.child.0;
        until("its end", || child.try_wait().unwrap())
    }

    /// Waits until the last writer of its output has ended; returns all output.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        String::from_utf8(self.output.all()).unwrap()
    }

    pub fn errors(&mut self) -> Output {
        Output::of(self.child.0.stderr.take().unwrap())
    }
}

impl Output {
    pub fn of(mut stream: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                if sender.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { chunks, said: Vec::new(), heard: 0 }
    }

    #[track_caller]
    pub fn says(&mut self, text: &str) {
        while !self.said[self.heard..].windows(text.len()).any(|window| window == text.as_bytes()) {
            assert!(self.more(), "it ended without '{text}': {:?}", String::from_utf8_lossy(&self.said));
        }
        let new = &self.said[self.heard..];
        self.heard += new.windows(text.len()).position(|window| window == text.as_bytes()).unwrap() + text.len();
    }

    #[track_caller]
    pub fn line(&mut self) -> String {
        let start = self.heard;
        self.says("\n");
        String::from_utf8(self.said[start..self.heard - 1].to_vec()).unwrap()
    }

    /// All output, once the last writer has ended.
    #[track_caller]
    pub fn all(&mut self) -> Vec<u8> {
        while self.more() {}
        self.said.clone()
    }

    /// Waits for more output; returns false at the end.
    #[track_caller]
    fn more(&mut self) -> bool {
        match self.chunks.recv_timeout(PATIENCE) {
            Ok(chunk) => self.said.extend(chunk),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("nothing came after: {:?}", String::from_utf8_lossy(&self.said)),
        }
        true
    }
}

pub fn send(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// The fields of `/proc/PID/stat` from the state on: state, parent, group, session, terminal, ...
pub fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// Whether there is such a process that has not ended.
pub fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|fields| !["Z", "X"].contains(&fields[0].as_str()))
}

pub fn is_stopped(pid: i32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] == "T")
}

/// The processes whose command line contains this.
pub fn running(word: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|pid| is_alive(*pid) && command_line(*pid).contains(word)).collect()
}

pub fn command_line(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

/// The exit code, or 128 and the signal.
pub fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}
