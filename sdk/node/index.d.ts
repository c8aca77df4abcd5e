import type { ChildProcess, ChildProcessWithoutNullStreams, SpawnOptions } from "node:child_process";

/** How to find `cast`, and which vaults it uses. Anything omitted here comes from the environment. */
export interface CastClientOptions {
  /** The `cast` binary: a path, or a name to look up in PATH. Default: `CAST_BINARY`, or else `cast`. */
  binary?: string | undefined;
  /** The folder for everything, instead of `CAST_HOME` and `CAST_VAULTS`; a program that `run` starts gets it as `CAST_HOME`. */
  home?: string | undefined;
  /**
   * A master key or an agent key, instead of `CAST_KEY` and `CAST_KEY_FILE`. `cast` gets it in its environment; it is neither
   * in this process's environment nor in that of a program that `run` starts.
   */
  key?: string | undefined;
}

/** Options of a call that you can abort. */
export interface CallOptions {
  /** Aborts the call, which rejects with the signal's reason. A change is then made completely or not at all. */
  signal?: AbortSignal | undefined;
}

export interface SetOptions extends CallOptions {
  /** The value is a plain setting: `run` does not mask it. */
  unmasked?: boolean | undefined;
  /** Accept a name that makes programs load code or changes what runs, such as `PATH` or `LD_PRELOAD`. */
  allowDangerousName?: boolean | undefined;
}

/** Which secrets `run` injects, and whether it masks them; and the options of `child_process.spawn` except `shell`. */
export interface RunOptions extends Omit<SpawnOptions, "shell"> {
  /** Inject only these secrets. */
  only?: readonly string[] | undefined;
  /** Inject all secrets except these. */
  except?: readonly string[] | undefined;
  /** `false` leaves out the built-in secrets. */
  builtin?: boolean | undefined;
  /** Start with only `PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR`. */
  cleanEnv?: boolean | undefined;
  /** Pass on what an outer `cast run` injected into this process. */
  inheritSecrets?: boolean | undefined;
  /** `false` does not mask values in the program's output. */
  mask?: boolean | undefined;
  /** `fixed`: a marker has as many bytes as the value that it replaces. */
  marker?: "name" | "fixed" | undefined;
}

/** The properties of a secret, without its value. */
export interface SecretInfo {
  /** The name of the environment variable. */
  key: string;
  /** When this name was first set: RFC 3339, UTC; `null` where there is no value in the vault. */
  created_at: string | null;
  /** When the value was last set: RFC 3339, UTC; `null` where there is no value in the vault. */
  updated_at: string | null;
  /** Whether it comes from the built-in secrets, which go into every agent. */
  builtin: boolean;
  /** Whether `run` masks it. */
  masked: boolean;
  /** Whether its name makes programs load code or changes what runs. */
  dangerous: boolean;
  /** Whether the owner set it as a plain setting. */
  unmasked: boolean;
  /** The hosts that it may be sent to; empty for all. */
  hosts: string[];
  /** Where in a request it may be sent; empty for everywhere. */
  in: string[];
  /** What its value begins with, if the owner stated that. */
  prefix: string | null;
  /** Whether it is handed over as a file. */
  file: boolean;
  /** The command that fetches it, if it has no value in the vault. */
  from: string[] | null;
  /** Who set values last and vouches for all of them: `owner`, or a person's name. */
  sealer: string;
}

export interface AgentInfo {
  /** The agent's name. */
  agent: string;
  /** When its vault was last written: RFC 3339, UTC. */
  modified_at: string | null;
}

/**
 * What went wrong: one for each exit code of `cast`, in its order from 2 to 7, then any other failure, then a missing `cast`.
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

/** A refusal or a failure. It never contains a value. */
export class CastError extends Error {
  constructor(code: CastErrorCode, message: string, hints?: readonly string[]);
  readonly name: "CastError";
  readonly code: CastErrorCode;
  /** What to do: at most two hints, the likeliest first. */
  readonly hints: readonly string[];
}

export interface Secrets {
  /**
   * Adds or replaces one secret; creates the agent's vault and, on first use, the key in the OS keyring. The value, a text
   * or its UTF-8 bytes, is stored byte for byte.
   */
  set(agent: string, key: string, value: string | Uint8Array, options?: SetOptions): Promise<void>;
  /** The agent's secrets and the built-in ones that it also gets, by name. */
  list(agent: string, options?: CallOptions): Promise<SecretInfo[]>;
  /** Removes one secret. */
  delete(agent: string, key: string, options?: CallOptions): Promise<void>;
}

export interface Agents {
  /** The agents that have a vault, by name. This needs no key. */
  list(options?: CallOptions): Promise<AgentInfo[]>;
}

/** The vaults of one user. Calls may run concurrently, even from several processes. */
export class CastClient {
  /** @throws {CastError} `usage`: an option is invalid. */
  constructor(options?: CastClientOptions);
  readonly secrets: Secrets;
  readonly agents: Agents;

  /**
   * Starts a program with the agent's secrets in its environment: `cast run AGENT -- COMMAND [ARG]...`, without a shell. `stdio`
   * defaults to `pipe`, and output through a pipe is masked: `[cast:KEY]` replaces a value; with `inherit`, output to a
   * terminal is left alone. The exit code is that of the program; 125 means that `cast` itself failed, and standard error
   * explains why.
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
