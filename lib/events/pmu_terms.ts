/** Encoding of the terms between a PMU's slashes into the config words of perf_event_attr. */

import { UsageError } from "../base/system/errors.ts";
import { findGeneric, type GenericEvent } from "./catalog.ts";
import { parseRaw, parseTerms, parseValue, syntaxError, type Term } from "./grammar.ts";
import { fieldMaximum, type FormatField, formatText, packField, type Pmu } from "./sysfs.ts";

/** Result of encoding terms. */
export interface EventCode {
  words: { config: bigint; config1: bigint; config2: bigint };
  /** Value of `name=`. */
  name?: string;
  /** Value of `period=`. */
  period?: bigint;
  /** Value of `freq=`, in samples per second. */
  freq?: number;
  /** Unit of the PMU's own event, when a term names one. */
  unit?: string;
  /** Factor of the counts; 1 unless the driver gives one. */
  scale: number;
  /** Generic event that a term of a core PMU names: `cpu_core/cycles/`. */
  generic?: GenericEvent;
}

/** Terms that all PMUs have. */
const COMMON_TERMS = ["config", "config1", "config2", "name", "period", "freq"];

/** Terms of perf that are options of `record` here, or missing, with a hint. */
const ELSEWHERE: Record<string, string> = {
  "call-graph": "use -g",
  "inherit": "child processes are recorded by default",
  "no-inherit": "use -i",
  "time": "times are always recorded",
  "max-stack": "there is no limit for one event",
  "stack-size": "use --call-graph auto,BYTES, for all events",
  "overwrite": "overwriting rings are not supported",
  "no-overwrite": "rings never overwrite",
  "branch_type": "branch stacks are not supported for one event",
  "percore": "counts are not summed by core",
  "aux-output": "AUX areas are not supported",
  "aux-sample-size": "AUX areas are not supported",
  "metric-id": "it is internal to perf",
};

/**
 * Encodes `terms` for `pmu`; without a PMU only the common terms are known. `text` is their source, for errors. Later
 * terms override earlier ones, as in perf: `cpu/event=0x3c,event=0xc0/`. Throws UsageError for an unknown term, a value
 * that does not fit, or a missing parameter.
 */
export function encodeTerms(text: string, terms: readonly Term[], pmu: Pmu | undefined): EventCode {
  const code: EventCode = { words: { config: 0n, config1: 0n, config2: 0n }, scale: 1 };
  const open = new Map<string, Term>();
  for (const term of terms) applyTerm(text, code, term, pmu, open);
  for (const [name, term] of open) {
    syntaxError(text, term.at, `event '${term.name}' needs a value for its parameter: ${name}=VALUE`);
  }
  return code;
}

function applyTerm(
  text: string,
  code: EventCode,
  term: Term,
  pmu: Pmu | undefined,
  open: Map<string, Term>,
): void {
  const field = pmu?.formats.get(term.name);
  if (field) {
    open.delete(term.name);
    return setField(text, code, term, field);
  }
  if (term.value === undefined && pmu) {
    const event = pmu.events.get(term.name);
    if (event) return driverEvent(text, code, term, pmu, open);
    const raw = parseRaw(term.name);
    if (raw !== undefined) {
      code.words.config = raw;
      return;
    }
    const generic = findGeneric(term.name);
    if (generic && (pmu.core ? generic.kind !== "software" : pmu.type === generic.type)) {
      code.generic = generic;
      return;
    }
  }
  commonTerm(text, code, term, pmu);
}

function driverEvent(text: string, code: EventCode, term: Term, pmu: Pmu, open: Map<string, Term>): void {
  const event = pmu.events.get(term.name)!;
  if (event.unit) code.unit = event.unit;
  code.scale = event.scale;
  let parts: Term[];
  try {
    parts = parseTerms(event.terms);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    syntaxError(
      text,
      term.at,
      `the kernel describes event '${term.name}' as '${event.terms}', which is not a term`,
    );
  }
  for (const part of parts) {
    // `core=?`: a parameter that the user gives after the event
    if (part.value === "?") open.set(part.name, term);
    else applyTerm(text, code, { ...part, at: term.at }, { ...pmu, events: new Map() }, open);
  }
}

function setField(text: string, code: EventCode, term: Term, field: FormatField): void {
  const value = numberOf(text, term);
  const maximum = fieldMaximum(field);
  if (value > maximum) {
    syntaxError(
      text,
      term.at,
      `${term.name}=${term.value} does not fit ${formatText(field)}: at most 0x${maximum.toString(16)}`,
    );
  }
  if (field.word === "config3") {
    syntaxError(text, term.at, `term '${term.name}' is in config3, which pmuctl does not support`);
  }
  code.words[field.word] = packField(code.words[field.word], field, value);
}

function commonTerm(text: string, code: EventCode, term: Term, pmu: Pmu | undefined): void {
  switch (term.name) {
    case "config":
    case "config1":
    case "config2":
      code.words[term.name] = numberOf(text, term, true);
      return;
    case "name":
      code.name = term.value ?? syntaxError(text, term.at, "term 'name' needs a value: name=TEXT");
      return;
    case "period":
      code.period = numberOf(text, term, true);
      return;
    case "freq":
      code.freq = Number(numberOf(text, term, true));
      return;
  }
  if (Object.hasOwn(ELSEWHERE, term.name)) {
    syntaxError(text, term.at, `pmuctl has no term '${term.name}': ${ELSEWHERE[term.name]}`);
  }
  const known = [...COMMON_TERMS, ...(pmu?.formats.keys() ?? []), ...(pmu?.events.keys() ?? [])];
  const fields = [...(pmu?.formats.keys() ?? []), ...COMMON_TERMS].join(", ");
  syntaxError(
    text,
    term.at,
    `${pmu ? `PMU ${pmu.name}` : "this event"} has no term '${term.name}'; it has ${fields}`,
    term.name,
    known,
  );
}

/** Returns the number of a term. A bare name means 1 for a field, and is an error where a value is `needed`. */
function numberOf(text: string, term: Term, needed = false): bigint {
  if (term.value === undefined) {
    return needed ? syntaxError(text, term.at, `term '${term.name}' needs a value: ${term.name}=NUMBER`) : 1n;
  }
  return parseValue(term.value) ??
    syntaxError(text, term.at, `term '${term.name}': '${term.value}' is not a 64-bit number`);
}
