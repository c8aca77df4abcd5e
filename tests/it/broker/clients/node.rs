//! Node: `fetch` and `https`, the official packages for two models, and a Node that knows no proxy.

use std::path::Path;

use serde_json::json;

use super::host::{Answer, Request};
use super::stage::Errand;
use super::{Client, check};

const FETCH: &str = r#"exec "$NODE_24" -e '
const { URL: url, API_KEY } = process.env;
fetch(url, { headers: { Authorization: `Bearer ${API_KEY}` } }).then(async (answer) => {
    console.log(await answer.text());
    if (!answer.ok) process.exit(1);
});'"#;

/// It follows a redirect as programs do that write it themselves: with all they sent.
const HTTPS: &str = r#"exec "$NODE_24" -e '
const { URL: first, API_KEY } = process.env, https = require("https");
const get = (url) => https.get(url, { headers: { Authorization: `Bearer ${API_KEY}` } }, (answer) => {
    if (answer.statusCode == 302) return get(answer.resume().headers.location);
    answer.pipe(process.stdout);
    if (answer.statusCode != 200) process.exitCode = 1;
});
get(first);'"#;

const OPENAI: &str = r#"exec "$NODE_24" -e '
const { OpenAI } = require("openai"), { HOST, ERRAND } = process.env;
(async () => {
    // At its own address, where that is the one.
    const place = HOST == "api.openai.com" ? {} : { baseURL: `https://${HOST}/v1` };
    const client = new OpenAI({ ...place, maxRetries: 0 });
    if (ERRAND != "work") return console.log(await client.get(`/${ERRAND}`));
    const messages = [{ role: "user", content: "how are you?" }];
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    for await (const part of stream) process.stdout.write(part.choices[0]?.delta?.content ?? "");
})();'"#;

const ANTHROPIC: &str = r#"exec "$NODE_24" -e '
const { Anthropic } = require("@anthropic-ai/sdk"), { HOST, ERRAND } = process.env;
(async () => {
    const place = HOST == "api.anthropic.com" ? {} : { baseURL: `https://${HOST}` };
    const client = new Anthropic({ ...place, maxRetries: 0 });
    if (ERRAND != "work") return console.log(await client.get(`/${ERRAND}`));
    const messages = [{ role: "user", content: "how are you?" }];
    const stream = client.messages.stream({ model: "m", max_tokens: 9, messages });
    stream.on("text", (text) => process.stdout.write(text));
    await stream.finalMessage();
})();'"#;

/// The Node of the machine, if it does not know `NODE_USE_ENV_PROXY`; else the oldest that the SDK is for.
macro_rules! old_node {
    ($then:literal) => {
        concat!(
            "case $(node --version) in\nv18.* | v20.* | v21.* | v22.?.* | v22.1?.* | v22.20.* | v23.*) NODE=node ;;\n",
            "*) NODE=$NODE_18 ;;\nesac\n",
            $then
        )
    };
}

/// The name service of this Node is the test: without a proxy, only a name that is found leads anywhere.
const OLD: &str = old_node!(
    r#"exec "$NODE" -e '
const { HOST, PORT, ERRAND, API_KEY } = process.env, dns = require("dns");
dns.lookup = (name, options, done) => {
    const found = { address: "127.0.0.1", family: 4 };
    process.nextTick(() => options.all ? done(null, [found]) : done(null, found.address, 4));
};
fetch(`https://${HOST}:${PORT}/${ERRAND}`, { headers: { Authorization: `Bearer ${API_KEY}` } }).then(async (answer) => {
    console.log(await answer.text());
});'"#
);

pub const ALL: [Client; 5] = [
    Client { installed: "broker", ..Client::new("Node `fetch`", "\"$NODE_24\" --version", FETCH) },
    Client { installed: "broker", ..Client::new("Node `https`", "\"$NODE_24\" --version", HTTPS) },
    Client {
        key: "OPENAI_API_KEY",
        host: "api.openai.com",
        installed: "broker",
        reply: openai,
        ..Client::new("`openai` for Node", "\"$NODE_24\" -p 'require(\"openai/version\").VERSION'", OPENAI)
    },
    Client {
        key: "ANTHROPIC_API_KEY",
        host: "api.anthropic.com",
        installed: "broker",
        reply: anthropic,
        ..Client::new(
            "`@anthropic-ai/sdk`",
            "\"$NODE_24\" -p 'require(\"@anthropic-ai/sdk/version\").VERSION'",
            ANTHROPIC,
        )
    },
    Client {
        errands: &[Errand::Work, Errand::Echo],
        ..Client::new("old Node `fetch`", old_node!("exec \"$NODE\" --version"), OLD)
    },
];

/// A stream of events, of one word.
fn openai(request: &Request, _: &Path) -> Option<Answer> {
    (request.path() == "/v1/chat/completions").then(|| {
        let chunk = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "fine" }, "finish_reason": null }],
        });
        Answer::new("text/event-stream", format!("data: {chunk}\n\ndata: [DONE]\n\n"))
    })
}

fn anthropic(request: &Request, _: &Path) -> Option<Answer> {
    (request.path() == "/v1/messages").then(|| {
        let usage = json!({ "input_tokens": 1, "output_tokens": 1 });
        let events = [
            json!({ "type": "message_start", "message": {
                "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null,
                "stop_sequence": null, "usage": usage,
            } }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "fine" } }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
                "usage": usage }),
            json!({ "type": "message_stop" }),
        ];
        let line = |event: &serde_json::Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
        Answer::new("text/event-stream", events.iter().map(line).collect::<String>())
    })
}

#[test]
fn fetch() {
    check(ALL[0]);
}

#[test]
fn https() {
    check(ALL[1]);
}

#[test]
fn the_package_of_openai() {
    check(ALL[2]);
}

#[test]
fn the_package_of_anthropic() {
    check(ALL[3]);
}

/// It goes past every proxy, and so without the value.
#[test]
fn a_node_that_knows_no_proxy() {
    check(ALL[4]);
}
