/** Recordings: real ones with changes, and made-up ones, read as `pmuctl report` does. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { renderJson } from "../../../lib/report/json/json.ts";
import { DEFAULT_REPORT, type ReportOptions } from "../../../lib/report/shared/options.ts";
import { renderText } from "../../../lib/report/text/text.ts";
import { PerfDataReader } from "../../../lib/perfdata/read/reader.ts";
import { bigEndianFile, bigEndianPipe } from "../../perfdata/big_endian.ts";
import { fixture, stream } from "../../perfdata/read_recording.ts";
import { killedFile, roomedFile, writtenFile, writtenPipe } from "../../perfdata/small_recording.ts";
import { copiesSeed, makeCopies, markedSeed } from "../made/copies.ts";
import { memoryFiles } from "../made/memory_files.ts";
import { makeRecording } from "../made/recording.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { EDGES, type Random } from "../random.ts";
import { choiceBy, type Input, type Target } from "../target.ts";
import { whole } from "../../report/whole.ts";

/** A recording that others are made of. */
export interface Seed {
  name: string;
  bytes: Uint8Array;
  /** Where the records end that a reading gives, ascending; empty where they have no place of their own. */
  ends: number[];
}

/** The fixtures are recordings by perf; the others are this program's own. */
function seedBytes(): [string, Uint8Array][] {
  const short = (name: string) => shortened(fixture(`${name}.data`), 3000);
  return [
    ["callgraph", short("callgraph")],
    ["callgraph, whole", fixture("callgraph.data")],
    ["two_events", short("two_events")],
    ["extras", short("extras")],
    ["group_read", short("group_read")],
    ["compressed", fixture("compressed.data")],
    ["pipe", fixture("pipe.data").slice(0, 6000)],
    ["pipe_compressed", fixture("pipe_compressed.data")],
    ["pipe_tracepoint", fixture("pipe_tracepoint.data")],
    ["big-endian callgraph", bigEndianFile(short("callgraph"))],
    ["big-endian pipe", bigEndianPipe(fixture("pipe.data"))],
    ["copies", copiesSeed()],
    ["marked chains", markedSeed()],
    ["ours", writtenFile()],
    ["ours, killed", killedFile()],
    ["ours, killed, with room", roomedFile({ ledger: {} }, { ledger: { version: 1 } }).file],
    ["ours, in a pipe", writtenPipe()],
  ];
}

/** A file with its first `bytes` or so of records, whole ones, and no features. */
function shortened(file: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer, file.byteOffset);
  const start = Number(view.getBigUint64(40, true));
  let end = start;
  while (end < start + bytes) end += view.getUint16(end + 6, true);
  const out = file.slice(0, end);
  const outView = new DataView(out.buffer);
  outView.setBigUint64(48, BigInt(end - start), true);
  out.fill(0, 72, 104);
  return out;
}

/** The recordings that others are made of, with the ends of their records. */
export async function seeds(): Promise<Seed[]> {
  const all: Seed[] = [];
  for (const [name, bytes] of seedBytes()) {
    const ends: number[] = [];
    const reader = new PerfDataReader(new MemoryBytes(bytes), { damaged: "stop" });
    await reader.open();
    const take = (c: { fileOffset: number; size: number }) => ends.push(c.fileOffset + c.size);
    reader.read({ sample: take, record: take });
    all.push({ name, bytes, ends: name.includes("compressed") ? [] : ends.sort((a, b) => a - b) });
  }
  return all;
}

/** Reads as `report` does, from a file or a stream; what is given in spite of damage is rendered too. */
async function report(bytes: Uint8Array, asStream: boolean, leafOnly: boolean): Promise<void> {
  const open = () => asStream ? stream(bytes) : new MemoryBytes(bytes, "input");
  const tree = leafOnly ? "none" : "callers";
  const options: ReportOptions = { ...DEFAULT_REPORT, tree, percentLimit: 0, width: 120 };
  await new PerfDataReader(open()).open(); // refused here, it has nothing to report
  const profile = await loadProfile(open(), memoryFiles(), { leafOnly, force: true }).catch((error) => {
    throw new Error("refused in spite of force", { cause: error });
  });
  checkStacks(profile);
  const text = whole(renderText(profile, options));
  if (/\bNaN\b|\bundefined\b/.test(text)) throw new Error(`the report shows a NaN or undefined:\n${text}`);
  JSON.parse(whole(renderJson(profile, options)));
}

/** Fails when the counts of stacks that were unwound do not add up, or a stack goes on behind what says that it was cut. */
function checkStacks({ meta, stacks, frames, objects }: Profile): void {
  if (meta.stacks) {
    const { unwound, whole, cut } = meta.stacks;
    const all = cut.reduce((sum, { samples }) => sum + samples, whole);
    if (all !== unwound) throw new Error(`${all} stacks were counted, and ${unwound} unwound`);
  }
  stacks.parent.forEach((parent, row) => {
    const object = frames.object[stacks.frame[row]];
    if (parent >= 0 && object >= 0 && objects[object].kind === "missing") {
      throw new Error(`stack ${row} goes on behind ${objects[object].name}`);
    }
  });
}

/** Fails when a reading with `force` gives fewer records than lie before the first changed byte. */
async function givesAllBefore(bytes: Uint8Array, wanted: number, asStream: boolean): Promise<void> {
  let given = 0;
  const reader = new PerfDataReader(asStream ? stream(bytes) : new MemoryBytes(bytes), { damaged: "stop" });
  await reader.open();
  reader.read({ sample: () => given++, record: () => given++ });
  if (given < wanted) throw new Error(`${wanted} records lie before the damage, ${given} were given`);
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i;
  return n;
}

/** Changes one number of the header, of an attr, or of a record's header: what the rest hangs on. */
export function mutateStructure(seed: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(seed);
  const view = new DataView(bytes.buffer);
  const little = bytes[0] === 0x50;
  const pipe = Number(view.getBigUint64(8, little)) === 16;
  const put64 = (at: number, value: bigint) => {
    if (at + 8 <= bytes.length) view.setBigUint64(at, value, little);
  };
  const near = (at: number) =>
    BigInt.asUintN(64, view.getBigUint64(at, little) + BigInt(random.below(33) - 16));
  for (let changes = 1 + random.below(2); changes > 0; changes--) {
    const where = pipe ? 2 : random.below(3);
    if (where === 0) { // header: attr_size, sections, bitmap
      const at = 8 * random.pick([1, 2, 3, 4, 5, 6, 9, 9, 10]);
      if (at + 8 > bytes.length) continue;
      put64(at, random.oneIn(3) ? random.pick(EDGES) : random.oneIn(2) ? near(at) : random.u64());
    } else if (where === 1) { // the first attr: type, size, config, ..., sample_type, read_format, flags
      const at = Number(view.getBigUint64(24, little)) + 8 * random.below(18);
      if (at + 8 > bytes.length) continue;
      put64(
        at,
        random.oneIn(2) ? view.getBigUint64(at, little) ^ (1n << BigInt(random.below(40))) : random.u64(),
      );
    } else { // a record's type, misc or size, or a word of its body
      const start = pipe ? 16 : Number(view.getBigUint64(40, little));
      const at = recordAt(view, start, random.below(60), little);
      if (at < 0) continue;
      const field = random.below(4);
      if (field === 0) view.setUint32(at, random.oneIn(4) ? random.u32() : random.below(90), little);
      else if (field === 1) view.setUint16(at + 4, random.u32(), little);
      else if (field === 2) {
        view.setUint16(
          at + 6,
          view.getUint16(at + 6, little) + random.pick([-16, -8, -1, 1, 8, 16, 0x8000]),
          little,
        );
      } else {
        const words = Math.max(1, view.getUint16(at + 6, little) >> 3);
        put64(at + 8 * random.below(words), random.u64());
      }
    }
  }
  return bytes;
}

/** Offset of the record `n` places behind that at `start`, -1 past the end. */
function recordAt(view: DataView, start: number, n: number, little: boolean): number {
  let at = start;
  for (let i = 0; i < n; i++) {
    if (at + 8 > view.byteLength) return -1;
    const size = view.getUint16(at + 6, little);
    if (size < 8) break;
    at += size;
  }
  return at + 8 <= view.byteLength ? at : -1;
}

/** A recording with changes: all that comes before the first of them has to be given. */
function changed(all: readonly Seed[], mutate: (bytes: Uint8Array, random: Random) => Uint8Array) {
  return (random: Random): Input => {
    const seed = random.pick(all);
    const bytes = mutate(seed.bytes, random);
    const from = firstDifference(seed.bytes, bytes);
    const wanted = seed.ends.filter((end) => end <= from).length;
    return {
      bytes,
      made: `${seed.name}, changed from byte ${from} on`,
      check: wanted === 0 ? undefined : () => givesAllBefore(bytes, wanted, isStreamed(bytes)),
    };
  };
}

/** Whether an input comes as a stream, which cannot be read anywhere but from front to back. */
export function isStreamed(bytes: Uint8Array): boolean {
  return choiceBy(bytes, 3) === 0;
}

/** Takes an input as a recording, as `report` without options does. */
const take = (bytes: Uint8Array) => report(bytes, isStreamed(bytes), choiceBy(bytes, 2) === 0);

export async function recordingTargets(): Promise<Target[]> {
  const all = await seeds();
  const donors = all.map(({ bytes }) => bytes.subarray(0, 8000));
  return [
    {
      name: "recording-copies",
      what: "recordings with copies of stacks, and call chains with marks or deferred ones, made up",
      weight: 8,
      make: (random) => ({ bytes: makeCopies(random), made: "made up" }),
      take,
    },
    {
      name: "recording-bytes",
      what: "recordings with bytes changed anywhere",
      weight: 8,
      make: changed(all, (bytes, random) => mutateBytes(bytes, random, 0, { donors })),
      take,
    },
    {
      name: "recording-end",
      what: "recordings that are changed or cut off from somewhere on",
      weight: 4,
      make: changed(all, (bytes, random) => mutateBytes(bytes, random, random.below(bytes.length))),
      take,
    },
    {
      name: "recording-structure",
      what: "recordings with a number of the header, an attr or a record changed",
      weight: 8,
      make: changed(all, mutateStructure),
      take,
    },
    {
      name: "recording-made",
      what: "recordings made up from nothing",
      weight: 10,
      make: (random) => ({ bytes: makeRecording(random), made: "made up" }),
      take,
    },
    {
      name: "recording-folder",
      what: "recordings in several files, as perf record --threads leaves them",
      weight: 3,
      make(random) {
        const parts = Array.from(
          { length: 1 + random.below(3) },
          () =>
            random.oneIn(2)
              ? makeRecording(random).subarray(104)
              : random.pick(donors).subarray(random.below(3000)),
        );
        const main = random.oneIn(2) ? random.pick(all).bytes : makeRecording(random);
        return { bytes: packParts([mutateBytes(main, random), ...parts]), made: `${parts.length} parts` };
      },
      async take(bytes) {
        const [main, ...parts] = unpackParts(bytes);
        const input = Object.assign(new MemoryBytes(main, "folder/data"), {
          beside: parts.map((part, i) => new MemoryBytes(part, `folder/data.${i}`)),
        });
        const profile = await loadProfile(input, memoryFiles(), { force: true });
        whole(renderText(profile, DEFAULT_REPORT));
      },
    },
  ];
}

/** Several inputs in one: the length of each as a u32 before it. */
export function packParts(parts: readonly Uint8Array[]): Uint8Array {
  const w = new ByteWriter(1024);
  for (const part of parts) w.u32(part.length).raw(part);
  return w.bytes().slice();
}

/** The parts of `packParts`, of any bytes. */
export function unpackParts(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length && parts.length < 8;) {
    const length = view.getUint32(at, true);
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts.length === 0 ? [bytes] : parts;
}
