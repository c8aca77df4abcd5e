//! curl.

use super::{Client, check};

const CURL: &str = "curl -sSL --fail-with-body -H \"Authorization: Bearer $API_KEY\" \"$URL\"";
const CURL_2: &str = "curl --http2 -sSL --fail-with-body -H \"Authorization: Bearer $API_KEY\" --data-raw x \"$URL\"";
const BASIC: &str = "curl -sSL --fail-with-body --user \"me:$API_KEY\" --location-trusted \"$URL\"";

pub const ALL: [Client; 3] = [
    Client::new("`curl`", "curl --version", CURL),
    Client::new("`curl --http2`", "curl --version", CURL_2),
    Client::new("`curl --user`", "curl --version", BASIC),
];

#[test]
fn as_it_is() {
    check(ALL[0]);
}

/// The broker speaks HTTP/1.1, and curl takes it.
#[test]
fn with_http_2() {
    check(ALL[1]);
}

/// The key is the password, in base64; and curl is told to send it to whomever it is sent to.
#[test]
fn with_a_password() {
    check(ALL[2]);
}
