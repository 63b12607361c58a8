/** The page of `pmuctl trend`, in a real browser. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CHANGE_POINT_DEFAULTS } from "../../lib/check/statistics/change_points.ts";
import { trendsOf } from "../../lib/check/trend/trend.ts";
import { trendHtml } from "../../lib/check/trend/trend_html.ts";
import type { TrendSeries } from "../../lib/check/trend/trend_series.ts";
import { testNeeding } from "../needs.ts";
import { withPage } from "./chromium.ts";

const MACHINE = {
  arch: "a",
  cores: "2",
  cpu: "c",
  governor: "g",
  kernel: "k",
  tool: "t",
  virtualization: "v",
};

function seriesOf(benchmark: string, values: readonly number[]): TrendSeries {
  const points = values.map((value, i) => ({
    ...{ time: Date.UTC(2026, 0, 1 + i), commit: `${1000000 + i}`, dirty: false, value, machine: MACHINE },
  }));
  return { benchmark, rung: "wall", unit: "ns", machine: {}, points, later: 0 };
}

testNeeding(
  ["chromium"],
  "the page of trends shows its plots within their frames, in light and in dark",
  async () => {
    const values = Array.from({ length: 60 }, (_, i) => 1e6 + 1e3 * (i * 7 % 5) + (i >= 45 ? 5e4 : 0));
    const series = [seriesOf("slower", values), seriesOf("<i>one</i>", [5]), seriesOf("equal", [7, 7, 7, 7])];
    const trends = trendsOf(series, { ...CHANGE_POINT_DEFAULTS, recent: 30, threshold: 0.001 });
    const file = await Deno.makeTempFile({ suffix: ".html" });
    try {
      const report = { file: "perf.jsonl", branch: "main", trends, recent: 30, notes: ["a note"] };
      await Deno.writeTextFile(file, [...trendHtml(report)].join(""));
      const grounds: string[] = [];
      for (const dark of [false, true]) {
        await withPage({ dark }, async (page) => {
          await page.open(file);
          assertEquals(await page.evaluate("[...document.querySelectorAll('circle')].length"), 65);
          assertEquals(await page.evaluate("document.querySelectorAll('.change.up').length"), 1);
          assertEquals(await page.evaluate("document.querySelectorAll('i').length"), 0);
          const outside = `[...document.querySelectorAll('svg')].some((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('circle, text, line')].some((each) => {
            const { left, right, top, bottom } = each.getBoundingClientRect();
            return !(left >= frame.left - 1 && right <= frame.right + 1 && top >= frame.top - 1 && bottom <= frame.bottom + 1);
          });
        })`;
          assertEquals(await page.evaluate(outside), false);
          assert(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
          assertEquals([page.problems, page.requests], [[], []]);
          grounds.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
        });
      }
      assertNotEquals(grounds[0], grounds[1]);
    } finally {
      await Deno.remove(file);
    }
  },
);
