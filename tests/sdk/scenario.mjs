// The Node face of tests/scenario.json: reads a step a line, performs it, answers a line.
import { createInterface } from "node:readline";
import { CastClient, CastError } from "@cast-secrets/client";

const client = new CastClient();

async function perform({ do: what, agent, key, value, unmasked, allow_dangerous_name, command }) {
  switch (what) {
    case "set":
      await client.secrets.set(agent, key, value, { unmasked, allowDangerousName: allow_dangerous_name });
      return {};
    case "list":
      return { gives: await client.secrets.list(agent) };
    case "delete":
      await client.secrets.delete(agent, key);
      return {};
    case "agents":
      return { gives: await client.agents.list() };
    case "run": {
      const child = client.run(agent, command[0], command.slice(1));
      let said = "";
      child.stderr.on("data", (chunk) => (said += chunk));
      const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
      return code === 0 ? {} : { fails: code, says: said };
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line)).catch((error) => {
    if (!(error instanceof CastError)) throw error;
    return { fails: error.code, says: error.message, hints: error.hints };
  });
  console.log(JSON.stringify(answer));
}
