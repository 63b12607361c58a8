/** List of all events that can be requested by name. */

import { UnsupportedError } from "../base/system/errors.ts";
import { GENERIC_EVENTS, type GenericKind } from "./catalog.ts";
import { globMatcher, isGlob } from "./glob.ts";
import type { EventWorld } from "./resolve.ts";
import { formatText, type Pmu } from "./sysfs.ts";

/** Kind of an event, as in the headings of lists. */
export type ListedKind = GenericKind | "pmu" | "tracepoint";

/** Event that can be requested by its name. */
export interface ListedEvent {
  /** Name as in an event string: `cycles`, `msr/tsc/`, `sched:sched_switch`. */
  name: string;
  aliases: string[];
  /** PMU that counts it, `cpu_atom,cpu_core` for several; `cpu` for hardware events where there is none. */
  pmu: string;
  type: ListedKind;
  meaning: string;
  unit?: string;
  scale?: number;
}

/** Form of event names that a list cannot enumerate. */
export interface EventForm {
  form: string;
  meaning: string;
}

/** Filter of a list. */
export interface ListFilter {
  /** Glob for whole names and aliases, or a part of them, in any case. */
  pattern?: string;
  /** PMU whose events to list. */
  pmu?: string;
}

/** Lists all events of the catalog, of the PMUs' drivers and of tracefs (when it is readable), in this order. */
export function listEvents(world: EventWorld, filter: ListFilter = {}): ListedEvent[] {
  const matches = nameFilter(filter.pattern);
  return [...genericEvents(world), ...driverEvents(world), ...tracepointEvents(world)].filter((event) =>
    (filter.pmu === undefined || event.pmu.split(",").includes(filter.pmu)) &&
    [event.name, ...event.aliases].some(matches)
  );
}

/** Returns the open-ended forms of event names: raw codes, breakpoints, and each PMU's format fields. */
export function eventForms(world: EventWorld): EventForm[] {
  const pmus = world.pmus.all().filter((pmu) => pmu.formats.size > 0);
  return [
    { form: "rNNN", meaning: "raw event code of the CPU, in hex" },
    { form: "mem:ADDRESS[/LENGTH][:rwx]", meaning: "hardware breakpoint on an address" },
    ...pmus.map((pmu) => ({ form: `${pmu.name}/FIELD=VALUE,.../`, meaning: fields(pmu) })),
  ];
}

function fields(pmu: Pmu): string {
  return [...pmu.formats.values()].map((field) => `${field.name} (${formatText(field)})`).join(", ");
}

function nameFilter(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const wanted = pattern.toLowerCase();
  const matches = isGlob(wanted) ? globMatcher(wanted) : (name: string) => name.includes(wanted);
  return (name) => matches(name.toLowerCase());
}

function genericEvents(world: EventWorld): ListedEvent[] {
  const cores = world.pmus.core().map((pmu) => pmu.name);
  return GENERIC_EVENTS.map(({ name, aliases, kind, meaning, unit }) => ({
    name,
    aliases,
    pmu: kind === "software" ? "software" : cores.join(",") || "cpu",
    type: kind,
    meaning,
    ...(unit ? { unit } : {}),
  }));
}

function driverEvents(world: EventWorld): ListedEvent[] {
  return world.pmus.all().flatMap((pmu) =>
    [...pmu.events.values()].map((event): ListedEvent => ({
      name: `${pmu.name}/${event.name}/`,
      aliases: [],
      pmu: pmu.name,
      type: "pmu",
      meaning: `the driver's ${event.terms}`,
      ...(event.unit ? { unit: event.unit } : {}),
      ...(event.scale !== 1 ? { scale: event.scale } : {}),
    }))
  );
}

function tracepointEvents(world: EventWorld): ListedEvent[] {
  try {
    return world.tracepoints.systems().flatMap((system) =>
      world.tracepoints.names(system).map((name): ListedEvent => ({
        name: `${system}:${name}`,
        aliases: [],
        pmu: "tracepoint",
        type: "tracepoint",
        meaning: "each time the kernel passes this point",
      }))
    );
  } catch (error) {
    if (error instanceof UnsupportedError) return []; // the caller reports it: Tracepoints.problem()
    throw error;
  }
}
