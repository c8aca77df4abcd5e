//! Words that are names, and words that are not.

use super::*;

fn check_agent(word: &str, valid: bool) {
    assert_eq!(AgentName::parse(word).is_ok(), valid, "{word:?}");
}

fn check_secret(word: &str, valid: bool) {
    assert_eq!(SecretName::parse(word).is_ok(), valid, "{word:?}");
}

#[test]
fn addresses() {
    let is_address = |word: &str| SecretName::parse(word).unwrap().is_address();
    for word in [
        "API_BASE_URL",
        "apiUrlV2",
        "OLLAMA_HOST",
        "HOSTPORT",
        "DB_URI",
        "MONGO_URIS",
        "REDIS_ADDR_2",
        "SENTRY_DSN",
        "KUBECONFIG",
        "CONFIGPATH",
        "AWS_CONFIG_FILE",
        "AWS_PROFILE",
        "NPM_REGISTRY",
        "AZURE_STORAGE_CONNECTION_STRING",
        "PIP_INDEX",
        "IPS",
        "PROXIES",
        "SLACK_WEBHOOKS",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "KAFKA_BROKERS",
        "AWS_REGION",
    ] {
        assert!(is_address(word), "{word}");
    }
    for word in
        ["OPENAI_API_KEY", "GITHUB_TOKEN", "SECURITY_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "REPORT", "K"]
    {
        assert!(!is_address(word), "{word}");
    }
}

#[test]
fn agents() {
    for word in ["a", "0", "my-agent", "a.b_c-d", "builtin", "com", "com10", "console", "nul-x", &"a".repeat(63)] {
        check_agent(word, true);
    }
    for word in [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "_a",
        "a.",
        "a..b",
        "A",
        "my agent",
        "a/b",
        "a\\b",
        "é",
        "a\n",
        "a\0",
        "con",
        "nul",
        "aux",
        "prn",
        "com1",
        "lpt9",
        "com0",
        "nul.txt",
        "con.a.b",
        &"a".repeat(64),
    ] {
        check_agent(word, false);
    }
}

#[test]
fn secrets() {
    for word in ["A", "_", "a", "OPENAI_API_KEY", "_1", "CAST", "CASTLE", &"A".repeat(255)] {
        check_secret(word, true);
    }
    for word in ["", "1A", "A-B", "A B", "A=b", "É", "A\n", "CAST_KEY", "CAST_", "cast_key", &"A".repeat(256)] {
        check_secret(word, false);
    }
}

#[test]
fn a_refusal_says_what_is_wrong_with_a_secret_name() {
    for (word, fault) in [
        ("sk-live-abc", NameFault::Sign),
        ("MY.KEY", NameFault::Sign),
        ("KEY ", NameFault::OuterBlank),
        ("\tKEY-1", NameFault::OuterBlank),
        ("MY KEY", NameFault::Blank),
        ("1ST", NameFault::Digit),
        ("", NameFault::Empty),
        (&"K".repeat(256), NameFault::TooLong(255)),
        ("K\u{e9}", NameFault::Shape),
        ("K=sk-live-abc", NameFault::Assignment),
        ("CAST_SK_LIVE", NameFault::Reserved),
    ] {
        assert_eq!(SecretName::parse(word), Err(Error::SecretName(fault)));
    }
}

#[test]
fn a_refusal_says_what_is_wrong_with_an_agent_name() {
    for (word, fault) in [
        ("MY-AGENT", NameFault::UpperCase),
        ("my-agent ", NameFault::OuterBlank),
        ("\nMY-AGENT", NameFault::OuterBlank),
        ("my agent", NameFault::Blank),
        ("", NameFault::Empty),
        (&"a".repeat(64), NameFault::TooLong(63)),
        ("-agent", NameFault::Shape),
        ("nul", NameFault::Shape),
    ] {
        assert_eq!(AgentName::parse(word), Err(Error::AgentName(fault)), "{word:?}");
    }
}

#[test]
fn names_as_environment_variables_usually_are() {
    let conventional = |word| SecretName::parse(word).unwrap().is_conventional();
    for word in ["API_KEY", "_", "TF_VAR_db_password", "npm_config_registry"] {
        assert!(conventional(word), "{word}");
    }
    for word in ["api_key", "Token", "tf_var_x", "MY_TF_VAR_x"] {
        assert!(!conventional(word), "{word}");
    }
}

#[test]
fn dangerous_names() {
    let dangerous = |word| SecretName::parse(word).unwrap().is_dangerous();
    for word in [
        "PATH",
        "Path",
        "LD_PRELOAD",
        "LD_ANYTHING",
        "NODE_OPTIONS",
        "NODE_EXTRA_CA_CERTS",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "GIT_EXTERNAL_DIFF",
        "GIT_TEMPLATE_DIR",
        "GIT_ASKPASS",
        "XDG_CONFIG_HOME",
        "ZDOTDIR",
        "PYTHONPATH",
        "PYTHONBREAKPOINT",
        "PERL5DB",
        "RUSTC_WRAPPER",
        "CARGO_HOME",
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
        "npm_config_script_shell",
        "NPM_CONFIG_NODE_OPTIONS",
        "https_proxy",
        "ALL_PROXY",
        "MAKEFLAGS",
        "LESSOPEN",
        "OPENSSL_CONF",
        "SSL_CERT_FILE",
        "_JAVA_OPTIONS",
        "CC",
        "LUA_INIT_5_4",
        "VIMINIT",
        "CORECLR_PROFILER_PATH_64",
        "DOTNET_STARTUP_HOOKS",
        "R_PROFILE_USER",
        "PIP_INDEX_URL",
        "UV_INDEX_URL",
        "GOFLAGS",
        "DBUS_SESSION_BUS_ADDRESS",
    ] {
        assert!(dangerous(word), "{word}");
    }
    for word in [
        "OPENAI_API_KEY",
        "MY_PATH",
        "LDAP",
        "PATHS",
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "GIT_TOKEN",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_EMAIL",
        "PYTHONUNBUFFERED",
        "PYTHONUTF8",
        "CARGO_REGISTRY_TOKEN",
        "CARGO_REGISTRIES_MY_TOKEN",
        "NPM_TOKEN",
        "npm_config__authToken",
        "NPM_CONFIG__AUTH",
        "npm_config_registry_token",
        "PROXY_PASSWORD",
        "JAVA_HOME",
        "ANTHROPIC_BASE_URL",
        "CCACHE_DIR",
        "UV_INDEX_MINE_PASSWORD",
        "AR_TOKEN",
        "DOTNET_ENVIRONMENT",
        "R_LIBS_TOKEN",
        "GOPROXY_TOKEN",
        "DENO_DEPLOY_TOKEN",
    ] {
        assert!(!dangerous(word), "{word}");
    }
}

#[test]
fn what_looks_like_a_token_is_no_name_when_typed_and_one_where_it_is_stored() {
    let (agent, key) = ("sk-ant-api03-abcdefgh", "ghp_16C7e42F292c6912E7710c838347Ae178B4a");
    assert_eq!(AgentName::typed(agent), Err(Error::AgentName(NameFault::Token)));
    assert_eq!(SecretName::typed(key), Err(Error::SecretName(NameFault::Token)));
    // Another cast may know fewer prefixes than this one: what it stored can be read.
    assert!(AgentName::parse(agent).is_ok() && SecretName::parse(key).is_ok());
    assert!(AgentName::typed("my-agent").is_ok() && SecretName::typed("OPENAI_API_KEY").is_ok());
}

#[test]
fn people_are_called_as_agents_are() {
    assert_eq!(PersonName::parse("alice.laptop-2").unwrap().to_string(), "alice.laptop-2");
    for word in ["owner", "", "Alice", "a b", "a..b", "nul", "\u{e9}", "-a"] {
        assert_eq!(PersonName::parse(word), Err(Error::PersonName), "{word:?}");
    }
}
