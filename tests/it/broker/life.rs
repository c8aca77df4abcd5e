//! From the start of a run to its end: what is there, who pays for it, and what is left.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use rustix::process::Signal;

use super::client::{Run, base64, connect, tls, variables};
use super::upstream::{Host, Line, Root};
use super::world::{KEY, NAME, OTHER, TO_NAME, VALUE, WAITS, World, answer, cast, vault};
use crate::durability::faults;
use crate::sandbox::{CAST, Sandbox, Tries, lacks, skip};
use crate::supervise::has;
use crate::supervise::process::{Running, code, command_line, is_alive, is_stopped, running, send, until};
use crate::terminal::Terminal;

/// Without a brokered secret there is no folder, no variable and no process of cast.
#[test]
fn who_has_no_brokered_secret_pays_nothing() {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME), ("PLAIN", OTHER, "")]);
    let world = World::of(sandbox, answer);
    for options in [&["--except", KEY][..], &["--only", "PLAIN"]] {
        let words = ["run", "a", "--no-mask"].into_iter().chain(options.iter().copied()).chain(["--"]).chain(WAITS);
        let mut run = Run::of(&world.sandbox, Running::start(world.sandbox.cast(words).command()));
        assert_eq!(run.cast.pid(), run.cmd, "cast became CMD");
        for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "NODE_USE_ENV_PROXY", KEY] {
            assert!(!run.variables.contains_key(name), "{name}");
        }
        run.end();
    }
    assert!(!world.sandbox.state().join("broker").exists());
}

/// With one, cast stays, masked or not; also on the caller's terminal.
#[test]
fn cast_stays_while_cmd_runs() {
    let world = World::new();
    for options in [&[][..], &["--no-mask"], &["--marker", "fixed"]] {
        let mut run = world.run(options);
        assert_ne!(run.cast.pid(), run.cmd);
        assert_eq!(world.folders(), 1);
        let mut client = run.client();
        client.send(run.get_request("/"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{options:?}");
        run.end();
        assert_eq!(world.folders(), 0);
        // What was open is closed, and what comes later finds nobody.
        assert_eq!(client.all(), "");
        no_broker(&run);
    }
    for options in [&[][..], &["--mask"], &["--no-mask"]] {
        let words = ["run", "a"].into_iter().chain(options.iter().copied());
        let words = words.chain(["--", "sh", "-c", "test -t 0 && test -n \"$HTTPS_PROXY\" && echo o''k; exit 3"]);
        let mut terminal = Terminal::start(world.sandbox.cast(words));
        terminal.sees("ok");
        terminal.ends_with(3);
        assert_eq!(world.folders(), 0);
    }
}

/// The port is closed, or another process's, which does not know the credential.
#[track_caller]
fn no_broker(run: &Run) {
    let Ok(stream) = TcpStream::connect(run.way_in().0) else { return };
    let mut line = Line::new(stream);
    let _ = line.try_send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n{}\r\n", run.field()));
    assert!(!line.head().starts_with("HTTP/1.1 200 "));
}

#[test]
fn cast_ends_as_cmd_ended() {
    let world = World::new();
    for options in [&[][..], &["--no-mask"]] {
        for (script, expected) in [("exit 0", 0), ("exit 125", 125), ("kill -9 $$", 128 + 9), ("kill -15 $$", 128 + 15)]
        {
            let words = ["run", "a"].into_iter().chain(options.iter().copied()).chain(["--", "sh", "-c", script]);
            assert_eq!(world.sandbox.cast(words).run().code, expected, "{script}");
            assert_eq!(world.folders(), 0);
        }
    }
    // A command that is not there, and one that cannot be executed.
    let script = world.sandbox.home().join("script");
    fs::write(&script, "#!/does/not/exist\n").unwrap();
    assert!(std::process::Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    for (command, expected) in [("no-such-command", 127), ("./script", 126), ("/dev/null", 126)] {
        assert_eq!(world.sandbox.cast(["run", "a", "--", command]).run().code, expected, "{command}");
        assert_eq!(world.folders(), 0);
    }
}

/// A signal for cast is for CMD, as without a broker.
#[test]
fn a_signal_for_cast_reaches_cmd() {
    let world = World::new();
    for options in [&[][..], &["--no-mask"]] {
        let mut run = world.run(options);
        send(run.cast.pid(), Signal::TERM);
        assert_eq!(code(run.cast.ends()), 128 + 15);
        assert!(!is_alive(run.cmd));
        assert_eq!(world.folders(), 0);
    }
}

/// CMD that stops itself stops cast, and so the broker; both go on.
#[test]
fn a_stop_is_only_a_pause() {
    let world = World::new();
    let words =
        ["run", "a", "--", "sh", "-c", "env -0 >env.new; mv env.new env.$$; echo $$; kill -STOP $$; read x; exit 7"];
    let mut run = Run::of(&world.sandbox, Running::cast(&world.sandbox, &words));
    until("the stop of cast", || is_stopped(run.cast.pid()).then_some(()));
    send(run.cast.pid(), Signal::CONT);
    until("that CMD goes on", || (!is_stopped(run.cmd)).then_some(()));
    let mut client = run.client();
    client.send(run.get_request("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    run.end();
}

/// In a shell with job control: Ctrl-Z and `fg`, with the caller's terminal and with one of cast's own.
#[test]
fn jobs_are_stopped_and_continued() {
    let world = World::new();
    for options in ["--no-mask", "--mask"] {
        let mut terminal = Terminal::bash(&world.sandbox, &[]);
        let script =
            "env -0 >env.new; mv env.new env.1; echo rea\"\"dy; while read line; do echo \"got $line\"; done; exit 4";
        terminal.types(format!("$CAST run a {options} -- sh -c '{script}'\r"));
        terminal.sees("ready");
        for round in 0..3 {
            terminal.types("\x1a");
            terminal.sees("Stopped");
            terminal.sees("shell> ");
            terminal.types("fg\r");
            // bash prints the resumed command again.
            terminal.sees("run a");
            terminal.types(format!("line {round}\r"));
            terminal.sees(&format!("got line {round}"));
        }
        // The broker has gone on, too.
        let found = variables(&world.sandbox.home().join("env.1"));
        let stream = connect(found["HTTPS_PROXY"].split_once('@').unwrap().1);
        let mut line = Line::new(stream);
        line.send(format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n"));
        assert!(line.head().starts_with("HTTP/1.1 407 "));
        terminal.types("\x04");
        terminal.sees("shell> ");
        terminal.types("echo en''ded $?\r");
        terminal.sees("ended 4");
        terminal.types("exit\r");
        terminal.ends();
        assert_eq!(world.folders(), 0);
    }
}

/// As in a container.
#[test]
fn as_the_first_process() {
    let first = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    if !has("unshare", &[&first[..], &["true"]].concat()) || lacks("curl", "broker") {
        return;
    }
    let world = World::new();
    let request = format!("curl -sS -H \"Authorization: Bearer ${KEY}\" https://{NAME}/");
    for (script, expected) in [(format!("{request}; exit 7"), 7), (format!("{request}; kill -15 $$"), 128 + 15)] {
        let before = world.host.seen.count(VALUE);
        let mut command = world.sandbox.command("unshare");
        command.args(first).args([CAST, "run", "a", "--", "sh", "-c", &script]);
        assert_eq!(code(Running::start(command).ends()), expected);
        assert_eq!((world.host.seen.count(VALUE), world.folders()), (before + 1, 0));
    }
}

/// What a killed cast leaves has nothing secret in it, and goes with the next run. A run that lives keeps its own.
#[test]
fn what_a_killed_run_left_is_swept() {
    let world = World::new();
    let mut living = world.run(&[]);
    let mut killed = world.run(&[]);
    let folder = killed.folder();
    send(killed.cast.pid(), Signal::KILL);
    killed.cast.ends();
    if cfg!(target_os = "linux") {
        until("the end of CMD", || (!is_alive(killed.cmd)).then_some(()));
    }
    no_broker(&killed);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for secret in [VALUE, killed.way_in().1, "PRIVATE KEY"] {
            assert!(!text.contains(secret), "{}", path.display());
        }
    }
    // A run without brokered secrets does not look.
    world.sandbox.cast(["run", "a", "--except", KEY, "--", "true"]).succeeds();
    assert!(folder.exists());
    world.sandbox.cast(["run", "a", "--", "true"]).succeeds();
    assert!(!folder.exists() && living.folder().exists());
    let mut client = living.client();
    client.send(living.get_request("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    living.end();
    assert_eq!(world.folders(), 0);
}

/// At any of the calls to the system that the broker makes.
#[test]
fn a_run_that_is_killed_anywhere_leaves_only_its_folder() {
    let world = World::new();
    let words = ["run", "a", "--", "true"];
    world.sandbox.cast(words).succeeds();
    let Some(calls) = faults::traced(&world.sandbox, &words) else {
        return skip("broker: strace does not work here");
    };
    let calls: Vec<_> = calls.into_iter().skip_while(|call| !call.line.contains("/broker")).collect();
    assert!(calls.iter().filter(|call| call.line.contains(".pem")).count() > 2, "the broker's calls were not found");
    let tries = Tries::at(calls.len(), faults::KILLED);
    for call in &calls {
        tries.next();
        faults::injected(&world.sandbox, &words, call, "signal=KILL");
        for (path, (_, bytes)) in world.sandbox.snapshot() {
            let text = String::from_utf8_lossy(&bytes);
            let has = |secret: &str| text.contains(secret) && path.starts_with(world.sandbox.state());
            assert!(!has(VALUE) && !has("PRIVATE KEY"), "{}: {}", call.line, path.display());
        }
        world.sandbox.cast(words).succeeds();
        assert_eq!(world.folders(), 0, "{}", call.line);
    }
}

/// A process that outlives CMD keeps its output masked, and has no broker any more.
#[test]
fn a_background_process_has_the_masker_and_no_broker() {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME), ("PLAIN", OTHER, "")]);
    let world = World::of(sandbox, answer);
    let fifo = world.sandbox.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let script = "env -0 >env.new; mv env.new env.$$; echo $$; { cat fifo; echo $PLAIN over; } & read x; exit 7";
    let mut run = Run::of(&world.sandbox, Running::cast(&world.sandbox, &["run", "a", "--", "sh", "-c", script]));
    run.end();
    no_broker(&run);
    assert_eq!(world.folders(), 0);
    // A beginning at the end of a line, a whole value, a value in base64.
    fs::write(&fifo, format!("{}\n<{VALUE}> {}\n", &VALUE[..20], base64(VALUE))).unwrap();
    run.cast.says(&format!("{}\n<[cast:API_KEY]> [cast:API_KEY]", &VALUE[..20]));
    assert!(run.cast.rest().ends_with("[cast:PLAIN] over\n"));
}

#[test]
fn a_full_disk_is_an_error_before_cmd() {
    let world = World::new();
    world.sandbox.cast(["run", "a", "--", "true"]).succeeds();
    let said = world.sandbox.cast_after("ulimit -f 8", ["run", "a", "--", "touch", "ran"]).run();
    assert_eq!(said.code, 125, "{said:?}");
    assert!(said.err.contains("cast: error: cannot start the broker: cannot write '"), "{said:?}");
    assert!(!world.sandbox.home().join("ran").exists() && world.folders() == 0);
}

/// A folder of another kind in the way of the broker's.
#[test]
fn no_folder_is_an_error_before_cmd() {
    let world = World::new();
    fs::create_dir_all(world.sandbox.state()).unwrap();
    fs::write(world.sandbox.state().join("broker"), "").unwrap();
    let said = world.sandbox.cast(["run", "a", "--", "touch", "ran"]).run();
    assert_eq!(said.code, 125, "{said:?}");
    assert!(said.err.starts_with("cast: error: cannot start the broker: "), "{said:?}");
    assert!(!world.sandbox.home().join("ran").exists());
}

/// The memory of cast, which has the value, is closed to CMD, which has the same user.
#[test]
fn cmd_cannot_read_cast() {
    if !cfg!(target_os = "linux") {
        return skip("broker: only Linux closes the memory of a process to its user");
    }
    let world = World::new();
    let script =
        "for file in environ mem maps; do head -c1 /proc/$PPID/$file >/dev/null 2>&1 && echo open $file; done; true";
    // For root every process is open.
    let words = ["run", "a", "--no-mask", "--", "sh", "-c", script];
    fs::set_permissions(world.root.path().parent().unwrap(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let said = world.sandbox.cast_as_nobody("", words).succeeds();
    assert_eq!(said.out, "");
}

/// So is that of the process that goes on with the output of a background process: from its beginning, as it is a fork.
#[test]
fn nor_what_goes_on_with_its_output() {
    if !cfg!(target_os = "linux") {
        return skip("broker: only Linux closes the memory of a process to its user");
    }
    let world = World::new();
    fs::set_permissions(world.root.path().parent().unwrap(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let mark = format!("the-word-of-{}", std::process::id());
    let script = format!("mkfifo fifo; {{ read x <fifo; echo over; }} & exit 7; {mark}");
    let mut command = world.sandbox.cast_as_nobody("", ["run", "a", "--", "sh", "-c", &script]).command();
    command.stderr(Stdio::null());
    let mut cast = Running::start(command);
    assert_eq!(code(cast.ends()), 7);
    let is_closed = |pid: &i32| fs::metadata(format!("/proc/{pid}/environ")).is_ok_and(|data| data.uid() == 0);
    // The process in the background has the same words, and is as open as any program.
    let (closed, open): (Vec<_>, Vec<_>) = running(&mark).into_iter().partition(is_closed);
    assert_eq!(open.len(), 1, "the process in the background: {closed:?} {open:?}");
    assert_eq!(closed.len(), 1, "{closed:?} {open:?}");
    assert!(command_line(closed[0]).contains(" run a -- "), "it is a fork of cast");
    fs::write(world.sandbox.home().join("fifo"), "x\n").unwrap();
    cast.says("over\n");
    until("the end of all", || running(&mark).is_empty().then_some(()));
}

/// The inner run's secret goes to its host, the outer one's stays a stand-in unless it is kept, and then goes to the
/// outer one's host: one way out through two brokers.
#[test]
fn a_run_within_a_run() {
    const INNER: &str = "inner.example.test";
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, TO_NAME)]);
    vault(&sandbox, "b", &[("INNER_KEY", OTHER, "hosts = [\"inner.example.test\"]\n")]);
    let root = Root::new();
    let both = root.server(NAME, |params| {
        params.subject_alt_names.push(rcgen::SanType::DnsName(INNER.try_into().unwrap()));
    });
    let world = World::around(sandbox, root, Host::new(both, answer));
    for options in ["", "--inherit-secrets"] {
        let script = format!("exec {} run b {options} -- {} \"$WAITS\"", cast(), "sh -c");
        let command = world.sandbox.cast(["run", "a", "--", "sh", "-c", &script]).env("WAITS", WAITS[2]).command();
        let mut run = Run::of(&world.sandbox, Running::start(command));
        assert_eq!(world.folders(), 2);
        let before = (world.host.seen.count(VALUE), world.host.seen.count(OTHER));
        let request =
            |host: &str, key: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n");
        // Both authorities are believed: one connection is the inner broker's, the other the outer one's.
        let bundle = fs::read_to_string(run.get("SSL_CERT_FILE")).unwrap();
        let key = run.variables.get(KEY).cloned();
        assert_eq!(key.is_some(), options == "--inherit-secrets");
        let mut inner = Line::new(tls(run.tunnel(&format!("{INNER}:443")), INNER, &bundle));
        inner.send(request(INNER, run.get("INNER_KEY")));
        assert!(inner.head().starts_with("HTTP/1.1 200 "));
        let mut outer = Line::new(tls(run.tunnel(&format!("{NAME}:443")), NAME, &bundle));
        outer.send(request(NAME, key.as_deref().unwrap_or("nothing")));
        assert!(outer.head().starts_with("HTTP/1.1 200 "));
        let after = (world.host.seen.count(VALUE), world.host.seen.count(OTHER));
        assert_eq!((after.0 - before.0, after.1 - before.1), (usize::from(key.is_some()), 1));
        run.end();
        assert_eq!(world.folders(), 0);
    }
    // Both broker one host: the inner one's secret goes there, and the outer one's stand-in is text.
    vault(&world.sandbox, "c", &[("INNER_KEY", OTHER, TO_NAME)]);
    let script = format!("exec {} run c --inherit-secrets -- sh -c \"$WAITS\"", cast());
    let command = world.sandbox.cast(["run", "a", "--", "sh", "-c", &script]).env("WAITS", WAITS[2]).command();
    let mut run = Run::of(&world.sandbox, Running::start(command));
    let before = (world.host.seen.count(VALUE), world.host.seen.count(OTHER));
    let mut client = run.client();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {}\r\nX-Other: {}\r\n\r\n",
        run.get("INNER_KEY"),
        run.stand_in()
    ));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!((world.host.seen.count(VALUE) - before.0, world.host.seen.count(OTHER) - before.1), (0, 1));
    run.end();
}

/// A program that a person would use, with nothing but what cast sets.
#[test]
fn curl_reaches_the_host() {
    if lacks("curl", "broker") {
        return;
    }
    let world = World::with(TO_NAME, |mut line| {
        line.head();
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        line.all();
    });
    let script = format!("curl -sS -H \"Authorization: Bearer ${KEY}\" https://{NAME}/v1/models");
    let said = world.sandbox.cast(["run", "a", "--", "sh", "-c", &script]).succeeds();
    assert_eq!(said.out, "hello");
    assert_eq!(world.host.seen.count(VALUE), 1);
    let elsewhere = format!(
        "curl -sS --cacert {} -H \"Authorization: Bearer ${KEY}\" https://other.test/",
        world.root.path().display()
    );
    let _ = world.sandbox.cast(["run", "a", "--", "sh", "-c", &elsewhere]).run();
    assert_eq!(world.host.seen.count(VALUE), 1);
}
