//! Tests the supervisor with a real program and a service that the program talks to. Does not use the test harness,
//! because cast must supervise from its first thread, before there are others: the signals of a process go to any
//! thread that accepts them.

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::env;
    use std::ffi::OsString;
    use std::io::{self, Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::path::Path;
    use std::process::Command;
    use std::thread;

    use cast_core::platform::exec::{Environment, Image};
    use cast_core::supervisor::{Carries, Ended, Filter, Service, Supervisor, Wire};

    struct Plain;

    impl Filter for Plain {
        fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()> {
            out.write_all(chunk)
        }

        fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
            Ok(())
        }

        fn suspend(self: Box<Self>) -> Vec<u8> {
            Vec::new()
        }
    }

    /// Sends one caller its own text back.
    struct Echo {
        listener: Option<TcpListener>,
        fails: bool,
    }

    /// Fails with "too many open files".
    const EMFILE: i32 = 24;

    impl Service for Echo {
        fn prepare(&mut self) -> io::Result<Vec<(OsString, OsString)>> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port().to_string();
            self.listener = Some(listener);
            Ok(vec![("ECHO_PORT".into(), port.into())])
        }

        fn start(&mut self) -> io::Result<()> {
            if self.fails {
                return Err(io::Error::from_raw_os_error(EMFILE));
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

    fn supervised(script: &str, fails: bool) -> Result<Ended, i32> {
        let mut environment = Environment::default();
        environment.push("PATH".as_ref(), "/usr/bin:/bin".as_ref()).unwrap();
        let arguments = vec!["-c".into(), script.into()];
        let image = Image::new("bash".as_ref(), Path::new("/bin/bash"), arguments, environment).unwrap();
        let wire = Wire { carries: Carries::Output, filter: Box::new(Plain), idle: None };
        let echo = Box::new(Echo { listener: None, fails });
        let outcome = Supervisor { wires: vec![wire], services: vec![echo] }.run(image);
        outcome.map(|supervised| supervised.ended).map_err(|(error, _)| error.raw_os_error().unwrap())
    }

    /// Runs each case in its own process, because a supervisor replaces its standard input and output.
    pub(super) fn main() {
        let folder = tempfile::tempdir().unwrap();
        let witness = folder.path().join("started");
        let touch = format!("touch '{}'", witness.display());
        let talk = "exec 3<>/dev/tcp/127.0.0.1/$ECHO_PORT; echo hi >&3; read -r line <&3; test \"$line\" = hi";
        match env::args().nth(1).as_deref() {
            Some("talks") => assert_eq!(supervised(talk, false), Ok(Ended::Code(0))),
            Some("fails") => {
                assert_eq!(supervised(&touch, true), Err(EMFILE));
                assert!(!witness.exists(), "CMD was started");
            }
            _ => {
                for case in ["talks", "fails"] {
                    let ended = Command::new(env::current_exe().unwrap()).arg(case).output().unwrap();
                    assert!(ended.status.success(), "{case}: {}", String::from_utf8_lossy(&ended.stderr));
                }
                let mut said = io::stdout();
                let _ = writeln!(said, "services: 2 passed");
            }
        }
    }
}
