import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { parseWallTime } from "../../lib/commands/wall_time.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const parsed = (text: string) => new Date(parseWallTime("--since", text, NOW) / 1000).toISOString();

Deno.test("a time is in UTC unless it says otherwise, or is counted back from now", () => {
  const cases = [
    ["2026-11-30", "2026-11-30T00:00:00.000Z"],
    ["2026-11-30T14:05", "2026-11-30T14:05:00.000Z"],
    ["2026-11-30 14:05:06.5", "2026-11-30T14:05:06.500Z"],
    ["2026-11-30T14:05Z", "2026-11-30T14:05:00.000Z"],
    ["2026-11-30T14:05+02:00", "2026-11-30T12:05:00.000Z"],
    ["90s", "2026-11-30T11:58:30.000Z"],
    ["30m", "2026-11-30T11:30:00.000Z"],
    ["12h", "2026-11-30T00:00:00.000Z"],
    ["7d", "2026-11-23T12:00:00.000Z"],
    ["2w", "2026-11-16T12:00:00.000Z"],
  ];
  for (const [text, time] of cases) assertEquals(parsed(text), time, text);
});

Deno.test("what is no time is refused with the forms of times", () => {
  for (
    const text of [
      "",
      "now",
      "7",
      "7y",
      "2026",
      "2026-11",
      "2026-02-30T25:00",
      "2026-02-30",
      "2026-11-31T10:00",
      "14:05",
      "-7d",
      "2026-11-30T14",
    ]
  ) {
    assertThrows(() => parsed(text), UsageError, `--since '${text}': expected a time such as 2026-11-30`);
  }
});
