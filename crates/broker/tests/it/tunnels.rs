//! Connections to hosts that are not brokered.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};

use crate::sides::{Line, Run, field, way_in};

fn run_to(listener: &TcpListener) -> (Run, String) {
    let root = crate::sides::Root::new();
    let host = crate::sides::Host { address: listener.local_addr().unwrap(), seen: std::sync::Arc::default() };
    (Run::of(crate::sides::secret(&[crate::sides::NAME], Vec::new()), root, host), "other.test:80".to_owned())
}

#[test]
fn bytes_pass_both_ways_and_halves_close_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (run, name) = run_to(&listener);
    let mut client = run.tunnel(&name);
    let (mut host, _) = listener.accept().unwrap();
    // The host speaks first, as SSH does.
    host.write_all(b"hello\n").unwrap();
    let mut text = [0; 6];
    client.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"hello\n");
    client.write_all(b"all of it").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    host.read_to_string(&mut text).unwrap();
    assert_eq!(text, "all of it");
    host.write_all(b"an answer behind the end").unwrap();
    drop(host);
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "an answer behind the end");
}

/// Bytes that come with CONNECT are the first of the tunnel.
#[test]
fn bytes_behind_connect_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (run, name) = run_to(&listener);
    let mut line = run.plain();
    let field = field("cast", &way_in(run.broker()).1);
    line.send(format!("CONNECT {name} HTTP/1.1\r\n{field}\r\nearly"));
    let (mut host, _) = listener.accept().unwrap();
    let mut text = [0; 5];
    host.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"early");
}

#[test]
fn a_host_that_is_not_there_is_said() {
    let mut run = Run::new(|_| {});
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = cast_broker::Proxy::parse(&format!("http://{closed}")).unwrap();
    run.stop();
    let order = cast_broker::Order {
        secrets: Vec::new(),
        outer: cast_broker::Outer::Through { proxy, except: cast_broker::NoProxy::default() },
        roots: vec![run.root.file()],
    };
    let mut broker = cast_broker::Broker::prepare(order, std::time::SystemTime::now()).unwrap();
    broker.start().unwrap();
    let mut line = Line::new(crate::sides::plain(&broker));
    line.send(format!("CONNECT a.b:443 HTTP/1.1\r\n{}\r\n", field("cast", &way_in(&broker).1)));
    let answer = line.all();
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("cast: cannot connect to 'a.b': "), "{answer}");
    let tallies = broker.stop();
    assert_eq!((tallies[0].host.clone(), tallies[0].failed), (None, 1));
}
