/** Makes the records that a file begins with: what runs already, so that the file can be read by itself. */

import type { AttrLayout } from "../../perfdata/format/attr_layout.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { encodeKsymbol } from "../../perfdata/format/record_encoders.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";
import { liveBpfSymbols } from "../host/bpf.ts";
import { MapBudget } from "../host/map_budget.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";
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

/** Preamble of all files of a recording. */
export class Preamble {
  readonly #request: RecordRequest;
  readonly #note: (line: string) => void;
  readonly #layout: AttrLayout;
  readonly #seesKernel: boolean;
  #kernelText: { text: KernelText | undefined } | undefined;
  /** Start of this process, in clock ticks since boot: a process that started later may be the target's. */
  readonly #since: number;
  /** Mappings to record: data too, where the kernel records those made later. */
  readonly #maps: MapChoice;

  constructor(request: RecordRequest, opened: readonly EventOnCpus[], note: (line: string) => void) {
    this.#request = request;
    this.#note = note;
    const events = fileEvents(opened);
    this.#layout = compileLayout(events[0].attr);
    this.#seesKernel = events.some(({ attr }) => !attr.flags.has("excludeKernel"));
    this.#maps = events.some(({ attr }) => attr.flags.has("mmapData")) ? "readable" : "executable";
    this.#since = startTimeOf(liveProc, "self") ?? 0;
  }

  /** Returns records of the kernel's maps and the loaded BPF programs; none when the kernel is not sampled. */
  kernel(): Uint8Array[] {
    if (!this.#seesKernel) return [];
    // kallsyms is megabytes, and the kernel does not move
    this.#kernelText ??= { text: liveKernelText() };
    const modules = parseModules(liveProc.text("/proc/modules") ?? "");
    return [
      ...kernelRecords(this.#kernelText.text, modules, this.#layout),
      ...liveBpfSymbols().map((symbol) => encodeKsymbol(symbol, this.#layout)),
    ];
  }

  /** Returns records of the target's processes at the start; none for a command, which has yet to run. */
  processesAtStart(): Uint8Array[] {
    const { target } = this.#request;
    if (target.kind === "command") return [];
    const pids = target.kind === "cpus" ? allPids(liveProc) : targetProcesses(target, liveProc);
    return this.#records(pids);
  }

  /** Returns the records that a later file begins with: the kernel's maps, and the target's processes now. */
  snapshot(): Uint8Array[] {
    return [...this.kernel(), ...this.#records(this.#pidsNow())];
  }

  /**
   * Returns the target's processes in the middle of a recording. Those that a target has started cannot be told apart,
   * since a daemon is nobody's child: all processes that started after the recorder are taken.
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
      // a new cache for each file: a path or an inode may be another object by then
      buildIdOf: cachedBuildIds(fileBuildId),
      maps: this.#maps,
      budget,
    })];
    for (const line of budget.notes()) this.#note(`warning: ${line}`);
    return records;
  }
}
