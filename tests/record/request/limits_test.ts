import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { parseSize, parseSwitchWhen, segmentName } from "../../../lib/record/request/limits.ts";

Deno.test("parseSize() takes perf's units, and bytes without one", () => {
  assertEquals(["500K", "64M", "2G", "10B", "4096"].map((text) => parseSize(text, "--max-size")), [
    512000,
    67108864,
    2147483648,
    10,
    4096,
  ]);
  for (const text of ["", "0", "0K", "K", "1.5M", "-1K", "10x", "10KB"]) {
    assertThrows(() => parseSize(text, "--max-size"), UsageError, `--max-size '${text}'`);
  }
});

Deno.test("parseSwitchWhen() tells sizes from times by the unit", () => {
  assertEquals(parseSwitchWhen("signal"), { kind: "signal" });
  assertEquals(parseSwitchWhen("1M"), { kind: "size", bytes: 1048576 });
  assertEquals(parseSwitchWhen("1m"), { kind: "time", seconds: 60 });
  assertEquals(parseSwitchWhen("2h"), { kind: "time", seconds: 7200 });
  // a bare number could be either
  for (const text of ["10", "", "s", "0s", "0M", "10ms", "signals"]) {
    assertThrows(() => parseSwitchWhen(text), UsageError, `--switch-output '${text}'`);
  }
});

Deno.test("segmentName() is perf's: local time down to hundredths; a name that is taken moves it on", () => {
  const at = new Date(2026, 0, 2, 3, 4, 59, 987);
  assertEquals(segmentName("perf.data", at, () => false), "perf.data.2026010203045998");
  const taken = new Set(["a.2026010203045998", "a.2026010203045999"]);
  assertEquals(segmentName("a", at, (path) => taken.has(path)), "a.2026010203050000");
});
