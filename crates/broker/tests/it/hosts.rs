//! Which host gets the value: the one that was named, verified, and no other.

use cast_broker::tls::roots::PemFile;
use cast_broker::{Broker, NoProxy, Order, Outer, Proxy};
use rcgen::CertificateParams;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use crate::sides::{AtHost, Host, Lead, Line, NAME, Root, Run, VALUE, get, secret, stand_in, tls, tunnel};

fn answer(mut line: AtHost) {
    while !line.head().is_empty() {
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

fn run_with(change: impl FnOnce(&mut CertificateParams)) -> Run {
    let root = Root::new();
    let host = Host::new(root.server(NAME, change), answer);
    Run::of(secret(&[NAME], Vec::new()), root, host)
}

/// What the client is told, and that the host got nothing.
#[track_caller]
fn refused(mut run: Run, words: &str) {
    let mut client = run.client();
    client.send(get("/"));
    let answer = client.all();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains(words), "{answer}");
    run.host.seen.assert_nothing();
    let tallies = run.stop();
    assert_eq!((tallies[0].requests, tallies[0].refused, tallies[0].failed), (0, 0, 1));
}

#[test]
fn a_host_that_does_not_verify_gets_nothing() {
    let other = |params: &mut CertificateParams| {
        params.subject_alt_names = CertificateParams::new(["other.test".to_owned()]).unwrap().subject_alt_names;
    };
    refused(run_with(other), "it is for another name; nothing was sent");
    let past = SystemTime::now() - Duration::from_secs(3600);
    refused(run_with(|params| params.not_after = past.into()), "it has expired; nothing was sent");
    let root = Root::new();
    let host = Host::new(Root::new().server(NAME, |_| {}), answer);
    refused(Run::of(secret(&[NAME], Vec::new()), root, host), "its issuer is not known; nothing was sent");
}

#[test]
fn a_host_that_is_not_there_is_said() {
    let root = Root::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let host = format!("localhost:{}", closed.port());
    let order = Order { secrets: vec![secret(&[&host], Vec::new())], outer: Outer::Direct, roots: vec![root.file()] };
    let mut broker = Broker::prepare(order, SystemTime::now()).unwrap();
    broker.start().unwrap();
    let mut client = Line::new(tls(tunnel(&broker, "cast", &host), "localhost", broker.ca_pem()));
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let answer = client.all();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains(&format!("\r\n\r\ncast: cannot connect to '{host}': ")), "{answer}");
}

/// Without an outer proxy, by name, at another port than 443.
#[test]
fn a_host_is_reached_directly() {
    let root = Root::new();
    let host = Host::new(root.server("localhost", |_| {}), answer);
    let name = format!("localhost:{}", host.address.port());
    let order = Order { secrets: vec![secret(&[&name], Vec::new())], outer: Outer::Direct, roots: vec![root.file()] };
    let mut broker = Broker::prepare(order, SystemTime::now()).unwrap();
    broker.start().unwrap();
    let mut client = Line::new(tls(tunnel(&broker, "cast", &name), "localhost", broker.ca_pem()));
    client.send(format!("GET / HTTP/1.1\r\nHost: {name}\r\nAuthorization: Bearer {}\r\n\r\n", stand_in()));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert!(host.seen.text().contains(VALUE));
}

/// SNI of another name, or none: there is no certificate for it.
#[test]
fn a_client_must_name_the_host() {
    let mut run = run_with(|_| {});
    for name in ["other.test", "x.api.example.test", "127.0.0.1"] {
        let stream = run.tunnel(&format!("{NAME}:443"));
        let mut client = Line::new(tls(stream, name, run.broker().ca_pem()));
        assert!(client.try_send(get("/")).is_err(), "{name}");
    }
    run.host.seen.assert_nothing();
    assert_eq!(run.host.seen.connections.load(Ordering::SeqCst), 0);
    assert_eq!(run.stop()[0].refused, 3);
}

/// The same host in other words is brokered; other hosts get a tunnel, in which the stand-in is text.
#[test]
fn only_the_listed_authority_is_brokered() {
    let run = run_with(|_| {});
    for authority in ["API.Example.TEST:443", "api.example.test.:443"] {
        let mut client = Line::new(tls(run.tunnel(authority), NAME, run.broker().ca_pem()));
        client.send(get("/"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{authority}");
    }
    assert_eq!(run.host.seen.text().matches(VALUE).count(), 2);
    let root = String::from_utf8(run.root.file().text).unwrap();
    for authority in ["api.example.test:8443", "x.api.example.test:443", "example.test:443"] {
        // The host itself answers: its own certificate, not one of this run.
        let mut client = Line::new(tls(run.tunnel(authority), NAME, &root));
        client.send(get("/"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{authority}");
    }
    let seen = run.host.seen.text();
    assert_eq!((seen.matches(VALUE).count(), seen.matches(&stand_in()).count()), (2, 3), "{seen}");
}

/// The broker of a run within this one gets a tunnel to everything.
#[test]
fn an_inner_broker_gets_a_tunnel() {
    let run = run_with(|_| {});
    let root = String::from_utf8(run.root.file().text).unwrap();
    let stream = tunnel(run.broker(), "cast-tunnel", &format!("{NAME}:443"));
    let mut client = Line::new(tls(stream, NAME, &root));
    client.send(get("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert!(!run.host.seen.text().contains(VALUE));
}

/// Two brokers, one behind the other: the inner one's value for its own host, and the outer one's for others.
#[test]
fn brokers_nest() {
    let outer = run_with(|_| {});
    let inner_name = "inner.example.test";
    let proxy = Proxy::parse(secrecy::ExposeSecret::expose_secret(outer.broker().proxy_url())).unwrap();
    assert!(proxy.is_broker());
    let way = Outer::Through { proxy, except: NoProxy::default() };
    let secret = secret(&[inner_name, NAME], Vec::new());
    let mut broker =
        Broker::prepare(Order { secrets: vec![secret], outer: way, roots: vec![outer.root.file()] }, SystemTime::now())
            .unwrap();
    broker.start().unwrap();
    let mut client = Line::new(tls(tunnel(&broker, "cast", &format!("{NAME}:443")), NAME, broker.ca_pem()));
    client.send(get("/"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(outer.host.seen.text().matches(VALUE).count(), 1);
    let heads = outer.lead.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1, "one tunnel, which is not opened twice: {heads:?}");
}

/// Hosts of `NO_PROXY` are reached directly, others through the proxy, which gets its password and no other head.
#[test]
fn the_outer_proxy_is_used_as_it_was_told() {
    let root = Root::new();
    let host = Host::new(root.server("localhost", |_| {}), answer);
    let lead = Lead::new(host.address);
    let proxy = Proxy::parse(&format!("http://me:p%40ss@{}", lead.address)).unwrap();
    let name = format!("localhost:{}", host.address.port());
    let order = Order {
        secrets: vec![secret(&[&name, "localhost:9"], Vec::new())],
        outer: Outer::Through { proxy, except: NoProxy::parse(&name) },
        roots: vec![root.file()],
    };
    let mut broker = Broker::prepare(order, SystemTime::now()).unwrap();
    broker.start().unwrap();
    for authority in [&*name, "localhost:9"] {
        let mut client = Line::new(tls(tunnel(&broker, "cast", authority), "localhost", broker.ca_pem()));
        client.send(format!("GET / HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{authority}");
    }
    let heads = lead.heads.lock().unwrap().clone();
    let expected =
        "CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n";
    assert_eq!(heads, [expected]);
}

/// A proxy that refuses is named with its status, and none of its body reaches CMD.
#[test]
fn an_outer_proxy_that_refuses_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut line = Line::<TcpStream>::new(stream.unwrap());
            line.head();
            line.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    let proxy = Proxy::parse(&format!("http://{address}")).unwrap();
    let order = Order {
        secrets: vec![secret(&[NAME], Vec::new())],
        outer: Outer::Through { proxy, except: NoProxy::default() },
        roots: vec![PemFile { text: b"no certificate".to_vec(), ..Root::new().file() }],
    };
    // It is looked at when the broker is prepared.
    assert!(Broker::prepare(order, SystemTime::now()).is_err());
    let root = Root::new();
    let proxy = Proxy::parse(&format!("http://{address}")).unwrap();
    let order = Order {
        secrets: vec![secret(&[NAME], Vec::new())],
        outer: Outer::Through { proxy, except: NoProxy::default() },
        roots: vec![root.file()],
    };
    let mut broker = Broker::prepare(order, SystemTime::now()).unwrap();
    broker.start().unwrap();
    let mut client = Line::new(tls(tunnel(&broker, "cast", &format!("{NAME}:443")), NAME, broker.ca_pem()));
    client.send(get("/"));
    let answer = client.all();
    assert!(answer.contains("cast: cannot connect to 'api.example.test': the proxy answered 403\n"), "{answer}");
    assert!(!answer.contains("hello"), "{answer}");
}

#[test]
fn addresses_are_never_brokered() {
    for host in ["127.0.0.1", "[::1]:8443"] {
        let order = Order { secrets: vec![secret(&[host], Vec::new())], outer: Outer::Direct, roots: Vec::new() };
        let error = Broker::prepare(order, SystemTime::now()).map(drop).unwrap_err();
        assert!(error.to_string().contains("is an address, and only names can be brokered"), "{error}");
    }
}
