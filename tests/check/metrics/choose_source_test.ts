import { assertEquals, assertStringIncludes } from "@std/assert";
import { type AvailableSources, chooseSource } from "../../../lib/check/metrics/choose_source.ts";

/** Returns a machine where these events are not counted. */
function machine(
  absent: string[],
  valgrind: string | undefined,
  measured: Record<string, string> = {},
): AvailableSources {
  return {
    absent: new Map(absent.map((event) => [event, "no such counter"])),
    measured: new Map(Object.entries(measured)),
    valgrind: () => Promise.resolve(valgrind ? { version: valgrind } : { reason: "there is no valgrind" }),
  };
}

Deno.test("chooseSource() takes the best source there is, and says why not a better one", async () => {
  const sources = async (available: AvailableSources) => (await chooseSource("best", available)).source?.name;
  assertEquals(await sources(machine([], "valgrind-3.19.0")), "instructions:u");
  assertEquals(
    await sources(machine(["instructions:u"], "valgrind-3.19.0")),
    "instructions(valgrind-3.19.0)",
  );
  assertEquals(await sources(machine(["instructions:u"], undefined)), "task-clock");
  const { source, passedOver } = await chooseSource(
    "best",
    machine(["instructions:u", "task-clock"], undefined),
  );
  assertEquals(source?.name, "task-clock(rusage)");
  assertEquals(passedOver, [
    "instructions:u: no such counter",
    "instructions(valgrind): there is no valgrind",
    "task-clock: no such counter",
  ]);
});

Deno.test("chooseSource() has no source for an event that is not counted, rather than a 0", async () => {
  const { source, passedOver } = await chooseSource(
    "cache-misses:u",
    machine(["cache-misses:u"], "valgrind-3.19.0"),
  );
  assertEquals([source, passedOver], [undefined, ["cache-misses:u: no such counter"]]);
});

Deno.test("chooseSource() takes no other source than the baseline's, also where it is better", async () => {
  const here = machine([], "valgrind-3.19.0");
  assertEquals((await chooseSource("best", here, "task-clock")).source?.name, "task-clock");
  const other = await chooseSource("best", here, "instructions(valgrind-3.22.0)");
  assertEquals(other.source, undefined);
  assertStringIncludes(other.passedOver.join(), "the baseline has instructions(valgrind-3.22.0)");
  // an event without the kernel's side is not the event
  const restricted = machine([], undefined, { "task-clock": "task-clock:u" });
  assertEquals((await chooseSource("task-clock", restricted, "task-clock")).source, undefined);
});
