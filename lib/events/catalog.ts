/**
 * Catalog of the kernel's generic events: perf's names for them, what they count, and PAPI's names where PAPI means the
 * same. These tables drive the grammar, lists, suggestions and the names of attrs; a new event is added only here.
 */

import { PERF_COUNT_HW, PERF_COUNT_SW, PERF_TYPE } from "../base/system/abi.ts";

/** Families of generic events, as in the headings of `perf list`. */
export type GenericKind = "hardware" | "software" | "cache";

/** Generic event. */
export interface GenericEvent {
  /** Primary name in perf. */
  name: string;
  /** Other names in perf, then PAPI's. */
  aliases: string[];
  kind: GenericKind;
  /** Type: PERF_TYPE.*. */
  type: number;
  config: bigint;
  /** Meaning of one count, in one line. */
  meaning: string;
  /** Unit of the count, unless it counts occurrences. */
  unit?: string;
  /** Set when it only happens in the kernel: without the kernel's side it always counts 0. */
  kernelOnly?: true;
}

/** Row of the tables of events: config, names and meaning. */
type Row = [
  config: number,
  names: string,
  meaning: string,
  more?: Pick<GenericEvent, "unit" | "kernelOnly">,
];

const HARDWARE: Row[] = [
  [
    PERF_COUNT_HW.CPU_CYCLES,
    "cycles cpu-cycles PAPI_TOT_CYC",
    "CPU cycles, at whatever frequency the CPU runs",
  ],
  [PERF_COUNT_HW.INSTRUCTIONS, "instructions PAPI_TOT_INS", "instructions retired"],
  [PERF_COUNT_HW.CACHE_REFERENCES, "cache-references", "cache accesses, usually of the last level"],
  [PERF_COUNT_HW.CACHE_MISSES, "cache-misses", "cache misses, usually of the last level"],
  [
    PERF_COUNT_HW.BRANCH_INSTRUCTIONS,
    "branches branch-instructions PAPI_BR_INS",
    "branch instructions retired",
  ],
  [PERF_COUNT_HW.BRANCH_MISSES, "branch-misses PAPI_BR_MSP", "branches predicted wrongly"],
  [
    PERF_COUNT_HW.BUS_CYCLES,
    "bus-cycles",
    "cycles of the bus clock, which does not follow the CPU's frequency",
  ],
  [
    PERF_COUNT_HW.STALLED_CYCLES_FRONTEND,
    "stalled-cycles-frontend idle-cycles-frontend",
    "cycles in which no instruction was ready to issue",
  ],
  [
    PERF_COUNT_HW.STALLED_CYCLES_BACKEND,
    "stalled-cycles-backend idle-cycles-backend PAPI_RES_STL",
    "cycles in which issue or retirement waited for a resource",
  ],
  [PERF_COUNT_HW.REF_CPU_CYCLES, "ref-cycles PAPI_REF_CYC", "unhalted cycles at the CPU's nominal frequency"],
];

const SOFTWARE: Row[] = [
  [PERF_COUNT_SW.CPU_CLOCK, "cpu-clock", "time by a high-resolution timer of each CPU", { unit: "ns" }],
  [PERF_COUNT_SW.TASK_CLOCK, "task-clock", "time during which the task ran", { unit: "ns" }],
  [PERF_COUNT_SW.PAGE_FAULTS, "page-faults faults", "page faults, minor and major"],
  [PERF_COUNT_SW.CONTEXT_SWITCHES, "context-switches cs", "switches to another task", { kernelOnly: true }],
  [PERF_COUNT_SW.CPU_MIGRATIONS, "cpu-migrations migrations", "moves of a task to another CPU", {
    kernelOnly: true,
  }],
  [PERF_COUNT_SW.PAGE_FAULTS_MIN, "minor-faults", "page faults served without a read from disk"],
  [PERF_COUNT_SW.PAGE_FAULTS_MAJ, "major-faults", "page faults that waited for a read from disk"],
  [
    PERF_COUNT_SW.ALIGNMENT_FAULTS,
    "alignment-faults",
    "unaligned accesses the kernel had to fix up (never on x86)",
  ],
  [PERF_COUNT_SW.EMULATION_FAULTS, "emulation-faults", "instructions the kernel had to emulate"],
  [PERF_COUNT_SW.DUMMY, "dummy", "nothing: carries the side-band records (mmap, comm, fork)"],
  [PERF_COUNT_SW.BPF_OUTPUT, "bpf-output", "records that a BPF program writes"],
  [PERF_COUNT_SW.CGROUP_SWITCHES, "cgroup-switches", "switches to a task of another cgroup", {
    kernelOnly: true,
  }],
];

/** Caches of enum perf_hw_cache_id in its order, with perf's aliases and their operations (R, W, P). */
const CACHES = [
  { names: ["L1-dcache", "l1-d", "l1d", "L1-data"], ops: "RWP", what: "level 1 data cache" },
  { names: ["L1-icache", "l1-i", "l1i", "L1-instruction"], ops: "RP", what: "level 1 instruction cache" },
  { names: ["LLC", "L2"], ops: "RWP", what: "last level cache" },
  { names: ["dTLB", "d-tlb", "Data-TLB"], ops: "RWP", what: "data TLB" },
  { names: ["iTLB", "i-tlb", "Instruction-TLB"], ops: "R", what: "instruction TLB" },
  { names: ["branch", "branches", "bpu", "btb", "bpc"], ops: "R", what: "branch predictor" },
  { names: ["node"], ops: "RWP", what: "memory of the local NUMA node" },
];

/** Operations of enum perf_hw_cache_op_id; `names[0]` and `names[1]` are the singular and plural that perf prints. */
const CACHE_OPS = [
  { letter: "R", names: ["load", "loads", "read"], what: "loads" },
  { letter: "W", names: ["store", "stores", "write"], what: "stores" },
  {
    letter: "P",
    names: ["prefetch", "prefetches", "speculative-read", "speculative-load"],
    what: "prefetches",
  },
];

/** Results of enum perf_hw_cache_op_result_id. */
const CACHE_RESULTS = [
  { names: ["refs", "Reference", "ops", "access"] },
  { names: ["misses", "miss"] },
];

/** PAPI presets that equal one generic cache event. */
const PAPI_CACHE: Record<string, string> = {
  "L1-dcache-loads": "PAPI_L1_DCR",
  "L1-dcache-load-misses": "PAPI_L1_LDM",
  "L1-dcache-stores": "PAPI_L1_DCW",
  "L1-dcache-store-misses": "PAPI_L1_STM",
  "L1-icache-loads": "PAPI_L1_ICR",
  "L1-icache-load-misses": "PAPI_L1_ICM",
  "dTLB-load-misses": "PAPI_TLB_DM",
  "iTLB-load-misses": "PAPI_TLB_IM",
};

function rows(kind: GenericKind, type: number, table: Row[]): GenericEvent[] {
  return table.map(([config, names, meaning, more]) => {
    const [name, ...aliases] = names.split(" ");
    return { name, aliases, kind, type, config: BigInt(config), meaning, ...more };
  });
}

/** Returns perf's name of a cache event: `L1-dcache-loads`, and `L1-dcache-load-misses` for its misses. */
function cacheName(cache: number, op: number, result: number): string {
  const [singular, plural] = CACHE_OPS[op].names;
  const base = CACHES[cache].names[0];
  return result === 0 ? `${base}-${plural}` : `${base}-${singular}-${CACHE_RESULTS[result].names[0]}`;
}

/** Returns the config of a PERF_TYPE_HW_CACHE event: cache | operation << 8 | result << 16. */
function cacheConfig(cache: number, op: number, result: number): bigint {
  return BigInt(cache | (op << 8) | (result << 16));
}

function cacheEvents(): GenericEvent[] {
  return CACHES.flatMap((cache, c) =>
    CACHE_OPS.flatMap((op, o) =>
      cache.ops.includes(op.letter)
        ? CACHE_RESULTS.map((_, result): GenericEvent => {
          const name = cacheName(c, o, result);
          return {
            name,
            aliases: PAPI_CACHE[name] ? [PAPI_CACHE[name]] : [],
            kind: "cache",
            type: PERF_TYPE.HW_CACHE,
            config: cacheConfig(c, o, result),
            meaning: `${cache.what}: ${op.what}${result ? " that missed" : ""}`,
          };
        })
        : []
    )
  );
}

/** All generic events, in the order of `perf list`: hardware, software, cache. */
export const GENERIC_EVENTS: readonly GenericEvent[] = [
  ...rows("hardware", PERF_TYPE.HARDWARE, HARDWARE),
  ...rows("software", PERF_TYPE.SOFTWARE, SOFTWARE),
  ...cacheEvents(),
];

const byName = new Map<string, GenericEvent>();
for (const event of GENERIC_EVENTS) {
  for (const name of [event.name, ...event.aliases]) byName.set(name.toLowerCase(), event);
}

/**
 * Finds the generic event of a name or alias, in any case (PAPI names are written both ways), or undefined. Cache
 * events are found in every spelling that perf accepts, such as `l1d-read-miss`.
 */
export function findGeneric(name: string): GenericEvent | undefined {
  return byName.get(name.toLowerCase()) ?? findCache(name.toLowerCase());
}

/** Returns whether an event of this code only happens in the kernel: tracepoints, and some software events. */
export function happensInKernel({ type, config }: { type: number; config: bigint }): boolean {
  return type === PERF_TYPE.TRACEPOINT ||
    GENERIC_EVENTS.some((event) => event.kernelOnly && event.type === type && event.config === config);
}

/** Returns whether the event is `cycles`, on any core PMU. */
export function isCycles({ type, config }: { type: number; config: bigint }): boolean {
  // the upper half is the PMU's type (PERF_PMU_TYPE_SHIFT of linux/perf_event.h)
  return type === PERF_TYPE.HARDWARE && Number(config & 0xffffffffn) === PERF_COUNT_HW.CPU_CYCLES;
}

/** Returns whether the event is one of the kernel's clocks, which interrupt by a timer. */
export function isClockEvent({ type, config }: { type: number; config: bigint }): boolean {
  const { CPU_CLOCK, TASK_CLOCK } = PERF_COUNT_SW;
  return type === PERF_TYPE.SOFTWARE && (config === BigInt(CPU_CLOCK) || config === BigInt(TASK_CLOCK));
}

/** Returns all names and aliases of generic events, for suggestions. */
export function genericNames(): string[] {
  return GENERIC_EVENTS.flatMap((event) => [event.name, ...event.aliases]);
}

const cacheByConfig = new Map(
  GENERIC_EVENTS.filter((e) => e.kind === "cache").map((e) => [e.config, e]),
);

/**
 * Finds a cache event by perf's rule (parse_events__decode_legacy_cache): a cache, then up to two of an operation and a
 * result in either order, by default loads and accesses. Undefined for a combination that the hardware model lacks
 * (stores to an instruction cache).
 */
function findCache(name: string): GenericEvent | undefined {
  if (name.endsWith("-")) return undefined;
  for (const [cache, { names }] of CACHES.entries()) {
    for (const spelled of names) {
      const head = spelled.toLowerCase();
      if (name !== head && !name.startsWith(head + "-")) continue;
      const tail = cacheTail(name.slice(head.length + 1));
      if (tail) return cacheByConfig.get(cacheConfig(cache, tail.op, tail.result));
    }
  }
  return undefined;
}

function cacheTail(text: string): { op: number; result: number } | undefined {
  let op = -1;
  let result = -1;
  let rest = text;
  while (rest !== "") {
    const asOp: Word | undefined = op < 0 ? leading(CACHE_OPS, rest) : undefined;
    const asResult: Word | undefined = asOp || result >= 0 ? undefined : leading(CACHE_RESULTS, rest);
    const word = asOp ?? asResult;
    if (!word) return undefined;
    if (asOp) op = word.index;
    else result = word.index;
    rest = word.rest;
  }
  return { op: Math.max(op, 0), result: Math.max(result, 0) };
}

/** A table row that text starts with, and the text after it. */
interface Word {
  index: number;
  rest: string;
}

/** Finds the row of `table` with a name that `text` starts with, up to a `-` or the end. */
function leading(table: { names: string[] }[], text: string): Word | undefined {
  for (const [index, { names }] of table.entries()) {
    for (const spelled of names) {
      const name = spelled.toLowerCase();
      if (text === name) return { index, rest: "" };
      if (text.startsWith(name + "-")) return { index, rest: text.slice(name.length + 1) };
    }
  }
  return undefined;
}

const byCode = new Map(GENERIC_EVENTS.map((event) => [`${event.type} ${event.config}`, event.name]));

/**
 * Returns perf's primary name for the type and config of an attr, even for cache events that no CPU has (such as
 * iTLB-store-misses). Undefined for types other than the generic three, and for unknown configs.
 */
export function genericName(type: number, config: bigint): string | undefined {
  if (type !== PERF_TYPE.HW_CACHE) return byCode.get(`${type} ${config}`);
  const [cache, op, result] = [config & 0xffn, (config >> 8n) & 0xffn, config >> 16n].map(Number);
  const known = cache < CACHES.length && op < CACHE_OPS.length && result < CACHE_RESULTS.length;
  return known ? cacheName(cache, op, result) : undefined;
}
