import { assertEquals } from "@std/assert";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeLostSamples } from "../../../lib/perfdata/format/record_encoders.ts";
import { lossRecord } from "../../../lib/record/rings/lost_record.ts";
import type { Opened } from "../../../lib/record/open/opening.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { samplingAttr } from "../../../lib/record/request/sampling.ts";

function opened(several: boolean): Opened {
  const [{ events: [event] }] = resolveEvents("cpu-clock");
  const attr = samplingAttr(event, {}, { several, watermark: 0, enableOnExec: false }, "own");
  const choice = { backend: "clock" };
  return {
    event,
    attr,
    places: [{ tid: 0, cpu: 0, fd: 3, id: 77n }],
    choice,
  } as unknown as Opened;
}

Deno.test("lossRecord() is a LOST_SAMPLES of no process, and knows where number, time and CPU go", () => {
  const event = opened(true);
  const layout = compileLayout(event.attr);
  const loss = lossRecord([event])!;
  const filled = loss.record.slice();
  const view = new DataView(filled.buffer);
  view.setBigUint64(8, 5n, true);
  view.setBigUint64(loss.timeAt, 1234n, true);
  view.setUint32(loss.cpuAt, 3, true);
  assertEquals(filled, encodeLostSamples(5n, layout, { pid: -1, tid: -1, id: 77n, time: 1234n, cpu: 3 }));
  assertEquals(loss.sampleTimeAt, layout.time);
});

Deno.test("lossRecord() is none where the drain could not find the samples' times", () => {
  assertEquals(lossRecord([]), undefined);
  const later = opened(false);
  later.attr = { ...later.attr, sampleType: later.attr.sampleType & ~PERF_SAMPLE.TID };
  assertEquals(lossRecord([opened(false), later]), undefined);
});
