/**
 * Decoders of the records about processes between the samples, for readers of very many: names and files that repeat
 * are not decoded again. The plain decoders, with the layouts, are in records.ts.
 */

import { addressOf } from "../../base/bytes/address.ts";
import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { RecordCursor } from "../format/cursor.ts";
import { WordMemo } from "./word_memo.ts";
import { type Comm, decodeComm, decodeMmap2, decodeTask, type Mmap2, type Task } from "../format/records.ts";

const TWO_32 = 4294967296;
/** Word offset of a record's body. */
const BODY = 2;
/** Word offset of an MMAP2's device and inode, or build id; protection, flags and the name follow. */
const MMAP2_FILE = 10;
/** Word offset of an MMAP2's name. */
const MMAP2_NAME = 18;
/** Word offset of a COMM's name. */
const COMM_NAME = 4;
/** Word offset of the end of a FORK or EXIT. */
const TASK_END = 8;

/** Decodes records as decodeMmap2() and the others in records.ts do. Throws BadInputError as they do. */
export class TaskRecords {
  /** First map with the same file, for maps with and without a build id (by the bit in the header). */
  readonly #maps = new WordMemo<Mmap2>();
  readonly #mapsWithBuildId = new WordMemo<Mmap2>();
  readonly #comms = new WordMemo<string>();

  mmap2(c: RecordCursor): Readonly<Mmap2> {
    const { u32 } = c, at = c.pos >>> 2, file = at + MMAP2_FILE, end = endOf(c);
    if (end < at + MMAP2_NAME) return decodeMmap2(c);
    const maps = c.misc & PERF_RECORD_MISC.MMAP_BUILD_ID ? this.#mapsWithBuildId : this.#maps;
    const known = maps.find(u32, file, end);
    if (known === undefined) {
      const map = decodeMmap2(c);
      maps.put(u32, file, end, map);
      return map;
    }
    return {
      pid: u32[at + BODY] | 0,
      tid: u32[at + BODY + 1] | 0,
      start: addressOf(u32[at + BODY + 2], u32[at + BODY + 3]),
      length: u32[at + BODY + 5] * TWO_32 + u32[at + BODY + 4],
      pgoff: addressOf(u32[at + BODY + 6], u32[at + BODY + 7]),
      maj: known.maj,
      min: known.min,
      ino: known.ino,
      inoGeneration: known.inoGeneration,
      buildId: known.buildId,
      prot: known.prot,
      flags: known.flags,
      filename: known.filename,
    };
  }

  comm(c: RecordCursor): Comm {
    const { u32 } = c, at = c.pos >>> 2, name = at + COMM_NAME, end = endOf(c);
    const comm = end < name ? undefined : this.#comms.find(u32, name, end);
    if (comm === undefined) {
      const decoded = decodeComm(c);
      this.#comms.put(u32, name, end, decoded.comm);
      return decoded;
    }
    const exec = (c.misc & PERF_RECORD_MISC.COMM_EXEC) !== 0;
    return { pid: u32[at + BODY] | 0, tid: u32[at + BODY + 1] | 0, comm, exec };
  }

  /** Decodes a FORK or an EXIT without its time, which the cursor has. */
  task(c: RecordCursor): Omit<Task, "time"> {
    const { u32 } = c, at = c.pos >>> 2;
    if (endOf(c) < at + TASK_END) return decodeTask(c);
    return {
      pid: u32[at + BODY] | 0,
      ppid: u32[at + BODY + 1] | 0,
      tid: u32[at + BODY + 2] | 0,
      ptid: u32[at + BODY + 3] | 0,
    };
  }
}

/** Returns the word after a record's body, where its trailer begins. */
function endOf({ pos, size, trailer }: RecordCursor): number {
  return (pos + size - trailer) >>> 2;
}
