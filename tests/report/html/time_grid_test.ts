import { assert, assertEquals } from "@std/assert";
import { timeGrid } from "../../../lib/report/html/time_grid.ts";

const SECOND = 1e9;

Deno.test("timeGrid() has columns of a second, or of less and more where there would be few or many", () => {
  const grids = [0.000_02, 0.004, 0.3, 1.5, 4, 20, 90, 280, 600, 3600, 86_400, 30 * 86_400].map((seconds) => {
    const { bucketNs, columnBuckets } = timeGrid(seconds * SECOND, 6000);
    const columnNs = bucketNs * columnBuckets;
    return [seconds, columnNs / SECOND, Math.ceil(seconds * SECOND / columnNs), columnBuckets];
  });
  assertEquals(grids, [
    // length, seconds a column, columns, buckets a column
    [0.000_02, 0.000_000_5, 40, 50],
    [0.004, 0.0001, 40, 80],
    [0.3, 0.01, 30, 80],
    [1.5, 0.05, 30, 80],
    [4, 0.1, 40, 80],
    [20, 1, 20, 80],
    [90, 1, 90, 64],
    [280, 1, 280, 20],
    [600, 2, 300, 20],
    [3600, 30, 120, 50],
    [86_400, 300, 288, 20],
    [30 * 86_400, 21_600, 120, 50],
  ]);
});

Deno.test("timeGrid() cuts any time into whole buckets of whole ns, no more than it may", () => {
  for (let ns = 1; ns < 1e18; ns = Math.ceil(ns * 1.37)) {
    for (const most of [125, 500, 2000, 6000]) {
      const { bucketNs, columnBuckets } = timeGrid(ns, most);
      assert(Number.isInteger(bucketNs) && bucketNs >= 1, `${bucketNs} of ${ns}`);
      assert(
        Math.ceil(ns / bucketNs) <= Math.max(most, 300),
        `${ns}: ${Math.ceil(ns / bucketNs)} of ${most}`,
      );
      assert(columnBuckets >= 1);
      assert(ns < 15 || Math.ceil(ns / bucketNs / columnBuckets) <= 300);
    }
  }
});
