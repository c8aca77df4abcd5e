//! What tells nothing of a secret: how all secrets of a kind begin.

/// The longest beginning that is looked at, in bytes.
pub(crate) const LONGEST_PUBLIC: usize = 80;

/// How tokens of well-known services begin. The longer of two that begin alike come first.
const PREFIXES: &[&str] = &[
    "sk-ant-api03-",
    "sk-ant-admin01-",
    "sk-ant-oat01-",
    "sk-ant-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-admin-",
    "sk-or-v1-",
    "sk-lf-",
    "pk-lf-",
    "sk-live-",
    "sk-test-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "pk_live_",
    "pk_test_",
    "whsec_",
    "sk-",
    "github_pat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "glpat-",
    "gldt-",
    "glrt-",
    "glcbt-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "npm_",
    "pypi-",
    "hf_",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "GOCSPX-",
    "SG.",
    "dop_v1_",
    "doo_v1_",
    "shpat_",
    "shpss_",
    "rubygems_",
    "dckr_pat_",
    "tskey-",
    "pscale_tkn_",
    "hvs.",
    "hvb.",
    "lin_api_",
    "secret_",
    "ntn_",
    "figd_",
    "sntrys_",
    "phc_",
    "phx_",
    "r8_",
    "gsk_",
    "xai-",
    "pplx-",
    "nvapi-",
    "tvly-",
    "fw_",
    "csk-",
    "AGE-SECRET-KEY-1",
    "eyJhbGciOiJ",
    "eyJ0eXAiOiJ",
    "https://",
    "http://",
    "postgresql://",
    "postgres://",
    "mysql://",
    "mongodb+srv://",
    "mongodb://",
    "redis://",
    "rediss://",
    "amqp://",
    "amqps://",
    "Bearer ",
    "Basic ",
];

/// How much of the beginning of a form everybody knows.
pub(crate) fn public_prefix(beginning: &[u8]) -> usize {
    let known = PREFIXES.iter().map(|prefix| prefix.as_bytes());
    let known = known.filter(|prefix| beginning.starts_with(prefix) || prefix.starts_with(beginning));
    known.map(|prefix| prefix.len().min(beginning.len())).max().unwrap_or(0).max(armour_prefix(beginning))
}

/// Whether the text begins like a token of a well-known service.
pub(super) fn has_token_prefix(text: &str) -> bool {
    tokens().any(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 8))
}

/// How all tokens of the service begin that this one is of: the longest beginning in the table, or nothing. Schemes of
/// URLs and of headers are not one.
pub fn token_prefix(token: &str) -> &str {
    let prefixes = tokens().filter(|prefix| token.starts_with(**prefix));
    &token[..prefixes.map(|prefix| prefix.len()).max().unwrap_or(0)]
}

fn tokens() -> impl Iterator<Item = &'static &'static str> {
    PREFIXES.iter().filter(|prefix| !prefix.ends_with(['/', ' ']))
}

/// The length of the part at the beginning of `text` that is, or may become, the first line of a PEM file: `-----BEGIN
/// PRIVATE KEY-----`. That line is not secret, although the form of a whole PEM file begins with it.
pub(crate) fn armour_prefix(text: &[u8]) -> usize {
    const OPEN: &[u8] = b"-----BEGIN ";
    let Some(label) = text.strip_prefix(OPEN) else {
        return if OPEN.starts_with(text) { text.len() } else { 0 };
    };
    let label_len = label.iter().take_while(|&&b| b == b' ' || b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    let dashes = label[label_len..].iter().take(5).take_while(|&&b| b == b'-').count();
    if dashes == 5 || label_len + dashes == label.len() { OPEN.len() + label_len + dashes } else { 0 }
}
