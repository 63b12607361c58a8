/** Finds out which events work by opening them. */

import { closeEvent, tryOpen } from "../../../ffi/pmu.ts";
import { adviseOpen, type OpenAdvice } from "../../events/advice.ts";
import { encodeAttr, type EventAttr } from "../../events/attr.ts";
import { fallbackFor } from "../../events/fallback.ts";
import { hostFiles, readNumber } from "../../events/files.ts";
import { type Privilege, readPrivilege } from "../../events/privilege.ts";
import type { EventWorld, ResolvedEvent } from "../../events/resolve.ts";

/** Result of trying an event. */
export type TrialResult =
  /** Success; `limit` says what is left out (the kernel's side). */
  | { opens: true; limit?: string }
  | { opens: false; errno: number; advice: OpenAdvice };

/** Options of `Prober.try`. */
export interface TryOptions {
  /** Samples at this frequency in Hz instead of only counting. */
  sampleFreq?: number;
  /** Opens it on a CPU, for whatever runs there, instead of on this process. */
  wholeCpu?: boolean;
}

/** Tries events on this process, or on a CPU for events that cannot follow a process. */
export class Prober {
  readonly privilege: Privilege;
  readonly #hasCorePmu: boolean;
  readonly #maxSampleRate?: number;

  constructor(world: EventWorld, privilege: Privilege = readPrivilege()) {
    this.privilege = privilege;
    this.#hasCorePmu = world.pmus.core().length > 0;
    this.#maxSampleRate = readNumber(hostFiles, "/proc/sys/kernel/perf_event_max_sample_rate");
  }

  /** Opens the event and closes it again. If the kernel's side is refused, tries user space alone. */
  try(event: ResolvedEvent, options: TryOptions = {}): TrialResult {
    const wholeCpu = options.wholeCpu === true || !event.followsTasks;
    const place = wholeCpu ? { pid: -1, cpu: event.cpus?.[0] ?? 0 } : { pid: 0, cpu: -1 };
    let current = event;
    for (;;) {
      const attr = withSampling(current.attr, options.sampleFreq);
      const fd = tryOpen(encodeAttr(attr), place);
      if (fd >= 0) {
        closeEvent(fd);
        const restricted = !event.attr.flags.has("excludeKernel") && attr.flags.has("excludeKernel");
        return {
          opens: true,
          ...(restricted
            ? { limit: `user space only: perf_event_paranoid is ${this.privilege.paranoid}` }
            : {}),
        };
      }
      const next = fallbackFor({ ...current, attr }, -fd, this.privilege, wholeCpu);
      if (!next) {
        return { opens: false, errno: -fd, advice: this.#advise(-fd, current, attr, wholeCpu, place.cpu) };
      }
      current = next;
    }
  }

  #advise(errno: number, event: ResolvedEvent, attr: EventAttr, wholeCpu: boolean, cpu: number): OpenAdvice {
    return adviseOpen(errno, {
      eventName: event.name,
      target: wholeCpu ? `CPU ${cpu}` : "this process",
      wholeCpu,
      attr,
      privilege: this.privilege,
      hasCorePmu: this.#hasCorePmu,
      ...(this.#maxSampleRate === undefined ? {} : { maxSampleRate: this.#maxSampleRate }),
    });
  }
}

function withSampling(attr: EventAttr, freq: number | undefined): EventAttr {
  const flags = new Set(attr.flags).add("disabled");
  if (freq === undefined) return { ...attr, flags };
  return { ...attr, flags: flags.add("freq"), samplePeriod: BigInt(freq) };
}
