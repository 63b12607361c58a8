/** Request sets: what to count together, and how each request becomes a perf_event_attr. */

import { UsageError } from "../../base/system/errors.ts";
import type { AttrFlag, EventAttr } from "../../events/attr.ts";
import { happensInKernel } from "../../events/catalog.ts";
import { parseEvents } from "../../events/grammar.ts";
import { type EventWorld, type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { packField, type Pmu } from "../../events/sysfs.ts";
import { GENERIC_ATTRIBUTES, genericAttribute } from "./attributes.ts";

/** Flags of a set, with cpc's values. */
export const SET_FLAG = {
  /** Counts new threads of the bound one, too. */
  inherit: 1,
} as const;

/** Flags of a request, with cpc's values. */
export const REQUEST_FLAG = {
  /** Stops the set at the overflow of the request, and reports it. */
  notify: 1,
  /** Counts in user space. */
  user: 2,
  /** Counts in the kernel. */
  system: 4,
  /** Counts in the hypervisor. */
  hv: 8,
} as const;

/** Event to count. */
export interface SetRequest {
  /** Event in perf's syntax, without modifiers: `cycles`, `cpu/event=0x3c/`. */
  event: string;
  /** Initial value, 0 to 2^64 - 1. The overflow is at 2^64. */
  preset: bigint;
  /** Bits of REQUEST_FLAG. verify() refuses others. */
  flags: number;
  /** Values of attributes by name, except those that are fields here (see foldAttributes). */
  attributes: ReadonlyMap<string, bigint>;
  /** Required PIC. */
  picnum?: number;
  /** PIC to take unless another request needs it. */
  preferred?: number;
  /** Index among the counts of the set: 0 to the number of requests - 1. */
  index: number;
  /**
   * Set when the user did not choose between user space and kernel, so that user space alone will do if the kernel's
   * side is not permitted.
   */
  userWillDo?: true;
}

/** Requests that are bound, sampled and unbound as one. */
export interface RequestSet {
  /** Bits of SET_FLAG. */
  flags: number;
  /** Text as the user wrote it, for messages and to tell rotating sets apart. */
  text: string;
  /** True if the requests count at the same time, as one group in the kernel; else each counts independently. */
  together: boolean;
  requests: SetRequest[];
}

/** Returns a request's name in messages: `request 0 (cycles)`. */
export function requestName(set: RequestSet, position: number): string {
  return `request ${position} (${set.requests[position].event})`;
}

/**
 * Moves attributes that a request has fields for into them: user, sys, hv and notify into its flags, preset and
 * picnum to their fields. Values out of range stay attributes, for verify() to refuse.
 */
export function foldAttributes(request: SetRequest): SetRequest {
  const attributes = new Map(request.attributes);
  const folded: SetRequest = { ...request, attributes };
  for (const [name, bit] of Object.entries(FLAG_ATTRIBUTES)) {
    const value = attributes.get(name);
    if (value === undefined || value > 1n) continue;
    folded.flags = value === 1n ? folded.flags | bit : folded.flags & ~bit;
    attributes.delete(name);
  }
  const preset = attributes.get("preset");
  if (preset !== undefined && preset <= genericAttribute("preset")!.max) {
    folded.preset = preset;
    attributes.delete("preset");
  }
  const picnum = attributes.get("picnum");
  if (picnum !== undefined && picnum <= BigInt(Number.MAX_SAFE_INTEGER)) {
    folded.picnum = Number(picnum);
    attributes.delete("picnum");
  }
  return folded;
}

const FLAG_ATTRIBUTES: Record<string, number> = {
  user: REQUEST_FLAG.user,
  sys: REQUEST_FLAG.system,
  hv: REQUEST_FLAG.hv,
  notify: REQUEST_FLAG.notify,
};

/**
 * Returns the event of a request, exactly as its text says. Throws UsageError when the text matches no event or
 * several, or has modifiers, and UnsupportedError as resolveEvents() does.
 */
export function resolveRequest(text: string, world: EventWorld): ResolvedEvent {
  const events = resolveEvents(text, world).flatMap((group) => group.events);
  const [group, ...more] = parseEvents(text);
  if (group.braces || more.length > 0) {
    throw new UsageError(`'${text}' matches several events, and a request has one: write them one by one`);
  }
  if (group.members[0].modifiers !== "") {
    throw new UsageError(`'${text}': modifiers are for -e; a request has sys, nouser and attributes instead`);
  }
  if (events.length > 1) {
    const names = events.map((event) => event.name);
    const some = names.length > 4 ? [...names.slice(0, 4), "..."] : names;
    throw new UsageError(
      `'${text}' means ${names.length} events here (${some.join(", ")}): name one of them`,
    );
  }
  return events[0];
}

/**
 * Returns the event with the exclude bits that the request's flags imply, and its attributes. The request must have
 * passed verify(), so that each attribute has a place.
 */
export function applyRequest(event: ResolvedEvent, request: SetRequest, pmu: Pmu | undefined): ResolvedEvent {
  const flags = new Set(event.attr.flags);
  const decide = (flag: AttrFlag, on: boolean) => on ? flags.add(flag) : flags.delete(flag);
  if (event.supportsExclude) {
    decide("excludeUser", (request.flags & REQUEST_FLAG.user) === 0);
    decide("excludeKernel", (request.flags & REQUEST_FLAG.system) === 0);
    decide("excludeHv", (request.flags & REQUEST_FLAG.hv) === 0);
  }
  const attr: EventAttr = { ...event.attr, flags };
  const applied: ResolvedEvent = { ...event, attr };
  for (const [name, value] of request.attributes) {
    const field = pmu?.formats.get(name);
    if (field && field.word !== "config3") attr[field.word] = packField(attr[field.word], field, value);
    else if (name === "precise") attr.preciseIp = Number(value);
    else if (name === "period") applied.period = value;
    else if (name === "freq") applied.freq = Number(value);
    else {
      const bit = genericAttribute(name)?.bit;
      if (bit) decide(bit.flag, value === bit.when);
    }
  }
  delete applied.warning;
  if (flags.has("excludeKernel") && happensInKernel(attr)) {
    applied.warning =
      `${event.name} counts nothing: it only happens in the kernel, which the request leaves out`;
  }
  return applied;
}

/** Returns the REQUEST_FLAG bits that match an attr's exclude bits. */
export function flagsOfAttr({ flags }: EventAttr): number {
  return (flags.has("excludeUser") ? 0 : REQUEST_FLAG.user) |
    (flags.has("excludeKernel") ? 0 : REQUEST_FLAG.system) |
    (flags.has("excludeHv") ? 0 : REQUEST_FLAG.hv);
}

/** Returns the attributes that turn `base`, which has the same event without modifiers, into `attr`. */
export function attributesOfAttr(attr: EventAttr, base: EventAttr): Map<string, bigint> {
  const attributes = new Map<string, bigint>();
  for (const { name, bit } of GENERIC_ATTRIBUTES) {
    if (!bit || attr.flags.has(bit.flag) === base.flags.has(bit.flag)) continue;
    attributes.set(name, attr.flags.has(bit.flag) ? bit.when : 1n - bit.when);
  }
  if (attr.preciseIp !== base.preciseIp) attributes.set("precise", BigInt(attr.preciseIp));
  return attributes;
}
