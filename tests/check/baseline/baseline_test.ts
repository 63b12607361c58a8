import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import {
  type Baseline,
  BASELINE_SCHEMA,
  parseBaseline,
  renderBaseline,
} from "../../../lib/check/baseline/baseline.ts";

const MACHINE = {
  arch: "x86_64",
  cores: "2",
  cpu: "Some CPU",
  governor: "none",
  kernel: "6.1.0",
  tool: "pmuctl 0.1.0",
  virtualization: "none",
};
const BASELINE: Baseline = {
  sort: {
    command: ["sort", "-n", ""],
    machine: MACHINE,
    metrics: {
      "task-clock": { rung: "task-clock", samples: [12345678, 12345679.5], gauge: [2, 3] },
      best: { rung: "instructions(valgrind-3.19.0)", samples: [40124178] },
    },
    wall: [20123456, 20123999],
  },
};

Deno.test("a baseline comes back as it was written", () => {
  assertEquals(parseBaseline("b.json", renderBaseline(BASELINE)), BASELINE);
});

Deno.test("renderBaseline() sorts keys and keeps each list on a line, so that git shows what changed", () => {
  const lines = renderBaseline(BASELINE).split("\n");
  assertEquals(
    lines.findIndex((line) => line.includes('"best"')) <
      lines.findIndex((line) => /task-clock": {/.test(line)),
    true,
  );
  assertEquals(lines.filter((line) => line.includes('"samples": [12345678, 12345679.5]')).length, 1);
  const { sort } = BASELINE;
  const { metrics, machine, command, wall } = sort;
  const reordered = { sort: { wall, metrics, machine: { ...machine }, command } };
  assertEquals(renderBaseline(reordered), renderBaseline(BASELINE));
});

Deno.test("parseBaseline() refuses what is not one, and names the place", () => {
  const change = (from: string, to: string) => renderBaseline(BASELINE).replace(from, to);
  const cases: [string, string][] = [
    ["{", "is not JSON"],
    ["[]", "expected an object"],
    [change(BASELINE_SCHEMA, "pmuctl-baseline/99"), "create a new one with --update"],
    [change("40124178", '"x"'), "benchmarks.sort.metrics.best.samples[0]: expected a number above 0"],
    [change("40124178", "0"), "benchmarks.sort.metrics.best.samples[0]: expected a number above 0"],
    [
      change("[40124178]", "[]"),
      "benchmarks.sort.metrics.best.samples: expected a list of at least one number",
    ],
    [change('"kernel": "6.1.0",', ""), "benchmarks.sort.machine.kernel: expected a string"],
    [change('"rung": "task-clock"', '"rnug": "task-clock"'), "did you mean 'rung'?"],
  ];
  for (const [text, words] of cases) {
    const { message } = assertThrows(() => parseBaseline("b.json", text), BadInputError);
    assertStringIncludes(message, "b.json");
    assertStringIncludes(message, words);
  }
});
