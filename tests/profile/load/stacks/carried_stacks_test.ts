import { assertEquals, assertThrows } from "@std/assert";
import { BadInputError } from "../../../../lib/base/system/errors.ts";
import type { SampleCursor } from "../../../../lib/perfdata/read/reader.ts";
import { CarriedStacks } from "../../../../lib/profile/load/stacks/carried_stacks.ts";
import { BlockWriter } from "../../../../lib/symbols/bundle/blocks.ts";
import { ObjectTable } from "../../../../lib/symbols/object/objects.ts";
import { END } from "../../../../lib/unwind/ends.ts";

const SHORT = JSON.stringify({ end: END.SHORT, room: 8192 });
const UNREADABLE = JSON.stringify({
  end: END.UNREADABLE,
  room: 8192,
  object: ["file", -1, "0:0", "0", "/bin/gone"].join("\0"),
  unreadable: { cause: "no file", remedy: "put it back" },
});

interface Columns {
  ways?: string[];
  times?: number[];
  threads?: number[];
  stacks?: number[];
  cuts?: number[];
  addresses?: number[];
  parents?: number[];
}

/** Numbers that a writer does not look at. */
const ANY = [0, 0] as const;

/** Four samples of two threads: one whole stack of two frames, one without a stack, and two that end early. */
function payload({
  ways = [SHORT, UNREADABLE],
  times = [10, 20, 20, 30],
  threads = [1, 1, 2, 1],
  stacks = [1, -2, 0, -1],
  cuts = [-1, -1, 1, 0],
  addresses = [0x1000, 0x7fff_0000_2000],
  parents = [-1, 0],
}: Columns = {}): Uint8Array {
  const samples = { times: "doubles", threads: ANY, stacks: ANY, cuts: ANY } as const;
  return new BlockWriter().table({ ways: "strings" }, { ways }).table(samples, {
    times: Float64Array.from(times),
    threads: Int32Array.from(threads),
    stacks: Int32Array.from(stacks),
    cuts: Int32Array.from(cuts),
  }).table({ addresses: "doubles", parents: ANY }, {
    addresses: Float64Array.from(addresses),
    parents: Int32Array.from(parents),
  }).payload();
}

function carried(columns?: Columns) {
  const table = new ObjectTable();
  table.of({ pid: 1, filename: "/bin/gone", pgoff: 0 });
  const stacks = new CarriedStacks(payload(columns), table);
  const of = (time: number, tid: number, size = 8000) => {
    if (!stacks.unwind({ time, tid, size } as SampleCursor)) return undefined;
    const { words, count, cut } = stacks;
    const addresses = Array.from({ length: count }, (_, i) => words[2 * i] + 2 ** 32 * words[2 * i + 1]);
    return [...addresses, cut < 0 ? "whole" : table.rows[cut].name];
  };
  return { stacks, of };
}

Deno.test("CarriedStacks gives each sample the stack that was unwound for it, and says which are cut", () => {
  const { stacks, of } = carried();
  assertEquals([of(10, 1), of(20, 1), of(20, 2), of(30, 1), of(40, 1)], [
    [0x7fff_0000_2000, 0x1000, "whole"],
    undefined,
    [0x1000, "[unreadable object: gone]"],
    ["[stack cut]"],
    undefined,
  ]);
  const { unwound, whole, cut } = stacks.summary();
  assertEquals([unwound, whole], [3, 1]);
  assertEquals(cut.map(({ remedy }) => remedy).sort(), [
    "no file: put it back",
    "record with --call-graph dwarf,16384",
  ]);
});

Deno.test("CarriedStacks passes over samples that are left out, and over times where there are none", () => {
  assertEquals(carried().of(20, 2), [0x1000, "[unreadable object: gone]"]);
  assertEquals(carried().of(30, 1), ["[stack cut]"]);
  const { of } = carried({ times: [NaN, NaN, NaN, NaN] });
  assertEquals([of(NaN, 1)?.length, of(NaN, 1), of(NaN, 2)?.length], [3, undefined, 2]);
});

Deno.test("CarriedStacks gives no sample more frames than its copy can have", () => {
  const frames = Array.from({ length: 5000 }, (_, i) => i);
  const { of } = carried({
    stacks: [99, 1000, 4999, 4095],
    addresses: frames,
    parents: frames.map((i) => i - 1),
  });
  assertEquals([of(10, 1, 800)?.length, of(20, 1, 800), of(20, 2, 65000), of(30, 1, 65000)?.length], [
    101,
    undefined,
    undefined,
    4097,
  ]);
});

Deno.test("CarriedStacks refuses rows that do not exist, chains without an end, and columns of different lengths", () => {
  const wrong: Columns[] = [
    { stacks: [2, -2, 0, -1] },
    { stacks: [-3, -2, 0, -1] },
    { cuts: [-1, -1, 2, 0] },
    { parents: [1, 0] },
    { parents: [0, 0] },
    { parents: [-1] },
    { threads: [1] },
    { times: [] },
    { ways: ["{", SHORT] },
    { ways: ["null", SHORT] },
    { ways: [JSON.stringify({ end: 99, room: 0 }), SHORT] },
    { ways: [JSON.stringify({ end: 1, room: 0, object: 7 }), SHORT] },
  ];
  for (const columns of wrong) assertThrows(() => carried(columns), BadInputError, "damaged");
  const whole = payload();
  for (let size = 0; size < whole.length; size++) {
    assertThrows(() => new CarriedStacks(whole.subarray(0, size), new ObjectTable()), BadInputError);
  }
});
