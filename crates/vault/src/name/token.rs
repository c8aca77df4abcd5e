//! Words that look like a token: a secret typed where a name belongs. Keeps the promise that such a word becomes no name, so that no
//! message, listing or log shows it.

/// What published tokens begin with, and how many letters, digits, `_` and `-` follow at least. The prefixes are public: they are in the
/// services' own documentation and in the rules of secret scanners.
const PREFIXES: &[(&str, usize)] = &[
    ("sk-ant-", 8),
    ("sk-proj-", 8),
    ("sk-svcacct-", 8),
    ("sk-or-", 8),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("pk_live_", 8),
    ("whsec_", 16),
    ("ghp_", 8),
    ("gho_", 8),
    ("ghu_", 8),
    ("ghs_", 8),
    ("ghr_", 8),
    ("github_pat_", 8),
    ("glpat-", 8),
    ("gldt-", 16),
    ("glrt-", 16),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxa-", 8),
    ("xoxe-", 8),
    ("xapp-", 8),
    ("dckr_pat_", 8),
    ("pypi-", 16),
    ("npm_", 16),
    ("hf_", 16),
    ("gsk_", 16),
    ("xai-", 16),
    ("pplx-", 16),
    ("tvly-", 16),
    ("r8_", 16),
    ("lin_api_", 16),
    ("ntn_", 16),
    ("secret_", 32),
    ("dop_v1_", 16),
    ("shpat_", 16),
    ("nvapi-", 16),
    ("AIza", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ya29.", 16),
    ("eyJ", 16),
    ("sk-", 16),
    ("AGE-SECRET-KEY-", 8),
];

/// From this many characters on, a word without a known prefix is looked at.
const LONG: usize = 20;
/// A piece of hexadecimal digits in one case that is this long is no word.
const LONG_HEX: usize = 16;
/// Pieces up to this length mix letters and digits as they like: `k8s`, `x86`, `eu1`.
const SHORT: usize = 5;

/// The letter pairs that make up 97 % of those in the names of packages and environment variables: a row for each first letter, a bit
/// for each second one. In random letters, a pair is among them in about half of the cases.
const USUAL: [u32; 26] = [
    0x3fe_bd7f, 0x11e_cb15, 0x11e_ddbd, 0x1de_ffff, 0x1ff_fd7f, 0x15e_4931, 0x01e_f9d5, 0x11a_4111, 0x2ae_fc7f,
    0x014_4011, 0x014_5119, 0x11e_dd7f, 0x11c_d91f, 0x13c_fd7f, 0x0fe_ff6f, 0x11e_d99d, 0x010_0800, 0x13e_fd7f,
    0x17f_fdff, 0x15e_f9bf, 0x08e_b97f, 0x010_4111, 0x006_e111, 0x008_8155, 0x00e_f81f, 0x000_0011,
];

/// Whether `word` looks like a token: it has a known prefix, or 20 and more letters, digits, `.`, `-` and `_` that do not read as words.
pub(super) fn looks_like_token(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    word.bytes().all(is_plain) && (has_prefix(word) || word.len() >= LONG && is_random(word))
}

fn has_prefix(word: &str) -> bool {
    PREFIXES.iter().any(|(prefix, least)| {
        let rest = word.strip_prefix(prefix).filter(|rest| rest.len() >= *least);
        // What follows a short prefix may be words: `sk-learn-feature-store`.
        rest.is_some_and(|rest| is_random(rest) || rest.bytes().any(|byte| byte.is_ascii_digit()) && *least <= 8)
    })
}

/// Whether the pairs of neighbours within the pieces of `word` are those of chance rather than of words and numbers.
fn is_random(word: &str) -> bool {
    let mut pieces = word.split(['.', '_', '-']).map(str::as_bytes);
    if pieces.clone().any(is_long_hex) {
        return true;
    }
    let (odd, all) = pieces.by_ref().flat_map(pairs).fold((0, 0), |(odd, all), weight| (odd + weight, all + 2));
    odd >= 8 && odd * 10 >= all * 3
}

/// How odd each pair of neighbours in a piece is, from 0 to 2. Pairs that say nothing are left out.
fn pairs(piece: &[u8]) -> impl Iterator<Item = u32> {
    piece.windows(2).filter_map(|pair| {
        let [one, next] = [pair[0], pair[1]];
        match (one.is_ascii_digit(), next.is_ascii_digit()) {
            (true, true) => None,
            (false, false) if one.is_ascii_lowercase() && next.is_ascii_uppercase() => Some(1),
            (false, false) => Some(if is_usual(one, next) { 0 } else { 2 }),
            _ => (piece.len() > SHORT).then_some(2),
        }
    })
}

fn is_usual(one: u8, next: u8) -> bool {
    let number = |letter: u8| letter.to_ascii_lowercase() - b'a';
    USUAL[usize::from(number(one))] >> number(next) & 1 == 1
}

/// Digits and letters in one case, both of them.
fn is_long_hex(piece: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| piece.iter().any(class);
    piece.len() >= LONG_HEX
        && piece.iter().all(u8::is_ascii_hexdigit)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase) != has(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests;
