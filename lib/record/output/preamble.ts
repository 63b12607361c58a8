/** What a file begins with: what runs already, so that it can be read without any other. */

import type { AttrLayout } from "../../perfdata/format/attr_layout.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { encodeKsymbol } from "../../perfdata/format/record_encoders.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";
import { liveBpfSymbols } from "../host/bpf.ts";
import { MapBudget } from "../host/map_budget.ts";
import { type EventOnCpus, listedEvents } from "../open/open_on_cpus.ts";
import {
  allPids,
  type KernelText,
  liveKernelText,
  liveProc,
  type MapChoice,
  parseModules,
  startTimeOf,
} from "../host/procfs.ts";
import type { RecordRequest } from "../request/request.ts";
import { cachedBuildIds, kernelRecords, processRecords } from "../host/synthesize.ts";
import { targetProcesses } from "../request/target.ts";

export class Preamble {
  readonly #request: RecordRequest;
  readonly #note: (line: string) => void;
  readonly #layout: AttrLayout;
  readonly #seesKernel: boolean;
  #kernelText: { text: KernelText | undefined } | undefined;
  /** When this process started, in clock ticks since boot: what is recorded and is younger may be the target's. */
  readonly #since: number;
  /** Data mappings too, where the kernel tells of those of later. */
  readonly #maps: MapChoice;

  constructor(request: RecordRequest, opened: readonly EventOnCpus[], note: (line: string) => void) {
    this.#request = request;
    this.#note = note;
    const events = listedEvents(opened);
    this.#layout = compileLayout(events[0].attr);
    this.#seesKernel = events.some(({ attr }) => !attr.flags.has("excludeKernel"));
    this.#maps = events.some(({ attr }) => attr.flags.has("mmapData")) ? "readable" : "executable";
    this.#since = startTimeOf(liveProc, "self") ?? 0;
  }

  /** The kernel's maps, and the BPF programs that are loaded; none when nothing is sampled there. */
  kernel(): Uint8Array[] {
    if (!this.#seesKernel) return [];
    // megabytes to read, and it stays where it is
    this.#kernelText ??= { text: liveKernelText() };
    const modules = parseModules(liveProc.text("/proc/modules") ?? "");
    return [
      ...kernelRecords(this.#kernelText.text, modules, this.#layout),
      ...liveBpfSymbols().map((symbol) => encodeKsymbol(symbol, this.#layout)),
    ];
  }

  /** The processes of the target before it starts: none of a command that has yet to run. */
  processesAtStart(): Uint8Array[] {
    const { target } = this.#request;
    if (target.kind === "command") return [];
    const pids = target.kind === "cpus" ? allPids(liveProc) : targetProcesses(target, liveProc);
    return this.#records(pids);
  }

  /** What a file begins with in the midst of a recording: the kernel's maps, and the processes there are now. */
  snapshot(): Uint8Array[] {
    return [...this.kernel(), ...this.#records(this.#pidsNow())];
  }

  /**
   * The target's processes in the midst of a recording. The kernel does not tell which those are that a target
   * has started: a daemon is nobody's child. So it is all that are younger than the recording.
   */
  #pidsNow(): number[] {
    const { target } = this.#request;
    const all = allPids(liveProc);
    if (target.kind === "cpus") return all;
    const asked = new Set(target.kind === "command" ? [] : targetProcesses(target, liveProc));
    return all.filter((pid) => asked.has(pid) || (startTimeOf(liveProc, pid) ?? -1) >= this.#since);
  }

  #records(pids: readonly number[]): Uint8Array[] {
    const budget = new MapBudget();
    const records = [...processRecords(liveProc, pids, {
      layout: this.#layout,
      // asked anew for each file: a path or an inode may stand for another object by then
      buildIdOf: cachedBuildIds(fileBuildId),
      maps: this.#maps,
      budget,
    })];
    for (const line of budget.notes()) this.#note(`warning: ${line}`);
    return records;
  }
}
