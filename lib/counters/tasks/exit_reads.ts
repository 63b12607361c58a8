/**
 * Finds out whether this kernel reports a thread's counts at its exit. perf_event_attr.inherit_stat requests it, but
 * from Linux 5.13 to 6.19 (and some stable releases before that) the kernel has lost track of the thread by then, so
 * the only way to know is to try.
 */

import { closeEvent, closeFd, Drain, makePipe, readPipe, spawn, tryOpen } from "../../../ffi/pmu.ts";
import { PERF_RECORD } from "../../base/system/abi.ts";
import { encodeAttr } from "../../events/attr.ts";
import { exitProbeAttr, withSeparateEvents } from "./task_counters.ts";

/**
 * Tries it on a child that ends at once, with an event that counts nothing. Returns whether the READ of its exit
 * came.
 */
export async function exitReadsWork(cpus: readonly number[]): Promise<boolean> {
  const attr = exitProbeAttr();
  if (await probe(encodeAttr(withSeparateEvents(attr)), cpus)) return true;
  // Older kernels may swap the child's events with ours, so a try can fail by chance.
  return await probe(encodeAttr(attr), cpus) || await probe(encodeAttr(attr), cpus);
}

async function probe(attr: Uint8Array<ArrayBuffer>, cpus: readonly number[]): Promise<boolean> {
  const fds: number[] = [];
  const { readFd, writeFd } = makePipe();
  const drain = new Drain({ outFd: writeFd, rounds: false });
  try {
    for (const cpu of cpus) {
      const fd = tryOpen(attr, { pid: 0, cpu });
      if (fd < 0) continue; // opening the real events will report why
      fds.push(fd);
      if (drain.tryAdd(fd, 1, cpu) < 0) return false;
    }
    spawn({ argv: ["true"] }).cancel(); // ends before its exec
    drain.start();
    await drain.stop();
    const buffer = new Uint8Array(4096);
    const n = drain.written > 0 ? await readPipe(readFd, buffer) : 0;
    const view = new DataView(buffer.buffer);
    for (let at = 0; at + 8 <= n; at += view.getUint16(at + 6, true)) {
      if (view.getUint32(at, true) === PERF_RECORD.READ) return true;
    }
    return false;
  } finally {
    drain.free();
    for (const fd of fds) closeEvent(fd);
    closeFd(readFd);
    closeFd(writeFd);
  }
}
