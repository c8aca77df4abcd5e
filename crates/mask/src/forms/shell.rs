//! A value quoted for a shell, where no decoder undoes it: `set -x`, `export -p` and `shlex.quote` end a quoted string
//! before a quote, and begin another behind it. The outer quotes are not part of a form.

pub(super) fn each(value: &str, take: &mut dyn FnMut(&[u8])) {
    if value.contains('\'') {
        // 'it'\''s' (bash, set -x), 'it'"'"'s' (dash, Python).
        for quote in ["'\\''", "'\"'\"'"] {
            take(value.replace('\'', quote).as_bytes());
        }
    }
    // 'a'$'\n''b' (GNU ls, env and printf).
    if value.contains(['\n', '\r', '\t']) {
        let quoted = value.replace('\'', "'\\''");
        let quoted = quoted.replace('\n', "'$'\\n''").replace('\r', "'$'\\r''").replace('\t', "'$'\\t''");
        take(quoted.as_bytes());
    }
}
