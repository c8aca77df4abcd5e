//! Where in a request the value is put in: each row of the page's table.

use super::client::base64;
use super::world::{KEY, NAME, TO_NAME, VALUE, World, answer, vault};
use crate::sandbox::Sandbox;

fn world(flags: &str) -> World {
    let sandbox = Sandbox::new();
    vault(&sandbox, "a", &[(KEY, VALUE, flags)]);
    World::of(sandbox, |mut line| {
        // With or without a body; what came is noted.
        let head = line.head();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        line.exactly(length.unwrap_or(0));
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        answer(line);
    })
}

#[test]
fn the_value_is_put_in() {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json = "Content-Type: application/json\r\n";
    let host = format!("Host: {NAME}\r\n");
    let flags = "hosts = [\"api.example.test\"]\nin = [\"form:token\", \"header:X-Token\", \"json:/auth/key\", \"query:key\"]\n";
    let world = world(flags);
    let mut run = world.run(&[]);
    let body = |first: &str, head: &str, body: &str| {
        format!("{first} HTTP/1.1\r\n{host}{head}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let get = |field: &str| format!("GET / HTTP/1.1\r\n{host}{field}\r\n\r\n");
    // As a request of CMD, and as the host gets it.
    for shape in [
        |value: &str| format!("Authorization: Bearer {value}"),
        |value: &str| format!("authorization: bearer  {value}"),
        |value: &str| format!("Authorization: token {value}"),
        |value: &str| format!("Authorization: Basic {}", base64(&format!("{value}:"))),
        |value: &str| format!("Authorization: Basic {}", base64(&format!("user:{value}"))),
        |value: &str| format!("x-token: {value}"),
        |value: &str| format!("X-Token: Key {value}"),
    ] {
        let mut client = run.client();
        client.send(get(&shape(run.stand_in())));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{}", shape("..."));
        assert!(world.host.seen.text().ends_with(&get(&shape(VALUE))), "{}", shape("..."));
    }
    for shape in [
        |value: &str| (format!("GET /?a=b&key={value}&c"), String::new(), String::new()),
        |value: &str| ("POST /".to_owned(), "form".to_owned(), format!("a=b&token={value}")),
        |value: &str| ("POST /".to_owned(), "json".to_owned(), format!("{{\"auth\": {{\"key\": \"{value}\"}}}}")),
    ] {
        let request = |value: &str| {
            let (first, kind, text) = shape(value);
            match kind.as_str() {
                "form" => body(&first, form, &text),
                "json" => body(&first, json, &text),
                _ => format!("{first} HTTP/1.1\r\n{host}\r\n"),
            }
        };
        let mut client = run.client();
        client.send(request(run.stand_in()));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{}", request("..."));
        assert!(world.host.seen.text().ends_with(&request(VALUE)), "{}", world.host.seen.text());
    }
    run.end();
}

/// In a body that the owner did not name it is text, as it is in transcripts by then.
#[test]
fn in_a_body_it_is_text() {
    let world = world(TO_NAME);
    let mut run = world.run(&[]);
    for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
        let text = format!("{{\"messages\": \"env says {}\"}}", run.stand_in());
        let mut client = run.client();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        ));
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{kind}");
        assert!(world.host.seen.text().ends_with(&text), "{kind}");
    }
    assert_eq!(world.host.seen.count(VALUE), 0);
    run.end();
}

/// What the host sends back has the stand-in where it echoes the value.
#[test]
fn an_echo_comes_back_as_the_stand_in() {
    let world = World::with(TO_NAME, |mut line| {
        let head = line.head();
        let value = head.split("Bearer ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
        let body = format!("{value} {{\"key\": \"{value}\"}} {}", base64(&value));
        line.send(format!("HTTP/1.1 200 OK\r\nX-Echo: {value}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        line.all();
    });
    let mut run = world.run(&[]);
    let mut client = run.client();
    client.send(run.get_request("/"));
    let stand_in = run.stand_in().to_owned();
    let head = client.head();
    assert!(head.contains(&format!("X-Echo: {stand_in}\r\n")) && !head.contains(VALUE), "{head}");
    let expected = format!("{stand_in} {{\"key\": \"{stand_in}\"}} {}", base64(&stand_in));
    assert_eq!(String::from_utf8(client.exactly(expected.len())).unwrap(), expected);
    assert_eq!(world.host.seen.count(VALUE), 1);
    run.end();
}
