/** Samples one by one: as `perf script` prints them, and as JSON. */

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { renderScriptJson } from "../../lib/report/json/script_json.ts";
import {
  DEFAULT_SCRIPT_FIELDS,
  parseScriptFields,
  renderScript,
  type ScriptField,
  type ScriptOptions,
} from "../../lib/report/text/script.ts";
import { profileOf } from "../profile/build.ts";
import { expandedProfile } from "../profile/inlined.ts";
import { timesOf, whole } from "./whole.ts";

const DEFAULT: ScriptOptions = { fields: new Set(DEFAULT_SCRIPT_FIELDS), named: new Set() };

/** Three samples of two threads, with where their frames were. */
function sampled(): Profile {
  const profile = profileOf(["cat app!main;[kernel]!read 2 500", "böse app!main;libc.so!0x1a40 1 7"]);
  const count = profile.frames.object.length;
  return {
    ...profile,
    times: timesOf(profile),
    frames: {
      ...profile.frames,
      ip: Float64Array.from({ length: count }, (_, frame) => frame === 1 ? -0x7ea73c1f : 0x401000 + frame),
      offset: Float64Array.from(profile.frames.symbol, (symbol) => symbol < 0 ? NaN : 0x1c),
    },
  };
}

const text = (profile: Profile, options: Partial<ScriptOptions> = {}) =>
  whole(renderScript(profile, { ...DEFAULT, ...options }));

Deno.test("samples are printed in order of time, each with its callers below it", () => {
  assertEquals(
    text(sampled()),
    [
      "cat     100 [000]    10.000000:        250 cpu-clock: ",
      "\tffffffff8158c3e1 read+0x1c (/bin/[kernel])",
      "\t          401000 main+0x1c (/bin/app)",
      "",
      "böse     101 [000]    10.000001:          7 cpu-clock: ",
      "\t          401002 [unknown] (/bin/libc.so)",
      "\t          401000 main+0x1c (/bin/app)",
      "",
      "cat     100 [000]    10.000002:        250 cpu-clock: ",
      "\tffffffff8158c3e1 read+0x1c (/bin/[kernel])",
      "\t          401000 main+0x1c (/bin/app)",
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("without callers, a sample is one line", () => {
  const only = (fields: ScriptField[], options: Partial<ScriptOptions> = {}) =>
    text(sampled(), { fields: new Set(fields), hideCallers: true, ...options }).split("\n").slice(0, 2);
  assertEquals(only(["comm", "ip", "sym"]), [
    "             cat  ffffffff8158c3e1 read",
    "            böse            401002 [unknown]",
  ]);
  assertEquals(only(["pid", "tid"]), ["    100/100     ", "    101/101     "]);
  assertEquals(only(["time"], { nanoseconds: true }), ["   10.000000000: ", "   10.000001000: "]);
  assertEquals(only(["time"], { since: "first" }), ["    0.000000: ", "    0.000001: "]);
  assertEquals(only(["time"], { since: "previous", nanoseconds: true }), [
    "    0.000000000: ",
    "    0.000001000: ",
  ]);
});

Deno.test("inlined functions are lines of their own, at the address of their caller", () => {
  const profile = expandedProfile();
  const fields = new Set<ScriptField>(["ip", "sym", "dso"]);
  const lines = text({ ...profile, times: timesOf(profile) }, { fields }).split("\n\n")[0].split("\n");
  const inlined = lines.filter((line) => line.endsWith(" (inlined)"));
  assertEquals(inlined.map((line) => line.trim().split(" ")[1]), ["sort", "all"]);
  assertEquals(new Set(inlined.map((line) => line.trim().split(" ")[0])).size, 1);
});

Deno.test("names cannot act on a terminal", () => {
  const profile = sampled();
  assertEquals(text({ ...profile, comms: ["\x1b[2J", "\n"] }).includes("\x1b"), false);
});

Deno.test("JSON has a line for each sample", () => {
  const lines = whole(renderScriptJson(sampled())).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, 3);
  assertEquals({ ...lines[1], stack: lines[1].stack.slice(0, 1) }, {
    schema: "pmuctl.script/1",
    time: "10000001000",
    command: "böse",
    pid: 101,
    tid: 101,
    cpu: 0,
    event: "cpu-clock",
    period: 7,
    stack: [{ address: "0x401002", symbol: null, unnamed: "libc.so+0x1a40", object: "/bin/libc.so" }],
  });
});

Deno.test("times since 1970 are exact to the nanosecond", () => {
  const profile = sampled(), start = 1_790_000_000_123_456_789n;
  const clock = { ...profile, meta: { ...profile.meta, start } };
  assertEquals(JSON.parse(whole(renderScriptJson(clock)).split("\n")[1]).time, "1790000000123457789");
  const fields = new Set<ScriptField>(["time"]);
  assertEquals(text(clock, { fields, nanoseconds: true }).split("\n")[0], "1790000000.123456789: ");
});

Deno.test("fields are named, or change the default ones", () => {
  assertEquals(parseScriptFields("ip,sym").fields, new Set(["ip", "sym"]));
  const changed = parseScriptFields("+pid,-period");
  assertEquals(
    changed.fields,
    new Set([...DEFAULT_SCRIPT_FIELDS.filter((name) => name !== "period"), "pid"]),
  );
  assertEquals(changed.named, new Set(["pid"]));
  for (
    const wrong of [
      "",
      "ip,weight",
      "ip,+sym",
      "-comm,-tid,-cpu,-time,-period,-event,-trace,-ip,-sym,-symoff,-dso",
    ]
  ) {
    assertThrows(() => parseScriptFields(wrong), UsageError);
  }
});

Deno.test("what the samples do not have is left out, unless it was asked for by name", () => {
  const profile = sampled();
  const noCpu = { ...profile, samples: { ...profile.samples, cpu: profile.samples.cpu.map(() => -1) } };
  assertEquals(text(noCpu).includes("[000]"), false);
  assertThrows(() => text(noCpu, parseScriptFields("comm,cpu")), UsageError, "-F cpu: the samples in this");
  const times = { ...profile.times!, at: new Float64Array(3).fill(NaN) }, untimed = { ...profile, times };
  assertEquals(
    text(untimed),
    text(profile, { fields: new Set(DEFAULT_SCRIPT_FIELDS.filter((name) => name !== "time")) }),
  );
  assertThrows(
    () => text(untimed, parseScriptFields("comm,time")),
    UsageError,
    "-F time: the samples in this",
  );
  for (const since of ["first", "previous"] as const) {
    assertThrows(() => text(untimed, { since }), UsageError, "no times");
  }
  assertEquals(whole(renderScriptJson(untimed)).match(/"time":null,/g)?.length, 3);
  const none = profileOf([]);
  assertEquals(text({ ...none, times: timesOf(none) }, parseScriptFields("comm,cpu,time")), "");
});

Deno.test("where some samples have a time, the others have none in their lines", () => {
  const profile = sampled(), at = Float64Array.of(0, NaN, 2000);
  const lines = text({ ...profile, times: { ...profile.times!, at } }, {
    fields: new Set(["comm", "time"]),
    hideCallers: true,
  });
  assertEquals(lines.split("\n").map((line) => line.trim()), [
    "cat    10.000000:",
    "böse",
    "cat    10.000002:",
    "",
  ]);
});

Deno.test("a recording may have any number of events", () => {
  const profile = sampled(), [event] = profile.events;
  const many = { ...profile, events: new Array(200_000).fill(event) };
  assertEquals(text(many), text(profile));
});
