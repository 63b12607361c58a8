/**
 * Whether this kernel tells what a thread had counted at its end. perf_event_attr.inherit_stat asks for it, but
 * from Linux 5.13 on the kernel had forgotten the thread by the time it was to tell, until that was mended in
 * 6.19 and in some stable series: only trying tells.
 */

import { closeEvent, closeFd, Drain, makePipe, readPipe, spawn, tryOpen } from "../../../ffi/pmu.ts";
import { PERF_RECORD } from "../../base/system/abi.ts";
import { encodeAttr } from "../../events/attr.ts";
import { exitProbeAttr, withSeparateEvents } from "./task_counters.ts";

/** Counts nothing in a child of ours that ends at once, and looks for the READ of its end. */
export async function exitReadsWork(cpus: readonly number[]): Promise<boolean> {
  const attr = exitProbeAttr();
  if (await probe(encodeAttr(withSeparateEvents(attr)), cpus)) return true;
  // an older kernel, on which the child's events may be exchanged with ours: once in a while it takes a second try
  return await probe(encodeAttr(attr), cpus) || await probe(encodeAttr(attr), cpus);
}

async function probe(attr: Uint8Array<ArrayBuffer>, cpus: readonly number[]): Promise<boolean> {
  const fds: number[] = [];
  const { readFd, writeFd } = makePipe();
  const drain = new Drain({ outFd: writeFd, rounds: false });
  try {
    for (const cpu of cpus) {
      const fd = tryOpen(attr, { pid: 0, cpu });
      if (fd < 0) continue; // whoever opens the real ones says why
      fds.push(fd);
      if (drain.tryAdd(fd, 1, cpu) < 0) return false;
    }
    spawn({ argv: ["true"] }).cancel(); // ends before exec
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
