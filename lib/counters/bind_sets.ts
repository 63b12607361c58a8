/** From what the user asks for to sets that can be bound: read, verified, tried, and split where that is wanted. */

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

/** A set that can be bound: the groups of it count at the same time, each as a whole or not at all. */
export interface PreparedSet {
  /** How it was written, and which pass of it this is. */
  text: string;
  groups: Counter[][];
}

export interface PrepareOptions {
  /** Requests that need not count together may share counters. */
  multiplex: boolean;
  /** A set that has no place at once becomes several, each of which has. */
  split: boolean;
}

/** Whether all groups open, and count, at the same time. */
export type GroupsOpen = (groups: readonly (readonly Counter[])[]) => boolean;

/** The request sets of `-c`, `-e` and `--set`; those of one `-e` are bound as one. Throws as the readers do. */
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
 * Verifies the sets, and tries whether the kernel takes them: with other users of the counters about, it may
 * not. `note` gets a line for each thing that will not be as asked for. Throws CpcError: for what is wrong with a
 * set, and, with the fewest requests that get in each other's way, where it has no place (unless it may be split).
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
      // one that does not even open alone: opening it for good will say why
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

/** A set whose requests count together is one group; else each request is one. */
function groupsOf({ set, requests }: VerifiedSet): Counter[][] {
  const counters = requests.map(({ request, event }): Counter => ({
    event,
    preset: request.preset,
    ...(request.flags & 1 ? { notify: true } : {}),
  }));
  return set.together ? [counters] : counters.map((counter) => [counter]);
}

/** The fewest counters, by position, that do not open together; none when all of them do. */
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

/** The set in as few passes as can be, each verified by itself. Throws CpcError for a request without any place. */
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
    verify(part([impossible[0]]), machine, place); // says why, when it is not the kernel that refuses
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
      `'${set.text}' is counted in ${many} passes that take turns: each is exact for its part of the time`,
    );
  }
  return passes.map((positions, p) => {
    const verified = verify(part(positions), machine, place);
    for (const line of verified.notes) note(line);
    const names = positions.map((position) => set.requests[position].event).join();
    return { text: many > 1 ? `${names}, pass ${p + 1} of ${many}` : set.text, groups: groupsOf(verified) };
  });
}

/** Asks the kernel, on this thread or on a CPU. */
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
