/** What programs write about code that they made: perf maps and jitdumps. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { readJitDump } from "../../../lib/symbols/jit/jitdump.ts";
import { parsePerfMap } from "../../../lib/symbols/jit/perf_map.ts";
import type { SymbolTable } from "../../../lib/symbols/table/symbol_table.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { recordingOfCode } from "../made/code_recording.ts";
import { mutateBytes, mutateText } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

/** Where the recordings of code_recording.ts have their samples. */
const CODE = 0x7f0000001000;
const NAMES = ["LazyCompile:*fib /tmp/j.js:1:13", "Function:~f", "x", "", "_ZN3foo3barEv", ...HOSTILE_NAMES];

/** A dump of records that mostly are of the right form. */
export function makeJitDump(random: Random): Uint8Array<ArrayBuffer> {
  const little = !random.oneIn(5);
  const w = new ByteWriter(1024, little);
  w.u32(random.oneIn(30) ? random.u32() : 0x4a695444).u32(1).u32(random.oneIn(15) ? random.u32() : 40).u32(
    62,
  );
  w.u32(0).u32(100).u64(0).u64(random.oneIn(30) ? 1 : 0);
  for (let n = random.below(12), time = 1_000_000_000; n > 0; n--) {
    time += random.below(200) - 20;
    const type = random.oneIn(15) ? random.below(300) : random.pick([0, 0, 0, 1, 2, 3, 4]);
    const body = jitRecord(random, little, type);
    const size = random.oneIn(15)
      ? random.pick([0, 8, 15, 16, body.length, 2 ** 31, 2 ** 32 - 1])
      : 16 + body.length;
    w.u32(type).u32(size).u64(random.oneIn(20) ? random.u64() : time).raw(body);
  }
  const bytes = w.bytes();
  return random.oneIn(3) ? mutateBytes(bytes, random) : bytes.slice();
}

function jitRecord(random: Random, little: boolean, type: number): Uint8Array {
  const w = new ByteWriter(256, little);
  const address = () => random.oneIn(8) ? random.u64() : BigInt(CODE + 64 * random.below(8));
  const size = random.oneIn(8) ? random.u64() : BigInt(random.below(300));
  const index = random.oneIn(8) ? random.u64() : BigInt(random.below(4));
  if (type === 0) {
    w.u32(100).u32(100).u64(address()).u64(address()).u64(size).u64(index);
    w.raw(new TextEncoder().encode(random.pick(NAMES)));
    if (!random.oneIn(8)) w.u8(0);
    w.zeros(random.below(40));
  } else if (type === 1) {
    w.u32(100).u32(100).u64(address()).u64(address()).u64(address()).u64(size).u64(index);
  } else if (type === 2) {
    const lines = random.below(4);
    w.u64(address()).u64(random.oneIn(4) ? random.u64() : lines);
    for (let i = 0; i < lines; i++) w.u64(address()).u32(i).u32(0).paddedString("a.js", 1);
  } else {
    w.u64(size).u64(16).u64(16).zeros(random.below(32));
  }
  return w.bytes();
}

/** Asks a table everything that a report may. */
function ask(table: SymbolTable | undefined): void {
  if (table === undefined) return;
  for (const address of [0, CODE, CODE + 64, CODE + 100, -1, 0x400010, 0x7fbb977c6050]) {
    const at = table.find(address);
    if (at >= table.length || (at >= 0 && typeof table.name(at) !== "string")) {
      throw new Error(`symbol ${at}`);
    }
  }
}

/** Reads a recording that has samples in code described by `bytes`. */
async function load(path: string, bytes: Uint8Array): Promise<void> {
  const recording = recordingOfCode(path);
  const profile = await loadProfile(new MemoryBytes(recording, "input"), {
    open: (object) => object.kind === "jit" ? new MemoryBytes(bytes, object.path) : undefined,
    kallsyms: () => undefined,
  });
  if (profile.samples.count.length === 0) throw new Error("samples have gone");
}

const PERF_MAPS = [
  "400000 100 JS:fib a.js:1\n400100 80 JS:*main\n",
  "7fbb977c6040 180 x\n",
  `${CODE.toString(16)} 40 LazyCompile:*fib /tmp/j.js:1:13\n${
    (CODE + 0x20).toString(16)
  } 80 over\n0x10 8 no\n`,
];
const WORDS = [
  "\n",
  " ",
  "ffffffffffffffff",
  "0",
  "7f0000001000 40 ",
  "g",
  "0x",
  "\0",
  "\t",
  "1".repeat(40),
  ...HOSTILE_NAMES,
];

export function jitTargets(): Target[] {
  return [
    {
      name: "jitdump",
      what: "jit-PID.dump, alone and below a recording",
      weight: 8,
      make: (random) => ({ bytes: makeJitDump(random), made: "made up" }),
      async take(bytes) {
        await load("/tmp/jit-100.dump", bytes);
        ask(readJitDump(new MemoryBytes(bytes, "jit-100.dump")).symbols);
      },
    },
    {
      name: "perf-map",
      what: "perf-PID.map, alone and below a recording",
      weight: 8,
      make(random) {
        const text = new TextEncoder().encode(mutateText(PERF_MAPS, WORDS, random));
        // what is no text, and many lines
        if (random.oneIn(4)) return { bytes: mutateBytes(text, random), made: "bytes changed" };
        if (!random.oneIn(50)) return { bytes: text, made: "text changed" };
        return { bytes: concat(Array(1 + random.below(2000)).fill(text)), made: "text many times" };
      },
      async take(bytes) {
        ask(parsePerfMap(new MemoryBytes(bytes, "perf-100.map")).symbols);
        await load("//anon", bytes);
      },
    },
  ];
}
