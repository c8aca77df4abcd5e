//! A value quoted for a shell, as `printf %q`, `set -x`, `export -p` and `shlex.quote` print it. The outer quotes are
//! not part of a form.

pub(super) fn each(value: &str, out: &mut Vec<u8>, take: &mut dyn FnMut(&[u8])) {
    // 'it'\''s' (bash, set -x), 'it'"'"'s' (dash, Python).
    for quote in ["'\\''", "'\"'\"'"] {
        each_char(value, out, |c| (c == '\'').then_some(quote));
        take(out);
    }
    // 'a'$'\n''b' (GNU ls, env and printf).
    each_char(value, out, |c| match c {
        '\'' => Some("'\\''"),
        '\n' => Some("'$'\\n''"),
        '\r' => Some("'$'\\r''"),
        '\t' => Some("'$'\\t''"),
        _ => None,
    });
    take(out);
    // "it's \$5" (export -p of bash).
    each_char(value, out, |c| match c {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        '$' => Some("\\$"),
        '`' => Some("\\`"),
        _ => None,
    });
    take(out);
    backslashed(value, out);
    take(out);
    for octal in [false, true] {
        ansi_c(value, octal, out);
        take(out);
    }
}

/// `it\'s\ \$5`: printf %q of bash, for a value without control characters.
fn backslashed(value: &str, out: &mut Vec<u8>) {
    out.clear();
    let mut before = '\0';
    for c in value.chars() {
        let special = " !\"$&'()*,;<>?[\\]^`{|}".contains(c)
            || c == '#' && before == '\0'
            || c == '~' && matches!(before, '\0' | ':' | '=');
        if special {
            out.push(b'\\');
        }
        push(c, out);
        before = c;
    }
}

/// `$'a\nb'`: printf %q of bash, for a value with control characters. In the C locale bytes beyond ASCII are octal.
fn ansi_c(value: &str, octal: bool, out: &mut Vec<u8>) {
    out.clear();
    for c in value.chars() {
        let short = match c {
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'E',
            '\\' | '\'' => c,
            _ => '\0',
        };
        if short != '\0' {
            out.extend([b'\\', short as u8]);
        } else if c.is_ascii_control() || octal && !c.is_ascii() {
            for b in c.encode_utf8(&mut [0; 4]).bytes() {
                out.extend(format!("\\{b:03o}").bytes());
            }
        } else {
            push(c, out);
        }
    }
}

fn each_char(value: &str, out: &mut Vec<u8>, quoted: impl Fn(char) -> Option<&'static str>) {
    out.clear();
    for c in value.chars() {
        match quoted(c) {
            Some(escape) => out.extend(escape.bytes()),
            None => push(c, out),
        }
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend(c.encode_utf8(&mut [0; 4]).bytes());
}
