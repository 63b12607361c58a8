/**
 * Makes long recordings of a short one, for benchmarks: all its records, over and over, each time later by as
 * much as it lasted. So stacks, processes and maps stay the same, however many samples there are.
 */

import { PERF_RECORD } from "../../lib/base/system/abi.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { RECORD_HEADER_SIZE } from "../../lib/perfdata/format/attr_layout.ts";
import { decodeFileHeader, decodeMagic, FILE_HEADER_SIZE } from "../../lib/perfdata/format/header.ts";
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
  const { data, featureNumbers } = decodeFileHeader(
    bytes.subarray(0, FILE_HEADER_SIZE),
    decodeMagic(bytes, from),
    from,
  );
  const records = bytes.slice(data.offset, data.offset + data.size);
  const words = new Uint32Array(records.buffer);

  const timesAt: number[] = []; // in words
  const others: Uint8Array[] = [];
  let first = Infinity, last = -Infinity;
  for (let pos = 0; pos < records.length;) {
    const type = words[pos / 4], size = words[pos / 4 + 1] >>> 16;
    const sample = type === PERF_RECORD.SAMPLE;
    const event = sample ? table.ofSample(words, pos, size) : table.ofRecord(words, pos, size);
    if (type < FIRST_TOOL_TYPE && event >= 0) {
      const { time, trailer } = table.events[event].layout;
      const at = sample
        ? time
        : trailer.time > 0 && size >= RECORD_HEADER_SIZE + trailer.size
        ? size - trailer.time
        : -1;
      const word = (pos + at) / 4;
      if (at >= 0 && isTime(words[word], words[word + 1])) {
        timesAt.push(word);
        const ns = words[word + 1] * 2 ** 32 + words[word];
        first = Math.min(first, ns);
        last = Math.max(last, ns);
      }
    }
    if (!sample) others.push(records.subarray(pos, pos + size));
    pos += size;
  }
  const once = times > 0 ? [records] : others;

  using file = Deno.createSync(to);
  const write = (part: Uint8Array) => {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
  };
  const written = Math.max(times, 1) * once.reduce((sum, part) => sum + part.length, 0);
  const added = BigInt(written - data.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const grow = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + added, true);
  grow(DATA_SIZE_AT);
  const behind = data.offset + data.size;
  featureNumbers.forEach((_, i) => grow(behind + 16 * i));
  write(bytes.subarray(0, data.offset));
  for (let i = 0; i < Math.max(times, 1); i++) {
    if (i > 0) {
      for (const word of timesAt) {
        const ns = words[word + 1] * 2 ** 32 + words[word] + (last - first + 1);
        words[word] = ns % 2 ** 32;
        words[word + 1] = Math.floor(ns / 2 ** 32);
      }
    }
    once.forEach(write);
  }
  write(bytes.subarray(behind));
}
