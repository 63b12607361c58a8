import { assert, assertEquals } from "@std/assert";
import {
  firstRate,
  livelocks,
  RatePolicy,
  type RecordingInterval,
  SAFE_RATE,
} from "../../../lib/record/guard/rate_policy.ts";

const calm: RecordingInterval = {
  seconds: 1,
  ownCpuSeconds: 0.05,
  cpus: 2,
  written: 8000,
  lost: 0,
  bytes: 1e6,
};

/** The rate after each stretch. */
function ratesOver(intervalReader: Partial<RecordingInterval>[], rate = 8000): number[] {
  const control = new RatePolicy(rate);
  return intervalReader.map((stretch) => rate = control.observe({ ...calm, ...stretch })?.to ?? rate);
}

const SITUATIONS: { what: string; intervalReader: Partial<RecordingInterval>[]; rates: number[] }[] = [
  { what: "all is calm", intervalReader: [{}, {}, {}], rates: [8000, 8000, 8000] },
  {
    what: "one stretch alone is over",
    intervalReader: [{ ownCpuSeconds: 1 }, {}, { ownCpuSeconds: 1 }, {}],
    rates: [8000, 8000, 8000, 8000],
  },
  {
    what: "the recorder takes 40% of both CPUs, and a quarter of that afterwards",
    intervalReader: [{ ownCpuSeconds: 0.8 }, { ownCpuSeconds: 0.8 }, { ownCpuSeconds: 0.5 }, {}, {}],
    rates: [8000, 1600, 1600, 1600, 1600],
  },
  {
    what: "half of the samples are lost",
    intervalReader: [{ lost: 8000 }, { lost: 8000 }, { lost: 8000 }, {}],
    rates: [8000, 3200, 3200, 3200],
  },
  { what: "some are lost", intervalReader: [{ lost: 800 }, { lost: 800 }], rates: [8000, 8000] },
  {
    what: "the output is flooded",
    intervalReader: [{ bytes: 2 ** 30 }, { bytes: 2 ** 30 }],
    rates: [8000, 1600],
  },
  {
    what: "the kernel lowers its limit",
    intervalReader: [{ kernelLimit: 4000 }, { kernelLimit: 4000 }, { kernelLimit: 4000 }, {
      kernelLimit: 4000,
    }],
    rates: [8000, 4000, 4000, 4000],
  },
  {
    what: "the worst of several counts",
    intervalReader: [{ ownCpuSeconds: 0.8, lost: 80000 }, { ownCpuSeconds: 0.8, lost: 80000 }],
    rates: [8000, 580],
  },
  {
    what: "nothing is there in a stretch",
    intervalReader: [{ written: 0, bytes: 0, ownCpuSeconds: 0 }, { written: 0, bytes: 0, ownCpuSeconds: 0 }],
    rates: [8000, 8000],
  },
];

for (const { what, intervalReader, rates } of SITUATIONS) {
  Deno.test(`RatePolicy where ${what}`, () => assertEquals(ratesOver(intervalReader), rates));
}

Deno.test("RatePolicy comes to rest at a rate that costs nothing, whatever goes on", () => {
  const rates = ratesOver(Array(60).fill({ ownCpuSeconds: 2, lost: 1e6 }), 99999);
  assertEquals(rates.at(-1), 100);
  for (let i = 1; i < rates.length; i++) assert(rates[i] <= rates[i - 1]);
});

Deno.test("RatePolicy says why", () => {
  const control = new RatePolicy(8000);
  control.observe({ ...calm, ownCpuSeconds: 0.8 });
  const change = control.observe({ ...calm, ownCpuSeconds: 0.8 });
  assertEquals(change?.reason, "the recorder takes 40% of the CPUs, more than its limit of 10%");
});

Deno.test("firstRate() leaves what any machine bears, and never goes above what was asked", () => {
  const us = 1e-6;
  assertEquals(firstRate(4000, 1000 * us, 0.25), 4000);
  assertEquals(firstRate(99999, 20 * us, 0.25), SAFE_RATE);
  assertEquals(firstRate(99999, 3 * us, 0.25), 41000);
  assertEquals(firstRate(99999, 0.5 * us, 0.25), 99999);
  assertEquals(firstRate(99999, 0, 0.25), 99999);
});

Deno.test("livelocks() where the samples alone take the CPU's time", () => {
  assert(livelocks(100000, 14e-6));
  assert(!livelocks(100000, 1e-6));
  assert(!livelocks(20000, 14e-6));
});
