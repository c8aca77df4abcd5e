//! Shapes of common writers, each as a program wrote it.

use std::sync::Arc;

use super::super::{Masker, Plan};

/// The output for `text`, whole and byte by byte.
fn masked(value: &str, text: &str) -> String {
    let plan = Arc::new(Plan::new([("T", value)]));
    let [whole, _] = [text.len(), 1].map(|size| {
        let (mut masker, mut out) = (Masker::new(Arc::clone(&plan)), Vec::new());
        for chunk in text.as_bytes().chunks(size) {
            masker.write(chunk, &mut out).unwrap();
        }
        masker.finish(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("[cast:T]"), "{value:?} in {text:?} in chunks of {size}: {out:?}");
        out
    });
    whole
}

#[test]
fn what_common_writers_make_of_a_value_is_masked() {
    for (value, text) in [
        ("pa@ss$w0rd&1", "u:pa%40ss$w0rd&1@db"),     // Node, the userinfo of a URL
        ("pa ss|w0rd^1", "/pa%20ss|w0rd^1"),         // its path
        ("pa ss|w0rd'1", "?t=pa%20ss|w0rd%271"),     // its query
        ("pa@ss$w0rd&1=+", "u:pa%40ss$w0rd&1=+@db"), // Go's UserPassword
        ("pa/ss$w0rd&1:@", "/pa%2Fss$w0rd&1:@"),     // Go's PathEscape
        ("p:a$s&w0rd(1)*", "p%3Aa$s&w0rd(1)*"),      // WHATWG in Rust
        ("pa+ss w0rd=1", "pa%2Bss+w0rd%3D1"),        // a form
        ("pa+ss@w0rd=1", "pa+ss%40w0rd=1"),          // an unescaped plus
        ("pa&ss<w0rd>1", r#"{\"t\":\"pa\\u0026ss\\u003cw0rd\\u003e1\"}"#), // Go in JSON
        ("pa&ss<w0rd>1", r"pa\u0026ss\u003cw0rd\u003e1"), // Go
        ("pa/ss/w0rd/1", r"pa\/ss\/w0rd\/1"),        // PHP
        ("pa/ss/w0rd/1", r"pa\\/ss\\/w0rd\\/1"),     // PHP in JSON
        ("pässwörd\u{1f511}!", r"p\\u00E4ssw\\u00F6rd\\uD83D\\uDD11!"), // .NET in JSON
        ("pässwörd\u{1f511}!", r"p\u00e4ssw\u00f6rd\ud83d\udd11!"), // Python
        ("pa=ss'w0rd1", r"pa\u003dss\u0027w0rd1"),   // Gson
        ("pässwörd12", r"b'p\xc3\xa4ssw\xc3\xb6rd12'"), // bytes in Python
        ("pässwörd12", r"p\xe4ssw\xf6rd12"),         // backslashreplace
        ("pässwörd12", r"p\303\244ssw\303\266rd12"), // C
        ("pässwörd12", "p%E4ssw%F6rd12"),            // escape() of JavaScript
        ("pä\u{1}ss\u{7f}wörd", r"pä\x01ss\x7fwörd"), // Go's %q
        ("pä\u{1}ss\u{301}wörd", r"pä\u{1}ss\u{301}wörd"), // Debug of Rust
        ("pa&ss\"w0rd'<1>", "pa&amp;ss&quot;w0rd&#39;&lt;1&gt;"), // HTML
        ("pa&ss\"w0rd'<1>", "pa&amp;ss&#34;w0rd&#x27;&lt;1&gt;"), // Go, Python
        ("pa&ss\"w0rd'<1>", "pa&amp;ss&quot;w0rd&#039;&lt;1&gt;"), // PHP
        ("first\r\nsecond", "first&#13;\nsecond"),   // xmllint
        ("pässwörd12", "p&#xE4;ssw&#xF6;rd12"),
        ("pa'ss w0rd", r"$'pa\'ss w0rd'"), // shell traces
        ("pa'ss w0rd", r"'pa'\''ss w0rd'"),
        ("pa'ss w0rd", r#"'pa'"'"'ss w0rd'"#),
        ("pa'ss w0rd", r"pa\'ss\ w0rd"),     // printf %q
        ("pa$ss`w0rd", r#""pa\$ss\`w0rd""#), // export -p
        ("pa\nss\tw0rd", r"$'pa\nss\tw0rd'"),
        ("pa\nss\tw0rd", r"'pa'$'\n''ss'$'\t''w0rd'"), // env of GNU
        ("pa\nss\tw0rd", "pa ss w0rd"),                // echo, unquoted
        ("pa\\ss\\w0rd", r"pa\\\\ss\\\\w0rd"),         // JSON twice
        ("}])\">:abcdef", "}])\">:abcdef"),
        (">>hunter2", "Pj5odW50ZXIy"),
        ("\":hunter2", "223a68756e74657232"),
        ("}}}}}}}}}}}}}}}}", "}}}}}}}}}}}}}}}}"),
        ("]:>)\"12345", "]:>)\"12345"),
        (")}])>:\"abc", ")}])>:\"abc"),
    ] {
        let out = masked(value, text);
        assert!(
            !out.contains("ss") && !out.contains("w0rd") && !out.contains("rd12"),
            "{value:?} in {text:?}: {out:?}"
        );
    }
}

#[test]
fn nothing_else_is_touched() {
    let plan = Arc::new(Plan::new([("T", "pa@ss$w0rd&1")]));
    for text in ["pa%4Oss$w0rd&1", r"pa\u004ss$w0rd&1", "pa&#64ss$w0rd&1", "100% &amp; \\n \\\\n", "%%%&&&\\\\\\"] {
        let (mut masker, mut out) = (Masker::new(Arc::clone(&plan)), Vec::new());
        masker.write(text.as_bytes(), &mut out).unwrap();
        masker.finish(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}

#[test]
fn base64_in_an_indented_block_and_wrapped_at_76_is_masked() {
    let token = "sk-live-4eC39HqLyjWDarjtT1zdp7dcTYooMQauvdEDq54NiTphI7jx".repeat(3);
    // echo "user:$T" | base64
    let digits = base64(format!("user:{token}\n").as_bytes());
    let lines: Vec<&str> = digits.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for end in ["\n", "\r\n", "\n    ", "\n\t", "\\n", "\\n    ", "%0A", "%0D%0A", "&#10;"] {
        let text = format!("data: |\n    {}\nnext: 1\n", lines.join(end));
        let out = masked(&token, &text);
        assert!(out.len() < 60, "{out:?}");
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let shown = digit <= group.len();
            text.push(if shown { char::from(DIGITS[number >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}
