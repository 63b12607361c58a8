import { assertEquals } from "@std/assert";
import { Newcomers } from "../../../lib/counters/tasks/newcomers.ts";

/** Process 5, whose threads a test changes. */
function process(...threads: number[]) {
  const files = {
    read: () => undefined,
    list: (path: string) => path === "/proc/5/task" ? threads.map(String) : undefined,
  };
  return { threads, newcomers: new Newcomers([5, 5], files) };
}

Deno.test("Newcomers counts threads that exist after the opening and that no record mentions by the next check", () => {
  const { newcomers, threads } = process(5, 6);
  newcomers.add(5);
  newcomers.add(6);
  threads.push(7, 8);
  assertEquals(newcomers.check(), 0);
  newcomers.add(8); // its record came late
  assertEquals([newcomers.check(), newcomers.check()], [1, 0]);
});

Deno.test("Newcomers misses no thread that starts after the first check, and none that ended", () => {
  const { newcomers, threads } = process(5);
  newcomers.add(5);
  newcomers.add(6);
  assertEquals(newcomers.check(), 0);
  threads.push(7);
  assertEquals(newcomers.check(), 0);
});
