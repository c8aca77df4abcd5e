// The official MCP client: starts the command given after the folder of its modules, talks to it, prints what it gets,
// one JSON value per line, and ends as the first word tells: "close" as the protocol requires, "kill" without telling
// the server.
import { createRequire } from "node:module";

const [ending, modules, command, ...args] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const say = (value) => console.log(JSON.stringify(value));
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "pipe" });
const client = new Client({ name: "cast-test", version: "1.0.0" });
// Output that is not JSON-RPC would arrive here.
client.onerror = (error) => say({ error: String(error) });

await client.connect(transport);
say({ server: client.getServerVersion(), pid: transport.pid });
say({ tools: (await client.listTools()).tools.map((tool) => tool.name) });
for (let count = 0; count < 100; count++) {
  const message = `message ${count}`;
  const { content } = await client.callTool({ name: "echo", arguments: { message } });
  if (!content[0].text.includes(message)) say({ error: content });
}
say({ environment: (await client.callTool({ name: "get-env", arguments: {} })).content[0].text });
say({ echoed: (await client.callTool({ name: "echo", arguments: { message: "sk-live-\"quoted\"-0123456789" } })).content[0].text });
if (ending === "kill") process.kill(transport.pid, "SIGKILL");
await client.close();
say({ closed: true });
