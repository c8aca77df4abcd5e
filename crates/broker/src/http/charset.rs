//! Which charset a header names, as far as it matters: in another one than the broker reads, the host would take a value for other letters, or
//! write it in other bytes.

/// Those in which each ASCII letter is its own byte, by the beginning of their names in lower case.
const LIKE_ASCII: [&str; 28] = [
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "ansi_x3.4",
    "iso-8859-",
    "iso_8859-",
    "iso8859-",
    "latin",
    "windows-125",
    "windows-874",
    "windows-31j",
    "cp125",
    "cp932",
    "koi8-",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc-",
    "shift_jis",
    "shift-jis",
    "sjis",
    "x-sjis",
    "ks_c_5601",
    "tis-620",
    "macintosh",
    "binary",
];

/// What a word for a charset is called, in whatever way a parameter says it: `charset`, `charset*`, `charset*0`.
const CHARSET: &[u8] = b"charset";

/// Whether a `Content-Type` names no charset, or UTF-8, or its part ASCII; in one plain way.
pub fn is_utf8(content_type: &[u8]) -> bool {
    named(content_type)
        .is_none_or(|names| matches!(&names[..], [name] if ["utf-8", "utf8", "us-ascii"].contains(&&**name)))
}

/// Whether a word is the name of a charset in which ASCII is written as ASCII.
pub fn is_one_like_ascii(word: &[u8]) -> bool {
    let lower = word.to_ascii_lowercase();
    LIKE_ASCII.iter().any(|start| lower.starts_with(start.as_bytes()))
}

/// Whether a `Content-Type` names no charset, or only ones in which ASCII is written as ASCII.
pub fn is_like_ascii(content_type: &[u8]) -> bool {
    let is_like = |name: &String| name.is_empty() || is_one_like_ascii(name.as_bytes());
    named(content_type).is_none_or(|names| names.iter().all(is_like))
}

/// Whether a word is the name of a charset in which ASCII is not written as ASCII (UTF-16 and -32, UTF-7, EBCDIC, ISO 2022), as IANA, Java and
/// Python know them.
pub fn is_unlike_ascii(word: &[u8]) -> bool {
    const STARTS: [&str; 16] = [
        "utf16", "utf32", "utf7", "unicode", "ucs", "iso10646", "iso2022", "ebcdic", "hzgb", "scsu", "bocu", "cp",
        "ibm", "037", "500", "1047",
    ];
    let plain: String = word
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let plain = plain.strip_prefix("cs").or_else(|| plain.strip_prefix('x')).unwrap_or(&plain);
    plain == "hz"
        || STARTS.iter().any(|start| {
            let rest = plain.strip_prefix(start);
            // Of code pages, those that are numbered; not those of Windows.
            let is_page =
                |rest: &str| rest.starts_with(|digit: char| digit.is_ascii_digit()) && !rest.starts_with("125");
            match *start {
                "cp" | "ibm" => rest.is_some_and(is_page),
                "037" | "500" | "1047" => rest == Some(""),
                _ => rest.is_some(),
            }
        })
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

/// The charsets in lower case, without quotes; a `?` for one that is not named by `charset=`. `None` if there is none.
fn named(content_type: &[u8]) -> Option<Vec<String>> {
    if !names_one(content_type) {
        return None;
    }
    let lower = content_type.to_ascii_lowercase();
    let parameters = lower.split(|byte| *byte == b';').map(super::trim).filter(|parameter| names_one(parameter));
    let name = |parameter: &[u8]| {
        let name = parameter.strip_prefix(CHARSET).and_then(|rest| rest.strip_prefix(b"=")).unwrap_or(b"?");
        let quoted = [b'"', b'\''].iter().find_map(|quote| name.strip_prefix(&[*quote])?.strip_suffix(&[*quote]));
        String::from_utf8_lossy(quoted.unwrap_or(name)).into_owned()
    };
    Some(parameters.map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_that_are_not_like_ascii() {
        for word in [
            "utf-16le",
            "UTF16",
            "utf_32_be",
            "utf-7",
            "UnicodeBig",
            "ucs-2",
            "iso-2022-jp",
            "cp037",
            "CP1140",
            "ibm037",
            "IBM-1047",
            "ebcdic-cp-us",
            "csIBM037",
            "x-utf-16le-bom",
            "037",
            "hz",
            "hz-gb-2312",
        ] {
            assert!(is_unlike_ascii(word.as_bytes()), "{word}");
        }
        for word in [
            "",
            "utf-8",
            "iso-8859-1",
            "windows-1252",
            "cp1252",
            "cpanel",
            "copy",
            "ibmer",
            "5000",
            "1047x",
            "x",
            "hzx",
        ] {
            assert!(!is_unlike_ascii(word.as_bytes()), "{word}");
        }
    }

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
            ("text/html; charset=", false, true),
            ("text/html; charset='utf-8'", true, true),
            ("text/html; charset=utf-8;charset=UTF-8", false, true),
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
