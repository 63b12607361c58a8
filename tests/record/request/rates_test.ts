import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { cyclesPerSecond, parseRate } from "../../../lib/record/request/rates.ts";

Deno.test("parseRate() takes what is asked for up to the kernel's limit, and says when it is less", () => {
  assertEquals(parseRate("999", 100_000), { freq: 999, defaultFreq: 4000 });
  assertEquals(parseRate("999", undefined), { freq: 999, defaultFreq: 4000 });
  assertEquals(parseRate(undefined, 100_000), { defaultFreq: 4000 });
  assertEquals(parseRate("5000", 1000), {
    freq: 1000,
    defaultFreq: 1000,
    note: "kernel.perf_event_max_sample_rate is 1000: sampling at 1000 Hz rather than 5000",
  });
  assertEquals(parseRate(undefined, 1000).defaultFreq, 1000);
  assertEquals(parseRate(undefined, 1000).note?.includes("rather than 4000"), true);
});

Deno.test("parseRate() takes max as the kernel's limit, and says what that is", () => {
  const rate = parseRate("max", 32_000);
  assertEquals([rate.freq, rate.note], [
    32_000,
    "kernel.perf_event_max_sample_rate is 32000: sampling at 32000 Hz",
  ]);
  assertThrows(() => parseRate("max", undefined), UsageError, "give a number");
});

for (const text of ["0", "-1", "1.5", "", "fast", "1e3"]) {
  Deno.test(`parseRate() refuses '${text}'`, () => {
    assertThrows(() => parseRate(text, 1000), UsageError, "or max");
  });
}

Deno.test("cyclesPerSecond() takes the rated frequency, then the largest, then the one that runs", () => {
  const cpufreq = "/sys/devices/system/cpu/cpu0/cpufreq";
  const files: Record<string, string> = {
    [`${cpufreq}/base_frequency`]: "2400000\n",
    [`${cpufreq}/cpuinfo_max_freq`]: "4500000\n",
    "/proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2445.404\n",
  };
  const seen: (number | undefined)[] = [];
  for (const path of [...Object.keys(files), ""]) {
    seen.push(cyclesPerSecond((p) => files[p]));
    delete files[path];
  }
  assertEquals(seen, [2.4e9, 4.5e9, 2_445_404_000, undefined]);
});
