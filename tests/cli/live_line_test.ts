import { assertEquals } from "@std/assert";
import { RecentRate, renderLive } from "../../lib/cli/live_line.ts";

const STATE = { seconds: 7.25, samples: 58210, lost: 0, bytes: 3 * 2 ** 20, rate: 7999.6 };

Deno.test("renderLive() tells how far a recording has come", () => {
  assertEquals(
    renderLive(STATE, 100),
    "recording 7.3 s  58210 samples  8000/s  lost 0  3 MiB  Ctrl-C ends",
  );
  assertEquals(
    renderLive({ ...STATE, seconds: 3727, lost: 1790 }, 100),
    "recording 1:02:07  58210 samples  8000/s  lost 1790 (3.0%)  3 MiB  Ctrl-C ends",
  );
  assertEquals(renderLive({ ...STATE, seconds: 67 }, 20), "recording 1:07");
});

Deno.test("renderLive() leaves out what a narrow terminal has no room for, and never fills it", () => {
  for (let columns = 1; columns < 90; columns++) {
    const line = renderLive(STATE, columns);
    assertEquals(line.length < columns, true, line);
    assertEquals(renderLive(STATE, 100).startsWith(line), true);
  }
});

Deno.test("RateOverASecond looks at the last second, and at less in the first", () => {
  const rate = new RecentRate();
  assertEquals([0, 0.5, 1, 1.5, 2].map((t) => rate.at(t, t < 1.5 ? 1000 * t : 1000)), [
    0,
    1000,
    1000,
    500,
    0,
  ]);
});
