import { assert, assertEquals } from "@std/assert";
import { findGeneric, GENERIC_EVENTS, genericNames } from "../../lib/events/catalog.ts";

Deno.test("the catalogue has ten hardware, twelve software and thirty-two cache events", () => {
  const count = (kind: string) => GENERIC_EVENTS.filter((e) => e.kind === kind).length;
  assertEquals([count("hardware"), count("software"), count("cache")], [10, 12, 32]);
});

Deno.test("the catalogue uses no name twice and explains every event", () => {
  const names = genericNames().map((n) => n.toLowerCase());
  assertEquals(names.length, new Set(names).size);
  for (const event of GENERIC_EVENTS) {
    assert(event.meaning.length > 5, event.name);
    assert(!event.meaning.endsWith("."), event.name);
  }
  const codes = GENERIC_EVENTS.map((e) => `${e.type}/${e.config}`);
  assertEquals(codes.length, new Set(codes).size);
});

Deno.test("findGeneric() finds an event by every name it has, PAPI's in any case", () => {
  for (const event of GENERIC_EVENTS) {
    for (const name of [event.name, ...event.aliases]) assertEquals(findGeneric(name), event);
  }
  assertEquals(findGeneric("papi_tot_cyc")?.name, "cycles");
  assertEquals(findGeneric("PAPI_tot_ins")?.name, "instructions");
});

// The configs are those that perf 6.1 opens for these spellings (perf stat -vv -e NAME).
const CACHE_SPELLINGS: [string, bigint | undefined][] = [
  ["L1-dcache", 0x0n],
  ["l1d-loads", 0x0n],
  ["L1-dcache-stores", 0x100n],
  ["L1-data-write-miss", 0x10100n],
  ["LLC-loads-misses", 0x10002n],
  ["LLC-misses-load", 0x10002n],
  ["LLC-ops", 0x2n],
  ["branch-load-misses", 0x10005n],
  ["bpu-misses", 0x10005n],
  ["iTLB", 0x4n],
  ["node-prefetch-misses", 0x10206n],
  ["dTLB-speculative-read-miss", 0x10203n],
  ["L1-icache-stores", undefined],
  ["LLC-load-store", undefined],
  ["LLC-", undefined],
  ["LLCmisses", undefined],
];

for (const [name, config] of CACHE_SPELLINGS) {
  Deno.test(`findGeneric() takes '${name}' as perf does`, () => {
    assertEquals(findGeneric(name)?.config, config);
    if (config !== undefined) assertEquals(findGeneric(name)?.kind, "cache");
  });
}

Deno.test("findGeneric() prefers hardware events to caches of the same name", () => {
  assertEquals(findGeneric("branches")?.kind, "hardware");
  assertEquals(findGeneric("branch-misses")?.kind, "hardware");
});
