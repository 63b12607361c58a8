/** Mappings in the records that a drain has seen. */

import { decodeMmap2, type Mmap2 } from "../../perfdata/format/records.ts";

/** Decodes a whole PERF_RECORD_MMAP2. */
export function seenMap(record: Uint8Array<ArrayBuffer>): Mmap2 {
  const view = new DataView(record.buffer, record.byteOffset);
  // the trailer behind the file name does no harm: the name ends with a NUL
  return decodeMmap2({
    u8: record,
    pos: 0,
    size: record.length,
    misc: view.getUint16(4, true),
    trailer: 0,
    fileOffset: 0,
  });
}
