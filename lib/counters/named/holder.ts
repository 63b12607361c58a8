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
import { BoundSet, type HeldSet, SetRefusal } from "../open/bound_set.ts";
import { GroupsAtPlace } from "../open/groups.ts";
import { NotifyingSet } from "./notifying_set.ts";
import { type Counter, OpenSet, type SetPlace } from "../open/open_set.ts";
import { OverflowWatch } from "../open/overflow.ts";
import type { PcNames } from "../open/pc_names.ts";
import { fromLine, GO_AHEAD, type HoldRequest, type SetInfo, type StartReport, toLine } from "./protocol.ts";
import { type HeldCounters, SetAnswers } from "./set_answers.ts";
import { describeTarget, type SetTarget, TargetWatch, threadIdsOf } from "./set_target.ts";
import { serve } from "./socket.ts";
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
    report({ bound: listen(request, opened) });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    report({ failed: { message: error.message, status: error.status } });
    return error.status;
  }
  return await new Promise(() => {}); // listen() ends the process
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

/** Opens the counters at every place of the target. Throws UnsupportedError. */
function openSet(request: HoldRequest, names: () => PcNames, note: (line: string) => void): HeldCounters {
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

/**
 * Answers requests at the set's socket, and watches for the end. Returns the description of the set. Throws SetError (EEXIST)
 * when the name is taken.
 */
function listen(request: HoldRequest, held: HeldCounters): SetInfo {
  const { name, path } = request;
  const process = {
    pid: Deno.pid,
    freeName: () => removeOwn(path),
    leave: () => Deno.exit(EXIT.ok),
    now: () => performance.now(),
  };
  const answers = new SetAnswers(request, held, process);
  try {
    serve(path, (request) => answers.handle(request));
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const cause = "there is a set of that name";
    throw new SetError(`bind set '${name}'`, { errno: "EEXIST", cause, remedy: "use another name" });
  }
  const socket = Deno.lstatSync(path).ino;
  const leave = () => {
    removeOwn(path);
    Deno.exit(EXIT.ok);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, leave);
  setInterval(() => {
    if (answers.unbound || !isStillThere(path, socket)) Deno.exit(EXIT.ok); // nobody can reach us
    if (answers.isForgotten()) leave();
  }, POLL_MS);
  return answers.info();
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
