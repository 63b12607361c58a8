import { assertEquals } from "@std/assert";
import { parseConfig } from "../../../lib/check/baseline/config.ts";
import { parseAutoBudget } from "../../../lib/check/baseline/budget.ts";

Deno.test("a budget that adapts has a limit, and a part that is spent in any case", () => {
  assertEquals(parseAutoBudget("auto"), { seconds: 600, minSeconds: 120 });
  assertEquals(parseAutoBudget("auto:1800"), { seconds: 1800, minSeconds: 120 });
  assertEquals(parseAutoBudget("auto:2.5"), { seconds: 2.5, minSeconds: 2.5 });
});

Deno.test("a budget is nothing else than a number of seconds, auto, or auto with a number", () => {
  for (
    const text of [
      "",
      "60",
      "auto:",
      "auto:0",
      "auto:-1",
      "auto:x",
      "auto:1:2",
      "auto:1e9",
      "automatic",
      "Auto",
    ]
  ) {
    assertEquals(parseAutoBudget(text), undefined, text);
  }
});

Deno.test("pmuctl.json has a budget that adapts for all benchmarks, or for one", () => {
  const text = JSON.stringify({
    budget: "auto",
    benchmarks: [{ name: "a", command: "a" }, { name: "b", command: "b", budget: 5 }, {
      ...{ name: "c", command: "c", budget: "auto:900" },
    }],
  });
  const { benchmarks } = parseConfig("pmuctl.json", text);
  assertEquals(benchmarks.map(({ budget }) => budget?.seconds), [600, 5, 900]);
  assertEquals(benchmarks.map(({ budget }) => budget?.minSeconds), [120, undefined, 120]);
});
