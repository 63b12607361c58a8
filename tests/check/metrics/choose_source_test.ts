import { assertEquals, assertStringIncludes } from "@std/assert";
import { type AvailableSources, chooseSource } from "../../../lib/check/metrics/choose_source.ts";

/** A machine where these events are not counted. */
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

Deno.test("chooseSource() takes the best rung there is, and says why not a better one", async () => {
  const rungs = async (available: AvailableSources) => (await chooseSource("best", available)).rung?.name;
  assertEquals(await rungs(machine([], "valgrind-3.19.0")), "instructions:u");
  assertEquals(
    await rungs(machine(["instructions:u"], "valgrind-3.19.0")),
    "instructions(valgrind-3.19.0)",
  );
  assertEquals(await rungs(machine(["instructions:u"], undefined)), "task-clock");
  const { rung, passedOver } = await chooseSource(
    "best",
    machine(["instructions:u", "task-clock"], undefined),
  );
  assertEquals(rung?.name, "task-clock(rusage)");
  assertEquals(passedOver, [
    "instructions:u: no such counter",
    "instructions(valgrind): there is no valgrind",
    "task-clock: no such counter",
  ]);
});

Deno.test("chooseSource() has no rung for an event that is not counted, rather than a 0", async () => {
  const { rung, passedOver } = await chooseSource(
    "cache-misses:u",
    machine(["cache-misses:u"], "valgrind-3.19.0"),
  );
  assertEquals([rung, passedOver], [undefined, ["cache-misses:u: no such counter"]]);
});

Deno.test("chooseSource() takes no other rung than the baseline's, also where it is better", async () => {
  const here = machine([], "valgrind-3.19.0");
  assertEquals((await chooseSource("best", here, "task-clock")).rung?.name, "task-clock");
  const other = await chooseSource("best", here, "instructions(valgrind-3.22.0)");
  assertEquals(other.rung, undefined);
  assertStringIncludes(other.passedOver.join(), "the baseline has instructions(valgrind-3.22.0)");
  // an event without the kernel's side is not the event
  const restricted = machine([], undefined, { "task-clock": "task-clock:u" });
  assertEquals((await chooseSource("task-clock", restricted, "task-clock")).rung, undefined);
});
