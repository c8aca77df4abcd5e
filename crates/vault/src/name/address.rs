//! Names that say where something is, or which settings are read: a base URL, a host, a configuration. Programs send their keys there, or run what
//! it says.

/// Whether `name` has a word that says so, or that ends in one: `API_BASE_URL`, `OLLAMA_HOST`, `apiBaseUrl`, `KUBECONFIG`.
pub(super) fn is_address(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.split('_').any(|word| {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        WORDS.contains(&word) || ENDS.iter().any(|end| word.ends_with(end))
    })
}

const ENDS: &[&str] = &[
    "CONFIG",
    "DOMAIN",
    "ENDPOINT",
    "ENDPOINTS",
    "GATEWAY",
    "HOST",
    "HOSTNAME",
    "HOSTS",
    "PROXY",
    "SERVER",
    "SERVERS",
    "URI",
    "URIS",
    "URL",
    "URLS",
    "WEBHOOK",
];

/// Those that other words end in, too.
const WORDS: &[&str] = &[
    "ADDR", "ADDRESS", "BASE", "BROKER", "BROKERS", "DIR", "DSN", "FILE", "IP", "NODES", "ORIGIN", "PATH", "PORT",
    "PROFILE", "REGION", "RELAY", "REMOTE", "SITE", "UPSTREAM",
];
