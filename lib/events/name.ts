/** Event names derived from a perf_event_attr, spelled as perf spells them. */

import { PERF_TYPE } from "../base/system/abi.ts";
import type { EventAttr } from "./attr.ts";
import { genericName } from "./catalog.ts";

/**
 * Returns the name of an event: `cpu-clock`, `cycles:u`, `L1-dcache-load-misses`, `r1a8`, `tracepoint:317`,
 * `msr/config=0x1/`.
 *
 * @param pmus PMU names by perf_event_attr.type, for the types that sysfs assigns.
 */
export function eventName(attr: EventAttr, pmus?: ReadonlyMap<number, string>): string {
  return baseName(attr, pmus) + modifiers(attr);
}

function baseName(attr: EventAttr, pmus?: ReadonlyMap<number, string>): string {
  const config = attr.config;
  switch (attr.type) {
    case PERF_TYPE.HARDWARE: {
      // on hybrid CPUs the upper half is the PMU's type
      const name = genericName(attr.type, config & 0xffffffffn);
      const pmu = pmus?.get(Number(config >> 32n));
      if (name) return config >> 32n && pmu ? `${pmu}/${name}/` : name;
      return `unknown-hardware:${config}`;
    }
    case PERF_TYPE.SOFTWARE:
      return genericName(attr.type, config) ?? `unknown-software:${config}`;
    case PERF_TYPE.TRACEPOINT:
      return `tracepoint:${config}`;
    case PERF_TYPE.HW_CACHE:
      return genericName(attr.type, config) ?? `unknown-cache:0x${config.toString(16)}`;
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

/**
 * Formats a breakpoint. bp_type is a set of HW_BREAKPOINT_R (1), _W (2), _X (4); config1 is the address, config2 the
 * length.
 */
function breakpointName(attr: EventAttr): string {
  const mode = ["r", "w", "x"].filter((_, bit) => attr.bpType & (1 << bit)).join("");
  return `mem:0x${attr.config1.toString(16)}${mode ? `:${mode}` : ""}`;
}

/** Formats the modifiers, `:u`, `:k`, `:ppp` and so on: the modes that are not excluded, and the precision. */
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
