/** The name of an event that only its perf_event_attr is known of, spelled as perf spells it. */

import { PERF_COUNT_HW, PERF_COUNT_SW, PERF_TYPE } from "../base/abi.ts";
import type { EventAttr } from "./attr.ts";

/** By enum perf_hw_id. */
const HARDWARE: Record<number, string> = {
  [PERF_COUNT_HW.CPU_CYCLES]: "cycles",
  [PERF_COUNT_HW.INSTRUCTIONS]: "instructions",
  [PERF_COUNT_HW.CACHE_REFERENCES]: "cache-references",
  [PERF_COUNT_HW.CACHE_MISSES]: "cache-misses",
  [PERF_COUNT_HW.BRANCH_INSTRUCTIONS]: "branches",
  [PERF_COUNT_HW.BRANCH_MISSES]: "branch-misses",
  [PERF_COUNT_HW.BUS_CYCLES]: "bus-cycles",
  [PERF_COUNT_HW.STALLED_CYCLES_FRONTEND]: "stalled-cycles-frontend",
  [PERF_COUNT_HW.STALLED_CYCLES_BACKEND]: "stalled-cycles-backend",
  [PERF_COUNT_HW.REF_CPU_CYCLES]: "ref-cycles",
};

/** By enum perf_sw_ids. */
const SOFTWARE: Record<number, string> = {
  [PERF_COUNT_SW.CPU_CLOCK]: "cpu-clock",
  [PERF_COUNT_SW.TASK_CLOCK]: "task-clock",
  [PERF_COUNT_SW.PAGE_FAULTS]: "page-faults",
  [PERF_COUNT_SW.CONTEXT_SWITCHES]: "context-switches",
  [PERF_COUNT_SW.CPU_MIGRATIONS]: "cpu-migrations",
  [PERF_COUNT_SW.PAGE_FAULTS_MIN]: "minor-faults",
  [PERF_COUNT_SW.PAGE_FAULTS_MAJ]: "major-faults",
  [PERF_COUNT_SW.ALIGNMENT_FAULTS]: "alignment-faults",
  [PERF_COUNT_SW.EMULATION_FAULTS]: "emulation-faults",
  [PERF_COUNT_SW.DUMMY]: "dummy",
  [PERF_COUNT_SW.BPF_OUTPUT]: "bpf-output",
  [PERF_COUNT_SW.CGROUP_SWITCHES]: "cgroup-switches",
};

/** enum perf_hw_cache_id, _op_id and _op_result_id: `config` is id | op << 8 | result << 16. */
const CACHES = ["L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"];
const CACHE_OPS = [["loads", "load"], ["stores", "store"], ["prefetches", "prefetch"]];

/**
 * `cpu-clock`, `cycles:u`, `L1-dcache-load-misses`, `r1a8`, `tracepoint:317`, `msr/config=0x1/`.
 *
 * @param pmus PMU names by perf_event_attr.type, for the types that sysfs hands out.
 */
export function eventName(attr: EventAttr, pmus?: ReadonlyMap<number, string>): string {
  return baseName(attr, pmus) + modifiers(attr);
}

function baseName(attr: EventAttr, pmus?: ReadonlyMap<number, string>): string {
  const config = attr.config;
  switch (attr.type) {
    case PERF_TYPE.HARDWARE: {
      // On hybrid CPUs the PMU's type is in the upper half.
      const name = HARDWARE[Number(config & 0xffffffffn)];
      const pmu = pmus?.get(Number(config >> 32n));
      if (name) return config >> 32n && pmu ? `${pmu}/${name}/` : name;
      return `unknown-hardware:${config}`;
    }
    case PERF_TYPE.SOFTWARE:
      return SOFTWARE[Number(config)] ?? `unknown-software:${config}`;
    case PERF_TYPE.TRACEPOINT:
      return `tracepoint:${config}`;
    case PERF_TYPE.HW_CACHE:
      return cacheName(config) ?? `unknown-cache:0x${config.toString(16)}`;
    case PERF_TYPE.RAW:
      return `r${config.toString(16)}`;
    case PERF_TYPE.BREAKPOINT:
      return breakpointName(attr);
    default: {
      const terms = [`config=0x${config.toString(16)}`];
      if (attr.config1) terms.push(`config1=0x${attr.config1.toString(16)}`);
      if (attr.config2) terms.push(`config2=0x${attr.config2.toString(16)}`);
      return `${pmus?.get(attr.type) ?? `pmu-type-${attr.type}`}/${terms.join(",")}/`;
    }
  }
}

function cacheName(config: bigint): string | undefined {
  const cache = CACHES[Number(config & 0xffn)];
  const op = CACHE_OPS[Number((config >> 8n) & 0xffn)];
  const result = (config >> 16n) & 0xffn;
  if (!cache || !op || result > 1n) return undefined;
  return result === 0n ? `${cache}-${op[0]}` : `${cache}-${op[1]}-misses`;
}

/** bp_type is a set of HW_BREAKPOINT_R (1), _W (2), _X (4); config1 is the address, config2 the length. */
function breakpointName(attr: EventAttr): string {
  const mode = ["r", "w", "x"].filter((_, bit) => attr.bpType & (1 << bit)).join("");
  return `mem:0x${attr.config1.toString(16)}${mode ? `:${mode}` : ""}`;
}

/** `:u`, `:k`, `:ppp` and so on: what is left after the exclusions, and the precision. */
function modifiers(attr: EventAttr): string {
  const { flags } = attr;
  let text = "";
  if (flags.has("excludeKernel") || flags.has("excludeUser")) {
    if (!flags.has("excludeKernel")) text += "k";
    if (!flags.has("excludeUser")) text += "u";
    if (!flags.has("excludeHv")) text += "h";
  }
  text += "p".repeat(attr.preciseIp);
  return text && `:${text}`;
}
