import { assertEquals, assertStringIncludes } from "@std/assert";
import { explainOutliers } from "../../../lib/check/stat/outlier_causes.ts";
import type { RunFacts } from "../../../lib/check/metrics/metrics.ts";
import { madeRun, steadyRuns } from "../run_fixtures.ts";

/** Returns eleven steady runs, one of them replaced. */
function withRun(index: number, run: RunFacts): RunFacts[] {
  return steadyRuns(11, 50, { nivcsw: 3 }).with(index, run);
}

Deno.test("explainOutliers() names none where runs are alike", () => {
  assertEquals(explainOutliers(steadyRuns(20, 50), false), []);
});

Deno.test("explainOutliers() names none of a few runs, of which any may be the odd one", () => {
  const runs = [10, 10.1, 30, 10.2, 10.1].map((wallMs) => madeRun({ wallMs }));
  assertEquals(explainOutliers(runs, true).map(({ run }) => run), [2]);
  assertEquals(explainOutliers(runs.slice(0, 4), true), []);
});

Deno.test("explainOutliers() tells a context-switch storm by the counts of that run", () => {
  const [outlier, ...others] = explainOutliers(
    withRun(4, madeRun({ wallMs: 90, cpuMs: 46, nivcsw: 412 })),
    false,
  );
  assertEquals(others, []);
  assertEquals([outlier.run, outlier.value], [4, 90e6]);
  assertEquals(outlier.reasons, [
    "a context-switch storm: others took its CPU 412 times (usually 3)",
  ]);
});

Deno.test("explainOutliers() takes a slow first run for a cold one, unless it was warmed up", () => {
  const runs = withRun(0, madeRun({ wallMs: 90, majflt: 60, nivcsw: 3 }));
  assertEquals(explainOutliers(runs, false)[0].reasons, [
    "the first run: caches were cold (-w 1 warms up)",
    "60 page faults read from a disk (usually 0)",
  ]);
  assertEquals(explainOutliers(runs, true)[0].reasons, [
    "60 page faults read from a disk (usually 0)",
  ]);
});

Deno.test("explainOutliers() tells waiting from a slow CPU where nothing else stands out", () => {
  const waited = explainOutliers(withRun(5, madeRun({ wallMs: 90, cpuMs: 45, nivcsw: 4 })), true);
  assertEquals(waited[0].reasons, ["it waited: its CPU time was as usual"]);
  const slow = explainOutliers(withRun(5, madeRun({ wallMs: 90, cpuMs: 85, nivcsw: 4 })), true);
  assertStringIncludes(slow[0].reasons[0], "lower frequency");
});

Deno.test("explainOutliers() has no reason for a fast run", () => {
  const [fast] = explainOutliers(withRun(2, madeRun({ wallMs: 20, nivcsw: 3 })), true);
  assertEquals([fast.run, fast.reasons], [2, []]);
});
