//! A GiB down and up with curl: by the broker, and direct over TLS, in turns. Required: half of the direct speed, of
//! the fastest of each, which other work on the machine disturbs least.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::clock::{quantile, rate, time};
use crate::samples::log;
use crate::upstream::AtHost;
use crate::world::{Run, VALUE, World};

const BYTES: usize = 1 << 30;
const PIECE: usize = 256 << 10;
const ROUNDS: usize = 5;
const LEAST: f64 = 0.5;

pub fn run(out: &mut dyn Write) -> io::Result<Vec<String>> {
    if Command::new("curl").arg("--version").output().is_err() {
        writeln!(out, "bodies: there is no curl")?;
        return Ok(Vec::new());
    }
    let text = log(PIECE, &[], 100);
    let world = World::new(move |line| serve(line, &text[..PIECE]))?;
    let run = world.run()?;
    // Nobody reads what is in it, but the host: zeros cost no disk.
    let file = world.home.file("body", b"")?;
    std::fs::OpenOptions::new().write(true).open(&file)?.set_len(BYTES as u64)?;
    writeln!(out, "{} MiB with curl, MB/s, of {ROUNDS} each, in turns:", BYTES >> 20)?;
    writeln!(out, "                    brokered   direct   ratio")?;
    let mut missed = Vec::new();
    for (name, up) in [("down", None), ("up", Some(file.as_path()))] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.push(curl(&world, Some(&run), up));
            without.push(curl(&world, None, up));
        }
        for (which, part) in [("median", 0.5), ("fastest", 0.0)] {
            let [with, without] = [&mut with, &mut without].map(|times| rate(BYTES, quantile(times, part)));
            let ratio = with / without;
            writeln!(out, "  {name:5}  {which:8} {with:9.0} {without:8.0}   {ratio:5.2}")?;
            if which == "fastest" && ratio < LEAST {
                missed.push(format!("{name}: {ratio:.2} of the direct speed, less than {LEAST}"));
            }
        }
    }
    run.end()?;
    Ok(missed)
}

fn curl(world: &World, run: Option<&Run>, up: Option<&Path>) -> Duration {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--fail", "-o", "/dev/null", "-H", "Expect:"]).env_clear().stdout(Stdio::null());
    match run {
        Some(run) => {
            // The loopback address is among what goes past a proxy, unless it is brokered.
            let names = ["https_proxy", "no_proxy", "CURL_CA_BUNDLE"];
            curl.envs(names.map(|name| (name, run.variables[name].as_str())));
            curl.args(["-H", &format!("Authorization: Bearer {}", run.stand_in())]);
        }
        None => {
            curl.arg("--cacert").arg(world.root.path()).args(["-H", &format!("Authorization: Bearer {VALUE}")]);
        }
    }
    if let Some(file) = up {
        curl.arg("-T").arg(file);
    }
    curl.arg(world.url()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut ended = None;
    let took = time(|| ended = Some(curl.status()));
    assert!(ended.expect("it was run").is_ok_and(|status| status.success()));
    took
}

/// Sends a GiB, or takes one.
fn serve(mut line: AtHost, piece: &[u8]) {
    let (mut head, mut bytes) = (Vec::new(), vec![0; PIECE]);
    let end = loop {
        let Ok(count @ 1..) = line.stream.read(&mut bytes) else { return };
        head.extend_from_slice(&bytes[..count]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    if head.starts_with(b"PUT ") {
        let mut taken = head.len() - end;
        while taken < BYTES {
            let Ok(count @ 1..) = line.stream.read(&mut bytes) else { return };
            taken += count;
        }
        let _ = line.try_send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    } else {
        let _ = line.try_send(format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n"));
        for _ in 0..BYTES / PIECE {
            if line.stream.write_all(piece).is_err() {
                return;
            }
        }
        let _ = line.stream.flush();
    }
    // Until curl has read it all and closes.
    let _ = line.stream.read(&mut bytes);
}
