//! The settings of the agents: no questions, no telemetry, no updates, the model of the tests and two MCP servers.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::leaks::agents::{Agent, Guard, TESTS};

impl Agent {
    /// Writes its settings into its home.
    pub fn configure(self, home: &Path, url: &str, key: &str, guard: Option<Guard>) {
        let write = |path: &str, text: String| {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let json = |path: &str, value: Value| write(path, value.to_string());
        let work = home.join("work").display().to_string();
        if guard == Some(Guard::MaskAlways) {
            write(".config/cast/config.toml", "mask = \"always\"\n".to_owned());
        }
        let servers = servers();
        match self {
            Self::Claude => {
                let approved = &key[key.len() - 20..];
                json(
                    ".claude.json",
                    json!({
                        "hasCompletedOnboarding": true, "theme": "dark",
                        "customApiKeyResponses": { "approved": [approved], "rejected": [] },
                        "projects": { work: { "hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true } },
                        "mcpServers": servers,
                    }),
                );
                if guard == Some(Guard::KeyHelper) {
                    let helper = "cast run claude --no-mask -- printenv ANTHROPIC_API_KEY";
                    json(".claude/settings.json", json!({ "apiKeyHelper": helper }));
                }
            }
            Self::Codex => {
                let mut settings = format!(
                    "model = \"gpt-5.1-codex\"\nmodel_provider = \"fake\"\ncheck_for_update_on_startup = false\n\
                     approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n\
                     [analytics]\nenabled = false\n\
                     [model_providers.fake]\nname = \"fake\"\nbase_url = \"{url}/v1\"\nenv_key = \"OPENAI_API_KEY\"\n\
                     wire_api = \"responses\"\nsupports_websockets = false\n\
                     [projects.{work:?}]\ntrust_level = \"trusted\"\n",
                );
                for (name, server) in servers.as_object().unwrap() {
                    let (command, words) = (&server["command"], &server["args"]);
                    settings.extend([format!("[mcp_servers.{name}]\ncommand = {command}\nargs = {words}\n")]);
                }
                if guard == Some(Guard::ShellPolicy) {
                    settings += "[shell_environment_policy]\nignore_default_excludes = false\n";
                }
                write(".codex/config.toml", settings);
            }
            Self::Gemini => json(
                ".gemini/settings.json",
                json!({
                    "security": {
                        "auth": { "selectedType": "gemini-api-key" }, "folderTrust": { "enabled": false },
                        "environmentVariableRedaction": { "enabled": guard == Some(Guard::Redaction) },
                    },
                    "privacy": { "usageStatisticsEnabled": false }, "telemetry": { "enabled": false },
                    "general": { "enableAutoUpdate": false, "enableAutoUpdateNotification": false },
                    "mcpServers": servers,
                }),
            ),
            Self::Opencode => {
                let local = |server: &Value| {
                    let words = [&[server["command"].clone()], server["args"].as_array().unwrap().as_slice()].concat();
                    json!({ "type": "local", "command": words })
                };
                let options = json!({ "baseURL": format!("{url}/v1"), "apiKey": "{env:OPENAI_API_KEY}" });
                json(
                    ".config/opencode/opencode.json",
                    json!({
                        "autoupdate": false, "share": "disabled", "permission": { "*": "allow" },
                        "model": "fake/fake", "small_model": "fake/fake",
                        "provider": { "fake": {
                            "npm": "@ai-sdk/openai-compatible", "name": "fake", "options": options,
                            "models": { "fake": { "name": "fake", "tool_call": true } },
                        } },
                        "mcp": { "masked": local(&servers["masked"]), "bare": local(&servers["bare"]) },
                    }),
                );
                if guard == Some(Guard::ShellHook) {
                    let hook = "export const Own = async () => ({\n  \"shell.env\": async (_, output) => { \
                                output.env.OPENAI_API_KEY = \"\"; },\n});\n";
                    write(".config/opencode/plugin/own.js", hook.to_owned());
                }
            }
            Self::Aider => {}
        }
    }
}

/// The MCP servers, one masked, one not.
fn servers() -> Value {
    let server = format!("{TESTS}/server.mjs");
    json!({
        "masked": { "command": "cast", "args": ["run", "mcp", "--", "node", server] },
        "bare": {
            "command": "cast",
            "args": ["run", "bare-mcp", "--no-mask", "--inherit-secrets", "--", "node", server],
        },
    })
}
