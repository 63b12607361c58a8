import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { parseEvents, parseRaw, parseTerms, parseValue } from "../../lib/events/grammar.ts";

const specs = (text: string) => parseEvents(text).flatMap((g) => g.members.map((m) => m.spec));

Deno.test("parseEvents() splits a list and keeps each event's text and place", () => {
  const groups = parseEvents("cycles:u,sched:sched_switch:k, msr/tsc/ ,r1a8");
  assertEquals(
    groups.map((g) => [g.braces, g.members[0].text, g.members[0].at, g.members[0].modifiers]),
    [
      [false, "cycles:u", 0, "u"],
      [false, "sched:sched_switch:k", 9, "k"],
      [false, "msr/tsc/", 31, ""],
      [false, "r1a8", 41, ""],
    ],
  );
});

Deno.test("parseEvents() reads groups, their names and their modifiers", () => {
  const [group, single] = parseEvents("mine{cycles:k,cpu/event=0x3c,umask=0/}:SW,faults");
  assertEquals([group.braces, group.name, group.modifiers], [true, "mine", "SW"]);
  assertEquals(group.members.map((m) => m.text), ["cycles:k", "cpu/event=0x3c,umask=0/"]);
  assertEquals([single.braces, single.members[0].text], [false, "faults"]);
});

Deno.test("parseEvents() reads terms with values, without, and in quotes", () => {
  assertEquals(specs("cpu/event=0x3c,edge,name='a, b/c'/pp"), [{
    kind: "name",
    name: "cpu",
    terms: [
      { name: "event", value: "0x3c", at: 4 },
      { name: "edge", at: 15 },
      { name: "name", value: "a, b/c", at: 20 },
    ],
  }]);
  assertEquals(specs("cpu-clock//"), [{ kind: "name", name: "cpu-clock", terms: [] }]);
});

Deno.test("parseEvents() takes modifiers behind a slash with and without a colon", () => {
  assertEquals(parseEvents("msr/tsc/u")[0].members[0].modifiers, "u");
  assertEquals(parseEvents("msr/tsc/:u")[0].members[0].modifiers, "u");
});

Deno.test("parseEvents() tells tracepoints from modifiers", () => {
  assertEquals(specs("sched:sched_*,block:[rw]*"), [
    { kind: "tracepoint", system: "sched", name: "sched_*" },
    { kind: "tracepoint", system: "block", name: "[rw]*" },
  ]);
  assertEquals(specs("anything:uk"), [{ kind: "name", name: "anything" }]);
});

Deno.test("parseEvents() reads breakpoints", () => {
  assertEquals(specs("mem:0x1000,mem:4096/8:rw,mem:0x1000:x:u,mem:0x1000:u"), [
    { kind: "breakpoint", address: 0x1000n, access: "rw" },
    { kind: "breakpoint", address: 4096n, length: 8, access: "rw" },
    { kind: "breakpoint", address: 0x1000n, access: "x" },
    { kind: "breakpoint", address: 0x1000n, access: "rw" },
  ]);
  assertEquals(parseEvents("mem:0x1000:x:u")[0].members[0].modifiers, "u");
  assertEquals(parseEvents("mem:0x1000:u")[0].members[0].modifiers, "u");
});

const FAULTS: [text: string, message: string][] = [
  ["", "character 1: expected an event"],
  ["cycles,", "character 8: expected an event"],
  [",cycles", "character 1: expected an event, not ','"],
  ["cycles:x", "character 8: unknown modifier 'x'"],
  ["faults,cycles:uku", "character 17: modifier 'u' is given twice"],
  ["cycles:pppp", "character 11: modifier 'p' is given more than three times"],
  ["cycles:", "character 8: expected modifiers after ':'"],
  ["cycles:u:k", "character 9: ':' is unexpected here"],
  ["{cycles,faults", "character 15: missing the group's closing }"],
  ["{}", "character 2: expected an event, not '}'"],
  ["{cycles}}", "character 9: '}' is unexpected here"],
  ["cpu/event=0x3c", "character 15: missing the / that closes 'cpu/...'"],
  ["cpu/event=/", "character 11: term 'event' has no value after its ="],
  ["cpu/a,,b/", "character 7: expected a term: NAME or NAME=VALUE"],
  ["cpu/name='a/", "character 13: missing the closing '"],
  ["mem:0xzz", "character 5: '0xzz' is not an address"],
  ["mem:0x1000/:rw", "character 12: '' is not a length in bytes"],
  ["mem:0x1000:rr", "character 12: access 'rr' repeats a letter"],
  ["x:", "character 1: expected a tracepoint's name or modifiers after 'x:'"],
];

for (const [text, message] of FAULTS) {
  Deno.test(`parseEvents() refuses '${text}' and says where`, () => {
    const error = assertThrows(() => parseEvents(text), UsageError);
    assertEquals(error.message.slice(0, `event '${text}', `.length), `event '${text}', `);
    assertEquals(error.message.slice(`event '${text}', `.length).startsWith(message), true, error.message);
  });
}

Deno.test("parseTerms() reads what a driver's event file has", () => {
  assertEquals(parseTerms("event=0xcd,umask=0x1,core=?").map((t) => [t.name, t.value]), [
    ["event", "0xcd"],
    ["umask", "0x1"],
    ["core", "?"],
  ]);
  assertEquals(parseTerms(""), []);
});

Deno.test("parseValue() takes 64-bit decimal and hex only", () => {
  assertEquals(parseValue("0xffffffffffffffff"), (1n << 64n) - 1n);
  assertEquals(parseValue("0x10000000000000000"), undefined);
  for (const text of ["", "-1", "1k", "0x", "1e3", "0b1", "0o7"]) {
    assertEquals(parseValue(text), undefined, text);
  }
});

Deno.test("parseRaw() takes r and up to sixteen hex digits", () => {
  assertEquals(parseRaw("r1A8"), 0x1a8n);
  assertEquals(parseRaw("r0x1a8"), 0x1a8n);
  assertEquals(parseRaw("rffffffffffffffff"), (1n << 64n) - 1n);
  for (const text of ["r", "R1a8", "r12345678123456789", "refs"]) {
    assertEquals(parseRaw(text), undefined, text);
  }
});

Deno.test("parseEvents() reads tprof's rates behind an event, in groups too", () => {
  const rates = (text: string) => parseEvents(text).flatMap((g) => g.members.map((m) => [m.text, m.rate]));
  assertEquals(rates("cycles:u,1000,faults,=0x10"), [
    ["cycles:u", { slower: 1000n }],
    ["faults", { every: 16n }],
  ]);
  assertEquals(rates("{cycles, = 5 ,faults},sched:sched_switch,2"), [
    ["cycles", { every: 5n }],
    ["faults", undefined],
    ["sched:sched_switch", { slower: 2n }],
  ]);
});

for (
  const [text, at, message] of [
    ["cycles,0", 8, "is not a rate"],
    ["cycles,=", 9, "is not a rate"],
    ["cycles,5x", 8, "is not a rate"],
    ["cycles,=,faults", 9, "is not a rate"],
    ["cycles,5,6", 10, "follows an event"],
    ["{cycles},5", 10, "follows an event"],
    ["=5", 1, "follows an event"],
  ] as const
) {
  Deno.test(`parseEvents() refuses the rate in '${text}' and says where`, () => {
    const { message: said } = assertThrows(() => parseEvents(text), UsageError);
    assertEquals([said.includes(`character ${at}:`), said.includes(message)], [true, true], said);
  });
}
