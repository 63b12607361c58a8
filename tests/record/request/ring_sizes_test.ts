import { assertEquals, assertThrows } from "@std/assert";
import { pageSize } from "../../../ffi/pmu.ts";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import type { CallGraph } from "../../../lib/record/request/call_graph.ts";
import { chooseRings, type RingNeeds } from "../../../lib/record/request/ring_sizes.ts";
import { stackCopyOf } from "../../../lib/record/request/sampling.ts";

const KIB = 1024, MIB = 1024 * KIB, GIB_IN_KB = 1024 * KIB;
const auto: CallGraph = { mode: "auto", stackBytes: 16 * KIB, registers: 0xffn };
const dwarf: CallGraph = { mode: "dwarf", stackBytes: 8 * KIB, registers: 0xffn };
const cpusOf = (n: number) => Array.from({ length: n }, (_, cpu) => cpu);

/** Chooses for -g on two CPUs of a large machine, as root; gives bytes of ring and of stack, and the note. */
function choose(changes: Partial<RingNeeds> = {}) {
  const { ringPages, sampling, note } = chooseRings({
    groups: resolveEvents("cpu-clock"),
    sampling: { freq: 4000, callGraph: auto },
    cpus: [0, 1],
    totalMemoryKb: 64 * GIB_IN_KB,
    lockableBytes: Infinity,
    ...changes,
  });
  return { ring: ringPages * pageSize(), stack: stackCopyOf(sampling)?.stackBytes, note };
}

const at = (freq: number, callGraph: CallGraph = auto) => ({ sampling: { freq, callGraph } });

Deno.test("chooseRings() takes 16 MiB for samples with stacks up to 4000 Hz, and 32 MiB above", () => {
  const stack = 16 * KIB, note = undefined;
  assertEquals(choose(), { ring: 16 * MIB, stack, note });
  assertEquals(choose(at(99)), { ring: 16 * MIB, stack, note });
  assertEquals(choose(at(4001)), { ring: 32 * MIB, stack, note });
  assertEquals(choose(at(20000, dwarf)), { ring: 32 * MIB, stack: 8 * KIB, note });
  const periods = { freq: 20000, period: 1_000_000n, callGraph: auto };
  assertEquals(choose({ sampling: periods }), { ring: 16 * MIB, stack, note });
});

Deno.test("chooseRings() takes 512 KiB for samples without stacks, whatever the rate", () => {
  for (const callGraph of [undefined, { mode: "fp" } as const]) {
    const sampling = { freq: 20000, callGraph };
    const lockableBytes = 0;
    assertEquals(choose({ sampling, lockableBytes }), { ring: 512 * KIB, stack: undefined, note: undefined });
  }
});

Deno.test("chooseRings() adds up the rates of events that share a ring", () => {
  const groups = resolveEvents("cpu-clock,page-faults/freq=2000/");
  assertEquals(choose({ groups, ...at(2000) }).ring, 16 * MIB);
  assertEquals(choose({ groups, ...at(2001) }).ring, 32 * MIB);
  const leaderAlone = resolveEvents("{cpu-clock,page-faults}:S");
  assertEquals(choose({ groups: leaderAlone }).ring, 16 * MIB);
  const [both] = resolveEvents("{cpu-clock,page-faults}");
  const apart = [{ ...both, events: both.events.map((event, cpu) => ({ ...event, cpus: [cpu] })) }];
  assertEquals(choose({ groups: apart }).ring, 16 * MIB);
  assertEquals(choose({ groups: [both] }).ring, 32 * MIB);
});

Deno.test("chooseRings() spends at most 512 MiB and a 32nd of the memory, and 512 KiB for each CPU at least", () => {
  assertEquals(choose({ cpus: cpusOf(64) }).ring, 8 * MIB);
  assertEquals(choose({ cpus: cpusOf(1000) }).ring, 512 * KIB);
  assertEquals(choose({ totalMemoryKb: 256 * KIB }).ring, 4 * MIB);
  assertEquals(choose({ totalMemoryKb: 8 * KIB }).ring, 512 * KIB);
  assertEquals(choose({ totalMemoryKb: 0 }).ring, 16 * MIB);
  // a second ring for each CPU
  const flight = { sampling: { callGraph: dwarf }, overwrite: true };
  assertEquals(choose({ ...flight, cpus: cpusOf(32) }).ring, 8 * MIB);
});

Deno.test("chooseRings() copies less of each stack where a ring would hold less than 50 ms, and says so", () => {
  const few = (ring: string, stack: string) =>
    `rings of ${ring} for each CPU hold few samples with whole stacks: stacks are copied up to ${stack}; ` +
    "longer ones are cut";
  const many = cpusOf(128);
  assertEquals(choose({ cpus: many }), { ring: 4 * MIB, stack: 16 * KIB, note: undefined });
  assertEquals(choose({ cpus: many, ...at(9000) }), {
    ring: 4 * MIB,
    stack: 8 * KIB,
    note: few("4 MiB", "8 KiB"),
  });
  assertEquals(choose({ cpus: many, ...at(1e6) }).stack, 4 * KIB);
  assertEquals(choose({ pages: 512 * KIB / pageSize() }), {
    ring: 512 * KIB,
    stack: 4 * KIB,
    note: few("512 KiB", "4 KiB"),
  });
});

Deno.test("chooseRings() takes what this user may lock, with a page in front of each ring", () => {
  const page = pageSize();
  const ring = (lockableBytes: number) => choose({ lockableBytes });
  assertEquals(ring(2 * (8 * MIB + page)), { ring: 8 * MIB, stack: 16 * KIB, note: undefined });
  assertEquals(ring(2 * (8 * MIB + page) - 1), { ring: 4 * MIB, stack: 16 * KIB, note: undefined });
  assertEquals(ring(2 * (2 * MIB + page)), {
    ring: 2 * MIB,
    stack: 8 * KIB,
    note: "this user may lock 2 MiB of rings for each CPU (kernel.perf_event_mlock_kb, ulimit -l): " +
      "stacks are copied up to 8 KiB; longer ones are cut",
  });
  assertEquals(ring(2 * (512 * KIB + page)).stack, 4 * KIB);
  assertEquals(ring(0).ring, Math.max(8 * KIB, page));
  assertEquals(choose({ lockableBytes: 2 * (512 * KIB + page), ...at(99) }), {
    ring: 512 * KIB,
    stack: 16 * KIB,
    note: undefined,
  });
});

Deno.test("chooseRings() keeps the pages and the bytes of stack that were given", () => {
  const lockableBytes = 2 * (512 * KIB + pageSize());
  const pages = 8 * MIB / pageSize();
  assertEquals(choose({ lockableBytes, pages }), { ring: 8 * MIB, stack: 16 * KIB, note: undefined });
  const given = { lockableBytes, bytesGiven: true };
  assertEquals(choose(given), { ring: 512 * KIB, stack: 16 * KIB, note: undefined });
  assertEquals(choose({ lockableBytes, sampling: { callGraph: dwarf } }), {
    ring: 512 * KIB,
    stack: 8 * KIB,
    note: undefined,
  });
});

Deno.test("chooseRings() refuses rings that hold fewer than two samples, and says what to change", () => {
  const long: CallGraph = { mode: "dwarf", stackBytes: 65528, registers: 0xffn };
  const sampling = { callGraph: long };
  const pages = 64 * KIB / pageSize();
  assertThrows(
    () => choose({ sampling, pages }),
    UsageError,
    `--mmap-pages ${pages}: rings of 65536 bytes are too small for samples with 65528 bytes of stack: use more pages, ` +
      "a smaller --call-graph dwarf,BYTES, or --call-graph fp",
  );
  assertThrows(
    () => choose({ sampling, lockableBytes: 0, bytesGiven: true }),
    UsageError,
    "--call-graph dwarf,65528: rings of",
  );
});
