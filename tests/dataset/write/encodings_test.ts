import { assertEquals } from "@std/assert";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { appendDeltas } from "../../../lib/dataset/write/delta.ts";
import { PageBuffer } from "../../../lib/dataset/write/page_buffer.ts";
import { appendHybrid, bitsOf } from "../../../lib/dataset/write/rle.ts";

/** Numbers that look random, and are the same in every run. */
function* pseudoRandom(): Generator<number, never> {
  for (let state = 1;;) yield (state = Math.imul(state, 1103515245) + 12345 & 0x7fffffff) / 0x80000000;
}

const viewOf = (page: PageBuffer) => new DataView(page.data.buffer, 0, page.length);

Deno.test("hyparquet reads the numbers of dictionaries that were packed, at every width and length", () => {
  const random = pseudoRandom();
  for (let width = 1; width <= 24; width++) {
    for (const length of [0, 1, 7, 8, 9, 63, 1000]) {
      const most = 2 ** width;
      // runs of equal ones between others
      const values = new Int32Array(length);
      for (let i = 0; i < length;) {
        const run = random.next().value < 0.3 ? Math.floor(random.next().value * 40) : 1;
        values.fill(Math.floor(random.next().value * most), i, i += run);
      }
      const page = new PageBuffer(1);
      appendHybrid(page, values, width);
      const read: number[] = new Array(length).fill(-1);
      readRleBitPackedHybrid({ view: viewOf(page), offset: 0 }, width, read, page.length);
      assertEquals(read, Array.from(values), `width ${width}, length ${length}`);
    }
  }
});

Deno.test("a number of bits holds all numbers below a count", () => {
  assertEquals([0, 1, 2, 3, 4, 5, 256, 257].map(bitsOf), [1, 1, 1, 2, 2, 3, 8, 9]);
});

Deno.test("hyparquet reads packed differences, small and large, up and down", () => {
  const random = pseudoRandom();
  for (const range of [1, 2, 200, 70_000, 2 ** 31, 2 ** 40, 2 ** 50]) {
    for (const length of [1, 2, 32, 33, 128, 129, 130, 1000]) {
      const values = Float64Array.from({ length }, () => Math.floor((random.next().value - 0.5) * range));
      const page = new PageBuffer(1);
      appendDeltas(page, values);
      const read = new BigInt64Array(length);
      deltaBinaryUnpack({ view: viewOf(page), offset: 0 }, length, read);
      assertEquals(
        Array.from(read, Number),
        Array.from(values, (value) => value + 0),
        `range ${range}, length ${length}`,
      );
    }
  }
});
