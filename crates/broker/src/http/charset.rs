//! Which charset a header names, as far as it matters: in another one than the broker reads, the host would take a value for other letters, or
//! write it in other bytes.

/// Those in which each ASCII letter is its own byte, by the beginning of their names in lower case.
const LIKE_ASCII: [&[u8]; 25] = [
    b"utf-8",
    b"utf8",
    b"us-ascii",
    b"ascii",
    b"iso-8859-",
    b"iso_8859-",
    b"iso8859-",
    b"latin1",
    b"latin-1",
    b"windows-125",
    b"windows-874",
    b"windows-31j",
    b"cp125",
    b"koi8-",
    b"gb2312",
    b"gbk",
    b"gb18030",
    b"big5",
    b"euc-",
    b"shift_jis",
    b"shift-jis",
    b"sjis",
    b"tis-620",
    b"macintosh",
    b"binary",
];

/// What a word for a charset is called, in whatever way a parameter says it: `charset`, `charset*`, `charset*0`.
const CHARSET: &[u8] = b"charset";

/// Whether a `Content-Type` names no charset, or UTF-8, or its part ASCII; in one plain way.
pub fn is_utf8(content_type: &[u8]) -> bool {
    named(content_type).is_none_or(|name| matches!(&*name, b"utf-8" | b"utf8" | b"us-ascii"))
}

/// Whether a `Content-Type` names no charset, or one in which ASCII is written as ASCII; in one plain way.
pub fn is_like_ascii(content_type: &[u8]) -> bool {
    named(content_type).is_none_or(|name| LIKE_ASCII.iter().any(|start| name.starts_with(start)))
}

/// An element of `Accept` without its parameters, if one of them asks for a charset.
pub fn without_charset(element: &[u8]) -> &[u8] {
    if !names_one(element) {
        return element;
    }
    super::trim(element.split(|byte| *byte == b';').next().unwrap_or_default())
}

fn names_one(text: &[u8]) -> bool {
    text.to_ascii_lowercase().windows(CHARSET.len()).any(|word| word == CHARSET)
}

/// The charset in lower case; empty where it is not named in the one plain way, which nobody takes for another. `None` if there is none.
fn named(content_type: &[u8]) -> Option<Vec<u8>> {
    if !names_one(content_type) {
        return None;
    }
    let lower = content_type.to_ascii_lowercase();
    let mut named = lower.split(|byte| *byte == b';').map(super::trim).filter(|parameter| names_one(parameter));
    let one = named.next().filter(|_| named.next().is_none());
    let name = one.and_then(|one| one.strip_prefix(CHARSET)?.strip_prefix(b"=")).unwrap_or_default();
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    Some(if name.iter().all(is_plain) { name.to_vec() } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_known_in_one_plain_form() {
        for (text, utf8, like_ascii) in [
            ("application/json", true, true),
            ("application/json; charset=utf-8", true, true),
            ("application/json;Charset=\"UTF-8\"; x=y", true, true),
            ("text/html; charset=ISO-8859-1", false, true),
            ("text/html; charset=windows-1252", false, true),
            ("text/html; charset=utf-16le", false, false),
            ("text/html; charset=UTF-16", false, false),
            ("text/html; charset=utf-7", false, false),
            ("text/html; charset=ibm037", false, false),
            ("text/html; charset=iso-2022-jp", false, false),
            ("text/html; charset=", false, false),
            ("text/html; charset =utf-8", false, false),
            ("text/html; charset*=utf-8''utf-16", false, false),
            ("text/html; charset*0=utf-; charset*1=16", false, false),
            ("text/html; charset=utf-8; charset=utf-16", false, false),
            ("text/html; charset=\"utf-8", false, false),
            ("text/html, charset=utf-8", false, false),
        ] {
            assert_eq!((is_utf8(text.as_bytes()), is_like_ascii(text.as_bytes())), (utf8, like_ascii), "{text}");
        }
    }
}
