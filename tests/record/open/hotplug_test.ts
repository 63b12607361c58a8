import { assertEquals } from "@std/assert";
import { CpuChanges } from "../../../lib/record/open/hotplug.ts";

Deno.test("a recording of CPUs misses one that goes, and also when it is back", () => {
  const changes = new CpuChanges([0, 1], false);
  assertEquals(changes.observe([0, 1], 1), []);
  assertEquals(changes.observe([0], 2), [{ seconds: 2, cpu: 1, online: false }]);
  assertEquals(changes.observe([0], 3), []);
  assertEquals(changes.observe([0, 1], 4), [{ seconds: 4, cpu: 1, online: true }]);
  assertEquals(changes.observe([0, 1, 2], 5), []); // it was not asked for
});

Deno.test("a recording of threads misses only a CPU that was not there when it began", () => {
  const changes = new CpuChanges([0, 1], true);
  assertEquals(changes.observe([0], 1), []);
  assertEquals(changes.observe([0, 1], 2), []);
  assertEquals(changes.observe([0, 1, 2], 3), [{ seconds: 3, cpu: 2, online: true }]);
});
