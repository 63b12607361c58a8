/** Exit records, which pmuctl reads and the kernel writes. */

import { PERF_RECORD } from "../../lib/base/system/abi.ts";
import { encodeFork } from "../../lib/perfdata/format/record_encoders.ts";

/** Returns a PERF_RECORD_EXIT: the struct of a PERF_RECORD_FORK under another type. */
export function encodeExit(...[task, layout, trailer]: Parameters<typeof encodeFork>): Uint8Array {
  const record = encodeFork(task, layout, trailer);
  new DataView(record.buffer, record.byteOffset).setUint32(0, PERF_RECORD.EXIT, true);
  return record;
}
