//! Names that say where something is, or which settings are read: a base URL, a host, a configuration. Programs send their keys there, or run what
//! it says. It costs a question, so rather a name too many.

/// Whether `name` says so: `API_BASE_URL`, `OLLAMA_HOST`, `apiBaseUrl`, `KUBECONFIG`, `NPM_REGISTRY`.
pub(super) fn is_address(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    PARTS.iter().any(|part| name.contains(part))
        || name.split('_').any(|word| {
            let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let one = word.strip_suffix('S').unwrap_or(word);
            WORDS.contains(&word) || WORDS.contains(&one) || ENDS.iter().any(|end| one.ends_with(end))
        })
}

/// Anywhere.
const PARTS: &[&str] =
    &["CONFIG", "CONNECTION", "DOMAIN", "ENDPOINT", "GATEWAY", "HOST", "PROX", "REGISTRY", "SERVER", "URL", "WEBHOOK"];

/// Where a word ends: other words contain them.
const ENDS: &[&str] = &["ADDR", "URI"];

/// As a word.
const WORDS: &[&str] = &[
    "ADDRESS",
    "ADDRESSES",
    "BASE",
    "BROKER",
    "DIR",
    "DSN",
    "FILE",
    "INDEX",
    "IP",
    "NODE",
    "ORIGIN",
    "PATH",
    "PORT",
    "PROFILE",
    "REGION",
    "RELAY",
    "REMOTE",
    "SITE",
    "SSL",
    "TLS",
    "UPSTREAM",
];
