/**
 * Makes long recordings of a short one, for benchmarks: all its records, over and over, each time later by as
 * much as it lasted. So stacks, processes and maps stay the same, however many samples there are.
 */

import { PERF_RECORD } from "../../lib/base/system/abi.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { RECORD_HEADER_SIZE } from "../../lib/perfdata/format/attr_layout.ts";
import { decodeFileHeader, decodeMagic, FILE_HEADER_SIZE } from "../../lib/perfdata/format/header.ts";
import type { EventTable } from "../../lib/perfdata/format/events.ts";
import { openRecording } from "../../lib/perfdata/read/open.ts";
import { isTime } from "../../lib/perfdata/read/sample.ts";

/** Offset in the file header of the size of the data (struct perf_file_header: data.size). */
const DATA_SIZE_AT = 48;
const FIRST_TOOL_TYPE = 64;

/**
 * Writes `from` (a file of this machine's byte order, not compressed) to `to` with its records `times` times;
 * with 0, once without the samples.
 */
export function repeatRecording(from: string, to: string, times: number): void {
  const source = FileBytes.tryOpen(from);
  if (!source) throw new Error(`cannot read ${from}`);
  const { table } = openRecording(source);
  const bytes = source.read(0, source.size);
  source.close();
  const magic = decodeMagic(bytes, from);
  const { data, featureNumbers } = decodeFileHeader(bytes.subarray(0, FILE_HEADER_SIZE), magic, from);
  const records = bytes.slice(data.offset, data.offset + data.size);
  const { timesAt, span, others } = scan(records, table);
  const once = times > 0 ? [records] : others;
  const rounds = Math.max(times, 1);
  const behind = data.offset + data.size;

  const written = rounds * once.reduce((sum, part) => sum + part.length, 0);
  moveSections(bytes, behind, featureNumbers.length, written - data.size);
  using file = Deno.createSync(to);
  const write = (part: Uint8Array) => {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
  };
  write(bytes.subarray(0, data.offset));
  for (let i = 0; i < rounds; i++) {
    if (i > 0) moveTimes(new Uint32Array(records.buffer), timesAt, span);
    once.forEach(write);
  }
  write(bytes.subarray(behind));
}

/** Places of times in the records, in words; the time they span in ns, with its last one; records but samples. */
interface Scanned {
  timesAt: number[];
  span: number;
  others: Uint8Array[];
}

function scan(records: Uint8Array<ArrayBuffer>, table: EventTable): Scanned {
  const words = new Uint32Array(records.buffer);
  const timesAt: number[] = [], others: Uint8Array[] = [];
  let first = Infinity, last = -Infinity;
  for (let pos = 0; pos < records.length;) {
    const size = words[pos / 4 + 1] >>> 16;
    const at = timeAt(words, pos, table);
    const word = (pos + at) / 4;
    if (at >= 0 && isTime(words[word], words[word + 1])) {
      timesAt.push(word);
      const ns = words[word + 1] * 2 ** 32 + words[word];
      first = Math.min(first, ns);
      last = Math.max(last, ns);
    }
    if (words[pos / 4] !== PERF_RECORD.SAMPLE) others.push(records.subarray(pos, pos + size));
    pos += size;
  }
  return { timesAt, span: last - first + 1, others };
}

/** Returns the offset of the time in the record at `pos`, from its start; -1 when it has none. */
function timeAt(words: Uint32Array, pos: number, table: EventTable): number {
  const type = words[pos / 4], size = words[pos / 4 + 1] >>> 16;
  const isSample = type === PERF_RECORD.SAMPLE;
  const event = isSample ? table.ofSample(words, pos, size) : table.ofRecord(words, pos, size);
  if (type >= FIRST_TOOL_TYPE || event < 0) return -1;
  const { time, trailer } = table.events[event].layout;
  if (isSample) return time;
  return trailer.time > 0 && size >= RECORD_HEADER_SIZE + trailer.size ? size - trailer.time : -1;
}

/** Adds `added` to the size of the data, and to the offsets in the table of `features` sections at `tableAt`. */
function moveSections(bytes: Uint8Array, tableAt: number, features: number, added: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const grow = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(added), true);
  grow(DATA_SIZE_AT);
  for (let i = 0; i < features; i++) grow(tableAt + 16 * i);
}

/** Adds `ns` to the times at these words. */
function moveTimes(words: Uint32Array, timesAt: readonly number[], ns: number) {
  for (const word of timesAt) {
    const moved = words[word + 1] * 2 ** 32 + words[word] + ns;
    words[word] = moved % 2 ** 32;
    words[word + 1] = Math.floor(moved / 2 ** 32);
  }
}
