/**
 * Watches a command for programs that the kernel stops measuring at their exec (lib/events/cut_short.ts), by the records of
 * events on each CPU that count nothing. They are read when the command has ended, so that nothing runs beside it.
 */

import { closeEvent, closeFd, createFile, Drain, tryOpen } from "../../../ffi/pmu.ts";
import { encodeAttr } from "../../events/attr.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { lifecycleAttr } from "./task_counters.ts";

/** Of each ring: the records of some 1000 processes. */
const PAGES = 32;
/** In bytes: nobody waits for these records. */
const NO_WAKEUP = 2 ** 30;

export class ExecWatch {
  readonly #drain: Drain;
  readonly #outFd: number;
  readonly #fds: readonly number[];

  private constructor(drain: Drain, outFd: number, fds: readonly number[]) {
    this.#drain = drain;
    this.#outFd = outFd;
    this.#fds = fds;
  }

  /** Watches `pid`, which is yet to exec, and all that it starts; undefined where this user may not have the rings. */
  static open(pid: number, cpus: readonly number[]): ExecWatch | undefined {
    const outFd = createFile("/dev/null", 0o666);
    const fds: number[] = [];
    const told = { ...lifecycleAttr("processes"), wakeup: NO_WAKEUP };
    const times = { sampleTimeAt: -1, recordTimeBack: compileLayout(told).trailer.time };
    const watch = new ExecWatch(new Drain({ outFd, rounds: false, watch: times }), outFd, fds);
    const attr = encodeAttr(told);
    for (const cpu of cpus) {
      const fd = tryOpen(attr, { pid, cpu });
      if (fd >= 0) fds.push(fd);
      if (fd >= 0 && watch.#drain.tryAdd(fd, PAGES, cpu) >= 0) continue;
      watch.close();
      return undefined;
    }
    return watch;
  }

  /** Returns the names of such programs, now that the command has ended. */
  async programs(): Promise<string[]> {
    this.#drain.start();
    await this.#drain.stop();
    return this.#drain.cuts;
  }

  close(): void {
    this.#drain.free();
    for (const fd of this.#fds) closeEvent(fd);
    closeFd(this.#outFd);
  }
}
