/**
 * Prepares request sets for binding: reads them, verifies them, tries them on the kernel, and splits them into passes
 * if allowed.
 */

import { closeEvent, enable, readCounts, tryOpen } from "../../ffi/pmu.ts";
import { type AttrFlag, encodeAttr } from "../events/attr.ts";
import { CpcError } from "./verify/cpc_error.ts";
import { setsOfEvents } from "./verify/event_sets.ts";
import type { MachineModel } from "./verify/machine.ts";
import type { Counter } from "./open/open_set.ts";
import { requestName, type RequestSet } from "./verify/request_set.ts";
import { readSetFile } from "./verify/set_file.ts";
import { parseSpec } from "./verify/spec.ts";
import { minimalConflict, splitPasses } from "./verify/trials.ts";
import { type VerifiedSet, verify } from "./verify/verify.ts";
import type { VerifyTarget as Place } from "./verify/verify_request.ts";

/** A set ready to be bound. Its groups count at the same time, each as a whole or not at all. */
export interface PreparedSet {
  /** Text of the set as the user wrote it, with the number of the pass if it was split. */
  text: string;
  /** Counters of each group. */
  groups: Counter[][];
}

/** Options of `prepareSets`. */
export interface PrepareOptions {
  /** Lets requests share counters unless they must count together. */
  multiplex: boolean;
  /** Splits a set that does not fit into passes that do. */
  split: boolean;
}

/** Tests whether all groups open and count at the same time. */
export type GroupsOpen = (groups: readonly (readonly Counter[])[]) => boolean;

/**
 * Reads the request sets of `-c`, `-e` and `--set`. The sets of one `-e` are bound together. Throws what parseSpec(),
 * setsOfEvents() and readSetFile() throw.
 */
export function readSets(
  { specs, events, files }: { specs: readonly string[]; events: readonly string[]; files: readonly string[] },
  machine: MachineModel,
): RequestSet[][] {
  return [
    ...specs.map((spec) => [parseSpec(spec, machine)]),
    ...events.map((text) => setsOfEvents(text, machine.world)),
    ...files.map((path) => [readSetFile(path)]),
  ];
}

/**
 * Verifies the sets, then tries each on the kernel, which may refuse when others use the counters. Calls `note` with
 * a line for each thing that differs from what was requested. Throws CpcError for an invalid set, and, unless it may
 * be split, for one that does not fit, naming the fewest requests that conflict.
 */
export function prepareSets(
  asked: readonly (readonly RequestSet[])[],
  machine: MachineModel,
  place: Place,
  options: PrepareOptions,
  opens: GroupsOpen,
  note: (line: string) => void,
): PreparedSet[] {
  return asked.flatMap((sets) => {
    try {
      const verified = sets.map((set) => verify(set, machine, place, options));
      const groups = verified.flatMap(groupsOf);
      const text = sets.map((set) => set.text).join();
      const conflict = options.multiplex ? [] : conflictOf(groups, opens);
      // A counter that cannot be opened even alone is reported with its cause when it is opened for real.
      if (conflict.length < 2) {
        for (const line of verified.flatMap((set) => set.notes)) note(line);
        return [{ text, groups }];
      }
      if (!options.split) throw conflictError(text, groups, conflict);
    } catch (error) {
      const noPlace = error instanceof CpcError && error.subcodeName === "CPC_RESOURCE_UNAVAIL";
      if (!noPlace || !options.split) throw error;
    }
    return sets.flatMap((set) => splitSet(set, machine, place, opens, note));
  });
}

/** Returns the groups of a set: a single one if its requests count together, else one per request. */
function groupsOf({ set, requests }: VerifiedSet): Counter[][] {
  const counters = requests.map(({ request, event }): Counter => ({
    event,
    preset: request.preset,
    ...(request.flags & 1 ? { notify: true } : {}),
  }));
  return set.together ? [counters] : counters.map((counter) => [counter]);
}

/** Returns the fewest counters, by position, that do not open together; empty when all of them do. */
function conflictOf(groups: Counter[][], opens: GroupsOpen): number[] {
  const members = groups.flatMap((group, g) => group.map((counter) => ({ counter, g })));
  return minimalConflict(members.length, (subset) => {
    const kept = new Map<number, Counter[]>();
    for (const i of subset) kept.set(members[i].g, [...(kept.get(members[i].g) ?? []), members[i].counter]);
    return opens([...kept.values()]);
  });
}

function conflictError(text: string, groups: Counter[][], conflict: number[]): CpcError {
  const names = conflict.map((i) => groups.flat()[i].event.name);
  return new CpcError({
    subcode: "CPC_RESOURCE_UNAVAIL",
    requests: conflict,
    attempt: `bind the set '${text}'`,
    cause: `the kernel has no counters for ${names.join(" and ")} at the same time`,
    remedy: "count them in turns with --split, or let them share counters with --multiplex",
  });
}

/**
 * Splits a set into as few passes as possible, each of which verifies. Throws CpcError for a request that does not
 * fit alone.
 */
function splitSet(
  set: RequestSet,
  machine: MachineModel,
  place: Place,
  opens: GroupsOpen,
  note: (line: string) => void,
): PreparedSet[] {
  const part = (positions: readonly number[]): RequestSet => ({
    ...set,
    requests: positions.map((position, index) => ({ ...set.requests[position], index })),
  });
  const fits = (positions: readonly number[]) => {
    try {
      return opens(groupsOf(verify(part(positions), machine, place)));
    } catch (error) {
      if (error instanceof CpcError) return false;
      throw error;
    }
  };
  const { passes, impossible } = splitPasses(set.requests.length, fits);
  if (impossible.length > 0) {
    verify(part([impossible[0]]), machine, place); // throws with the cause, unless only the kernel refuses
    throw new CpcError({
      subcode: "CPC_RESOURCE_UNAVAIL",
      requests: impossible,
      attempt: `bind ${requestName(set, impossible[0])}`,
      cause: "the kernel has no counter for it",
      remedy: "stop other profilers, or leave it out",
    });
  }
  const many = passes.length;
  if (many > 1) {
    note(
      `'${set.text}' is counted in ${many} passes that take turns; each is exact for its part of the time`,
    );
  }
  return passes.map((positions, p) => {
    const verified = verify(part(positions), machine, place);
    for (const line of verified.notes) note(line);
    const names = positions.map((position) => set.requests[position].event).join();
    return { text: many > 1 ? `${names}, pass ${p + 1} of ${many}` : set.text, groups: groupsOf(verified) };
  });
}

/** Returns a test that opens groups on this thread, or on a CPU. */
export function tryGroups(place: Place): GroupsOpen {
  const where = place.kind === "cpus" ? { pid: -1, cpu: place.cpus?.[0] ?? 0 } : { pid: 0, cpu: -1 };
  return (groups) => {
    const fds: number[] = [];
    const leaders: number[] = [];
    try {
      for (const group of groups) {
        let leader = -1;
        for (const { event } of group) {
          const flags: AttrFlag[] = leader < 0 ? ["disabled", "pinned"] : [];
          const attr = { ...event.attr, flags: new Set([...event.attr.flags, ...flags]) };
          const cpu = where.cpu >= 0 ? event.cpus?.[0] ?? where.cpu : -1;
          const fd = tryOpen(encodeAttr(attr), { ...where, cpu, groupFd: leader });
          if (fd < 0) return false;
          fds.push(fd);
          if (leader < 0) leaders.push(leader = fd);
        }
      }
      for (const fd of leaders) enable(fd, true);
      return leaders.every((fd) => readCounts(fd, new BigUint64Array(1)) > 0);
    } finally {
      for (const fd of fds) closeEvent(fd);
    }
  };
}
