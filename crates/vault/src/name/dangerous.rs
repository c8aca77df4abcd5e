//! Names that make programs load code, or change what runs or whom it trusts, when they find them in their environment. Refused unless the
//! owner allows one by name.

/// Whether `name` is one of them. In either case of letters: a vault may go to Windows, which does not tell `Path` from `PATH`.
pub(super) fn is_dangerous(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_listed = NAMES.contains(&&*name)
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || ENDS.iter().any(|end| name.ends_with(end));
    is_listed && !is_harmless(&name)
}

/// Ordinary settings and tokens whose names are covered by a beginning. npm takes its settings from names in either case.
fn is_harmless(name: &str) -> bool {
    let is_npm_login = || name.starts_with("NPM_CONFIG_") && (name.contains("_AUTH") || name.contains("TOKEN"));
    let is_registry_token = || name.starts_with("CARGO_REGISTRIES_") && name.ends_with("_TOKEN");
    HARMLESS.contains(&name) || is_npm_login() || is_registry_token()
}

const BEGINNINGS: &[&str] = &[
    // The dynamic linker, on Linux and on macOS.
    "LD_",
    "DYLD_",
    // Shells, git and the desktop's folders of settings.
    "BASH_FUNC_",
    "GIT_",
    "XDG_",
    // Languages and their tools.
    "CARGO_",
    "NPM_CONFIG_",
    "PERL5",
    "PYTHON",
];

const ENDS: &[&str] = &["_PROXY", "_WRAPPER"];

const NAMES: &[&str] = &[
    // What is looked up, and by which shell.
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    // Languages.
    "CLASSPATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "MAVEN_OPTS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    // Programs that other programs start.
    "BROWSER",
    "EDITOR",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKEFLAGS",
    "PAGER",
    "RIPGREP_CONFIG_PATH",
    "SUDO_ASKPASS",
    "SSH_ASKPASS",
    "VISUAL",
    // Libraries that every program loads, and whom they trust.
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

const HARMLESS: &[&str] = &[
    "CARGO_REGISTRY_TOKEN",
    "GIT_AUTHOR_DATE",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_DATE",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_ACCESS_TOKEN",
    "GIT_AUTH_TOKEN",
    "GIT_CREDENTIALS",
    "GIT_PASSWORD",
    "GIT_PAT",
    "GIT_TOKEN",
    "GIT_USERNAME",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
];
