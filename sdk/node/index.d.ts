import type { ChildProcess, ChildProcessWithoutNullStreams, SpawnOptions } from "node:child_process";

/** How to find `cast`, and which vaults it works on. What is not given here, the environment says. */
export interface CastClientOptions {
  /** The `cast` binary: a path, or a name that is looked up in PATH. Default: `CAST_BINARY`, else `cast`. */
  binary?: string | undefined;
  /** The folder where everything is, instead of `CAST_HOME` and `CAST_VAULTS`; a program that `run` starts finds it in `CAST_HOME`. */
  home?: string | undefined;
  /**
   * A master key or an agent key, instead of `CAST_KEY` and `CAST_KEY_FILE`. It reaches `cast` in its environment, and neither this
   * process's environment nor that of a program that `run` starts.
   */
  key?: string | undefined;
}

/** For a call that may be given up. */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason. A change is then made whole or not at all. */
  signal?: AbortSignal | undefined;
}

export interface SetOptions extends CallOptions {
  /** The value is a plain setting: `run` does not mask it. */
  unmasked?: boolean | undefined;
  /** Accept a name that makes programs load code or changes what runs, such as `PATH` or `LD_PRELOAD`. */
  allowDangerousName?: boolean | undefined;
}

/** Which secrets `run` gives, and where their values may show; and all that `child_process.spawn` takes but `shell`. */
export interface RunOptions extends Omit<SpawnOptions, "shell"> {
  /** Give these secrets alone. */
  only?: readonly string[] | undefined;
  /** Give all secrets but these. */
  except?: readonly string[] | undefined;
  /** `false` leaves the built-in secrets out. */
  builtin?: boolean | undefined;
  /** Start from `PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR` alone. */
  cleanEnv?: boolean | undefined;
  /** `false` lets values through in the program's output, too. */
  mask?: boolean | undefined;
}

/** What is known of a secret; never its value. */
export interface SecretInfo {
  /** The name of the environment variable. */
  key: string;
  /** When this name was first set: RFC 3339, UTC. */
  created_at: string;
  /** When the value was last set: RFC 3339, UTC. */
  updated_at: string;
  /** Whether it comes from the built-in secrets, which go into every agent. */
  builtin: boolean;
  /** Whether `run` masks it. */
  masked: boolean;
}

export interface AgentInfo {
  /** The agent's name. */
  agent: string;
  /** When its vault was last written: RFC 3339, UTC. */
  modified_at: string | null;
}

/**
 * What went wrong: one for each exit code of `cast`, in its order from 2 to 7, then any other failure, then a `cast` that is not there.
 */
export type CastErrorCode =
  | "usage"
  | "not_found"
  | "no_key"
  | "integrity"
  | "io"
  | "locked"
  | "other"
  | "no_binary";

/** A refusal or a failure. No value is ever in it. */
export class CastError extends Error {
  constructor(code: CastErrorCode, message: string, hints?: readonly string[]);
  readonly name: "CastError";
  readonly code: CastErrorCode;
  /** What to do about it: at most two, the likeliest first. */
  readonly hints: readonly string[];
}

export interface Secrets {
  /**
   * Adds or replaces one secret; makes the agent's vault, and on first use the key in the OS keyring. The value arrives byte for byte:
   * text, or the UTF-8 bytes of one.
   */
  set(agent: string, key: string, value: string | Uint8Array, options?: SetOptions): Promise<void>;
  /** The agent's secrets, and the built-in ones that it gets too, by name. */
  list(agent: string, options?: CallOptions): Promise<SecretInfo[]>;
  /** Removes one secret. */
  delete(agent: string, key: string, options?: CallOptions): Promise<void>;
}

export interface Agents {
  /** The agents that have a vault, by name; needs no key. */
  list(options?: CallOptions): Promise<AgentInfo[]>;
}

/** The vaults of one user. Calls may run side by side, also from several processes. */
export class CastClient {
  /** @throws {CastError} `usage`: an option is not what it should be. */
  constructor(options?: CastClientOptions);
  readonly secrets: Secrets;
  readonly agents: Agents;

  /**
   * Starts a program with the agent's secrets in its environment: `cast run AGENT -- COMMAND [ARG]...`, without a shell. `stdio` is
   * `pipe` unless it is given, and what comes through a pipe is masked: `[cast:KEY]` in the place of a value; `inherit` leaves a terminal
   * alone. The exit code is that of the program; 125 means that `cast` itself failed, and standard error says why.
   *
   * @throws {CastError} `usage` or `no_binary`; nothing was started.
   */
  run(
    agent: string,
    command: string,
    args?: readonly string[],
    options?: RunOptions & { stdio?: "pipe" | undefined },
  ): ChildProcessWithoutNullStreams;
  run(agent: string, command: string, args: readonly string[] | undefined, options: RunOptions): ChildProcess;
}
