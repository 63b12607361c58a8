/** Rings of records with stacks, taken and unwound as while recording. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { PERF_CONTEXT, PERF_RECORD } from "../../../lib/base/system/abi.ts";
import { callchainOffset } from "../../../lib/perfdata/format/attr_layout.ts";
import { describeEvent, EventTable } from "../../../lib/perfdata/format/events.ts";
import { fileEvents } from "../../../lib/record/open/open_on_cpus.ts";
import type { StackFiles } from "../../../lib/record/stacks/live_files.ts";
import { type CodeMemory, LiveStacks } from "../../../lib/record/stacks/live_stacks.ts";
import { endOfMark } from "../../../lib/unwind/chain_marks.ts";
import { MadePass, MadeRing } from "../../record/stacks/made_rings.ts";
import { memoryFiles } from "../made/memory_files.ts";
import { LIVE_EVENTS, LIVE_PLACES, makeLiveRings, ringsOf } from "../made/live_rings.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { choiceBy, type Target } from "../target.ts";

const MIN_RING = 4096;
/** Bytes that a drain has room for at a time, when it has little: at least for what is collected at once. */
const MAX_ROOM = 1 << 20;

/** Code that processes have made: any bytes, the same in each run. */
const CODE = Uint8Array.from({ length: 8192 }, (_, i) => Math.imul(i ^ (i >> 3), 0x9e3779b1) >>> 24);
const MEMORY: CodeMemory = {
  read: (pid, address, length) =>
    CODE.subarray((pid + address) % 4096, (pid + address) % 4096 + length % 4096),
  forget: () => {},
  close: () => {},
};

/** Files in memory, for all processes. */
function filesOf(): StackFiles {
  const nothing = () => {};
  return {
    ...memoryFiles(),
    kallsyms: () => undefined,
    refusal: () => undefined,
    debugFiles: undefined,
    parent: nothing,
    forget: nothing,
    see: (_map, { id }) => id % 5 === 4,
    close: nothing,
    open: ({ kind, path, name }) =>
      path === ""
        ? undefined
        : memoryFiles().open({ kind, path, name } as Parameters<StackFiles["open"]>[0]) ??
          new MemoryBytes(new Uint8Array(0), name),
  };
}

function passOf(bytes: Uint8Array): MadePass {
  const { contents, starts } = ringsOf(bytes);
  const rings = contents.map((content, i) => {
    let size = MIN_RING;
    while (size < content.length) size *= 2;
    const ring = new MadeRing(size, starts[i]);
    ring.put(content);
    return ring;
  });
  return new MadePass(...rings);
}

/** Takes the rings with as much room at a time as `room` gives; returns what was written for each ring. */
function takeAll(bytes: Uint8Array, room: () => number): { written: Uint8Array[]; pass: MadePass } {
  const stacks = new LiveStacks(LIVE_EVENTS, LIVE_PLACES, {
    files: filesOf(),
    openingMs: Infinity,
    memory: MEMORY,
  });
  const pass = passOf(bytes);
  pass.isLast = true; // however full the rings are, all stacks are unwound
  for (let passes = 0;; passes++) {
    pass.room = room();
    if (stacks.take(pass)) break;
    if (passes > bytes.length) throw new Error("it takes nothing though there is room");
  }
  stacks.close();
  const written = pass.rings.map((_, i) =>
    concat(pass.given.filter(({ ring }) => ring === i).map(({ bytes }) => bytes))
  );
  return { written, pass };
}

/** Sizes of the records up to a header that is none. */
function sizesIn(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), sizes: number[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = view.getUint16(at + 6, true);
    if (size < 8 || size % 8 !== 0 || size > bytes.length - at) break;
    sizes.push(size);
    at += size;
  }
  return sizes;
}

/** The entries of a sample's chain, as pairs of words; undefined where it has none. */
function chainOf(
  record: Uint8Array<ArrayBuffer>,
  table: EventTable,
): [low: number, high: number][] | undefined {
  const u32 = new Uint32Array(record.buffer), event = table.ofSample(u32, 0, record.length);
  if (event < 0 || record.length < table.events[event].layout.minSize) return undefined;
  const at = callchainOffset(table.events[event].layout, u32, 0, record.length) >>> 2, count = u32[at];
  if (4 * at + 8 + 8 * count > record.length) return undefined;
  return Array.from({ length: count }, (_, i) => [u32[at + 2 + 2 * i], u32[at + 3 + 2 * i]]);
}

const isUser = ([low, high]: [number, number]) => high === 0xffffffff && low === (PERF_CONTEXT.USER >>> 0);

/** Checks that the chain of a sample is as it was taken, with addresses of code, and at most one mark, behind it. */
function checkSample(
  taken: Uint8Array<ArrayBuffer>,
  written: Uint8Array<ArrayBuffer>,
  table: EventTable,
): void {
  const before = chainOf(taken, table), after = chainOf(written, table);
  if (before === undefined || after === undefined || before.join() === after.join()) return;
  const user = before.findIndex(isUser), kernel = user < 0 ? before : before.slice(0, user);
  const added = after.slice(kernel.length);
  if (kernel.join() !== after.slice(0, kernel.length).join()) {
    throw new Error("the kernel's part of a chain changed");
  }
  if (added.length === 0) return;
  if (!isUser(added[0])) throw new Error("callers without a context");
  const marks = added.slice(1).filter(([low, high]) => endOfMark(low, high) >= 0);
  if (marks.length > 1 || (marks.length === 1 && marks[0] !== added.at(-1))) {
    throw new Error("a mark among callers");
  }
  for (const [low, high] of added.slice(1, added.length - marks.length)) {
    if (high >= 1 << 15) throw new Error(`a caller at ${high.toString(16)}:${low.toString(16)}`);
  }
}

function recordsIn(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  let at = 0;
  return sizesIn(bytes).map((size) => new Uint8Array(bytes.subarray(at, at += size)));
}

function takeLive(bytes: Uint8Array): void {
  const { written, pass } = takeAll(bytes, () => Infinity);
  const { contents, starts } = ringsOf(bytes);
  const table = new EventTable();
  for (const { attr, ids } of fileEvents(LIVE_EVENTS)) table.add(describeEvent(attr, ids));
  contents.forEach((content, i) => {
    const taken = sizesIn(content), given = sizesIn(written[i]), { tail, head } = pass.rings[i];
    const sum = taken.reduce((all, size) => all + size, 0);
    if (taken.length !== given.length) throw new Error(`${given.length} records for ${taken.length}`);
    if (given.reduce((all, size) => all + size, 0) !== written[i].length) {
      throw new Error("a record is broken");
    }
    if (tail - starts[i] !== sum) throw new Error("it gives back what it has not taken");
    if ((tail !== head) !== pass.refused.includes(i)) throw new Error("a broken ring is not refused");
  });
  contents.forEach((content, i) => {
    const records = recordsIn(written[i]);
    for (const [at, taken] of recordsIn(content).entries()) {
      const isSample = new DataView(taken.buffer).getUint32(0, true) === PERF_RECORD.SAMPLE;
      if (isSample) checkSample(taken, records[at], table);
    }
  });
  let room = 1 + choiceBy(bytes, 5000);
  const again = takeAll(bytes, () => room = (room * 7919) % MAX_ROOM).written;
  again.forEach((all, i) => {
    const records = recordsIn(all), before = recordsIn(written[i]);
    if (
      records.length !== before.length || !records.every((record, at) => record.join() === before[at].join())
    ) {
      throw new Error("with little room, other records are written");
    }
  });
}

export function liveTargets(): Target[] {
  return [
    {
      name: "live-stacks",
      what: "rings of records with stacks, sound and made up, unwound as while recording",
      weight: 10,
      make(random) {
        const bytes = makeLiveRings(random);
        if (!random.oneIn(3)) return { bytes, made: "made up" };
        return { bytes: mutateBytes(bytes, random, 16), made: "made up and changed" };
      },
      take: takeLive,
    },
  ];
}
