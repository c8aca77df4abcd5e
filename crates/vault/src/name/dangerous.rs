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
    "CORECLR_ENABLE_PROFILING",
    "CORECLR_PROFILER",
    "COR_ENABLE_PROFILING",
    "COR_PROFILER",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "NPM_CONFIG_",
    "PERL5",
    "PYTEST_",
    "PYTHON",
    "R_ENVIRON",
    "R_PROFILE",
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
    "BASH_LOADABLES_PATH",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    // Compilers and their like, which build tools take by these names.
    "AR",
    "AS",
    "CC",
    "CPP",
    "CXX",
    "FC",
    "LD",
    "NM",
    "RANLIB",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
    // Languages.
    "BUNDLE_GEMFILE",
    "BUN_OPTIONS",
    "CAML_LD_LIBRARY_PATH",
    "CLASSPATH",
    "COVERAGE_PROCESS_START",
    "DOTNET_STARTUP_HOOKS",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_ZFLAGS",
    "GEM_HOME",
    "GEM_PATH",
    "GOFLAGS",
    "GRADLE_OPTS",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JULIA_LOAD_PATH",
    "JULIA_PROJECT",
    "MAVEN_OPTS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PHPRC",
    "PERLLIB",
    "PHP_INI_SCAN_DIR",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "SBT_OPTS",
    "TCLLIBPATH",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_URL",
    // Programs that other programs start, a bus behind `unixexec:` among them.
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "EDITOR",
    "EXINIT",
    "GVIMINIT",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKEFLAGS",
    "MANPAGER",
    "PAGER",
    "RIPGREP_CONFIG_PATH",
    "RSYNC_RSH",
    "SUDO_ASKPASS",
    "SSH_ASKPASS",
    "SVN_SSH",
    "CVS_RSH",
    "TAR_OPTIONS",
    "VIMINIT",
    "VISUAL",
    // Libraries that every program loads, and whom they trust.
    "GCONV_PATH",
    "GIO_EXTRA_MODULES",
    "GIO_MODULE_DIR",
    "GLIBC_TUNABLES",
    "GTK_MODULES",
    "GTK_PATH",
    "GTK3_MODULES",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "GST_PLUGIN_PATH",
    "VK_LAYER_PATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
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
