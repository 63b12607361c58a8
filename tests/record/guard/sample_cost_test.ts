import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { PmuError } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../../lib/base/system/errno.ts";
import { sampleCost } from "../../../lib/record/guard/sample_cost.ts";
import { FakeKernel } from "../fake_kernel.ts";
import { fakeSampler } from "../fake_rings.ts";

const { attr } = fakeSampler();

/** Gives the seconds that the work takes, one after the other, in turns alone and with samples. */
function turns(seconds: readonly number[]): () => number {
  const left = [0, ...seconds]; // the first one warms up
  return () => left.shift()!;
}

Deno.test("sampleCost() tells the time that each sample added in the best turns", () => {
  const kernel = new FakeKernel();
  const noisy: number[] = Array.from({ length: 16 }, (_, turn) => turn % 2 ? 1.5e-3 : 1.4e-3);
  noisy[4] = 1e-3; // the best without samples
  noisy[7] = 1.25e-3; // and with them: 12.5 samples at 10 kHz, which took 0.25 ms
  assertAlmostEquals(sampleCost(attr, kernel.calls, turns(noisy))!, 0.25e-3 / 12.5, 1e-12);
  assertEquals(kernel.open.size, 0);
});

Deno.test("sampleCost() is never below 0", () => {
  const faster = Array.from({ length: 16 }, (_, turn) => turn % 2 ? 1e-3 : 2e-3);
  assertEquals(sampleCost(attr, new FakeKernel().calls, turns(faster)), 0);
});

Deno.test("sampleCost() tries the event on this thread at its own rate, and only when it is told to", () => {
  const kernel = new FakeKernel();
  const seen: unknown[] = [];
  const trial = { ...attr, flags: new Set([...attr.flags, "enableOnExec" as const, "inherit" as const]) };
  let turn = 0;
  sampleCost(trial, kernel.calls, () => {
    const [{ attr: { flags, samplePeriod }, pid, cpu, enabled }] = kernel.open.values();
    seen.push(enabled);
    assertEquals([flags.has("freq"), flags.has("enableOnExec"), flags.has("inherit")], [true, false, false]);
    assertEquals([samplePeriod, pid, cpu], [10000n, 0, -1]);
    return ++turn;
  });
  assertEquals(seen.slice(0, 5), [false, false, true, false, true]);
});

Deno.test("sampleCost() knows nothing where the event is refused, and closes it where trying fails", () => {
  const kernel = new FakeKernel();
  kernel.refuse = () => ERRNO.EACCES;
  assertEquals(sampleCost(attr, kernel.calls), undefined);
  const failing = new FakeKernel();
  failing.calls.enable = () => {
    throw new PmuError("ioctl", ERRNO.EINVAL);
  };
  let error: unknown;
  try {
    sampleCost(attr, failing.calls);
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof PmuError);
  assertEquals(failing.open.size, 0);
});
