/**
 * Plans which events a recording opens: in which order, where, and with which attrs. Opens nothing;
 * open_events.ts carries a plan out.
 */

import { descriptorsAllowed, OTHER_DESCRIPTORS, requireDescriptors } from "../../../ffi/descriptors.ts";
import type { EventAttr } from "../../events/attr.ts";
import type { OpenRequest } from "../../events/open.ts";
import { type ResolvedEvent, type ResolvedGroup, resolveEvents } from "../../events/resolve.ts";
import type { Proc } from "../host/procfs.ts";
import type { RecordRequest } from "../request/request.ts";
import { ringBytes } from "../request/ring_sizes.ts";
import {
  memberAttr,
  readingLeaderAttr,
  readMemberAttr,
  samplingAttr,
  type SharedSettings,
  stackCopyOf,
  trackingAttr,
} from "../request/sampling.ts";
import { targetName, targetThreads } from "../request/target.ts";
import type { EventScope } from "./open_on_cpus.ts";

/**
 * Largest watermarks in bytes, so that records of large rings get out soon: a quarter of a default ring, and more for
 * samples with stacks, which are large.
 */
const MAX_WATERMARK_BYTES = 128 * 1024, MAX_STACK_WATERMARK_BYTES = 4096 * 1024;

/** An event that samples, with the attrs it may be opened with. */
export interface PlannedEvent {
  event: ResolvedEvent;
  /** Makes the attr of the event, or of what stands in for it, opened by itself. */
  attrAlone: OpenRequest["attrOf"];
  /** Makes its attr as the leader of its group, or as a member of the group that `leader` leads. */
  attrInGroup(event: ResolvedEvent, leader?: EventAttr): EventAttr;
}

/** Events that are written side by side: `cycles`, or `{cycles,instructions}`. */
export interface PlannedGroup {
  /** Text in front of the braces, if there is one. */
  name?: string;
  /** Counted together under the first one, the leader; false for an event without braces. */
  together: boolean;
  /** Opened apart where the kernel refuses them together (`:W`). */
  weak: boolean;
  events: PlannedEvent[];
}

/** Everything that a recording opens, in order. */
export interface EventPlan {
  scope: EventScope;
  /**
   * Event that reports processes, maps and names, opened first so that its ring is every event's ring. Undefined where
   * the first event that samples reports them: `unlisted` ones are not named in the file.
   */
  tracker?: OpenRequest & { unlisted: boolean };
  groups: PlannedGroup[];
  /** Unwind the stacks in samples before they are written. */
  unwinds: boolean;
}

/** Limit on file descriptors: one is needed for each event, thread and CPU. */
export interface DescriptorLimit {
  /** Raises the limit as far as this user may; returns whether that is enough. */
  allows: typeof descriptorsAllowed;
  /** Raises the limit. Throws UnsupportedError (EMFILE) where this user may not. */
  need: typeof requireDescriptors;
}

/** This process's own limit. */
const PROCESS_LIMIT: DescriptorLimit = { allows: descriptorsAllowed, need: requireDescriptors };

/** Surroundings that a plan depends on besides its request. */
export interface PlanContext {
  /** Process id of the command, when a command is recorded. */
  pid?: number;
  proc: Proc;
  /** This process's own limit by default. */
  limit?: DescriptorLimit;
}

/**
 * Plans the events of a recording. A tracker is left out only where this user may not have the descriptors for it and
 * the command's own events can report maps and names: those start with the command, unless they start later than it does,
 * stop in between, or their rings forget. Throws UnsupportedError when the target is gone or takes too many descriptors.
 */
export function planEvents(request: RecordRequest, context: PlanContext): EventPlan {
  const { target, sampling } = request;
  const { limit = PROCESS_LIMIT } = context;
  const scope = scopeOf(request, context);
  const startsLater = request.delayMs !== undefined || request.control?.startDisabled === true;
  // events that are disabled for a while report no maps then
  const needsTracker = startsLater || request.control !== undefined || request.overwrite === true;
  const events = request.groups.reduce((sum, group) => sum + group.events.length, 0);
  const hasTracker = needsTracker || limit.allows(descriptorsFor(events + 1, scope));
  if (!hasTracker || needsTracker) checkDescriptors(limit, events + (hasTracker ? 1 : 0), scope);
  const listsTracker = hasTracker && (needsTracker || target.kind !== "command");
  const shared: SharedSettings = {
    several: listsTracker || events > 1,
    watermark: watermarkOf(request),
    enableOnExec: target.kind === "command" && !startsLater,
    overwrite: request.overwrite,
  };
  const attrOf: OpenRequest["attrOf"] = (event) => samplingAttr(event, sampling, shared, "other");
  const reporting: OpenRequest["attrOf"] = (event) => samplingAttr(event, sampling, shared, "own");
  const wholeCpus = scope.tids[0] === -1;
  const groups = request.groups.map((group, i) =>
    planGroup(group, { first: i === 0 && !hasTracker ? reporting : attrOf, others: attrOf }, wholeCpus)
  );
  const unwinds = sampling.callGraph?.mode === "auto";
  if (!hasTracker) return { scope, groups, unwinds };
  const [{ events: [dummy] }] = resolveEvents("dummy");
  const tracker = {
    event: dummy,
    attrOf: (event: ResolvedEvent) => trackingAttr(event, sampling, shared),
    unlisted: !listsTracker,
  };
  return { scope, tracker, groups, unwinds };
}

function watermarkOf({ sampling, ringPages }: RecordRequest): number {
  const most = stackCopyOf(sampling) ? MAX_STACK_WATERMARK_BYTES : MAX_WATERMARK_BYTES;
  return Math.min(ringBytes(ringPages) / 4, most);
}

/**
 * Plans the events of one group. `attrs` make the attr of its first event and of the others, as if each were opened by
 * itself; `wholeCpus`: the events are of CPUs rather than threads.
 */
export function planGroup(
  { name, braces, events, sampleRead, weak }: ResolvedGroup,
  attrs: { first: OpenRequest["attrOf"]; others: OpenRequest["attrOf"] },
  wholeCpus: boolean,
): PlannedGroup {
  return {
    ...name ? { name } : {},
    together: braces && events.length > 1,
    weak,
    events: events.map((event, i) => {
      const attrAlone = i === 0 ? attrs.first : attrs.others;
      const leads = (event: ResolvedEvent) =>
        sampleRead ? readingLeaderAttr(attrAlone(event), wholeCpus) : attrAlone(event);
      const follows = sampleRead ? readMemberAttr : memberAttr;
      return {
        event,
        attrAlone,
        attrInGroup: (event, leader) => leader ? follows(attrAlone(event), leader) : leads(event),
      };
    }),
  };
}

function scopeOf({ target, cpus }: RecordRequest, { pid, proc }: PlanContext): EventScope {
  const tids = target.kind === "command"
    ? [pid!]
    : target.kind === "cpus"
    ? [-1]
    : targetThreads(target, proc);
  return { tids, cpus, target: targetName(target) };
}

function descriptorsFor(events: number, { tids, cpus }: EventScope): number {
  return events * tids.length * cpus.length + OTHER_DESCRIPTORS;
}

function checkDescriptors(limit: DescriptorLimit, events: number, scope: EventScope): void {
  const { tids, cpus, target } = scope;
  limit.need(descriptorsFor(events, scope), {
    attempt: `record ${target}`,
    counts: { event: events, thread: tids.length, CPU: cpus.length },
    instead: "record with -a",
  });
}
