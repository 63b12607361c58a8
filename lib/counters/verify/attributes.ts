/**
 * The attributes a request may carry: the format fields of its PMU, and the generic ones that hold for
 * every event. One table drives the list, the check of ranges and the encoding.
 */

import type { AttrFlag } from "../../events/attr.ts";
import { fieldMaximum, type FormatField, formatText, type Pmu } from "../../events/sysfs.ts";

/** The largest value of an attribute: they have 64 bits. */
export const U64_MAX = (1n << 64n) - 1n;

/** An attribute that does not depend on the PMU. */
export interface GenericAttribute {
  name: string;
  min: bigint;
  max: bigint;
  /** One line, in lower case. */
  meaning: string;
  /** The bit of perf_event_attr it decides: set for the value `when`, clear for the other. */
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
 * The generic attributes in the order they are listed. The kernel refuses a sample_period with its
 * highest bit set, and a frequency above kernel.perf_event_max_sample_rate, which verify() knows.
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

/** The last of the list; what numbers there are is up to the PMU. */
const PICNUM_MEANING = "the counter to use";

/** The generic attribute of that name, or undefined. */
export function genericAttribute(name: string): GenericAttribute | undefined {
  return GENERIC_ATTRIBUTES.find((attribute) => attribute.name === name);
}

/** Names of the attributes that every request may have, `picnum` last. */
export function genericAttributeNames(): string[] {
  return [...GENERIC_ATTRIBUTES.map((attribute) => attribute.name), "picnum"];
}

/** One row of the list of attributes. */
export interface ListedAttribute {
  name: string;
  /** A PMU's own field, or one that every request has. */
  kind: "format" | "generic";
  /** Of a PMU's field: the PMU, and where the value goes: `config:0-7,32-35`. */
  pmu?: string;
  bits?: string;
  min: bigint;
  max: bigint;
  /** In lower case; "" where the PMU's driver does not say and the name is not a common one. */
  meaning: string;
}

/** Format fields that mean the same in every driver that has them. */
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

/** The PMU's own fields, in the order of their names. */
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

/** Limits of the machine that the generic attributes have their ranges from. */
export interface AttributeLimits {
  /** kernel.perf_event_max_sample_rate. */
  maxSampleRate?: number;
  /** The highest picnum. */
  maxPicnum: number;
}

/** The generic attributes with this machine's ranges, `picnum` last. */
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
