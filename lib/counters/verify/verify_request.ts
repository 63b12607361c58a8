/** Checks each request of a set by itself. */

import { PERF_TYPE } from "../../base/system/abi.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UsageError } from "../../base/system/errors.ts";
import { nearest } from "../../base/text/nearest.ts";
import { adviseOpen } from "../../events/advice.ts";
import { fallbackFor, isRestricted } from "../../events/fallback.ts";
import { paranoidNeeded } from "../../events/privilege.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { fieldMaximum } from "../../events/sysfs.ts";
import { genericAttribute, genericAttributeNames } from "./attributes.ts";
import { CpcError, type CpcFault } from "./cpc_error.ts";
import { capablePics, type MachineModel, MAX_SOFTWARE_PICNUM, type PmuModel } from "./machine.ts";
import {
  applyRequest,
  REQUEST_FLAG,
  requestName,
  type RequestSet,
  resolveRequest,
  type SetRequest,
} from "./request_set.ts";

/** Target of a set. */
export type VerifyTarget =
  /** Threads and processes; the set counts wherever they run. */
  | { kind: "task" }
  /** CPUs, whatever runs there; all online ones if absent. */
  | { kind: "cpus"; cpus?: readonly number[] };

/** Request that is valid by itself. */
export interface CheckedRequest {
  /** Position in the set. */
  position: number;
  request: SetRequest;
  /** Event to open. The binder adds what sampling and reading need. */
  event: ResolvedEvent;
  pmu: PmuModel;
  /** PICs that can count it; undefined when it takes no known counter. */
  capable?: readonly number[];
  /** Name of the event, if only user space is counted instead. */
  restricted?: string;
}

type Refusal = Omit<CpcFault, "attempt" | "requests">;

const MODES = REQUEST_FLAG.user | REQUEST_FLAG.system | REQUEST_FLAG.hv;
const FLAGS = MODES | REQUEST_FLAG.notify;

/** Checks the request at `position`. Throws CpcError, and UnsupportedError when tracefs cannot be read. */
export function checkRequest(
  set: RequestSet,
  position: number,
  machine: MachineModel,
  target: VerifyTarget,
): CheckedRequest {
  const request = set.requests[position];
  const check = (refusal: Refusal | undefined) => {
    if (!refusal) return;
    throw new CpcError({
      ...refusal,
      requests: [position],
      attempt: `bind ${requestName(set, position)}`,
    });
  };
  check(badIndex(set, request));
  check(badFlags(request));
  let plain: ResolvedEvent;
  try {
    plain = resolveRequest(request.event, machine.world);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    check({ subcode: "CPC_INVALID_EVENT", cause: error.message });
    throw error;
  }
  const pmu = machine.pmuOf(plain);
  for (const [name, value] of request.attributes) check(badAttribute(name, value, plain, pmu, machine));
  check(badRate(request, plain));
  check(badModes(request, plain, machine));
  const capable = capablePics(plain, pmu);
  check(noCounter(plain, pmu, machine, target));
  check(badPicnum(request, pmu, capable));
  if (request.flags & REQUEST_FLAG.notify && !pmu.interrupts) {
    check({
      errno: "ENOTSUP",
      cause: `PMU ${pmu.name} cannot signal overflows: it has no interrupt`,
      remedy: "leave notify out",
    });
  }
  const event = applyRequest(plain, request, machine.world.pmus.get(plain.pmu));
  const permitted = withPermission(event, request, machine, target);
  check(permitted.refusal);
  return {
    position,
    request,
    event: permitted.event,
    pmu,
    ...(capable ? { capable } : {}),
    ...(isRestricted(event, permitted.event) ? { restricted: event.name } : {}),
  };
}

function badIndex(set: RequestSet, request: SetRequest): Refusal | undefined {
  const last = set.requests.length - 1;
  const { index } = request;
  if (!(Number.isInteger(index) && index >= 0 && index <= last)) {
    return { cause: `its index ${index} is not within the set`, remedy: `use 0 to ${last}` };
  }
  if (set.requests.find((other) => other.index === index) !== request) {
    return {
      cause: `another request already has index ${index}`,
      remedy: "give each request an index of its own",
    };
  }
}

function badFlags({ flags }: SetRequest): Refusal | undefined {
  if (!Number.isInteger(flags) || (flags & ~FLAGS) !== 0) {
    return {
      subcode: "CPC_REQ_INVALID_FLAGS",
      cause: `its flags ${flags} have unknown bits`,
      remedy: "use a sum of 1 (notify), 2 (user), 4 (system) and 8 (hypervisor)",
    };
  }
  if ((flags & MODES) === 0) {
    return {
      subcode: "CPC_REQ_INVALID_FLAGS",
      cause: "it excludes user space, kernel and hypervisor, so it would count nothing",
      remedy: "add sys, or leave nouser out",
    };
  }
}

function badAttribute(
  name: string,
  value: bigint,
  event: ResolvedEvent,
  pmu: PmuModel,
  machine: MachineModel,
): Refusal | undefined {
  const field = pmu.formats.get(name);
  if (field) {
    if (field.word === "config3") {
      return {
        subcode: "CPC_INVALID_ATTRIBUTE",
        cause: `attribute ${name} is in config3, which pmuctl does not support`,
        remedy: "leave it out",
      };
    }
    if (event.attr.type === PERF_TYPE.HARDWARE || event.attr.type === PERF_TYPE.HW_CACHE) {
      return {
        subcode: "CPC_INVALID_ATTRIBUTE",
        cause:
          `attribute ${name} applies to ${pmu.name}'s own event codes, and this is one of the kernel's generic events`,
        remedy: `write the event by its code: ${pmu.name}/event=.../`,
      };
    }
    return outOfRange(name, value, 0n, fieldMaximum(field));
  }
  if (name === "picnum") return badPicnumValue(value, pmu);
  const generic = genericAttribute(name);
  if (!generic) {
    const known = [...pmu.formats.keys(), ...genericAttributeNames()];
    const near = nearest(name, known);
    return {
      subcode: "CPC_INVALID_ATTRIBUTE",
      cause: `PMU ${pmu.name} has no attribute ${name}`,
      remedy: near.length ? `did you mean ${near.join(" or ")}?` : `see 'pmuctl attrlist ${pmu.name}'`,
    };
  }
  const fastest = machine.maxSampleRate;
  const max = name === "freq" && fastest !== undefined ? BigInt(fastest) : generic.max;
  const faster = name === "freq" ? `, or raise kernel.perf_event_max_sample_rate` : "";
  return outOfRange(name, value, generic.min, max, faster);
}

function outOfRange(name: string, value: bigint, min: bigint, max: bigint, or = ""): Refusal | undefined {
  if (value >= min && value <= max) return undefined;
  return {
    subcode: "CPC_ATTRIBUTE_OUT_OF_RANGE",
    cause: `attribute ${name} cannot be ${value}`,
    remedy: `use ${min} to ${max}${or}`,
  };
}

/**
 * Refuses requests that combine period, frequency and preset: an overflow comes after a number of events, or so many
 * times a second.
 */
function badRate(request: SetRequest, event: ResolvedEvent): Refusal | undefined {
  const ways = [
    request.attributes.has("freq") || event.freq !== undefined ? "freq" : "",
    request.attributes.has("period") || event.period !== undefined ? "period" : "",
    request.preset !== 0n ? "preset" : "",
  ].filter((way) => way !== "");
  if (ways.length < 2) return undefined;
  return {
    subcode: "CPC_CONFLICTING_REQS",
    cause: `${ways.join(" and ")} disagree on when it overflows`,
    remedy: "keep one of them",
  };
}

function badModes({ flags }: SetRequest, event: ResolvedEvent, machine: MachineModel): Refusal | undefined {
  const both = REQUEST_FLAG.user | REQUEST_FLAG.system;
  if (!event.supportsExclude && (flags & both) !== both) {
    return {
      subcode: "CPC_REQ_INVALID_FLAGS",
      cause: `PMU ${event.pmu} cannot distinguish user space and kernel`,
      remedy: "ask for both: add sys, and leave nouser and modifiers out",
    };
  }
  if ((flags & MODES) === REQUEST_FLAG.hv && !machine.countsHypervisor) {
    return {
      subcode: "CPC_HV_NO_ACCESS",
      cause: "this CPU cannot count its hypervisor",
      remedy: "count user space or the kernel, or count on the host",
    };
  }
}

function noCounter(
  event: ResolvedEvent,
  pmu: PmuModel,
  machine: MachineModel,
  target: VerifyTarget,
): Refusal | undefined {
  if (pmu.pics?.length === 0) {
    const hasCorePmu = machine.world.pmus.core().length > 0;
    const { cause, remedy } = hasCorePmu
      ? {
        cause: `others have all counters of ${pmu.name}`,
        remedy: "stop other profilers, or on x86 the NMI watchdog: sudo sysctl kernel.nmi_watchdog=0",
      }
      : adviseOpen(ERRNO.ENOENT, attempt(event, machine, target));
    return { subcode: "CPC_RESOURCE_UNAVAIL", cause, ...(remedy ? { remedy } : {}) };
  }
  if (target.kind === "task" && !event.followsTasks) {
    return {
      subcode: "CPC_RESOURCE_UNAVAIL",
      cause: `PMU ${pmu.name} does not follow a task`,
      remedy: "count it on CPUs: -a or -C",
    };
  }
}

function badPicnum(
  { picnum }: SetRequest,
  pmu: PmuModel,
  capable: readonly number[] | undefined,
): Refusal | undefined {
  if (picnum === undefined) return undefined;
  const unknown = badPicnumValue(BigInt(picnum), pmu);
  if (unknown || capable === undefined || capable.includes(picnum)) return unknown;
  const { only } = pmu.pics!.find((pic) => pic.picnum === picnum)!;
  return {
    subcode: "CPC_PIC_NOT_CAPABLE",
    cause: `pic${picnum} of ${pmu.name} counts ${only ? `only ${only.name}` : "other events"}`,
    remedy: capable.length ? `use ${picList(capable)}` : "use another event",
  };
}

function badPicnumValue(picnum: bigint, pmu: PmuModel): Refusal | undefined {
  const known = pmu.pics?.map((pic) => pic.picnum);
  const there = known ? known.some((number) => BigInt(number) === picnum) : picnum <= MAX_SOFTWARE_PICNUM;
  if (there) return undefined;
  return {
    subcode: "CPC_INVALID_PICNUM",
    cause: `PMU ${pmu.name} has no pic${picnum}`,
    remedy: `use ${known ? picList(known) : `pic0 to pic${MAX_SOFTWARE_PICNUM}`}`,
  };
}

/** Lists PICs in words: `pic0 to pic5 or pic31`. */
export function picList(pics: readonly number[]): string {
  const sorted = pics.toSorted((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i];
    while (sorted[i + 1] === sorted[i] + 1) i++;
    parts.push(sorted[i] === first ? `pic${first}` : `pic${first} to pic${sorted[i]}`);
  }
  return parts.join(" or ");
}

/** Returns the event as this user may count it, or the reason for refusing it. */
function withPermission(
  event: ResolvedEvent,
  request: SetRequest,
  machine: MachineModel,
  target: VerifyTarget,
): { event: ResolvedEvent; refusal?: Refusal } {
  const { privilege } = machine;
  const wholeCpu = target.kind === "cpus";
  const needed = paranoidNeeded(event.attr, wholeCpu);
  // Levels above 2 mean more than 2 only to some distributions' kernels; opening will tell.
  const refused = !privilege.capable && needed < 2 && (privilege.paranoid ?? needed) > needed;
  if (!refused) return { event };
  const userOnly = request.userWillDo && fallbackFor(event, ERRNO.EACCES, privilege, wholeCpu);
  if (userOnly) return { event: userOnly };
  const { cause, remedy } = adviseOpen(ERRNO.EACCES, attempt(event, machine, target));
  return {
    event,
    refusal: { subcode: "CPC_ATTR_REQUIRES_PRIVILEGE", cause, ...(remedy ? { remedy } : {}) },
  };
}

function attempt(event: ResolvedEvent, machine: MachineModel, target: VerifyTarget) {
  return {
    eventName: event.name,
    target: target.kind === "cpus" ? "CPUs" : "a task",
    wholeCpu: target.kind === "cpus",
    attr: event.attr,
    privilege: machine.privilege,
    hasCorePmu: machine.world.pmus.core().length > 0,
  };
}
