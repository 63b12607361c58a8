import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Failure, fuzz, replay } from "./campaign.ts";
import { minimise } from "./mutate/minimise.ts";
import { mutateBytes } from "./mutate/mutate.ts";
import { ElfParts } from "./mutate/mutate_elf.ts";
import { Random } from "./random.ts";
import { REGRESSIONS } from "./regressions.ts";
import { inputOf } from "./target.ts";
import { allTargets } from "./targets.ts";
import { judge, type Limits, meterAllocations } from "./oracle.ts";

/** Always the same inputs here, so that a failure is of the change at hand; other numbers are scripts/fuzz's. */
const SEED = 1, COUNT = 3300;

Deno.test("some thousand inputs of all targets are all answered", async () => {
  const targets = (await allTargets()).filter(({ count }) => count === undefined);
  const { figures, failures } = await fuzz({
    targets,
    seed: SEED,
    count: COUNT,
    jobs: 1,
  });
  const told = failures.map(({ target, seed, made, why }) =>
    `scripts/fuzz --target ${target} --seed ${seed} (${made}): ${why}`
  );
  assertEquals(told, []);
  assertEquals([...figures].filter(([, { inputs }]) => inputs < 10), []);
});

Deno.test("what once failed is answered", async (t) => {
  meterAllocations();
  const targets = await allTargets();
  for (const { target: name, what, bytes } of REGRESSIONS) {
    await t.step(`${name}: ${what}`, async () => {
      const target = targets.find((target) => target.name === name)!;
      assertEquals(await judge(target, { bytes: bytes(), made: what }), undefined);
    });
  }
});

Deno.test("an input is the same each time it is made", async () => {
  for (const target of await allTargets()) {
    for (const seed of [0, 1, 2, 77, 4_000_000_000]) {
      assertEquals(inputOf(target, seed).bytes, inputOf(target, seed).bytes, target.name);
    }
  }
});

/** Every target of bad_targets.ts with 20 inputs, and what failed of it. */
async function runBad(names: readonly string[], limits: Partial<Limits> = {}) {
  const told = new Map<string, Failure[]>(names.map((name) => [name, []]));
  const { figures } = await fuzz({
    targets: names.map((name) => ({ name, weight: 1 })),
    seed: 0,
    count: 20 * names.length,
    jobs: 1,
    limits: { cpuMs: 2000, rssBytes: 1 << 30, waitMs: 60_000, ...limits },
    module: new URL("./bad_targets.ts", import.meta.url).pathname,
    onFailure: (failure) => told.get(failure.target)!.push(failure),
  });
  return { figures, told };
}

Deno.test("fuzz() counts what throws, refuses with another status, or says nothing", async () => {
  const { figures, told } = await runBad(["answers", "refuses", "refuses-with-2", "says-nothing", "throws"]);
  assertEquals([...figures].map(([name, { inputs, failures }]) => [name, inputs, failures]), [
    ["answers", 20, 0],
    ["refuses", 20, 0],
    ["refuses-with-2", 20, 20],
    ["says-nothing", 20, 20],
    ["throws", 20, 2],
  ]);
  assertEquals(told.get("throws")!.map(({ seed, bytes }) => [seed, bytes]), [[7, Uint8Array.of(7)]]);
  assertStringIncludes(told.get("throws")![0].why, "TypeError: 7 is no function");
  assertStringIncludes(told.get("refuses-with-2")![0].why, "ends with status 2");
});

Deno.test("fuzz() outlives inputs that do not come back, end the process or eat its memory, and goes on behind them", async () => {
  const names = ["loops", "waits", "eats", "exits", "aborts"];
  const { figures, told } = await runBad(names, { cpuMs: 300, waitMs: 3000, rssBytes: 400 << 20 });
  assertEquals(
    [...figures].map(([name, { inputs, failures }]) => [name, inputs, failures]),
    names.map((name) => [name, 20, 1]),
  );
  const why = (name: string) => told.get(name)!.map(({ seed, why }) => `${seed}: ${why}`).join();
  assertMatch(why("loops"), /^13: it did not come back within \d+ ms of CPU$/);
  assertMatch(why("waits"), /^13: it did not come back within \d+ ms$/);
  assertMatch(why("eats"), /^13: the process came to 4\d\d MiB$/);
  assertMatch(why("exits"), /^13: the process ended with 0/);
  assertMatch(why("aborts"), /^13: (the process (ended with|came to)|it did not come back)/);
});

Deno.test("replay() runs one input, made or given, and makes a failing one smaller", async () => {
  assertEquals(await replay("elf", { seed: 5 }), undefined);
  assertEquals(await replay("config", { bytes: new TextEncoder().encode("{}") }), undefined);
  const module = new URL("./bad_targets.ts", import.meta.url).pathname;
  const failure = await replay("throws", { bytes: Uint8Array.of(7, 1, 2, 3) }, { module, smaller: true });
  assertEquals([failure?.seed, failure?.smaller], [0, Uint8Array.of(7)]);
});

Deno.test("minimise() leaves what the failure needs", async () => {
  const bytes = new Uint8Array(1000).fill(9);
  bytes.set([1, 2, 3], 500);
  const smaller = await minimise(bytes, (some) => Promise.resolve(some.join().includes("1,2,3")));
  assertEquals(smaller, Uint8Array.of(1, 2, 3));
});

Deno.test("mutateBytes() leaves alone what lies before its place", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const stuff = { words: [Uint8Array.of(1, 2, 3)], donors: [bytes] };
  for (let run = 0; run < 500; run++) {
    const changed = mutateBytes(bytes, new Random(1, run), 40, stuff);
    assertEquals(changed.subarray(0, 40), bytes.subarray(0, 40));
  }
});

Deno.test("ElfParts.with() leaves an object file right that has another section's contents", () => {
  const elf = new ElfParts(Deno.readFileSync(new URL("../testdata/fuzz/dwarf5.elf", import.meta.url)));
  const contents = Uint8Array.of(5, 6, 7);
  const changed = new ElfParts(elf.with([{ name: ".debug_line", contents }]));
  assertEquals(changed.contents(changed.section(".debug_line")), contents);
  assertEquals(changed.contents(changed.section(".symtab")), elf.contents(elf.section(".symtab")));
});
