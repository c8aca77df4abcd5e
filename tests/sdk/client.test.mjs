// The promises of the Node client beyond tests/scenario.json, tested on the installed package. CAST_BINARY is the binary under
// test.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { CastClient, CastError } from "@cast-secrets/client";

const CAST = process.env.CAST_BINARY;
const SECRET = "sk-live-0123456789";

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "cast-sdk-"));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A home with a key file. */
function newHome(t) {
  const home = folder(t);
  execFileSync(CAST, ["init", "--key-store", "file"], { env: { ...process.env, CAST_HOME: home }, stdio: "ignore" });
  return home;
}

function keyOf(home) {
  return fs.readFileSync(path.join(home, "key.txt"), "utf8").match(/^AGE-SECRET-KEY-.*$/m)[0];
}

/** A program's standard output and exit code. */
async function output(child) {
  let out = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return [out, code];
}

/** The value that a program finds under `key`; it arrives unmasked, as hexadecimal digits, to compare every byte. */
async function valueOf(client, agent, key) {
  const script = "process.stdout.write(Buffer.from(process.env[process.argv[1]] ?? '(unset)').toString('hex'))";
  const [out, code] = await output(client.run(agent, process.execPath, ["-e", script, key], { mask: false }));
  assert.equal(code, 0);
  return Buffer.from(out, "hex").toString("utf8");
}

/** Asserts that the call fails with this code and that its error contains no secret. */
async function refuses(call, code, message = /./) {
  const error = await Promise.resolve().then(call).then(
    () => assert.fail("it did not fail"),
    (error) => error,
  );
  assert.ok(error instanceof CastError && error instanceof Error, inspect(error));
  assert.equal(error.code, code, inspect(error));
  assert.match(error.message, message);
  const told = inspect(error, { depth: Infinity, showHidden: true }) + error.stack + JSON.stringify(error) + error.hints;
  assert.ok(!told.includes("sk-live") && !/AGE-SECRET-KEY-1\w/.test(told), told);
  return error;
}

test("both kinds of module give the same classes", () => {
  const client = createRequire(import.meta.url)("@cast-secrets/client");
  assert.equal(client.CastClient, CastClient);
  assert.equal(client.CastError, CastError);
});

test("any value arrives byte for byte", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  const values = ["", "\n", "a\n", "a\r\n", "a\nb\n", " a ", "$HOME `'\"\\", "é😀\u0085", "\ufeffa", "x".repeat(100_000), "-q", "--help"];
  for (const value of values) {
    await client.secrets.set("a", "K", value);
    assert.equal(await valueOf(client, "a", "K"), value);
  }
  await client.secrets.set("a", "K", Buffer.from("bytes\n"));
  assert.equal(await valueOf(client, "a", "K"), "bytes\n");
  await client.secrets.set("a", "K", new TextEncoder().encode("more\n"));
  assert.equal(await valueOf(client, "a", "K"), "more\n");
});

test("an invalid value is refused, and changes nothing", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  await client.secrets.set("a", "K", "before");
  for (const value of [`${SECRET}\0`, `${SECRET}\ud800`, Buffer.from(`${SECRET}\xff`, "latin1"), SECRET.repeat(20_000), 1, null, undefined, {}]) {
    await refuses(() => client.secrets.set("a", "K", value), "usage", /value/);
  }
  assert.equal(await valueOf(client, "a", "K"), "before");
});

test("a word is never an option of cast, and never quoted", async (t) => {
  const home = newHome(t);
  const client = new CastClient({ home });
  await client.secrets.set("a", "K", "v-0123456789");
  for (const word of ["--all", "--yes", "--help", "-q", "--unmasked", SECRET + "/", "", "\0" + SECRET, "K=" + SECRET, 1, null, undefined, ["a"]]) {
    await refuses(() => client.secrets.set(word, "K", "v"), "usage", /AGENT/);
    await refuses(() => client.secrets.set("a", word, "v"), "usage", /KEY/);
    await refuses(() => client.secrets.list(word), "usage", /AGENT/);
    await refuses(() => client.secrets.delete(word, "K"), "usage", /AGENT/);
    await refuses(() => client.secrets.delete("a", word), "usage", /KEY/);
    if (String(word).startsWith("-") || typeof word !== "string" || word.includes("\0")) {
      await refuses(() => client.run(word, "true"), "usage", /AGENT/);
    }
  }
  await refuses(() => client.run("a", `${SECRET}\0`), "usage", /command/);
  await refuses(() => client.run("a", "echo", ["x", `${SECRET}\0`]), "usage", /argument 2/);
  await refuses(() => client.run("a", "echo", SECRET), "usage", /array/);
  await refuses(() => client.run("a", "echo", [], { shell: true }), "usage", /shell/);
  await refuses(() => client.run("a", "echo", [], { only: [] }), "usage", /only/);
  assert.deepEqual((await client.secrets.list("a")).map(({ key }) => key), ["K"]);
  assert.equal(await valueOf(client, "a", "K"), "v-0123456789");
});

test("calls side by side are all done", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  const keys = Array.from({ length: 24 }, (_, number) => `KEY_${number}`);
  await Promise.all(keys.map((key, number) => client.secrets.set(number % 2 ? "a" : "b", key, `value of ${key}\n`)));
  const listed = await Promise.all(["a", "b"].map((agent) => client.secrets.list(agent)));
  assert.deepEqual(listed.flat().map(({ key }) => key).sort(), [...keys].sort());
  for (const [number, key] of keys.entries()) {
    assert.equal(await valueOf(client, number % 2 ? "a" : "b", key), `value of ${key}\n`);
  }
});

test("a listing holds names and times, and is what the binary returns", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  assert.deepEqual(await client.agents.list(), []);
  await client.secrets.set("a", "K", SECRET);
  await client.secrets.set("a", "PLAIN", "a plain setting", { unmasked: true });
  const [k, plain] = await client.secrets.list("a");
  assert.deepEqual(Object.keys(k), [
    ...["key", "created_at", "updated_at", "builtin", "masked"],
    ...["dangerous", "unmasked", "hosts", "in", "prefix", "file", "from", "sealer"],
  ]);
  assert.ok(Date.now() - Date.parse(k.created_at) < 60_000);
  assert.deepEqual([k.key, k.builtin, k.masked, plain.masked], ["K", false, true, false]);
  assert.deepEqual([k.unmasked, plain.unmasked, k.hosts, k.prefix, k.sealer], [false, true, [], null, "owner"]);
  const [agent] = await client.agents.list();
  assert.equal(agent.agent, "a");
  assert.ok(Date.now() - Date.parse(agent.modified_at) < 60_000);
});

test("a call that is given up rejects with the signal's reason and leaves the vault whole", async (t) => {
  const home = newHome(t);
  const client = new CastClient({ home });
  await client.secrets.set("a", "K", "before");
  const before = fs.readFileSync(path.join(home, "vaults", "a.age"));
  const aborted = AbortSignal.abort();
  for (const call of [
    (signal) => client.secrets.set("a", "K", SECRET, { signal }),
    (signal) => client.secrets.delete("a", "K", { signal }),
    (signal) => client.secrets.list("a", { signal }),
    (signal) => client.agents.list({ signal }),
  ]) {
    await assert.rejects(call(aborted), { name: "AbortError" });
  }
  // A held lock makes the next writer wait.
  const lock = spawn("flock", [lockOf(home), "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => lock.kill());
  await new Promise((resolve) => lock.stdout.once("data", resolve));
  const control = new AbortController();
  const reason = new Error("enough");
  const pending = client.secrets.set("a", "K", SECRET, { signal: control.signal });
  control.abort(reason);
  await assert.rejects(pending, (error) => error === reason);
  lock.stdin.end();
  await new Promise((resolve) => lock.once("close", resolve));
  assert.deepEqual(fs.readFileSync(path.join(home, "vaults", "a.age")), before);
  await client.secrets.set("a", "K", "after");
  assert.equal(await valueOf(client, "a", "K"), "after");

  const stopped = new AbortController();
  const child = client.run("a", process.execPath, ["-e", "console.log('up'); setInterval(() => {}, 1000)"], { signal: stopped.signal });
  const failed = new Promise((resolve) => child.once("error", resolve));
  child.stdout.once("data", () => stopped.abort());
  await new Promise((resolve) => child.once("close", resolve));
  assert.equal((await failed).name, "AbortError");
  assert.equal(child.signalCode, "SIGTERM");
});

function lockOf(home) {
  const lock = path.join(home, "vaults", ".cast.lock");
  fs.writeFileSync(lock, "", { mode: 0o600 });
  return lock;
}

test("a binary that is not there is said so", async (t) => {
  const missing = path.join(folder(t), "cast");
  for (const client of [new CastClient({ binary: missing }), new CastClient({ binary: "no-such-cast" }), new CastClient({ binary: os.tmpdir() })]) {
    for (const call of [() => client.agents.list(), () => client.secrets.set("a", "K", SECRET), () => client.run("a", "true")]) {
      const error = await refuses(call, "no_binary");
      assert.match(error.hints.join(), /CAST_BINARY/);
    }
  }
});

test("the client looks for the binary only in absolute folders of PATH", async (t) => {
  const { PATH, CAST_BINARY } = process.env;
  const there = process.cwd();
  t.after(() => {
    Object.assign(process.env, { PATH, CAST_BINARY });
    process.chdir(there);
  });
  const home = newHome(t);
  delete process.env.CAST_BINARY;
  const here = folder(t);
  fs.writeFileSync(path.join(here, "cast"), "#!/bin/sh\ntouch taken\n", { mode: 0o755 });
  process.chdir(here);
  process.env.PATH = ["", ".", path.dirname(CAST), PATH].join(path.delimiter);
  assert.deepEqual(await new CastClient({ home }).agents.list(), []);
  process.env.PATH = ["", "."].join(path.delimiter);
  await refuses(() => new CastClient({ home }).agents.list(), "no_binary", /PATH/);
  assert.ok(!fs.existsSync("taken"));
  // A relative path starts where the client was created.
  fs.symlinkSync(CAST, "link-to-cast");
  const client = new CastClient({ binary: "./link-to-cast", home });
  process.chdir(there);
  assert.deepEqual(await client.agents.list(), []);
});

test("another program of that name is noticed, and not repeated", async (t) => {
  const binary = path.join(folder(t), "cast");
  for (const [script, message] of [
    [`echo "${SECRET}" >&2; exit 2`, /exit code 2/],
    ["kill -KILL $$", /SIGKILL/],
    [`echo "${SECRET}"`, /JSON/],
  ]) {
    fs.writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await refuses(() => new CastClient({ binary }).agents.list(), "other", message);
  }
  fs.writeFileSync(binary, "#!/no/such/interpreter\n", { mode: 0o755 });
  await refuses(() => new CastClient({ binary }).agents.list(), "other", /ENOENT/);
  await refuses(() => new CastClient({ home: folder(t) }).secrets.list("x".repeat(300_000)), "other", /E2BIG/);
});

test("options must be what they say", async () => {
  for (const options of [{ home: "" }, { key: "" }, { binary: "" }, { home: 1 }, { key: `${SECRET}\0` }, { key: null }]) {
    await refuses(() => new CastClient(options), "usage", /the option/);
  }
});

test("the home that is given is all of it, and the environment stays as it is", async (t) => {
  const [home, other] = [newHome(t), newHome(t)];
  t.after(() => ["CAST_HOME", "CAST_VAULTS", "CAST_KEY_FILE"].forEach((name) => delete process.env[name]));
  Object.assign(process.env, { CAST_HOME: other, CAST_VAULTS: path.join(other, "vaults") });
  const client = new CastClient({ home });
  await client.secrets.set("a", "K", SECRET);
  assert.ok(fs.existsSync(path.join(home, "vaults", "a.age")));
  assert.ok(!fs.existsSync(path.join(other, "vaults", "a.age")));
  const elsewhere = new CastClient();
  await refuses(() => elsewhere.secrets.list("a"), "not_found");

  // A client with its own key ignores all others.
  const key = keyOf(home);
  fs.renameSync(path.join(home, "key.txt"), path.join(home, "away.txt"));
  await refuses(() => client.secrets.list("a"), "no_key");
  process.env.CAST_KEY_FILE = path.join(other, "key.txt");
  await refuses(() => client.secrets.list("a"), "integrity");
  const withKey = new CastClient({ home, key });
  assert.equal((await withKey.secrets.list("a")).length, 1);
  assert.equal(await valueOf(withKey, "a", "K"), SECRET);
  for (const variable of ["CAST_KEY", "CAST_KEY_FILE"]) assert.equal(await valueOf(withKey, "a", variable), "(unset)");
  assert.equal(process.env.CAST_KEY, undefined);
  assert.ok(!inspect(withKey, { depth: Infinity, showHidden: true }).includes(key));
  assert.ok(!JSON.stringify(withKey).includes(key));
  await refuses(() => new CastClient({ home, key: SECRET }).secrets.list("a"), "no_key");
});

test("run starts the program as spawn does, its output masked", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  await client.secrets.set("a", "K", SECRET);
  await client.secrets.set("a", "OTHER", "other-0123456789");
  await client.secrets.set("builtin", "SHARED", "shared-0123456789");
  const print = (...words) => client.run("a", "sh", ["-c", 'echo "$K|$OTHER|$SHARED|$MINE|$PWD|$1"', "sh", ...words]);
  assert.deepEqual(await output(print("--only=X 'y\" $HOME")), [
    `[cast:K]|[cast:OTHER]|[cast:SHARED]||${process.cwd()}|--only=X 'y\" $HOME\n`,
    0,
  ]);
  const script = ["-c", 'echo "$K|$OTHER|$SHARED|$MINE|$PWD|$CAST_MARK"'];
  const run = (options) => output(client.run("a", "sh", script, options));
  const cwd = fs.realpathSync(os.tmpdir());
  const env = { PATH: process.env.PATH, MINE: "mine", K: "not this one" };
  assert.deepEqual(await run({ mask: false, cwd, env }), [`${SECRET}|other-0123456789|shared-0123456789|mine|${cwd}|\n`, 0]);
  assert.deepEqual(await run({ cwd, env, builtin: false, only: ["OTHER"] }), [`not this one|[cast:OTHER]||mine|${cwd}|\n`, 0]);
  assert.deepEqual(await run({ cwd, env, cleanEnv: true, except: ["OTHER", "SHARED"] }), [`[cast:K]||||${cwd}|\n`, 0]);

  const echo = client.run("a", "cat");
  echo.stdin.end("to and fro");
  assert.deepEqual(await output(echo), ["to and fro", 0]);
  const file = path.join(folder(t), "log");
  const log = fs.openSync(file, "w");
  const logging = client.run("a", "sh", ["-c", "echo $K; exit 7"], { stdio: ["ignore", log, "inherit"] });
  const code = await new Promise((resolve) => logging.once("close", resolve));
  assert.equal(code, 7);
  assert.equal(fs.readFileSync(file, "utf8"), "[cast:K]\n");
});

test("run within a run gets nothing of the outer one, unless it is to", async (t) => {
  const home = newHome(t);
  const client = new CastClient({ home });
  await client.secrets.set("outer", "K", SECRET);
  await client.secrets.set("a", "OWN", "own-0123456789");
  const inner = fileURLToPath(new URL("inner.mjs", import.meta.url));
  t.after(() => fs.rmSync(inner));
  fs.writeFileSync(
    inner,
    `import { CastClient } from "@cast-secrets/client";
    const options = { stdio: "inherit", ...JSON.parse(process.argv[2]) };
    new CastClient().run("a", "sh", ["-c", "echo $K,$OWN"], options);`,
  );
  const run = (options) => output(client.run("outer", process.execPath, [inner, JSON.stringify(options)], { mask: false }));
  assert.deepEqual(await run({ mask: false }), [",own-0123456789\n", 0]);
  assert.deepEqual(await run({}), [",[cast:OWN]\n", 0]);
  assert.deepEqual(await run({ inheritSecrets: true }), ["[cast:K],[cast:OWN]\n", 0]);
  assert.deepEqual(await run({ inheritSecrets: true, mask: false }), [`${SECRET},own-0123456789\n`, 0]);
  assert.deepEqual(await run({ marker: "fixed" }), [",[cast:OWN****]\n", 0]);
  assert.deepEqual(await run({ marker: "name" }), [",[cast:OWN]\n", 0]);
  await refuses(() => client.run("a", "true", [], { marker: 1 }), "usage", /marker/);
});

test("colours and other wishes of the environment change no answer", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  const wishes = { CLICOLOR_FORCE: "1", NO_COLOR: "", TERM: "xterm", LANG: "de_DE.UTF-8", RUST_BACKTRACE: "full" };
  const before = Object.fromEntries(Object.keys(wishes).map((name) => [name, process.env[name]]));
  t.after(() => {
    for (const [name, value] of Object.entries(before)) value === undefined ? delete process.env[name] : (process.env[name] = value);
  });
  Object.assign(process.env, wishes);
  const error = await refuses(() => client.secrets.list("nobody"), "not_found", /^agent 'nobody' has no vault in '.*vaults'$/);
  assert.deepEqual(error.hints, ["create it with 'cast secrets set nobody KEY'"]);
  assert.deepEqual(await client.agents.list(), []);
});

test("what run cannot do is an exit code, as of cast run", async (t) => {
  const client = new CastClient({ home: newHome(t) });
  await client.secrets.set("a", "K", SECRET);
  for (const [agent, command, options, code, message] of [
    ["nobody", "true", {}, 125, /agent 'nobody' has no vault/],
    ["a", "no-such-command", {}, 127, /not found/],
    ["a", "true", { only: ["X"] }, 125, /no secret 'X'/],
  ]) {
    const child = client.run(agent, command, [], options);
    let said = "";
    child.stderr.on("data", (chunk) => (said += chunk));
    assert.equal((await output(child))[1], code);
    assert.match(said, message);
  }
});
