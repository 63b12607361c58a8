/** A program whose stacks are recorded: how it is made, and run. */

import { hasCommand } from "../../tests/needs.ts";

/** What to record. */
export interface Target {
  /** Arguments behind a recorder's own options. */
  args: readonly string[];
  /** Ends what was started for it. */
  stop?: () => void | Promise<void>;
}

/** A kind of program. */
export interface Program {
  name: string;
  what: string;
  /** Returns what is missing to run it, and how to get it; undefined when nothing is. */
  missing: () => string | undefined;
  /** Makes it in a folder, and starts it where it is a server. */
  make: (folder: string) => Promise<Target>;
  /** Names of the threads whose samples count; all do where this is absent. */
  comms?: RegExp;
  /** Whether it leaves a /tmp/perf-PID.map. */
  leavesMaps?: boolean;
}

/** Folder of the sources. */
export const SOURCES = new URL("programs/", import.meta.url).pathname;
/** CPU seconds after which a command is killed, which limits its samples however busy the machine is. */
const CPU_SECONDS = 3;
/** Wall time in ms for those that would go on, and for those that are many processes. */
export const LONG_MS = "60000", WALL_SECONDS = 4;

/** Returns a function that says which commands are missing, and the package that has them. */
export function lacks(packages: string, ...commands: readonly string[]): () => string | undefined {
  return () => {
    const missing = commands.filter((command) => !hasCommand(command));
    return missing.length > 0 ? `${missing.join(", ")} not found: apt-get install ${packages}` : undefined;
  };
}

/** Returns the target of a single process, which is killed when it has used enough CPU time. */
export function command(...argv: readonly string[]): Target {
  return { args: ["--", "sh", "-c", `ulimit -c 0; ulimit -t ${CPU_SECONDS}; exec "$@"`, "sh", ...argv] };
}

/** Returns the target of a shell command of many processes, which is stopped after a time. */
export function shellCommand(script: string, ...args: readonly string[]): Target {
  return { args: ["--", "timeout", String(WALL_SECONDS), "sh", "-c", script, "sh", ...args] };
}

/** Returns the target of processes that run already. */
export function processes(pids: readonly number[], stop: Target["stop"]): Target {
  return { args: ["-p", pids.join(","), "--", "sleep", String(WALL_SECONDS)], stop };
}

/** Runs a command to its end; returns what it printed. Throws Error where it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
