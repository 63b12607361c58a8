import { assertEquals } from "@std/assert";
import type { SetInfo } from "../../../lib/counters/named/protocol.ts";
import {
  bufferJson,
  bufferText,
  lastCounts,
  setsJson,
  setsText,
} from "../../../lib/counters/named/set_rows.ts";

const INFO: SetInfo = {
  name: "web",
  target: { kind: "process", pids: [412] },
  pmus: ["cpu"],
  state: "counting",
  counters: [{ name: "page-faults", unit: "" }, { name: "task-clock", unit: "ns" }],
  boundAtMs: Date.UTC(2024, 1, 29, 12, 0, 1, 500),
  holder: 99,
};

const BUFFER = {
  hrtimeNs: 123456789n,
  tickNs: 500n,
  counts: [12n, 1n << 60n],
  places: [
    { place: "thread 412", tickNs: 200n, counts: [5n, 1n] },
    { place: "thread 413", tickNs: 300n, counts: [7n, 2n] },
  ],
};

Deno.test("a sample as text: a header and the whole, with each place when asked", () => {
  assertEquals(
    bufferText(INFO, BUFFER, false),
    `   hrtime  tick  page-faults       task-clock(ns)
123456789   500           12  1152921504606846976
`,
  );
  assertEquals(
    bufferText(INFO, BUFFER, true),
    `place          hrtime  tick  page-faults       task-clock(ns)
thread 412  123456789   200            5                    1
thread 413  123456789   300            7                    2
total       123456789   500           12  1152921504606846976
`,
  );
});

Deno.test("a sample as JSON keeps counts exact: digits in a string above 2^53", () => {
  assertEquals(JSON.parse(bufferJson(INFO, BUFFER, true)), {
    schema: "pmuctl.sample/1",
    name: "web",
    state: "counting",
    hrtime: 123456789,
    tick: 500,
    counts: [
      { name: "page-faults", unit: "", count: 12 },
      { name: "task-clock", unit: "ns", count: "1152921504606846976" },
    ],
    places: [
      {
        place: "thread 412",
        tick: 200,
        counts: [{ name: "page-faults", unit: "", count: 5 }, { name: "task-clock", unit: "ns", count: 1 }],
      },
      {
        place: "thread 413",
        tick: 300,
        counts: [{ name: "page-faults", unit: "", count: 7 }, { name: "task-clock", unit: "ns", count: 2 }],
      },
    ],
  });
  assertEquals(JSON.parse(bufferJson(INFO, undefined, true)), {
    schema: "pmuctl.sample/1",
    name: "web",
    state: "counting",
    counts: null,
  });
});

Deno.test("the list of sets says what is known of each", () => {
  const entries = [{ name: "web", answer: { info: INFO } }, {
    name: "stuck",
    problem: "its holder does not answer",
  }];
  assertEquals(
    setsText(entries),
    `name   state     since                 target   events
web    counting  2024-02-29T12:00:01Z  pid 412  page-faults,task-clock
stuck  unknown
`,
  );
  assertEquals(setsJson(entries).trimEnd().split("\n").map((line) => JSON.parse(line)), [
    {
      schema: "pmuctl.set/1",
      name: "web",
      state: "counting",
      since: "2024-02-29T12:00:01Z",
      target: { kind: "process", pids: [412] },
      counters: INFO.counters,
      pmus: ["cpu"],
      holder: 99,
    },
    { schema: "pmuctl.set/1", name: "stuck", problem: "its holder does not answer" },
  ]);
});

Deno.test("the last counts of a set fit into a sentence", () => {
  assertEquals(
    lastCounts({ info: INFO, buffer: BUFFER }),
    "its last counts are page-faults 12, task-clock 1152921504606846976 ns",
  );
  assertEquals(lastCounts({ info: INFO }), "it had lost its counters, so there are no last counts");
});
