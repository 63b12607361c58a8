/** Software events of user space for the tests, which any user may open where perf events are allowed. */

import { PERF_COUNT_SW, PERF_SAMPLE, PERF_TYPE } from "../../lib/base/system/abi.ts";
import { errnoText } from "../../lib/base/system/errno.ts";
import { encodeAttr, makeAttr } from "../../lib/events/attr.ts";
import { closeEvent, type EventLocation, PmuError, tryOpen } from "../../ffi/pmu.ts";
import { testUnless } from "../needs.ts";

type AttrFields = NonNullable<Parameters<typeof makeAttr>[0]>;

/** A page-faults attr: each fault a sample, disabled until exec or enable(). */
export function faultsAttr(fields: AttrFields = {}): Uint8Array<ArrayBuffer> {
  return encodeAttr(makeAttr({
    type: PERF_TYPE.SOFTWARE,
    config: BigInt(PERF_COUNT_SW.PAGE_FAULTS),
    samplePeriod: 1n,
    sampleType: PERF_SAMPLE.IP | PERF_SAMPLE.TID,
    wakeup: 1024,
    flags: ["disabled", "excludeKernel", "excludeHv", "watermark"],
    ...fields,
  }));
}

/** Deno.test for a test that opens events: where that is refused it fails in CI, else it is skipped, loudly. */
export function testWithEvents(name: string, body: () => void | Promise<void>): void {
  const fd = tryOpen(faultsAttr(), { pid: 0, cpu: -1 });
  if (fd >= 0) closeEvent(fd);
  testUnless(fd < 0 && `perf_event_open is refused here: ${errnoText(-fd)}`, name, body);
}

/** Opens an event. Throws PmuError. */
export function openEvent(attr: Uint8Array<ArrayBuffer>, place: EventLocation): number {
  const fd = tryOpen(attr, place);
  if (fd < 0) throw new PmuError("perf_event_open", -fd);
  return fd;
}
