/**
 * Binds a set behind a name (`bind --detach NAME`). A process of its own keeps it bound (holder.ts), so that later
 * commands can act on it.
 */

import { SIGNAL } from "../../base/system/numbers.ts";
import { MeasuredCommand } from "../../../ffi/command.ts";
import { type Child, closeFd, makePipe, PmuError, readPipe, spawn, writeAll } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UserError } from "../../base/system/errors.ts";
import { ownCommand, ownEnvironment } from "../../base/system/launcher.ts";
import { hostFiles } from "../../events/files.ts";
import { checkedName, type Env } from "./client.ts";
import { exclusionsOf, hardwarePmus, type ReplacedSet } from "./exclusion.ts";
import type { Counter } from "../open/open_set.ts";
import {
  fromLine,
  GO_AHEAD,
  HOLD_COMMAND,
  type HoldRequest,
  type SetAnswer,
  type SetInfo,
  type StartReport,
  toLine,
} from "./protocol.ts";
import { Registry, type RegistryEntry, type RegistryLock } from "./registry.ts";
import { folderPath, makeFolder, socketPath } from "./runtime_folder.ts";
import { lastCounts } from "./set_rows.ts";
import { describeTarget, processOf, type SetTarget } from "./set_target.ts";
import { SetError } from "../open/states.ts";

/** Time in ms that the holder may take to start. It usually takes a fraction of a second. */
const START_MS = 20_000;
/** Default time in seconds that a set is kept after its target has ended. */
export const KEEP_SECONDS = 600;

/** Set to bind, and its name. */
export interface DetachRequest {
  name: string;
  /** Verified requests of the set: each group is on the counters as a whole, or not at all. */
  groups: readonly (readonly Counter[])[];
  /** Target of the set. A command is started here, and keeps running in the background. */
  target: SetTarget | { kind: "command"; argv: readonly string[] };
  /** Time in seconds to keep the counts once the target has ended and no more requests come. */
  keepSeconds?: number;
}

/** Prints a line for the user. */
type Note = (line: string) => void;

/** Environment and messages of the command that detaches. */
export interface DetachContext {
  env: Env;
  note: Note;
}

/**
 * Binds the set behind its name. When this resolves, the set is bound and answers requests. Throws SetError (EEXIST)
 * when the name is taken, SetError (EAGAIN) when another set or another user of the PMU is in the way, CommandError
 * when the command cannot be run, and the holder's error when it cannot open the counters.
 */
export async function detach(wanted: DetachRequest, around: DetachContext): Promise<SetInfo> {
  const uid = Deno.uid()!;
  const folder = folderPath(uid, around.env);
  const path = socketPath(folder, checkedName(wanted.name));
  makeFolder(folder, uid);
  const registry = new Registry(folder);
  const attempt = `bind set '${wanted.name}'`;
  const held = await registry.lock(attempt);
  let command: MeasuredCommand | undefined;
  try {
    const others = await registry.all(held);
    if (others.some(({ name }) => name === wanted.name)) {
      throw new SetError(attempt, {
        errno: "EEXIST",
        cause: "a set of that name exists",
        remedy: `pmuctl unbind ${wanted.name}, or use another name`,
      });
    }
    const { target: given } = wanted;
    if (given.kind === "command") command = new MeasuredCommand(given.argv);
    const target = given.kind === "command" ? commandTarget(given.argv, command!.pid) : given;
    const { replaced, pmus } = exclusionsAmong(others, wanted.name, target, wanted.groups);
    const holder = new StartedHolder({
      name: wanted.name,
      path,
      groups: wanted.groups.map((group) => [...group]),
      pmus,
      target,
      enableOnExec: command !== undefined,
      keepMs: 1000 * (wanted.keepSeconds ?? KEEP_SECONDS),
    }, around.note);
    try {
      await holder.opened();
      for (const set of replaced) await unbindFirst(registry, held, set, around.note);
      const info = await holder.bound();
      await released(command, registry, held, wanted.name);
      return info;
    } catch (error) {
      await holder.end();
      await registry.clean(wanted.name, held);
      throw error;
    }
  } finally {
    command?.cancel();
    held.release();
  }
}

/**
 * Returns the hardware PMUs that the set takes counters of, and the sets that it replaces. A command's threads are
 * new, so it replaces none. Throws SetError (EAGAIN) when another set is in the way.
 */
export function exclusionsAmong(
  others: readonly RegistryEntry[],
  name: string,
  given: DetachRequest["target"],
  groups: readonly (readonly Counter[])[],
): { pmus: string[]; replaced: ReplacedSet[] } {
  const target: SetTarget = given.kind === "command" ? commandTarget(given.argv) : given;
  const pmus = hardwarePmus(groups.flat().map(({ event }) => event));
  const holdings = others.flatMap((entry) => "answer" in entry ? [entry.answer.info] : []);
  const { refusal, replaced } = exclusionsOf({ target, pmus }, holdings, (tid) => processOf(tid, hostFiles));
  if (!refusal) return { pmus, replaced };
  const what = given.kind === "command" ? given.argv[0] : describeTarget(target);
  throw new SetError(`bind set '${name}' to ${what}`, refusal);
}

function commandTarget(argv: readonly string[], pid?: number): SetTarget {
  return { kind: "process", pids: pid === undefined ? [] : [pid], command: argv.join(" ") };
}

/** Unbinds a set that the new one replaces, as cpc does when a thread is bound again. */
async function unbindFirst(
  registry: Registry,
  held: RegistryLock,
  { name, shared }: ReplacedSet,
  note: Note,
) {
  const answer = await unbindIfThere(registry, held, name);
  if (answer) note(`${shared} was bound to set '${name}', which is unbound first: ${lastCounts(answer)}`);
}

/** Lets the command run. If it cannot be run, unbinds the set again. */
async function released(
  command: MeasuredCommand | undefined,
  registry: Registry,
  held: RegistryLock,
  name: string,
) {
  try {
    await command?.release();
  } catch (error) {
    await unbindIfThere(registry, held, name);
    throw error;
  }
}

/** Unbinds a set. Returns undefined when it unbound itself, or died, in the meantime. */
async function unbindIfThere(
  registry: Registry,
  held: RegistryLock,
  name: string,
): Promise<SetAnswer | undefined> {
  try {
    return await registry.ask(name, { do: "unbind" }, `unbind set '${name}'`, held);
  } catch (error) {
    if (error instanceof SetError && error.errno === "EINVAL") return undefined;
    throw error;
  }
}

/** Holder process that is being started. */
class StartedHolder {
  readonly #name: string;
  readonly #note: Note;
  readonly #child: Child;
  readonly #toHolder: number;
  readonly #fromHolder: number;
  readonly #request: string;
  readonly #deadline = performance.now() + START_MS;
  readonly #chunk = new Uint8Array(1 << 16);
  readonly #decoder = new TextDecoder();
  #text = "";
  /** Lines of output that are not reports, most likely an error of the runtime. */
  #otherOutput: string[] = [];

  constructor(request: HoldRequest, note: Note) {
    this.#name = request.name;
    this.#note = note;
    const input = makePipe();
    const output = makePipe();
    const { readFd: stdin, writeFd: stdout } = { readFd: input.readFd, writeFd: output.writeFd };
    this.#toHolder = input.writeFd;
    this.#fromHolder = output.readFd;
    // Output after the pipe is closed is lost, as with /dev/null.
    this.#child = spawn({
      argv: ownCommand([HOLD_COMMAND, request.name]),
      env: ownEnvironment(),
      stdio: [stdin, stdout, stdout],
      detach: true,
    });
    closeFd(stdin);
    closeFd(stdout);
    this.#request = toLine(request);
  }

  /** Waits until the counters are open. Throws the holder's error when they cannot be opened. */
  async opened(): Promise<void> {
    try {
      await this.#child.release();
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      throw this.#diedEarly(error.message);
    }
    this.#write(this.#request);
    await this.#reportOf("opened");
  }

  /** Lets the holder bind the set, and waits until it has. */
  async bound(): Promise<SetInfo> {
    this.#write(GO_AHEAD + "\n");
    return (await this.#reportOf("bound")).bound;
  }

  /** Kills the holder and waits for its end. */
  async end(): Promise<void> {
    try {
      this.#child.kill(SIGNAL.SIGKILL);
      await this.#child.wait();
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // never started
    }
  }

  #write(text: string): void {
    try {
      writeAll(this.#toHolder, new TextEncoder().encode(text));
    } catch (error) {
      // The holder has ended. The pipe from it will tell why.
      if (!(error instanceof PmuError) || error.errno !== ERRNO.EPIPE) throw error;
    }
  }

  async #reportOf<K extends "opened" | "bound">(kind: K): Promise<Extract<StartReport, Record<K, unknown>>> {
    for (;;) {
      const line = await this.#line();
      const report = asReport(line);
      if (report === undefined) this.#otherOutput.push(line);
      else if ("note" in report) this.#note(report.note);
      else if ("failed" in report) throw new UserError(report.failed.message, report.failed.status);
      else if (kind in report) return report as Extract<StartReport, Record<K, unknown>>;
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const n = await this.#read();
      if (n === 0) throw this.#diedEarly();
      this.#text += this.#decoder.decode(this.#chunk.subarray(0, n), { stream: true });
    }
  }

  async #read(): Promise<number> {
    const { promise: expired, resolve } = Promise.withResolvers<undefined>();
    const limit = setTimeout(() => resolve(undefined), this.#deadline - performance.now());
    try {
      const n = await Promise.race([readPipe(this.#fromHolder, this.#chunk), expired]);
      if (n !== undefined) return n;
    } finally {
      clearTimeout(limit);
    }
    throw new SetError(`bind set '${this.#name}'`, {
      errno: "ETIMEDOUT",
      cause: `its holder process did not bind it within ${START_MS / 1000} s`,
      remedy: "the machine may be overloaded: try again",
    });
  }

  #diedEarly(last = this.#otherOutput.filter((line) => line.trim() !== "").at(-1)): SetError {
    return new SetError(`bind set '${this.#name}'`, {
      errno: "EAGAIN",
      cause: "its holder process ended" + (last ? ` and said: ${last}` : ""),
      remedy: "try again",
    });
  }
}

/** Parses a report; undefined for a line that is not one. */
function asReport(line: string): StartReport | undefined {
  try {
    return fromLine(line) as StartReport;
  } catch {
    return undefined;
  }
}
