import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { parseConfig } from "../../../lib/check/baseline/config.ts";

Deno.test("parseConfig() reads how commands are run", () => {
  const how = {
    ...{ prepare: "sync", setup: ["make", "data"], cleanup: "rm data", shell: true },
    ...{ input: "data", allowStatus: [1, 2], warmup: 0 },
  };
  const { benchmarks } = parseConfig(
    "c.json",
    JSON.stringify({ benchmarks: [{ name: "a", command: "./a", ...how }] }),
  );
  assertEquals(benchmarks, [{
    ...{ name: "a", command: "./a", metrics: [], thresholds: { all: undefined, byMetric: {} } },
    ...how,
  }]);
  const wrong = [
    ['"shell": 1', "true or false"],
    ['"warmup": -1', "from 0 to 1000000"],
    ['"allowStatus": [256]', "from 1 to 255"],
    ['"keepEnv": ["A=B"]', "without a value"],
    ['"setup": ""', "benchmarks[0].setup: expected a command, or no such member"],
    ['"cleanup": "  "', "benchmarks[0].cleanup: expected a command"],
    ['"prepare": [""]', "benchmarks[0].prepare: expected a command"],
    ['"against": []', "benchmarks[0].against: expected a command"],
    ['"input": ""', "benchmarks[0].input: expected a string that is not empty"],
    ['"warmup": 1e9', "benchmarks[0].warmup: expected a whole number from 0 to 1000000"],
    ['"maxRuns": 100001', "from 2 to 100000"],
    ['"budget": 0.01', "from 0.1 to 1000000"],
    [
      '"budget": "soon"',
      "benchmarks[0].budget: expected a number from 0.1 to 1000000, or auto or auto:SECONDS",
    ],
    ['"timeout": 1e9', "from 0.001 to 1000000"],
  ];
  for (const [member, expected] of wrong) {
    const text = `{ "benchmarks": [{ "name": "a", "command": "./a", ${member} }] }`;
    assertStringIncludes(assertThrows(() => parseConfig("c.json", text), BadInputError).message, expected);
  }
});

Deno.test("parseConfig() gives benchmarks what is said for all, unless they say", () => {
  const { baseline, benchmarks } = parseConfig(
    "pmuctl.json",
    JSON.stringify({
      baseline: "perf.json",
      metrics: ["best", "max-rss"],
      threshold: 3,
      thresholds: { "max-rss": 10, wall: 5 },
      budget: 60,
      benchmarks: [
        { name: "a", command: "./a -n 5" },
        {
          name: "b",
          command: ["./b", ""],
          against: "./old",
          metrics: ["wall"],
          thresholds: { wall: 4 },
          maxRuns: 50,
        },
      ],
    }),
  );
  assertEquals(baseline, "perf.json");
  assertEquals(benchmarks, [
    {
      name: "a",
      command: "./a -n 5",
      metrics: ["best", "max-rss"],
      thresholds: { all: 3, byMetric: { "max-rss": 10, wall: 5 } },
      budget: { seconds: 60 },
    },
    {
      name: "b",
      command: ["./b", ""],
      against: "./old",
      metrics: ["wall"],
      thresholds: { all: 3, byMetric: { "max-rss": 10, wall: 4 } },
      budget: { seconds: 60 },
      maxRuns: 50,
    },
  ]);
});

Deno.test("parseConfig() refuses what it does not know, and names the place", () => {
  const cases: [unknown, string][] = [
    [{}, "benchmarks: expected a list"],
    [{ benchmarks: [] }, "it has no benchmarks"],
    ...[{ baselineBranch: "main" }, { baselineBranch: "main", history: "h", baseline: "b" }].map((
      made,
    ): [unknown, string] => [
      { ...made, benchmarks: [{ name: "a", command: "x" }] },
      "baselineBranch is a branch of the history: give history, and leave baseline out",
    ]),
    [{ benchmarks: [{ name: "a" }] }, "benchmarks[0].command: expected a list"],
    [{ benchmarks: [{ name: "a", command: [] }] }, "benchmarks[0].command: expected a command"],
    [{ benchmarks: [{ name: "a", command: "x", treshold: 2 }] }, "did you mean 'threshold'?"],
    [
      { benchmarks: [{ name: "a", command: "x", threshold: -1 }] },
      "benchmarks[0].threshold: expected a number above 0",
    ],
    [
      { benchmarks: [{ name: "a", command: "x" }, { name: "a", command: "y" }] },
      "two benchmarks are named 'a'",
    ],
    [{ benchmarks: [{ name: "a", command: "x", maxRuns: 2.5 }] }, "a whole number from 2 to 100000"],
  ];
  for (const [config, words] of cases) {
    const { message } = assertThrows(() => parseConfig("pmuctl.json", JSON.stringify(config)), BadInputError);
    assertStringIncludes(message, words);
  }
});
