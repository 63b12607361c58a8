/**
 * The process that keeps a named set bound. It opens the counters and answers requests at the set's socket. It ends
 * when told to unbind, when its socket is gone, or some time after its target has ended. detach.ts starts it, and
 * talks to it through standard input and output until the set is bound.
 */

import { monotonicNs, raiseFileLimit } from "../../../ffi/pmu.ts";
import { addressToBigint } from "../../base/bytes/address.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { EXIT, UnsupportedError, UserError } from "../../base/system/errors.ts";
import { once } from "../../base/system/once.ts";
import { missingTask } from "../../base/files/pid_namespace.ts";
import { hostFiles } from "../../events/files.ts";
import { readPrivilege } from "../../events/privilege.ts";
import { Pmus } from "../../events/sysfs.ts";
import { BoundSet, type HeldSet, type SetBuffer, SetRefusal } from "../open/bound_set.ts";
import { GroupsAtPlace } from "../open/groups.ts";
import { NotifyingSet } from "./notifying_set.ts";
import { type Counter, OpenSet, type SetPlace } from "../open/open_set.ts";
import { OverflowWatch } from "../open/overflow.ts";
import type { PcNames } from "../open/pc_names.ts";
import {
  type CounterTitle,
  fromLine,
  GO_AHEAD,
  type HoldRequest,
  type ProtocolReply,
  type ProtocolRequest,
  type SetAnswer,
  type SetInfo,
  type StartReport,
  toLine,
} from "./protocol.ts";
import { describeTarget, type SetTarget, TargetWatch, threadIdsOf } from "./set_target.ts";
import { type RequestOutcome, serve } from "./socket.ts";
import { SetError } from "../open/states.ts";
import { counted } from "../../base/text/plural.ts";

/** Interval in ms between checks of the target and the socket. */
const POLL_MS = 500;
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Holds the set described on standard input. Returns an exit status only when the set could not be bound. `names` is
 * called if overflows are to be reported.
 */
export async function holdSet(names: () => PcNames): Promise<number> {
  const lines = inputLines();
  const first = await lines.next();
  if (first.done) return EXIT.usage;
  const request = fromLine(first.value) as HoldRequest;
  try {
    const opened = openSet(request, names, (note) => report({ note }));
    report({ opened: true });
    const word = await lines.next();
    if (word.value !== GO_AHEAD) return EXIT.ok; // the parent has gone
    start(opened.set, request);
    Deno.chdir("/"); // keeps no file system busy
    const holder = new Holder(request, opened);
    holder.listen();
    report({ bound: holder.info() });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    report({ failed: { message: error.message, status: error.status } });
    return error.status;
  }
  return await new Promise(() => {}); // the Holder ends the process
}

function report(message: StartReport): void {
  const bytes = new TextEncoder().encode(toLine(message));
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function* inputLines(): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    for (let end; (end = text.indexOf("\n")) >= 0; text = text.slice(end + 1)) yield text.slice(0, end);
  }
}

/** Set that is open at all its places. */
interface Opened {
  set: HeldSet;
  watch: TargetWatch;
  counters: CounterTitle[];
}

/** Opens the counters at every place of the target. Throws UnsupportedError. */
function openSet(request: HoldRequest, names: () => PcNames, note: (line: string) => void): Opened {
  const { target, groups, enableOnExec } = request;
  raiseFileLimit();
  const standing = { privilege: readPrivilege(), hasCorePmu: new Pmus().core().length > 0 };
  const watch = new TargetWatch(target, hostFiles);
  // Notes about a counter are the same at every place.
  const noteOnce = once(note);
  const open = <T>(openAt: (place: SetPlace) => T): T[] => {
    const opened = placesOf(request).flatMap((place) => {
      try {
        return [openAt(place)];
      } catch (error) {
        const vanished = error instanceof UnsupportedError && error.errno === ERRNO.ESRCH;
        // The thread of a process has just ended; its other threads remain.
        if (vanished && target.kind === "process") return [];
        throw error;
      }
    });
    if (opened.length === 0) throw gone(request);
    return opened;
  };
  const titles = (counters: readonly Counter[]) =>
    counters.map(({ event }) => ({ name: event.name, unit: event.unit ?? "" }));

  if (groups.flat().some((counter) => counter.notify)) {
    const [counters] = groups;
    const places = open((place) => OpenSet.open(counters, place, { enableOnExec }, standing, noteOnce));
    if (target.kind !== "cpu") note("notify: threads that are started from now on are not counted");
    const set = new NotifyingSet(places, counters.map((counter) => counter.preset), monotonicNs);
    watchOverflows(places, set, names());
    return { set, watch, counters: titles(places[0].counters) };
  }
  const zeroed = groups.map((counters) => counters.map((counter) => ({ ...counter, preset: 0n })));
  const options = { inherit: target.kind === "process", enableOnExec };
  const opened = open((place) => GroupsAtPlace.open(zeroed, place, options, standing, noteOnce));
  noteNewThreads(target, opened, note);
  return {
    set: new BoundSet(opened, groups.flat().map((counter) => counter.preset), monotonicNs),
    watch,
    counters: titles(opened[0].counters),
  };
}

/** Passes overflows to the set until this process ends. Throws UnsupportedError. */
function watchOverflows(places: readonly OpenSet[], set: NotifyingSet, names: PcNames): void {
  const watch = new OverflowWatch();
  for (const place of places) watch.add(place);
  (async () => {
    for await (const { counter, pid, tid, cpu, hrtimeNs, address, kernel } of watch.overflows()) {
      const pc = `0x${addressToBigint(address).toString(16)}`;
      set.overflowed({ counter, pid, tid, cpu, hrtimeNs, pc, ...names.name(pid, address, kernel) });
    }
  })();
}

/**
 * Returns the places of a target: all current threads of its processes, its threads, or those of its CPUs that all
 * events can count on.
 */
function placesOf({ target, groups, name }: HoldRequest): SetPlace[] {
  const thread = (tid: number): SetPlace => ({ pid: tid, cpu: -1, target: `thread ${tid}` });
  switch (target.kind) {
    case "process":
      return target.pids.flatMap((pid) => threadIdsOf(pid, hostFiles)).map(thread);
    case "thread":
      return target.tids.map(thread);
    case "cpu": {
      const masks = groups.flat().flatMap(({ event }) => event.cpus ? [event.cpus] : []);
      const cpus = target.cpus.filter((cpu) => masks.every((mask) => mask.includes(cpu)));
      if (cpus.length > 0) return cpus.map((cpu) => ({ pid: -1, cpu, target: `CPU ${cpu}` }));
      throw new UnsupportedError({
        attempt: `bind set '${name}' to ${describeTarget(target)}`,
        cause: "no CPU of the target can count all of its events",
        remedy: "'pmuctl info' shows the CPUs of each PMU",
      });
    }
  }
}

function gone({ name, target }: HoldRequest): SetError {
  return new SetError(`bind set '${name}' to ${describeTarget(target)}`, {
    errno: "ESRCH",
    ...missingTask("process"),
  });
}

/**
 * Warns of threads that were started while others were being opened. They are counted only if a thread that was
 * already open started them, and nothing tells which did.
 */
function noteNewThreads(
  target: SetTarget,
  opened: readonly GroupsAtPlace[],
  note: (line: string) => void,
): void {
  if (target.kind !== "process") return;
  const known = new Set(opened.map(({ place }) => place.pid));
  const fresh = target.pids.flatMap((pid) => threadIdsOf(pid, hostFiles)).filter((tid) => !known.has(tid));
  if (fresh.length === 0) return;
  note(
    `warning: ${describeTarget(target)} started ${
      counted(fresh.length, "thread")
    } while it was being bound; ` +
      "those started by a thread that was not yet bound are not counted: bind it again to count them",
  );
}

/** Starts the counters, unless a command's exec does. Throws SetError (EAGAIN) when the counters are taken. */
function start(set: HeldSet, { name, target, enableOnExec }: HoldRequest): void {
  if (enableOnExec) {
    set.startsByItself();
    return;
  }
  set.enable();
  try {
    set.sample();
  } catch (error) {
    if (!(error instanceof SetRefusal)) throw error;
    throw new SetError(`bind set '${name}' to ${describeTarget(target)}`, {
      errno: "EAGAIN",
      cause: "another user of the PMU holds its counters",
      remedy: "stop other profilers, or on x86 the NMI watchdog: sudo sysctl kernel.nmi_watchdog=0",
    });
  }
}

/** Bound set with its socket. */
class Holder {
  readonly #request: HoldRequest;
  readonly #set: HeldSet;
  readonly #watch: TargetWatch;
  readonly #counters: CounterTitle[];
  readonly #boundAtMs = Date.now();
  /** Time of the last request that used the set, or of the target's end; performance.now(). */
  #lastUse = performance.now();
  #unbound = false;

  constructor(request: HoldRequest, { set, watch, counters }: Opened) {
    this.#request = request;
    this.#set = set;
    this.#watch = watch;
    this.#counters = counters;
  }

  /** Starts to answer requests and to watch for the end. Throws SetError (EEXIST) when the name is taken. */
  listen(): void {
    const { name, path } = this.#request;
    try {
      serve(path, (request) => this.#handle(request));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      const cause = "there is a set of that name";
      throw new SetError(`bind set '${name}'`, { errno: "EEXIST", cause, remedy: "use another name" });
    }
    const socket = Deno.lstatSync(path).ino;
    for (const signal of SIGNALS) Deno.addSignalListener(signal, () => this.#leave());
    setInterval(() => this.#poll(socket), POLL_MS);
  }

  info(): SetInfo {
    const { name, target, pmus } = this.#request;
    return {
      name,
      target,
      pmus,
      state: this.#set.state,
      ...(this.#set instanceof NotifyingSet && this.#set.overflow ? { overflow: this.#set.overflow } : {}),
      counters: this.#counters,
      boundAtMs: this.#boundAtMs,
      holder: Deno.pid,
    };
  }

  #handle(request: ProtocolRequest): RequestOutcome {
    if (this.#unbound) return { reply: { refused: { errno: "EINVAL", cause: "it has just been unbound" } } };
    this.#noticeEnd();
    if (request.do !== "describe") this.#lastUse = performance.now();
    try {
      return this.#do(request);
    } catch (error) {
      if (!(error instanceof SetRefusal)) throw error;
      return { reply: { refused: error.refusal } };
    }
  }

  #do(request: ProtocolRequest): RequestOutcome {
    const set = this.#set;
    const ok = (answer: Partial<SetAnswer> = {}): ProtocolReply => ({ ok: { info: this.info(), ...answer } });
    switch (request.do) {
      case "describe":
        this.#lastCounts(); // notices if the set has become invalid
        return { reply: ok() };
      case "sample": {
        const buffer = set.sample();
        const shown = request.since ? set.since(buffer) : buffer;
        // A sample that the client did not get does not count as the previous one.
        return { reply: ok({ buffer: shown }), afterwards: () => set.remember(buffer) };
      }
      case "preset":
        set.preset(request.index, request.value);
        return { reply: ok() };
      case "restart":
        set.restart();
        return { reply: ok() };
      case "enable":
        set.enable();
        return { reply: ok() };
      case "disable":
        set.disable();
        return { reply: ok() };
      case "unbind": {
        const buffer = this.#lastCounts();
        const reply = ok(buffer ? { buffer } : {});
        // Release everything before answering, so that the client can reuse the counters and the name at once.
        set.close();
        removeOwn(this.#request.path);
        this.#unbound = true;
        return { reply, afterwards: () => Deno.exit(EXIT.ok) };
      }
    }
  }

  #lastCounts(): SetBuffer | undefined {
    try {
      return this.#set.sample();
    } catch (error) {
      if (error instanceof SetRefusal) return undefined; // an invalid set has no counts
      throw error;
    }
  }

  #noticeEnd(): void {
    if (this.#set.state === "ended" || !this.#watch.ended()) return;
    this.#set.targetEnded();
    this.#lastUse = performance.now();
  }

  #poll(socket: number | null): void {
    if (this.#unbound || !isStillThere(this.#request.path, socket)) Deno.exit(EXIT.ok); // nobody can reach us
    this.#noticeEnd();
    const idleMs = performance.now() - this.#lastUse;
    if (this.#set.state === "ended" && idleMs >= this.#request.keepMs) this.#leave();
  }

  #leave(): void {
    removeOwn(this.#request.path);
    Deno.exit(EXIT.ok);
  }
}

/** Removes the socket. While we listen at it, nobody else removes or replaces it, so it is ours. */
function removeOwn(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // the folder is already gone
  }
}

function isStillThere(path: string, inode: number | null): boolean {
  try {
    return Deno.lstatSync(path).ino === inode;
  } catch {
    return false;
  }
}
