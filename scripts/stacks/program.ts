/** A program whose stacks are recorded: how it is made, and run. */

import { hasCommand } from "../../tests/needs.ts";

/** Target of a recording: a command, or processes that run already. */
export interface Target {
  command?: readonly string[];
  pids?: readonly number[];
  /** Whether to record all CPUs while the command runs. */
  isSystem?: boolean;
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
/** Time in ms that a program is told to run for, which it never reaches. */
export const LONG_MS = "60000";
/** Seconds that servers are recorded for: more where they have to share the CPUs with much else. */
export const SERVER_SECONDS = Deno.loadavg()[0] > 2 * navigator.hardwareConcurrency ? 12 : 8;

/** Returns a function that says which commands are missing, and the package that has them. */
export function lacks(packages: string, ...commands: readonly string[]): () => string | undefined {
  return () => {
    const missing = commands.filter((command) => !hasCommand(command));
    return missing.length > 0 ? `${missing.join(", ")} not found: apt-get install ${packages}` : undefined;
  };
}

/** Returns the path of a command: perf puts a folder of its own in front of PATH. */
function pathOf(name: string): string {
  const folders = name.includes("/") ? [] : (Deno.env.get("PATH") ?? "").split(":");
  return folders.map((folder) => `${folder}/${name}`).find(isFile) ?? name;
}

/** Returns whether there is a file. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Returns the target of a single process, which is killed when it has used enough CPU time. */
export function command(name: string, ...args: readonly string[]): Target {
  // another shell ends well, since perf ends as its command does
  const limited = `(ulimit -c 0; ulimit -t ${CPU_SECONDS}; exec "$@"); exit 0`;
  return { command: ["sh", "-c", limited, "sh", pathOf(name), ...args] };
}

/** Returns the target of a shell command of many processes, with as much work as takes some seconds of CPU time. */
export function shellCommand(script: string, ...args: readonly string[]): Target {
  return { command: ["sh", "-c", script, "sh", ...args] };
}

/** Runs a command to its end; returns what it printed. Throws Error where it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
