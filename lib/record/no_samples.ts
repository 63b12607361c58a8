/** Explains why a recording has no samples: nothing is wrong with one of a target that slept. */

import type { Exit } from "../../ffi/pmu.ts";
import { processFolder } from "../base/files/pid_namespace.ts";
import { parseStat } from "../base/text/proc_text.ts";
import { countsUserOnly } from "../events/modifiers.ts";
import type { SampledEvent } from "../perfdata/own/session_info.ts";
import type { Proc } from "./host/procfs.ts";
import type { CpuTime, Recording, RecordRequest } from "./request/request.ts";
import { type Target, targetName } from "./request/target.ts";

/** Nanoseconds of a clock tick of /proc: a hundredth of a second (USER_HZ). */
const TICK_NS = 1e7;

/** CPU time that running processes or threads take, from its construction on. */
export class TargetTime {
  readonly #proc: Proc;
  readonly #paths: string[];
  readonly #before: CpuTime | undefined;

  /** Reads the CPU time of `target` so far; CPUs and commands have none in /proc. */
  constructor(target: Target, proc: Proc) {
    this.#proc = proc;
    this.#paths = target.kind === "processes"
      ? target.pids.map((pid) => `${processFolder(pid)}/stat`)
      : target.kind === "threads"
      ? target.tids.map((tid) => `${processFolder(tid)}/task/${tid}/stat`)
      : [];
    this.#before = this.#now();
  }

  /** Returns the CPU time taken since, in steps of 10 ms; undefined when a part of the target has ended. */
  spent(): CpuTime | undefined {
    const now = this.#now();
    if (now === undefined || this.#before === undefined) return undefined;
    return {
      userNs: now.userNs - this.#before.userNs,
      kernelNs: now.kernelNs - this.#before.kernelNs,
    };
  }

  #now(): CpuTime | undefined {
    if (this.#paths.length === 0) return undefined;
    const sum = { userNs: 0, kernelNs: 0 };
    for (const path of this.#paths) {
      const stat = parseStat(this.#proc.text(path) ?? "");
      if (stat === undefined) return undefined;
      sum.userNs += TICK_NS * stat.userTicks;
      sum.kernelNs += TICK_NS * stat.kernelTicks;
    }
    return sum;
  }
}

/** Returns the CPU time of a command that has ended, with all children that it waited for. */
export function commandTime({ usage }: Exit): CpuTime {
  return { userNs: usage.utimeNs, kernelNs: usage.stimeNs };
}

/** Events that happen only while the target runs on a CPU: clocks, and work of the CPU. */
const RUNNING = /^(cpu-clock|task-clock|(?:cpu\w*\/)?(?:cpu-)?cycles|instructions|ref-cycles|bus-cycles)\b/;

/**
 * Returns a line that says why there are no samples, and what to do; undefined when there are some, when they were lost,
 * or when the kernel stopped sampling a part of the command (`cutShort`), which has been reported.
 */
export function noSamplesLine(
  recording: Pick<Recording, "ledger" | "events" | "seconds" | "cpuTime" | "cutShort" | "neverEnabled">,
  request: Pick<RecordRequest, "target" | "delayMs" | "filter">,
): string | undefined {
  const { ledger: { total }, events, seconds, cutShort, neverEnabled } = recording;
  if (total.sample > 0 || total.overflow > 0 || total.dropbuf_sample > 0 || cutShort) return undefined;
  if (neverEnabled !== undefined) {
    return `no samples: no 'enable' came through ${neverEnabled}: write it when sampling is to begin, or leave out -D -1`;
  }
  const { delayMs, filter } = request;
  if (delayMs !== undefined && delayMs >= 1000 * seconds) {
    return `no samples: the recording ended after ${
      seconds.toFixed(3)
    } s, before sampling began (--delay ${delayMs})`;
  }
  const running = events.filter(({ name }) => RUNNING.test(name));
  if (running.length === 0) return notHappened(events, filter);
  const what = events[0].name;
  const userOnly = running.every(({ name }) => countsUserOnly(name));
  return `no samples: ${
    ranText(request.target, recording, userOnly)
  }, and ${what} counts only while it runs` +
    `${
      userOnly ? " in user mode" : ""
    }: record for longer, sample more often (-F max), or record where it gives up the ` +
    "CPU (-e sched:sched_switch -g)";
}

function ranText(
  target: Target,
  { cpuTime, seconds }: Pick<Recording, "cpuTime" | "seconds">,
  userOnly: boolean,
): string {
  const name = targetName(target);
  const during = `the ${seconds.toFixed(3)} s`;
  if (target.kind === "cpus") return `${name} were idle for nearly all of ${during}`;
  if (cpuTime === undefined) return `${name} was hardly on a CPU in ${during}`;
  const ms = (ns: number) =>
    // the CPU time of running processes comes in ticks
    ns === 0 && target.kind !== "command" ? "less than 10 ms" : `${(ns / 1e6).toFixed(1)} ms`;
  const { userNs, kernelNs } = cpuTime;
  const inKernel = userOnly && kernelNs > 0 ? ` (${ms(kernelNs)} of that in the kernel)` : "";
  return `${name} was on a CPU for ${ms(userNs + kernelNs)}${inKernel} of ${during}`;
}

function notHappened(events: readonly SampledEvent[], filter: string | undefined): string {
  const names = events.map(({ name }) => name).join(", ");
  const often = events.map(({ rate }) => /^every (\d+)$/.exec(rate)?.[1]).find((n) =>
    n !== undefined && n !== "1"
  );
  const rated = events.some(({ rate }) => rate.endsWith(" Hz"));
  const remedy = filter !== undefined
    ? "check whether --filter excludes them all"
    : often !== undefined || rated
    ? "-c 1 samples each one"
    : "'pmuctl stat -e EVENT -- COMMAND' counts it";
  return `no samples: ${names} did not happen${
    often === undefined ? "" : ` ${often} times`
  } in what was recorded: ${remedy}`;
}
