//! A model that plays a script, over the four APIs that agents speak: Anthropic's Messages, `OpenAI`'s Responses and
//! Chat Completions, and Gemini's. It asks for one tool call after the other, then says "done", and keeps what it was
//! sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A tool call that the model asks for. The answer to it comes back under the same `id`.
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub id: String,
    /// The tool's name, or its end: agents put the server's name before those of MCP.
    pub tool: String,
    pub arguments: Value,
}

/// The running model, on the loopback interface.
pub struct Model {
    pub url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

/// The API that a request speaks.
#[derive(Clone, Copy, PartialEq)]
enum Api {
    Messages,
    Responses,
    Chat,
    Gemini,
}

/// A request, as far as the model looks at it.
struct Request {
    path: String,
    body: String,
}

/// What the model does next.
enum Turn {
    /// A call, and the namespace of its tool.
    Call(ToolCall, Option<String>),
    Say(&'static str),
}

impl Model {
    pub fn start(script: Vec<ToolCall>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        // It ends with the test's process: an agent may leave a connection open for as long as it likes.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, kept) = (script.clone(), Arc::clone(&kept));
                thread::spawn(move || {
                    // An agent that hangs up has its answer, or wants none.
                    let _ = serve(&stream, &script, &kept);
                });
            }
        });
        Self { url, bodies }
    }

    /// The bodies of all requests to now.
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, script: &[ToolCall], kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let Some(request) = read(&mut BufReader::new(stream))? else { return Ok(()) };
    kept.lock().unwrap().push(request.body.clone());
    let (kind, text) = answer(&request, script);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        // Compressed, a body would hide what is in it from the test.
        assert!(!header.starts_with("content-encoding:"), "{path}: {header}");
        if let Some(bytes) = header.strip_prefix("content-length:") {
            length = bytes.trim().parse().map_err(io::Error::other)?;
        }
        chunked |= header == "transfer-encoding: chunked";
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            stream.by_ref().take(size).read_to_end(&mut body)?;
            stream.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else {
        stream.take(length).read_to_end(&mut body)?;
    }
    Ok(Some(Request { path, body: String::from_utf8_lossy(&body).into_owned() }))
}

/// The content type and the text of the answer.
fn answer(request: &Request, script: &[ToolCall]) -> (&'static str, String) {
    let path = request.path.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let api = match path {
        _ if path.ends_with("/messages") => Api::Messages,
        _ if path.ends_with("/responses") => Api::Responses,
        _ if path.ends_with("/chat/completions") => Api::Chat,
        _ if path.ends_with("enerateContent") => Api::Gemini,
        _ if path.ends_with("ount_tokens") || path.ends_with("ountTokens") => {
            return ("application/json", json!({ "input_tokens": 10, "totalTokens": 10 }).to_string());
        }
        // Lists of models, and what else an agent asks for at its start.
        _ => return ("application/json", json!({ "object": "list", "data": [], "models": [] }).to_string()),
    };
    let turn = next(&body, &request.body, script);
    let streams = body["stream"] == true || path.ends_with("streamGenerateContent");
    let (events, whole) = match api {
        Api::Messages => messages(&turn),
        Api::Responses => responses(&turn),
        Api::Chat => chat(&turn),
        Api::Gemini => gemini(&turn),
    };
    if !streams {
        return ("application/json", whole.to_string());
    }
    let lines = events.iter().map(|event| match event["type"].as_str() {
        Some(kind) => format!("event: {kind}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    });
    let end = if api == Api::Chat { "data: [DONE]\n\n" } else { "" };
    ("text/event-stream", lines.collect::<String>() + end)
}

/// The first call of the script that the conversation does not hold yet. A request that brings no such tool is on the
/// side (a title for the session) and gets words.
fn next(body: &Value, text: &str, script: &[ToolCall]) -> Turn {
    let Some(call) = script.iter().find(|call| !text.contains(&call.id)) else { return Turn::Say("done") };
    match find(&body["tools"], None, &call.tool) {
        Some((space, name)) => Turn::Call(ToolCall { tool: name.to_owned(), ..call.clone() }, space.map(str::to_owned)),
        None => Turn::Say("no such tool"),
    }
}

/// The tool with this name, or with its namespace and this name, however deep an API keeps it.
fn find<'a>(tools: &'a Value, space: Option<&'a str>, wanted: &str) -> Option<(Option<&'a str>, &'a str)> {
    if let Value::Array(list) = tools {
        return list.iter().find_map(|tool| find(tool, space, wanted));
    }
    let name = tools["name"].as_str();
    if let Some(inner) =
        ["function", "functionDeclarations", "tools"].into_iter().find(|key| tools[*key] != Value::Null)
    {
        return find(&tools[inner], name.or(space), wanted);
    }
    let whole = format!("{}_{}", space.unwrap_or_default(), name?).replace("__", "_");
    whole.ends_with(&format!("_{wanted}")).then_some((space, name?))
}

/// Anthropic Messages: the events of a stream, and the answer in one piece; so, too, the next ones.
fn messages(turn: &Turn) -> (Vec<Value>, Value) {
    let usage = json!({ "input_tokens": 10, "output_tokens": 10 });
    let (begun, delta, block, reason) = match turn {
        Turn::Call(call, _) => (
            json!({ "type": "tool_use", "id": call.id, "name": call.tool, "input": {} }),
            json!({ "type": "input_json_delta", "partial_json": call.arguments.to_string() }),
            json!({ "type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments }),
            "tool_use",
        ),
        Turn::Say(words) => (
            json!({ "type": "text", "text": "" }),
            json!({ "type": "text_delta", "text": words }),
            json!({ "type": "text", "text": words }),
            "end_turn",
        ),
    };
    let message = |content: Value, reason: Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "fake", "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": usage,
        })
    };
    let events = vec![
        json!({ "type": "message_start", "message": message(json!([]), Value::Null) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": begun }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage }),
        json!({ "type": "message_stop" }),
    ];
    (events, message(json!([block]), json!(reason)))
}

/// Responses of `OpenAI`.
fn responses(turn: &Turn) -> (Vec<Value>, Value) {
    let item = match turn {
        Turn::Call(call, space) => {
            let mut item = json!({
                "type": "function_call", "id": format!("fc_{}", call.id), "call_id": call.id, "name": call.tool,
                "arguments": call.arguments.to_string(), "status": "completed",
            });
            if let Some(space) = space {
                item["namespace"] = json!(space);
            }
            item
        }
        Turn::Say(words) => json!({
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": words, "annotations": [] }],
        }),
    };
    let whole = json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "fake", "status": "completed", "output": [item],
        "usage": {
            "input_tokens": 10, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 10,
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 20,
        },
    });
    let begun = json!({ "id": "resp_1", "object": "response", "created_at": 1, "model": "fake", "output": [] });
    let events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": whole }),
    ];
    (events, whole)
}

/// Chat Completions of `OpenAI`.
fn chat(turn: &Turn) -> (Vec<Value>, Value) {
    let (message, reason) = match turn {
        Turn::Call(call, _) => {
            let function = json!({ "name": call.tool, "arguments": call.arguments.to_string() });
            let call = json!({ "index": 0, "id": call.id, "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
        Turn::Say(words) => (json!({ "role": "assistant", "content": words }), "stop"),
    };
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20 });
    let chunk = |delta: &Value, reason: Value, usage: &Value| {
        json!({
            "id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }], "usage": usage,
        })
    };
    let events = vec![chunk(&message, Value::Null, &Value::Null), chunk(&json!({}), json!(reason), &usage)];
    let whole = json!({
        "id": "chat_1", "object": "chat.completion", "created": 1, "model": "fake",
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }], "usage": usage,
    });
    (events, whole)
}

/// Gemini: a stream of one event.
fn gemini(turn: &Turn) -> (Vec<Value>, Value) {
    let part = match turn {
        Turn::Call(call, _) => {
            json!({ "functionCall": { "id": call.id, "name": call.tool, "args": call.arguments } })
        }
        Turn::Say(words) => json!({ "text": words }),
    };
    let whole = json!({
        "candidates": [{ "index": 0, "content": { "role": "model", "parts": [part] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20 },
    });
    (vec![whole.clone()], whole)
}
