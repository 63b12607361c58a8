/**
 * Verifies a request set before any counter is opened: it is well formed, permitted and fits on the counters, or a
 * CpcError names the request at fault and the remedy. The kernel may still refuse a verified set when others use the
 * counters.
 */

import { userOnlyNote } from "../../events/fallback.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { type Assignment, assignPics } from "./assign.ts";
import { CpcError } from "./cpc_error.ts";
import type { MachineModel, PmuModel } from "./machine.ts";
import { requestName, type RequestSet, SET_FLAG, type SetRequest } from "./request_set.ts";
import { type CheckedRequest, checkRequest, picList, type VerifyTarget } from "./verify_request.ts";

/** Request that can be bound. */
export interface VerifiedRequest {
  request: SetRequest;
  /** Event to open. The binder adds what sampling and reading need. */
  event: ResolvedEvent;
  pmu: PmuModel;
  /** PIC of the request; undefined if it takes none, or shares one by multiplexing. */
  pic?: number;
}

/** Set that can be bound. */
export interface VerifiedSet {
  set: RequestSet;
  /** Requests in the order of their indices. */
  requests: VerifiedRequest[];
  /** Lines for the user about what differs from what was requested. */
  notes: string[];
}

/** Options of `verify`. */
export interface VerifyOptions {
  /** Lets requests that need not count together take turns on the counters. */
  multiplex?: boolean;
}

/**
 * Verifies `set` for `machine`. Throws CpcError with the subcode and positions of the first fault, in this order: the
 * set; each request by itself; the target's CPUs; requests that exclude each other; counters. Unlike cpc, which has
 * no subcode for more requests than counters, it reports CPC_RESOURCE_UNAVAIL for any lack of counters, and blames
 * the requests that do not fit together.
 */
export function verify(
  set: RequestSet,
  machine: MachineModel,
  target: VerifyTarget,
  options: VerifyOptions = {},
): VerifiedSet {
  checkSet(set);
  const checked = set.requests.map((_, position) => checkRequest(set, position, machine, target));
  checkCpus(set, machine, target);
  checkConflicts(set, checked);
  const inTurns = options.multiplex === true && !set.together;
  const pics = inTurns ? new Map<number, number>() : place(set, checked);
  const requests = checked.map(({ position, request, event, pmu }): VerifiedRequest => {
    const pic = pics.get(position);
    return { request, event, pmu, ...(pic === undefined ? {} : { pic }) };
  });
  const restricted = checked.flatMap(({ restricted }) => restricted ?? []);
  return {
    set,
    requests: requests.sort((a, b) => a.request.index - b.request.index),
    notes: restricted.length > 0 ? [userOnlyNote(restricted, machine.privilege)] : [],
  };
}

function checkSet(set: RequestSet): void {
  const attempt = `bind the set '${set.text}'`;
  if (set.requests.length === 0) {
    throw new CpcError({ attempt, cause: "it has no requests", remedy: "name an event" });
  }
  if (!Number.isInteger(set.flags) || (set.flags & ~SET_FLAG.inherit) !== 0) {
    throw new CpcError({
      attempt,
      cause: `its flags ${set.flags} have unknown bits`,
      remedy: "use 0, or 1 (new threads count too)",
    });
  }
  const users = new Map<number, number>();
  for (const [position, { picnum }] of set.requests.entries()) {
    if (picnum === undefined) continue;
    const first = users.get(picnum);
    users.set(picnum, position);
    if (first === undefined) continue;
    throw new CpcError({
      requests: [position, first],
      attempt: `bind ${requestName(set, position)}`,
      cause: `${requestName(set, first)} is on pic${picnum} already`,
      remedy: "give each a PIC of its own, or leave one without a number",
    });
  }
}

function checkCpus(set: RequestSet, machine: MachineModel, target: VerifyTarget): void {
  if (target.kind !== "cpus" || !target.cpus || !machine.onlineCpus) return;
  const missing = target.cpus.filter((cpu) => !machine.onlineCpus!.includes(cpu));
  if (missing.length === 0) return;
  throw new CpcError({
    subcode: "CPC_PBIND_FAILED",
    attempt: `bind the set '${set.text}'`,
    cause: `CPU ${missing.join(", ")} is offline or does not exist`,
    remedy: "leave it out: /sys/devices/system/cpu/online lists those that are online",
  });
}

function checkConflicts(set: RequestSet, checked: readonly CheckedRequest[]): void {
  const hardware = checked.filter(({ pmu }) => !pmu.software);
  const refuse = (members: readonly CheckedRequest[], cause: string, remedy: string): never => {
    const requests = members.map(({ position }) => position);
    throw new CpcError({
      subcode: "CPC_CONFLICTING_REQS",
      requests,
      attempt: `bind ${together(set, requests)}`,
      cause,
      remedy,
    });
  };
  const byPmu = Map.groupBy(hardware, ({ pmu }) => pmu.name);
  if (set.together && byPmu.size > 1) {
    const [one, other] = [...byPmu.values()].map(([first]) => first);
    refuse(
      [one, other],
      `a group counts on one PMU, and they are of ${one.pmu.name} and ${other.pmu.name}`,
      "make a set of each: -e or -c twice",
    );
  }
  for (const [pmu, members] of byPmu) {
    const exclusive = members.filter(({ event }) => event.attr.flags.has("exclusive"));
    const others = members.filter((member) => !exclusive.includes(member));
    if (exclusive.length > 0 && others.length > 0) {
      refuse(
        [exclusive[0], others[0]],
        `the first wants ${pmu} for itself`,
        "make all of them exclusive, or none",
      );
    }
    const pinned = (value: bigint) =>
      members.find(({ request }) => request.attributes.get("pinned") === value);
    const [on, off] = [pinned(1n), pinned(0n)];
    if (set.together && on && off) {
      refuse([on, off], "one is pinned and one is not, and a group is or is not as a whole", "choose one");
    }
  }
}

/** Returns the PICs of the requests that take one, by position. */
function place(set: RequestSet, checked: readonly CheckedRequest[]): Map<number, number> {
  const pics = new Map<number, number>();
  const counted = checked.filter(({ capable }) => capable !== undefined);
  for (const [name, members] of Map.groupBy(counted, ({ pmu }) => pmu.name)) {
    const found: Assignment = assignPics(members.map(({ capable, request: { picnum, preferred } }) => ({
      capable: capable!,
      ...(picnum === undefined ? {} : { picnum }),
      ...(preferred === undefined ? {} : { preferred }),
    })));
    if ("conflict" in found) {
      const requests = found.conflict.map((i) => members[i].position);
      const n = found.candidates.length;
      throw new CpcError({
        subcode: "CPC_RESOURCE_UNAVAIL",
        requests,
        attempt: `bind ${together(set, requests)}`,
        cause: `they need ${requests.length} counters, and ${name} has ${n} for them (${
          picList(found.candidates)
        })`,
        remedy: "leave one out, count in passes with --split, or take turns with --multiplex",
      });
    }
    for (const [i, pic] of found.pics.entries()) pics.set(members[i].position, pic);
  }
  return pics;
}

/** Returns the requests' names in messages: `request 0 (cycles) and request 1 (branches) together`. */
function together(set: RequestSet, positions: readonly number[]): string {
  const names = positions.map((position) => requestName(set, position));
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} together`;
}
