/** The backend `clock`: an interrupt by each CPU's timer. It works on every machine, also without a PMU. */

import { PERF_COUNT_SW, PERF_TYPE } from "../../base/system/abi.ts";
import { isClockEvent, isCycles } from "../../events/catalog.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { Operations } from "./backend.ts";
import { perfEvents, setPeriods } from "./perf_events.ts";

const NS_A_SECOND = 1e9;

export const clockBackend: Operations = {
  ...perfEvents,
  what: "the cpu-clock timer",
  trial: "cpu-clock",
  ncounters: () => Infinity,
  sampled: (event) => isClockEvent(event.attr) ? event : isCycles(event.attr) ? cpuClock(event) : undefined,
  estimateFrequency: () => NS_A_SECOND,
  // the kernel has made a period of the rate (perf_swevent_init_hrtimer() in kernel/events/core.c)
  setRate: (opened, rate) => setPeriods(opened, Math.round(NS_A_SECOND / rate)),
};

/** `cycles` by the timer: samples in proportion to time, which is where the cycles went. */
function cpuClock(event: ResolvedEvent): ResolvedEvent {
  // a timer has no precision to choose
  const modifiers = /[:/]([ukhIGHpPSDWe]+)$/.exec(event.name)?.[1].replace(/p/gi, "") ?? "";
  const { cpus: _allCpusHaveIt, ...rest } = event;
  return {
    ...rest,
    name: modifiers ? `cpu-clock:${modifiers}` : "cpu-clock",
    attr: {
      ...event.attr,
      type: PERF_TYPE.SOFTWARE,
      config: BigInt(PERF_COUNT_SW.CPU_CLOCK),
      preciseIp: 0,
    },
    pmu: "software",
    unit: "ns",
    preciseMax: false,
  };
}
