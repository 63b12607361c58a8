import { assertEquals } from "@std/assert";
import { everyBeat } from "../../../lib/base/system/beat.ts";

Deno.test("everyBeat() calls each look until it is stopped, and one that is given twice twice", async () => {
  const calls: string[] = [], enough = Promise.withResolvers<void>();
  const once = () => calls.push("once");
  const stops = [
    everyBeat(() => {
      calls.push("stopped");
      stops[0]();
    }),
    everyBeat(once),
    everyBeat(once),
    everyBeat(() => {
      if (calls.length >= 5) enough.resolve();
    }),
  ];
  await enough.promise;
  for (const stop of stops) stop(); // the test fails where a timer is left
  assertEquals(calls.slice(0, 5), ["stopped", "once", "once", "once", "once"]);
});
