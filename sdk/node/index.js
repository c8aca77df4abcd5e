"use strict";

// The Node client of `cast`. It runs the binary, so that one program manages vaults, key, locks and log. Its promise: a
// value reaches the binary through standard input, byte for byte; it is never in an argument or an error.

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

/** By exit code; all others are "other". */
const CODES = { 2: "usage", 3: "not_found", 4: "no_key", 5: "integrity", 6: "io", 7: "locked" };

class CastError extends Error {
  constructor(code, message, hints = []) {
    super(message);
    this.code = code;
    this.hints = hints;
  }
}
// On the prototype, as with the language's own errors.
Object.defineProperty(CastError.prototype, "name", { value: "CastError", configurable: true, writable: true });

class CastClient {
  #cast;

  constructor(options = {}) {
    this.#cast = new Cast(options);
    this.secrets = new Secrets(this.#cast);
    this.agents = new Agents(this.#cast);
  }

  run(agent, command, args = [], options = {}) {
    // An agent's name must not become an option, and a shell would parse the words again.
    if (text("AGENT", agent).startsWith("-")) throw usage("AGENT is not a valid agent name");
    if (!Array.isArray(args)) throw usage("the arguments of the command must be an array");
    const { only, except, builtin = true, cleanEnv = false, inheritSecrets = false, mask = true, marker, ...others } = options;
    const { env = process.env, ...rest } = others;
    if (rest.shell) throw usage("the option 'shell' is not supported: run a shell yourself, as in 'sh -c'");
    const words = [
      "run",
      agent,
      ...choice("only", only),
      ...choice("except", except),
      ...(builtin ? [] : ["--no-builtin"]),
      ...(cleanEnv ? ["--clean-env"] : []),
      ...(inheritSecrets ? ["--inherit-secrets"] : []),
      ...(mask ? [] : ["--no-mask"]),
      ...(marker === undefined ? [] : [`--marker=${text("the option 'marker'", marker)}`]),
      "--",
      text("the command", command),
      ...args.map((word, index) => text(`argument ${index + 1} of the command`, word)),
    ];
    return spawn(this.#cast.find(), words, { ...rest, env: this.#cast.environment(env) });
  }
}

class Secrets {
  #cast;

  constructor(cast) {
    this.#cast = cast;
  }

  async set(agent, key, value, { signal, unmasked = false, allowDangerousName = false } = {}) {
    const options = [...(unmasked ? ["--unmasked"] : []), ...(allowDangerousName ? ["--allow-dangerous-name"] : [])];
    await this.#cast.call(["set", "--exact", ...options, "--", ...names(agent, key)], signal, bytes(value));
  }

  async list(agent, { signal } = {}) {
    return listing(await this.#cast.call(["list", "--json", "--", text("AGENT", agent)], signal));
  }

  async delete(agent, key, { signal } = {}) {
    await this.#cast.call(["delete", "--", ...names(agent, key)], signal);
  }
}

class Agents {
  #cast;

  constructor(cast) {
    this.#cast = cast;
  }

  async list({ signal } = {}) {
    return listing(await this.#cast.call(["list", "--json"], signal));
  }
}

/** The binary, and the environment it is called in. */
class Cast {
  #name;
  #home;
  #key;

  constructor({ binary, home, key }) {
    this.#name = option("binary", binary) ?? (process.env.CAST_BINARY || "cast");
    // So that the path stays valid if the working directory changes.
    if (isPath(this.#name)) this.#name = path.resolve(this.#name);
    this.#home = option("home", home) && path.resolve(home);
    this.#key = option("key", key);
  }

  environment(base) {
    const environment = { ...base };
    if (this.#home !== undefined) {
      delete environment.CAST_VAULTS;
      environment.CAST_HOME = this.#home;
    }
    if (this.#key !== undefined) {
      delete environment.CAST_KEY_FILE;
      environment.CAST_KEY = this.#key;
    }
    return environment;
  }

  /** Finds the binary's file here, for a clear error, and only in absolute folders: not a `cast` in the working directory. */
  find() {
    if (isPath(this.#name)) {
      if (isProgram(this.#name)) return this.#name;
      throw new CastError("no_binary", `no program at '${this.#name}'`, [WHERE]);
    }
    const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
    const file = process.platform === "win32" && !path.extname(this.#name) ? `${this.#name}.exe` : this.#name;
    const found = folders.map((folder) => path.join(folder, file)).find(isProgram);
    if (found === undefined) throw new CastError("no_binary", `the binary '${this.#name}' was not found in PATH`, [WHERE]);
    return found;
  }

  /** Calls the binary; returns its standard output. */
  async call(words, signal, input) {
    signal?.throwIfAborted();
    const file = this.find();
    // A program reads the errors: no colours.
    const { CLICOLOR_FORCE, ...environment } = { ...this.environment(process.env), NO_COLOR: "1" };
    const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
    const child = start(file, words, { env: environment, stdio, windowsHide: true });
    const stop = () => child.kill();
    signal?.addEventListener("abort", stop);
    try {
      // cast may end without reading a value that it refuses.
      child.stdin?.on("error", () => {}).end(input);
      const [[status, ended], out, err] = await Promise.all([end(child), read(child.stdout), read(child.stderr)]);
      // A change that was made before the signal stays.
      if (status === 0) return out;
      signal?.throwIfAborted();
      throw explain(file, status, ended, err);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}

const WHERE = "install cast, or say where it is: 'new CastClient({ binary })' or CAST_BINARY";

function usage(message) {
  return new CastError("usage", message);
}

/** A word for the command line. No error of this module or of Node quotes it: it may be a secret in the wrong place. */
function text(what, word) {
  if (typeof word !== "string" || word.includes("\0")) throw usage(`${what} must be a string without NUL characters`);
  return word;
}

function names(agent, key) {
  return [text("AGENT", agent), text("KEY", key)];
}

function option(name, value) {
  if (value === undefined) return undefined;
  // cast would ignore an empty one and use another home or key.
  if (text(`the option '${name}'`, value) === "") throw usage(`the option '${name}' is empty`);
  return value;
}

/** The bytes of a value. A lone surrogate is not text: it would arrive as another character. */
function bytes(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") throw usage("the value must be a string or a Uint8Array");
  const encoded = Buffer.from(value, "utf8");
  if (encoded.toString("utf8") !== value) throw usage("the value is not valid Unicode");
  return encoded;
}

function choice(option, keys) {
  if (keys === undefined) return [];
  // An empty list would mean all.
  if (!Array.isArray(keys) || keys.length === 0) throw usage(`the option '${option}' must be an array of at least one KEY`);
  return [`--${option}=${keys.map((key) => text("KEY", key)).join(",")}`];
}

function listing(json) {
  try {
    return JSON.parse(json);
  } catch {
    throw new CastError("other", "cast printed JSON that this client does not know");
  }
}

function isPath(name) {
  return path.basename(name) !== name;
}

function isProgram(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Node throws some of the reasons why a program does not start, and reports others later: `end` has those. */
function start(file, words, options) {
  try {
    return spawn(file, words, options);
  } catch (error) {
    throw notStarted(error);
  }
}

/** The exit code, or the signal, that the child ended with. */
function end(child) {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(notStarted(error)));
    child.once("close", (status, signal) => resolve([status, signal]));
  });
}

/** Not the error itself: it can list the arguments. */
function notStarted(error) {
  return new CastError("other", `cannot start cast: ${error.code}`);
}

/** The error that `cast` printed. Other text on standard error is not repeated: it may come from any program. */
function explain(file, status, signal, said) {
  const lines = (prefix) => said.split(/\r?\n/).filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const [message] = lines("cast: error: ");
  if (message !== undefined) return new CastError(CODES[status] ?? "other", message, lines("cast: hint: "));
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${status}`;
  return new CastError("other", `'${file}' ${how} without an error message: is it the right cast?`, [WHERE]);
}

module.exports = { CastClient, CastError };
