import { assert, assertEquals } from "@std/assert";
import { type BindOptions, tickUntilDone, turnRemark } from "../../../lib/counters/tasks/binding.ts";

/** Waits for `ended` with so many sets, and calls `onTick` with the number of each tick. */
async function ticked(
  ended: Promise<string>,
  { sets = 1, onTick = () => {}, ...options }: Partial<BindOptions> & {
    sets?: number;
    onTick?: (n: number) => void;
  },
): Promise<{ result: string | undefined; ticks: number }> {
  let ticks = 0;
  const result = await tickUntilDone(ended, sets, options as BindOptions, () => onTick(++ticks));
  return { result, ticks };
}

Deno.test("without an interval, a set does not tick, and is over when its target is", async () => {
  assertEquals(await ticked(Promise.resolve("ended"), {}), { result: "ended", ticks: 0 });
});

Deno.test("ticks end with their number, or with the target, whichever comes first", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  assertEquals(await ticked(promise, { intervalMs: 1, count: 3 }), { result: undefined, ticks: 3 });
  const onTick = (n: number) => n === 2 && resolve("ended");
  const { result, ticks } = await ticked(promise, { intervalMs: 1, count: 1000, onTick });
  assertEquals(result, "ended");
  assert(ticks >= 2 && ticks < 1000, `${ticks} ticks`);
});

Deno.test("a target that ends at the last tick has ended", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const onTick = () => resolve("ended");
  assertEquals(await ticked(promise, { intervalMs: 1, count: 1, onTick }), { result: "ended", ticks: 1 });
});

Deno.test("several sets take turns even without an interval", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const onTick = (n: number) => n === 2 && resolve("ended");
  const { result, ticks } = await ticked(promise, { sets: 2, onTick });
  assertEquals([result, ticks >= 2], ["ended", true]);
});

Deno.test("the remark of a set that took turns says how much of the time it counted", () => {
  assertEquals([turnRemark(25, 100), turnRemark(0, 0)], ["counted 25% of the time", "not counted"]);
});
