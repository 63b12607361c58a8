/** Request sets: what is to be counted together, and how each request becomes a perf_event_attr. */

import { UsageError } from "../../base/system/errors.ts";
import type { AttrFlag, EventAttr } from "../../events/attr.ts";
import { happensInKernel } from "../../events/catalog.ts";
import { parseEvents } from "../../events/grammar.ts";
import { type EventWorld, type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { packField, type Pmu } from "../../events/sysfs.ts";
import { GENERIC_ATTRIBUTES, genericAttribute } from "./attributes.ts";

/** A set's flags, with cpc's values. */
export const SET_FLAG = {
  /** New threads of the bound one count too. */
  inherit: 1,
} as const;

/** A request's flags, with cpc's values. */
export const REQUEST_FLAG = {
  /** At its overflow the set stops and says so. */
  notify: 1,
  /** Count in user space. */
  user: 2,
  /** Count in the kernel. */
  system: 4,
  /** Count in the hypervisor. */
  hv: 8,
} as const;

/** One event to count. */
export interface SetRequest {
  /** One event of perf's syntax, without modifiers: `cycles`, `cpu/event=0x3c/`. */
  event: string;
  /** Where counting starts: 0 to 2^64 - 1. The overflow is at 2^64. */
  preset: bigint;
  /** REQUEST_FLAG bits; others are for verify() to refuse. */
  flags: number;
  /** Values of attributes by name, but for those that have a place of their own here (see foldAttributes). */
  attributes: ReadonlyMap<string, bigint>;
  /** The PIC that it is to be on. */
  picnum?: number;
  /** The PIC that it is on unless another needs that one. */
  preferred?: number;
  /** Its place among the counts of the set: 0 to the number of requests - 1. */
  index: number;
  /** Nobody chose between user space and kernel: where the kernel's side is not permitted, user space will do. */
  userWillDo?: true;
}

/** Requests that are bound, sampled and unbound as one. */
export interface RequestSet {
  /** SET_FLAG bits. */
  flags: number;
  /** As it was written, for messages and for telling rotating sets apart. */
  text: string;
  /** They count at the same time, as one group of the kernel; else each is on its own. */
  together: boolean;
  requests: SetRequest[];
}

/** `request 0 (cycles)`: a request in messages. */
export function requestName(set: RequestSet, position: number): string {
  return `request ${position} (${set.requests[position].event})`;
}

/**
 * Moves the values of the attributes that a request has a place for into it: user, sys, hv and notify into
 * its flags, preset and picnum to their fields. Values out of range stay where they are, and
 * verify() refuses them.
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
 * The event of a request, as its text says it and no more. Throws UsageError when it is none, means several
 * or carries modifiers; UnsupportedError as resolveEvents() does.
 */
export function resolveRequest(text: string, world: EventWorld): ResolvedEvent {
  const events = resolveEvents(text, world).flatMap((group) => group.events);
  const [group, ...more] = parseEvents(text);
  if (group.braces || more.length > 0) {
    throw new UsageError(`'${text}' means several events; a request has one: write them one by one`);
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
 * The event as the request wants it counted: its exclude bits from the request's flags, then the
 * attributes. The request must have passed verify(), so that each attribute has a place.
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

/** The REQUEST_FLAG bits that an attr's exclude bits come to. */
export function flagsOfAttr({ flags }: EventAttr): number {
  return (flags.has("excludeUser") ? 0 : REQUEST_FLAG.user) |
    (flags.has("excludeKernel") ? 0 : REQUEST_FLAG.system) |
    (flags.has("excludeHv") ? 0 : REQUEST_FLAG.hv);
}

/** The attributes that make `attr` out of `base`, which has the same event without modifiers. */
export function attributesOfAttr(attr: EventAttr, base: EventAttr): Map<string, bigint> {
  const attributes = new Map<string, bigint>();
  for (const { name, bit } of GENERIC_ATTRIBUTES) {
    if (!bit || attr.flags.has(bit.flag) === base.flags.has(bit.flag)) continue;
    attributes.set(name, attr.flags.has(bit.flag) ? bit.when : 1n - bit.when);
  }
  if (attr.preciseIp !== base.preciseIp) attributes.set("precise", BigInt(attr.preciseIp));
  return attributes;
}
