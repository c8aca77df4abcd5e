//! The table of well-known keys: under which names programs look for them, where they go, and what carries them. Each
//! row was looked up in the documentation that it names. The public prefixes are the masker's; a test compares.

use crate::authority::Authority;

/// A kind of key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// The KEYs under which programs look for it.
    pub names: &'static [&'static str],
    /// The hosts that it is for, on port 443.
    pub hosts: &'static [&'static str],
    /// The headers that carry it besides `Authorization`, in lower case.
    pub headers: &'static [&'static str],
    /// The words before it in `Authorization` besides `Bearer`, `token` and `Basic`; an empty one is for none at all.
    pub schemes: &'static [&'static str],
    /// How such keys begin, as the masker's table has it; may be empty.
    pub prefixes: &'static [&'static str],
    /// Where this is documented.
    pub source: &'static str,
}

/// Why a secret with this name rarely works brokered: the program needs the value itself, or puts it where none is put
/// in. A name proves nothing, so this is a hint and no refusal: a stand-in fails safely.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// Programs sign with it.
    Signs,
    /// Programs log in to a database with it.
    LogsIn,
    /// Programs put it into the path.
    InPath,
}

/// A row with the usual `Authorization` alone.
const fn plain(
    names: &'static [&'static str],
    hosts: &'static [&'static str],
    prefixes: &'static [&'static str],
    source: &'static str,
) -> Known {
    Known { names, hosts, headers: &[], schemes: &[], prefixes, source }
}

impl Known {
    const fn in_headers(self, headers: &'static [&'static str]) -> Self {
        Self { headers, ..self }
    }

    const fn behind(self, schemes: &'static [&'static str]) -> Self {
        Self { schemes, ..self }
    }
}

/// The table.
pub const KNOWN: &[Known] = &[
    // Models.
    plain(
        &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
        &["api.anthropic.com"],
        &["sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-"],
        "docs.anthropic.com/en/api/overview, code.claude.com/docs/en/env-vars",
    )
    .in_headers(&["x-api-key"]),
    plain(
        &["CLAUDE_CODE_OAUTH_TOKEN"],
        &["api.anthropic.com"],
        &["sk-ant-oat01-"],
        "hexdocs.pm/claude_code_sdk (ClaudeCodeSDK.Auth.Providers.Anthropic)",
    ),
    plain(
        &["OPENAI_API_KEY"],
        &["api.openai.com"],
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-"],
        "developers.openai.com/api/docs/guides/realtime-websocket",
    ),
    plain(
        &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
        &["generativelanguage.googleapis.com"],
        &["AIza"],
        "ai.google.dev/api",
    )
    .in_headers(&["x-goog-api-key"]),
    plain(
        &["OPENROUTER_API_KEY"],
        &["openrouter.ai"],
        &["sk-or-v1-"],
        "openrouter.ai/docs/guides/overview/auth/api-keys",
    )
    .in_headers(&["x-api-key"]),
    plain(&["GROQ_API_KEY"], &["api.groq.com"], &["gsk_"], "console.groq.com/docs/quickstart"),
    plain(&["XAI_API_KEY"], &["api.x.ai"], &["xai-"], "docs.x.ai/developers/quickstart, docs.x.ai/api"),
    plain(
        &["MISTRAL_API_KEY"],
        &["api.mistral.ai"],
        &[],
        "docs.mistral.ai/inference/quickstarts/send-your-first-request",
    ),
    plain(&["DEEPSEEK_API_KEY"], &["api.deepseek.com"], &["sk-"], "api-docs.deepseek.com"),
    plain(
        &["CO_API_KEY", "COHERE_API_KEY"],
        &["api.cohere.com"],
        &[],
        "docs.litellm.ai/docs/pass_through/cohere, reference.langchain.com/python/langchain-cohere",
    ),
    plain(
        &["TOGETHER_API_KEY"],
        &["api.together.xyz", "api.together.ai"],
        &[],
        "docs.together.ai/docs/quickstart, docs.openclaw.ai/providers/together",
    ),
    plain(
        &["FIREWORKS_API_KEY"],
        &["api.fireworks.ai"],
        &["fw_"],
        "docs.fireworks.ai/tools-sdks/python-client/installation",
    ),
    plain(
        &["NVIDIA_API_KEY"],
        &["integrate.api.nvidia.com"],
        &["nvapi-"],
        "build.nvidia.com, docs.pipecat.ai/api-reference/server/services/llm/nvidia",
    ),
    plain(&["CEREBRAS_API_KEY"], &["api.cerebras.ai"], &["csk-"], "inference-docs.cerebras.ai/api-reference"),
    plain(&["REPLICATE_API_TOKEN"], &["api.replicate.com"], &["r8_"], "replicate.com/docs/topics/security/api-tokens"),
    plain(
        &["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"],
        &["huggingface.co", "router.huggingface.co"],
        &["hf_"],
        "huggingface.co/docs/huggingface_hub, docs.jambonz.org/guides/features/bring-your-own-llm/hugging-face",
    ),
    plain(
        &["ELEVENLABS_API_KEY"],
        &["api.elevenlabs.io"],
        &[],
        "skills.sh/elevenlabs/skills/setup-api-key (by ElevenLabs)",
    )
    .in_headers(&["xi-api-key"]),
    // `Authorization: Token S`, as for all.
    plain(&["DEEPGRAM_API_KEY"], &["api.deepgram.com"], &[], "developers.deepgram.com/docs/authenticating"),
    // Searches.
    plain(&["TAVILY_API_KEY"], &["api.tavily.com"], &["tvly-"], "docs.tavily.com/api-reference/introduction"),
    plain(
        &["BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"],
        &["api.search.brave.com"],
        &[],
        "api-dashboard.search.brave.com/documentation/quickstart, npm mcp-brave-search",
    )
    .in_headers(&["x-subscription-token"]),
    plain(&["EXA_API_KEY"], &["api.exa.ai"], &[], "exa.ai/docs/reference/quickstart, unifyapps.com/docs (Exa)")
        .in_headers(&["x-api-key"]),
    // Code and packages.
    plain(
        &["GITHUB_TOKEN", "GH_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"],
        &["api.github.com", "uploads.github.com", "github.com"],
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        "github.blog/changelog (formats), cli.github.com/manual/gh_help_environment, docs.github.com/en/rest",
    ),
    plain(
        &["GITLAB_TOKEN", "GITLAB_PERSONAL_ACCESS_TOKEN"],
        &["gitlab.com"],
        &["glpat-"],
        "docs.gitlab.com/api/rest/authentication",
    )
    .in_headers(&["private-token"]),
    plain(&["CI_JOB_TOKEN"], &["gitlab.com"], &["glcbt-"], "docs.gitlab.com/api/rest/authentication")
        .in_headers(&["job-token"]),
    plain(
        &["NPM_TOKEN", "NODE_AUTH_TOKEN"],
        &["registry.npmjs.org"],
        &["npm_"],
        "npm registry-auth-token, ionic.io/docs/appflow/cookbook/private_npm_modules",
    ),
    // Basic: the password of `__token__`.
    plain(
        &["PYPI_TOKEN", "TWINE_PASSWORD", "UV_PUBLISH_TOKEN"],
        &["upload.pypi.org", "test.pypi.org"],
        &["pypi-"],
        "pypi.org/help/#apitoken",
    ),
    plain(&["CARGO_REGISTRY_TOKEN"], &["crates.io"], &[], "doc.rust-lang.org/cargo/reference/registry-web-api.html")
        .behind(&[""]),
    // Services.
    // Basic: the user name.
    plain(
        &["STRIPE_API_KEY", "STRIPE_SECRET_KEY"],
        &["api.stripe.com", "files.stripe.com"],
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        "docs.stripe.com/api/authentication",
    ),
    plain(
        &["SLACK_BOT_TOKEN", "SLACK_USER_TOKEN", "SLACK_TOKEN", "SLACK_APP_TOKEN"],
        &["slack.com", "files.slack.com"],
        &["xoxb-", "xoxp-", "xapp-"],
        "docs.slack.dev/reference/methods/apps.connections.open",
    ),
    plain(
        &["NOTION_API_KEY", "NOTION_TOKEN", "NOTION_ACCESS_TOKEN"],
        &["api.notion.com"],
        &["ntn_", "secret_"],
        "developers.notion.com/reference/authentication, docs.airbyte.com/ai-agents/connectors/notion/AUTH",
    ),
    plain(&["LINEAR_API_KEY"], &["api.linear.app"], &["lin_api_"], "linear.app/developers/graphql").behind(&[""]),
    plain(&["SENTRY_AUTH_TOKEN"], &["sentry.io"], &["sntrys_"], "docs.sentry.io/api/auth"),
    plain(
        &["CLOUDFLARE_API_TOKEN"],
        &["api.cloudflare.com"],
        &[],
        "developers.cloudflare.com/workers/wrangler/system-environment-variables",
    ),
    plain(&["VERCEL_TOKEN"], &["api.vercel.com"], &[], "vercel.com/docs/api"),
    plain(
        &["FIGMA_API_KEY", "FIGMA_ACCESS_TOKEN"],
        &["api.figma.com"],
        &["figd_"],
        "developers.figma.com/docs/rest-api/personal-access-tokens",
    )
    .in_headers(&["x-figma-token"]),
    plain(&["SENDGRID_API_KEY"], &["api.sendgrid.com"], &["SG."], "sendgrid.com/docs/api-reference"),
    plain(&["DISCORD_TOKEN"], &["discord.com"], &[], "discord.com/developers/docs/reference#authentication")
        .behind(&["Bot"]),
];

/// The kind of key that usually has this KEY.
pub fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.names.contains(&name))
}

/// The headers that carry keys of this host besides `Authorization`, in lower case. Empty for a host, or a port, that
/// the table does not have.
pub fn headers_of(host: &Authority) -> impl Iterator<Item = &'static str> {
    let host = host.to_string();
    KNOWN.iter().filter(move |known| known.hosts.contains(&&*host)).flat_map(|known| known.headers.iter().copied())
}

/// Whether the table has this host, at this port.
pub fn is_host(host: &Authority) -> bool {
    let host = host.to_string();
    KNOWN.iter().any(|known| known.hosts.contains(&&*host))
}

/// Why a secret with this KEY rarely works brokered.
pub fn doubt(name: &str) -> Option<Doubt> {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match name {
        "AWS_SECRET_ACCESS_KEY" => Some(Doubt::Signs),
        "TELEGRAM_BOT_TOKEN" => Some(Doubt::InPath),
        "PGPASSWORD" | "MYSQL_PWD" | "REDIS_URL" | "MONGODB_URI" => Some(Doubt::LogsIn),
        _ if ends(&["_PRIVATE_KEY", "_WEBHOOK_SECRET"]) => Some(Doubt::Signs),
        _ if ends(&["DATABASE_URL"]) => Some(Doubt::LogsIn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_what_other_rooms_expect() {
        let mut names = BTreeSet::new();
        for known in KNOWN {
            assert!(!known.names.is_empty() && !known.hosts.is_empty() && !known.source.is_empty());
            for name in known.names {
                assert!(names.insert(name), "{name} is there twice");
                assert_eq!(by_name(name), Some(known));
                assert_eq!(doubt(name), None, "{name}");
            }
            for host in known.hosts {
                assert_eq!(Authority::parse(host.as_bytes()).unwrap().to_string(), **host);
            }
            for header in known.headers {
                assert!(header.bytes().all(|byte| crate::http::is_token_byte(byte) && !byte.is_ascii_uppercase()));
                assert_ne!(*header, "authorization");
            }
            for prefix in known.prefixes {
                let key = format!("{prefix}0123456789abcdef");
                assert_eq!(cast_mask::token_prefix(&key), *prefix, "the masker's table has it");
            }
        }
    }

    #[test]
    fn a_host_brings_its_headers() {
        let headers = |host: &str| headers_of(&Authority::parse(host.as_bytes()).unwrap()).collect::<Vec<_>>();
        assert_eq!(headers("API.anthropic.com."), ["x-api-key"]);
        assert_eq!(headers("gitlab.com"), ["private-token", "job-token"]);
        assert!(headers("api.anthropic.com:8443").is_empty() && headers("x.gitlab.com").is_empty());
        assert!(is_host(&Authority::parse(b"api.openai.com").unwrap()));
        assert!(!is_host(&Authority::parse(b"openai.com").unwrap()));
    }

    #[test]
    fn names_that_rarely_work() {
        for (name, expected) in [
            ("AWS_SECRET_ACCESS_KEY", Some(Doubt::Signs)),
            ("GITHUB_APP_PRIVATE_KEY", Some(Doubt::Signs)),
            ("STRIPE_WEBHOOK_SECRET", Some(Doubt::Signs)),
            ("DATABASE_URL", Some(Doubt::LogsIn)),
            ("TEST_DATABASE_URL", Some(Doubt::LogsIn)),
            ("PGPASSWORD", Some(Doubt::LogsIn)),
            ("TELEGRAM_BOT_TOKEN", Some(Doubt::InPath)),
            ("MY_KEY", None),
        ] {
            assert_eq!(doubt(name), expected, "{name}");
        }
    }
}
