// An MCP server over standard input and output. It writes one secret to standard error, as a server's log does, and
// gives another, and the key of the agent that started it, in the result of its only tool.
import { createInterface } from "node:readline";

const { MCP_TOKEN, LOG_TOKEN, ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY } = process.env;
const outer = ANTHROPIC_API_KEY ?? OPENAI_API_KEY ?? GEMINI_API_KEY ?? null;
const log = (event) => process.stderr.write(`${event} with ${LOG_TOKEN}\n`);

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "tell", version: "1.0.0" },
  }),
  "tools/list": () => ({
    tools: [{ name: "tell", description: "Tells what it has", inputSchema: { type: "object", properties: {} } }],
  }),
  "tools/call": () => {
    log("called");
    return { content: [{ type: "text", text: JSON.stringify({ told: true, token: MCP_TOKEN, outer }) }] };
  },
};

log("started");
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  // A notification wants no answer.
  if (id === undefined) continue;
  const result = answers[method]?.(params) ?? {};
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
}
