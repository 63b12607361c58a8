import { assertEquals } from "@std/assert";
import { counted, plural } from "../../../lib/base/text/plural.ts";

Deno.test("a noun follows its number: one alone, and es behind an s", () => {
  assertEquals([0, 1, 2].map((n) => counted(n, "run")), ["0 runs", "1 run", "2 runs"]);
  assertEquals([1n, 2n].map((n) => counted(n, "run")), ["1 run", "2 runs"]);
  assertEquals([1, 2].map((n) => plural(n, "process")), ["process", "processes"]);
});
