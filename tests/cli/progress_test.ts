import { assert, assertEquals } from "@std/assert";
import { renderProgress } from "../../lib/cli/progress.ts";

const STATE = { done: 15, expected: 30, seconds: 3, what: "sleep 0.1" };

Deno.test("renderProgress() tells how far the runs are, and how long it will take", () => {
  assertEquals(renderProgress(STATE, 80), "[==========          ] 15 of 30 runs, 3.0 s left  sleep 0.1");
  assertEquals(renderProgress({ ...STATE, done: 0 }, 80), "[                    ] 0 of 30 runs  sleep 0.1");
  assertEquals(
    renderProgress({ ...STATE, done: 0, expected: 1 }, 80),
    "[                    ] 0 of 1 run  sleep 0.1",
  );
});

Deno.test("renderProgress() fits the terminal, and shows nothing that would move its cursor", () => {
  for (let columns = 1; columns < 80; columns++) assert(renderProgress(STATE, columns).length < columns);
  assert(renderProgress({ ...STATE, done: 40, what: "a\nb\x1b[2J" }, 100).endsWith("a\\nb\\x1b[2J"));
});
