/** Summary of a command's run: counts with their ratios, and what was not counted. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type RunSummary, SUMMARY_EVENTS, summaryJson, summaryText } from "../../lib/run/run_summary.ts";

const usage = {
  utimeNs: 400e6,
  stimeNs: 100e6,
  maxrssBytes: 0,
  minflt: 0,
  majflt: 0,
  inblock: 0,
  oublock: 0,
  nvcsw: 0,
  nivcsw: 0,
};
const VALUES = [500e6, 25, 0, 1_200_000, 1.5e9, 3e9, 600e6, 6e6];

function summaryOf(
  { values = VALUES, running = 1, measured = [], absent = [] }: {
    values?: number[];
    running?: number;
    measured?: [string, string][];
    absent?: [string, string][];
  } = {},
): RunSummary {
  const names = SUMMARY_EVENTS.split(",");
  const counts = new Map(values.map((value, i) => [names[i], { value, running }]));
  return {
    argv: ["make", "-j2"],
    run: { code: 0, wallNs: 1e9, usage, counts },
    measured: new Map(measured),
    absent: new Map(absent),
  };
}

Deno.test("summaryText() has a ratio for each count, as perf stat has, and the times", () => {
  assertEquals(
    summaryText(summaryOf()),
    `
 make -j2

        500.00 ms  task-clock        # 0.500 CPUs used
            25     context-switches  # 50.000 per second of CPU time
             0     cpu-migrations
     1,200,000     page-faults       # 2.4 M per second of CPU time
 1,500,000,000     cycles            # 3.000 GHz
 3,000,000,000     instructions      # 2.000 per cycle
   600,000,000     branches          # 1.2 G per second of CPU time
     6,000,000     branch-misses     # 1.00% of all branches

      1.000000 s   elapsed
      0.400000 s   user
      0.100000 s   sys
`,
  );
});

Deno.test("summaryText() tells a reason once, for all events that it is of", () => {
  const absent: [string, string][] = [["cycles", "no PMU"], ["instructions", "no PMU"], [
    "branches",
    "in use",
  ]];
  const text = summaryText(summaryOf({ values: VALUES.slice(0, 2), absent }));
  assertStringIncludes(text, "\nnot counted: cycles, instructions: no PMU\nnot counted: branches: in use\n");
});

Deno.test("a count of user space alone is set against no count that has the kernel in it", () => {
  const text = summaryText(summaryOf({ measured: [["task-clock", "task-clock:u"], ["cycles", "cycles"]] }));
  assertStringIncludes(text, " task-clock:u      # 0.500 CPUs used\n");
  assertStringIncludes(text, " cycles\n");
  assertStringIncludes(text, " instructions      # 2.000 per cycle\n");
});

Deno.test("a count that shared its counter says for how long it was counted", () => {
  assertStringIncludes(
    summaryText(summaryOf({ running: 0.5 })),
    "# 3.000 GHz  (scaled, counted 50% of the time)\n",
  );
  const { counts } = JSON.parse(summaryJson(summaryOf({ running: 0.5 })));
  assertEquals(counts[4], {
    name: "cycles",
    count: 1.5e9,
    unit: "",
    scaled: true,
    share: 0.5,
    ratio: 3,
    ratioUnit: "GHz",
  });
});

Deno.test("control characters in a command's words do not reach the terminal", () => {
  const text = summaryText({ ...summaryOf(), argv: ["a\x1b[2Jb"] });
  assertEquals(text.includes("\x1b"), false);
});
