/** What a file begins with: what runs already, so that it can be read without any other. */

import type { AttrLayout } from "../perfdata/attr_layout.ts";
import { compileLayout } from "../perfdata/attr_layout.ts";
import { fileBuildId } from "../symbols/host_files.ts";
import type { Opened } from "./opening.ts";
import { allPids, kallsymsChunks, kernelText, liveProc, parseModules, startTimeOf } from "./procfs.ts";
import type { RecordRequest } from "./request.ts";
import { cachedBuildIds, kernelRecords, processRecords } from "./synthesize.ts";
import { processesOf } from "./target.ts";

export class Preamble {
  readonly #request: RecordRequest;
  readonly #layout: AttrLayout;
  readonly #seesKernel: boolean;
  /** When this process started, in clock ticks since boot: what is recorded and is younger may be the target's. */
  readonly #since: number;

  constructor(request: RecordRequest, opened: readonly Opened[]) {
    this.#request = request;
    this.#layout = compileLayout(opened[0].attr);
    this.#seesKernel = opened.some((o) => !o.attr.flags.has("excludeKernel"));
    this.#since = startTimeOf(liveProc, "self") ?? 0;
  }

  /** The kernel's maps; none when nothing is sampled there. */
  kernel(): Uint8Array[] {
    if (!this.#seesKernel) return [];
    const modules = parseModules(liveProc.text("/proc/modules") ?? "");
    return kernelRecords(kernelText(kallsymsChunks()), modules, this.#layout);
  }

  /** The processes of the target before it starts: none of a command that has yet to run. */
  processesAtStart(): Uint8Array[] {
    const { target } = this.#request;
    if (target.kind === "command") return [];
    return this.#records(target.kind === "cpus" ? allPids(liveProc) : processesOf(target, liveProc));
  }

  /**
   * The processes of the target in the midst of a recording. The kernel does not tell which those are that a
   * target has started: a daemon is nobody's child. So it is all that are younger than the recording.
   */
  processesNow(): Uint8Array[] {
    const { target } = this.#request;
    const all = allPids(liveProc);
    if (target.kind === "cpus") return this.#records(all);
    const asked = new Set(target.kind === "command" ? [] : processesOf(target, liveProc));
    const younger = (pid: number) => (startTimeOf(liveProc, pid) ?? -1) >= this.#since;
    return this.#records(all.filter((pid) => asked.has(pid) || younger(pid)));
  }

  #records(pids: readonly number[]): Uint8Array[] {
    // asked anew for each file: a path or an inode may stand for another object by then
    return [...processRecords(liveProc, pids, this.#layout, cachedBuildIds(fileBuildId))];
  }
}
