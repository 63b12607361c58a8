/**
 * How to open an event that the kernel refused all the same, with less, as perf does (evsel__fallback() and
 * evsel__detect_missing_features() in tools/perf/util/evsel.c), but never without a word. Another event in
 * its place is not for here: that is a choice of backend (record/backends).
 */

import { ERRNO } from "../base/system/errno.ts";
import { withUserModifier } from "./advice.ts";
import type { AttrFlag, EventAttr } from "./attr.ts";
import { happensInKernel } from "./catalog.ts";
import { type Privilege, restrictToUser } from "./privilege.ts";
import type { ResolvedEvent } from "./resolve.ts";

const { EPERM, EACCES, EINVAL, EOPNOTSUPP } = ERRNO;

/**
 * The event to try after perf_event_open refused `event` with `errno` (positive), or undefined when
 * there is none and the refusal is to be told. Each step takes something away, so that asking again
 * and again comes to an end.
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
    // `P` asks for what is possible; the kernel alone knows what that is
    if (event.preciseMax && attr.preciseIp > 0) {
      return { ...event, attr: { ...attr, preciseIp: attr.preciseIp - 1 } };
    }
    // kernels and PMUs that have no notion of guests; the host is all they see
    if (errno === EINVAL && attr.flags.has("excludeGuest")) {
      return { ...event, attr: without(attr, "excludeGuest") };
    }
  }
  return undefined;
}

function withoutKernel(
  event: ResolvedEvent,
  privilege: Privilege,
  wholeCpu: boolean,
): ResolvedEvent | undefined {
  const { attr } = event;
  if (attr.flags.has("excludeKernel") || attr.flags.has("excludeUser")) return undefined;
  // perf falls back here too, and then shows 0 context switches
  if (!event.supportsExclude || happensInKernel(attr)) return undefined;
  // A whole CPU needs a level that allows the kernel's side too. Of the levels above 2 only some
  // distributions' kernels make more than of 2, so that trying is the way to know.
  if (privilege.capable || wholeCpu) return undefined;
  return { ...event, name: withUserModifier(event.name), attr: restrictToUser(attr) };
}

/** Whether `got`, what was opened for `asked`, measures user space alone where the kernel's side was asked for too. */
export function isRestricted(asked: ResolvedEvent, got: ResolvedEvent): boolean {
  return got.attr.flags.has("excludeKernel") && !asked.attr.flags.has("excludeKernel");
}

/** What to tell of all events that are restricted to user space, in one line: each by its name as it was asked for. */
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
