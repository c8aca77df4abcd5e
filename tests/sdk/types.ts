// Compiled as both kinds of module, strictly, and run.
import { CastClient, CastError, type AgentInfo, type CastErrorCode, type SecretInfo } from "@cast-secrets/client";

async function main(): Promise<void> {
  const client: CastClient = new CastClient({ binary: process.env.CAST_BINARY, home: undefined });
  await client.secrets.set('my-agent', 'OPENAI_API_KEY', 'sk-abc123...');
  await client.secrets.set("my-agent", "BYTES", Buffer.from("bytes\n"), { unmasked: true, signal: AbortSignal.timeout(60_000) });
  await client.secrets.delete("my-agent", "BYTES");
  const secrets: SecretInfo[] = await client.secrets.list("my-agent");
  const agents: AgentInfo[] = await client.agents.list();
  const modified: string | null | undefined = agents[0]?.modified_at;
  for (const { key, created_at, builtin } of secrets) {
    if (!builtin && modified && created_at) console.log(key);
  }
  try {
    await client.secrets.list("nobody");
  } catch (error) {
    if (!(error instanceof CastError)) throw error;
    const code: CastErrorCode = error.code;
    if (code !== "not_found" || error.hints.length === 0) throw error;
  }
  const piped = client.run("my-agent", "cat", [], { cwd: ".", only: ["OPENAI_API_KEY"] });
  piped.stdin.end();
  client.run("my-agent", "cat", [], { inheritSecrets: true, marker: "fixed" }).stdin.end();
}

export function wrong(client: CastClient): void {
  // @ts-expect-error: no such option
  new CastClient({ vault: "x" });
  // @ts-expect-error: a value is text or bytes
  void client.secrets.set("a", "K", 1);
  // @ts-expect-error: there is no way to read a value
  void client.secrets.get("a", "K");
  // @ts-expect-error: no such marker
  client.run("a", "echo", [], { marker: "stars" });
  // @ts-expect-error: no shell in between
  client.run("a", "echo", [], { shell: true });
  // @ts-expect-error: null where nothing is piped
  client.run("a", "echo", undefined, { stdio: "ignore", signal: AbortSignal.timeout(60_000) }).stdout.on("data", () => {});
}

void main();
