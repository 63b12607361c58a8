/** Overlapping ranges against a canvas of one cell an address. */

import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { RangePainter } from "../../../lib/symbols/dwarf/painted_ranges.ts";
import { Budget, Cost, LimitError } from "../../../lib/symbols/object/limits.ts";
import { Random } from "../../fuzz/random.ts";

const SIZE = 64;

Deno.test("each address belongs to the range over it that was added last", () => {
  for (let run = 0; run < 500; run++) {
    const random = new Random(1, run), painter = new RangePainter(new Cost());
    const canvas = new Int32Array(SIZE).fill(-1);
    for (let owner = 0, count = random.below(12); owner < count; owner++) {
      const low = random.below(SIZE), high = low + 1 + random.below(SIZE - low);
      painter.add(low, high, owner);
      canvas.fill(owner, low, high);
    }
    const painted = painter.paint();
    assertEquals(Int32Array.from(canvas.keys(), (address) => painted.at(address)), canvas, `run ${run}`);
    assertEquals([painted.at(-1), painted.at(SIZE + SIZE), painted.at(NaN)], [-1, -1, -1]);
  }
});

Deno.test("a hundred thousand ranges inside each other are painted in time", () => {
  const count = 100_000, painter = new RangePainter(new Cost());
  for (let i = 0; i < count; i++) painter.add(i, 2 * count - i, i);
  const started = performance.now();
  const painted = painter.paint();
  assertLess(performance.now() - started, 2000);
  assertEquals([0, count - 1, count, 2 * count - 1].map((at) => painted.at(at)), [
    0,
    count - 1,
    count - 1,
    0,
  ]);
});

Deno.test("ranges are charged for", () => {
  const painter = new RangePainter(new Cost(new Budget(1)));
  assertThrows(
    () => {
      for (;;) painter.add(0, 1, 0);
    },
    LimitError,
    "MiB of memory",
  );
});
