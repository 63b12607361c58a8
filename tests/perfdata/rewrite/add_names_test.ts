import { assert, assertEquals, assertThrows } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import type { SeekableInput } from "../../../lib/perfdata/read/data_input.ts";
import { PerfDataReader } from "../../../lib/perfdata/read/reader.ts";
import { withNames } from "../../../lib/perfdata/rewrite/add_names.ts";
import { bigEndianFile, bigEndianPipe } from "../big_endian.ts";
import { collect, fixture, stream } from "../read_recording.ts";
import { FEATURES, killedFile, roomedFile, writtenFile, writtenPipe } from "../small_recording.ts";

const NAMES = Uint8Array.from({ length: 200_000 }, (_, i) => i * i);
const inputOf = (bytes: Uint8Array) => new MemoryBytes(bytes, "input") as SeekableInput;
const added = (bytes: Uint8Array, names = NAMES) => concat([...withNames(inputOf(bytes), names)]);

/** Returns facts about a recording, and the names that it carries, once its records are read. */
async function facts(bytes: Uint8Array, isStream = false) {
  const reader = new PerfDataReader(isStream ? stream(bytes) : new MemoryBytes(bytes));
  const { features } = await reader.open();
  const before = features.names;
  const stats = reader.read({ sample() {}, record() {} });
  const { names, numbers, version, ledger, hostname, buildIds } = features;
  return { names, before, rest: { numbers, version, ledger, hostname, buildIds, samples: stats.samples } };
}

const RECORDINGS: [name: string, bytes: Uint8Array][] = [
  ["a file", writtenFile()],
  ["a file without a ledger", writtenFile({ ...FEATURES, ledger: undefined })],
  ["a file of perf", fixture("callgraph.data")],
  ["a pipe", writtenPipe()],
  ["a pipe of perf", fixture("pipe.data")],
  ["a compressed file", fixture("compressed.data")],
];

for (const [name, bytes] of RECORDINGS) {
  Deno.test(`withNames() adds names to ${name}, and changes nothing else`, async () => {
    const out = added(bytes), read = await facts(out);
    assertEquals(read.names, NAMES);
    assertEquals(read.before, NAMES, "known before the records are read");
    assertEquals(read.rest, (await facts(bytes)).rest);
    assertEquals((await facts(out, true)).names, NAMES);
    assertEquals((await collect(inputOf(out))).samples, (await collect(inputOf(bytes))).samples);
  });

  Deno.test(`withNames() replaces the names of ${name} by others`, () => {
    assertEquals(added(added(bytes)), added(bytes));
    const other = NAMES.subarray(0, 70_000);
    assertEquals(added(added(bytes), other), added(bytes, other));
  });
}

Deno.test("withNames() adds a VERSION to a file that has none, of either byte order", async () => {
  const read = await facts(added(writtenFile({ hostname: "h" })));
  assertEquals([read.names, read.rest.hostname, read.rest.ledger], [NAMES, "h", undefined]);
  const turned = bigEndianFile(fixture("clock.data")); // which has no features at all
  const big = await facts(added(turned));
  assertEquals([big.names, big.rest.samples], [NAMES, (await facts(turned)).rest.samples]);
  assertEquals(added(added(turned)), added(turned));
});

Deno.test("withNames() keeps what a killed recorder had written about its recording", async () => {
  const { file } = roomedFile({ ledger: { version: 1, tool: "x" } });
  const read = await facts(added(file)), before = await facts(file);
  assertEquals(read.names, NAMES);
  assertEquals([read.rest.ledger, read.rest.samples], [before.rest.ledger, before.rest.samples]);
  assert(before.rest.ledger !== undefined);
});

Deno.test("withNames() refuses a file of which nobody knows where its records end, and a big-endian pipe", () => {
  assertThrows(() => added(killedFile()), UnsupportedError, "its recorder was killed");
  assertThrows(() => added(bigEndianPipe(fixture("pipe.data"))), UnsupportedError, "big-endian");
});

Deno.test("withNames() of a recording that is cut off anywhere ends or throws an error for the user", () => {
  for (const bytes of [writtenFile(), writtenPipe()]) {
    for (let size = 0; size < bytes.length; size += 13) {
      try {
        added(bytes.subarray(0, size), NAMES.subarray(0, 100));
      } catch (error) {
        assert("status" in (error as Error), String(error));
      }
    }
  }
});
