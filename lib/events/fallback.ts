/**
 * Fallbacks for an event that the kernel refused: the same event with fewer features, as perf does (evsel__fallback()
 * and evsel__detect_missing_features() in tools/perf/util/evsel.c), but never silently. Choosing another event instead
 * is the job of backends (record/backends).
 */

import { PERF_SAMPLE } from "../base/system/abi.ts";
import { ERRNO } from "../base/system/errno.ts";
import { withUserModifier } from "./advice.ts";
import type { AttrFlag, EventAttr } from "./attr.ts";
import { happensInKernel } from "./catalog.ts";
import { type Privilege, restrictToUser } from "./privilege.ts";
import type { ResolvedEvent } from "./resolve.ts";

const { EPERM, EACCES, EINVAL, EOPNOTSUPP } = ERRNO;

/**
 * Returns the event to try after perf_event_open refused `event` with `errno` (positive), or undefined when the refusal
 * is final. Each step removes a feature, so repeated calls terminate.
 */
export function fallbackFor(
  event: ResolvedEvent,
  errno: number,
  privilege: Privilege,
  wholeCpu: boolean,
): ResolvedEvent | undefined {
  const { attr } = event;
  if (errno === EACCES || errno === EPERM) return withoutKernel(event, privilege, wholeCpu);
  if (errno === EINVAL || errno === EOPNOTSUPP) {
    // `P` requests the highest precision, which only the kernel knows
    if (event.preciseMax && attr.preciseIp > 0) {
      return { ...event, attr: { ...attr, preciseIp: attr.preciseIp - 1 } };
    }
    // a kernel or PMU without guests only sees the host
    if (errno === EINVAL && attr.flags.has("excludeGuest")) {
      return { ...event, attr: without(attr, "excludeGuest") };
    }
  }
  return undefined;
}

/**
 * Returns the attr without the user's registers and stack in its samples, whose call chains then follow frame pointers,
 * to try again after `errno` (positive); undefined when it has neither, or the refusal is about something else. PMUs refuse
 * them with EOPNOTSUPP or EINVAL.
 */
export function withoutUserState(attr: EventAttr, errno: number): EventAttr | undefined {
  const userState = PERF_SAMPLE.REGS_USER | PERF_SAMPLE.STACK_USER;
  if ((attr.sampleType & userState) === 0 || (errno !== EINVAL && errno !== EOPNOTSUPP)) return undefined;
  return {
    ...without(attr, "excludeCallchainUser"),
    sampleType: attr.sampleType & ~userState,
    sampleRegsUser: 0n,
    sampleStackUser: 0,
  };
}

/** Formats the note about an event whose samples have no copies of stacks, though those were asked for. */
export function framePointersNote(name: string): string {
  return `${name}: the kernel takes no copies of stacks with this event: its call stacks are whole only in programs ` +
    "built with frame pointers (as with --call-graph fp)";
}

function withoutKernel(
  event: ResolvedEvent,
  privilege: Privilege,
  wholeCpu: boolean,
): ResolvedEvent | undefined {
  const { attr } = event;
  if (attr.flags.has("excludeKernel") || attr.flags.has("excludeUser")) return undefined;
  // perf falls back here too, and shows 0 context switches
  if (!event.supportsExclude || happensInKernel(attr)) return undefined;
  // a level that allows whole CPUs also allows the kernel's side; levels above 2 differ from 2 only in
  // some distributions' kernels, so try
  if (privilege.capable || wholeCpu) return undefined;
  return { ...event, name: withUserModifier(event.name), attr: restrictToUser(attr) };
}

/** Returns whether `got`, opened for `asked`, measures only user space although the kernel's side was requested. */
export function isRestricted(asked: ResolvedEvent, got: ResolvedEvent): boolean {
  return got.attr.flags.has("excludeKernel") && !asked.attr.flags.has("excludeKernel");
}

/** Formats a note about all events that are restricted to user space, by the names they were requested with. */
export function userOnlyNote(asked: readonly string[], { paranoid }: Pick<Privilege, "paranoid">): string {
  return `${asked.join(", ")}: the kernel's side is not permitted (perf_event_paranoid is ${
    paranoid ?? "unknown"
  }); ` +
    `measuring user space only, as ${asked.map(withUserModifier).join(", ")}`;
}

function without(attr: EventAttr, flag: AttrFlag): EventAttr {
  const flags = new Set(attr.flags);
  flags.delete(flag);
  return { ...attr, flags };
}
