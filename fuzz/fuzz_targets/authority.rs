//! A host and a port as CONNECT and `Host` name them. What is read has one form, whatever case, final dot or default
//! port it was written with, and an address is never equal to a name.
#![no_main]

use cast_broker::{Authority, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(authority) = Authority::parse(data) else { return };
    let text = authority.to_string();
    assert_eq!(Authority::parse(text.as_bytes()).as_ref(), Some(&authority), "its form is read as the same");
    assert_eq!(Authority::parse(&data.to_ascii_uppercase()).as_ref(), Some(&authority), "case is nothing");
    let (host, port) = (authority.host(), authority.port());
    assert!(host.is_ascii() && host.to_ascii_lowercase() == host && !host.ends_with('.') && !host.starts_with('.'));
    assert!(port != 0 && text.len() <= data.len() + "[0:0:0:0:0:0:0:0]".len());
    let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
    assert_eq!(is_address, text.starts_with('['));
    if !is_address {
        assert!(host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && host.len() <= 253);
        assert_eq!(Authority::parse(format!("{host}.:{port}").as_bytes()).as_ref(), Some(&authority));
    }
    let listed = ["api.openai.com", "a.b:8443"].map(|text| Authority::parse(text.as_bytes()).unwrap());
    let is_listed = ["api.openai.com", "a.b:8443"].contains(&&*text);
    assert_eq!(authority.target(&listed) != Target::Opaque, is_listed);
});
