/** The two backends that sample through perf_event_open(2): counters that overflow, and each CPU's timer. */

import { disable, enable, PmuError, setPeriod } from "../../../ffi/pmu.ts";
import { PERF_COUNT_SW, PERF_TYPE } from "../../base/system/abi.ts";
import { isClockEvent, isCycles } from "../../events/catalog.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { type EventOnCpus, openOnCpus } from "../open/open_on_cpus.ts";
import type { Operations } from "./backend.ts";

const NS_PER_SECOND = 1e9;
/** Cycles a second of a busy CPU: within a factor of two for any that runs Linux today. */
const CYCLES_PER_SECOND = 3e9;

/** Operations that both backends have in common. */
const perfEvents: Pick<Operations, "open" | "start" | "stop"> = {
  open: openOnCpus,
  start: ({ places }) => places.forEach(({ fd }) => enable(fd)),
  stop: ({ places }) => places.forEach(({ fd }) => disable(fd)),
};

/** Backend `perf`: an interrupt at each overflow of a counter, of the hardware or the kernel. */
export const perfBackend: Operations = {
  ...perfEvents,
  what: "overflow of counters",
  trial: "cycles",
  ncounters: (pics) => pics,
  sampled: (event) => isClockEvent(event.attr) ? undefined : event,
  setRate: (opened, rate) => setPeriods(opened, rate),
  // how often other events happen is what the user wants to find out
  estimateFrequency: (event) => isCycles(event.attr) ? CYCLES_PER_SECOND : undefined,
};

/** Backend `clock`: an interrupt by each CPU's timer, on every machine, also without a PMU. */
export const clockBackend: Operations = {
  ...perfEvents,
  what: "the cpu-clock timer",
  trial: "cpu-clock",
  ncounters: () => Infinity,
  sampled: (event) => isClockEvent(event.attr) ? event : isCycles(event.attr) ? cpuClock(event) : undefined,
  estimateFrequency: () => NS_PER_SECOND,
  // the kernel turned the rate into a period (perf_swevent_init_hrtimer() in kernel/events/core.c)
  setRate: (opened, rate) => setPeriods(opened, Math.round(NS_PER_SECOND / rate)),
};

/** Returns cpu-clock in the place of `cycles`: samples in proportion to time, which is where the cycles went. */
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

/** Sets the frequency in Hz, or the period, wherever the event is open (PERF_EVENT_IOC_PERIOD). */
function setPeriods({ places }: EventOnCpus, value: number): void {
  for (const { fd } of places) {
    try {
      setPeriod(fd, BigInt(value));
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // its thread or CPU has gone
    }
  }
}
