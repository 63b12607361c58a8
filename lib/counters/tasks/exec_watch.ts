/**
 * Watches a command for programs that the kernel stops measuring at their exec (lib/events/cut_short.ts), by records
 * of an event on each CPU that counts nothing. The records are read after the command has ended, so nothing runs
 * beside it.
 */

import { closeEvent, closeFd, createFile, Drain, tryOpen } from "../../../ffi/pmu.ts";
import { encodeAttr } from "../../events/attr.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import { lifecycleAttr } from "./task_counters.ts";

/** Pages of each ring: room for the records of about 1000 processes. */
const PAGES = 32;
/** Wakeup watermark in bytes, too high to be reached: nobody waits for these records. */
const NO_WAKEUP = 2 ** 30;

/** Watch over the execs of a command and its descendants. */
export class ExecWatch {
  readonly #drain: Drain;
  readonly #outFd: number;
  readonly #fds: readonly number[];

  private constructor(drain: Drain, outFd: number, fds: readonly number[]) {
    this.#drain = drain;
    this.#outFd = outFd;
    this.#fds = fds;
  }

  /**
   * Watches `pid`, before its exec, and everything it starts. Returns undefined when this user may not have the
   * rings.
   */
  static open(pid: number, cpus: readonly number[]): ExecWatch | undefined {
    const outFd = createFile("/dev/null", 0o666);
    const fds: number[] = [];
    const attr = { ...lifecycleAttr("processes"), wakeup: NO_WAKEUP };
    const times = { sampleTimeAt: -1, recordTimeBack: compileLayout(attr).trailer.time };
    const watch = new ExecWatch(new Drain({ outFd, rounds: false, watch: times }), outFd, fds);
    const encoded = encodeAttr(attr);
    for (const cpu of cpus) {
      const fd = tryOpen(encoded, { pid, cpu });
      if (fd >= 0) fds.push(fd);
      if (fd >= 0 && watch.#drain.tryAdd(fd, PAGES, cpu) >= 0) continue;
      watch.close();
      return undefined;
    }
    return watch;
  }

  /** Returns the names of the programs that were not measured. Call it after the command has ended. */
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
