/**
 * Attributes of requests: the format fields of their PMU, and the generic ones that apply to every event. One table
 * drives the listing, the range checks and the encoding.
 */

import type { AttrFlag } from "../../events/attr.ts";
import { fieldMaximum, type FormatField, formatText, type Pmu } from "../../events/sysfs.ts";

/** Maximum of a 64-bit attribute. */
export const U64_MAX = (1n << 64n) - 1n;

/** Attribute that does not depend on the PMU. */
export interface GenericAttribute {
  name: string;
  min: bigint;
  max: bigint;
  /** Meaning: one line, in lower case. */
  meaning: string;
  /** Bit of perf_event_attr that it controls: set for the value `when`, clear for the other. */
  bit?: { flag: AttrFlag; when: bigint };
}

const onOff = (name: string, meaning: string, flag?: AttrFlag, when = 1n): GenericAttribute => ({
  name,
  min: 0n,
  max: 1n,
  meaning,
  ...(flag ? { bit: { flag, when } } : {}),
});

/**
 * Generic attributes in the order of the listing. The kernel refuses a sample_period with its highest bit set, and a
 * frequency above kernel.perf_event_max_sample_rate, which verify() knows.
 */
export const GENERIC_ATTRIBUTES: readonly GenericAttribute[] = [
  onOff("user", "count in user space"),
  onOff("sys", "count in the kernel"),
  onOff("hv", "count in the hypervisor, where the CPU tells it apart"),
  onOff("idle", "count while the CPU idles, which it does unless this is 0", "excludeIdle", 0n),
  onOff("host", "count the host, which it does unless this is 0", "excludeHost", 0n),
  onOff("guest", "count the virtual machines that run here", "excludeGuest", 0n),
  {
    name: "precise",
    min: 0n,
    max: 3n,
    meaning: "how exact the PC of an overflow is: 0 any skid, 1 always the same, 2 none wanted, 3 none",
  },
  onOff("pinned", "on its counter always, or an error", "pinned"),
  onOff("exclusive", "nothing else on the PMU meanwhile", "exclusive"),
  onOff("inherit", "count in new threads and children too", "inherit"),
  { name: "period", min: 1n, max: (1n << 63n) - 1n, meaning: "an overflow every this many events" },
  { name: "freq", min: 1n, max: (1n << 32n) - 1n, meaning: "this many overflows a second" },
  { name: "preset", min: 0n, max: U64_MAX, meaning: "where counting starts; the overflow is at 2^64" },
  onOff("notify", "at its overflow the set stops and says where"),
];

/** Meaning of `picnum`, the last attribute of the listing. Its range depends on the PMU. */
const PICNUM_MEANING = "the counter to use";

/** Returns the generic attribute of that name, or undefined. */
export function genericAttribute(name: string): GenericAttribute | undefined {
  return GENERIC_ATTRIBUTES.find((attribute) => attribute.name === name);
}

/** Returns the names of the attributes that every request may have, `picnum` last. */
export function genericAttributeNames(): string[] {
  return [...GENERIC_ATTRIBUTES.map((attribute) => attribute.name), "picnum"];
}

/** Row of the listing of attributes. */
export interface ListedAttribute {
  name: string;
  /** Whether it is a field of a PMU, or applies to every request. */
  kind: "format" | "generic";
  /** PMU of a field, and its bits: `config:0-7,32-35`. */
  pmu?: string;
  bits?: string;
  min: bigint;
  max: bigint;
  /** Meaning, in lower case; "" when neither the PMU's driver nor the table of common names has one. */
  meaning: string;
}

/** Meanings of format fields that are the same in every driver. */
const FIELD_MEANINGS: Record<string, string> = {
  any: "count for both threads of the core",
  cmask: "count cycles in which at least this many events happen",
  edge: "count how often the condition begins, rather than for how long it holds",
  event: "code of the event",
  frontend: "which front-end latencies count",
  in_tx: "count inside transactions only",
  in_tx_cp: "take back what an aborted transaction counted",
  inv: "count cycles with fewer events than cmask instead",
  ldlat: "count loads that take at least this many cycles",
  long: "use a 64-bit counter",
  offcore_rsp: "which requests and answers of the memory system count",
  pc: "drive the CPU's performance monitor pin",
  rdpmc: "let the program read the counter itself",
  ref_ctr_offset: "offset of the probe's reference counter in the file",
  retprobe: "the return from the function rather than its entry",
  umask: "which kinds of the event count",
};

/** Returns the fields of a PMU, sorted by name. */
export function formatAttributes(pmu: Pmu): ListedAttribute[] {
  return [...pmu.formats.values()].map((field: FormatField) => ({
    name: field.name,
    kind: "format",
    pmu: pmu.name,
    bits: formatText(field),
    min: 0n,
    max: fieldMaximum(field),
    meaning: FIELD_MEANINGS[field.name] ?? "",
  }));
}

/** Limits of the machine on generic attributes. */
export interface AttributeLimits {
  /** Value of kernel.perf_event_max_sample_rate. */
  maxSampleRate?: number;
  /** Highest picnum. */
  maxPicnum: number;
}

/** Returns the generic attributes with this machine's ranges, `picnum` last. */
export function genericAttributes({ maxSampleRate, maxPicnum }: AttributeLimits): ListedAttribute[] {
  const rows = GENERIC_ATTRIBUTES.map(({ name, min, max, meaning }): ListedAttribute => ({
    name,
    kind: "generic",
    min,
    max: name === "freq" && maxSampleRate !== undefined ? BigInt(maxSampleRate) : max,
    meaning,
  }));
  return [...rows, {
    name: "picnum",
    kind: "generic",
    min: 0n,
    max: BigInt(maxPicnum),
    meaning: PICNUM_MEANING,
  }];
}
