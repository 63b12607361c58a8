import { assertEquals } from "@std/assert";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeLostSamples } from "../../../lib/perfdata/format/record_encoders.ts";
import { lostRecord } from "../../../lib/record/rings/lost_record.ts";
import type { EventOnCpus } from "../../../lib/record/open/open_on_cpus.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { samplingAttr } from "../../../lib/record/request/sampling.ts";

function opened(several: boolean): EventOnCpus {
  const [{ events: [event] }] = resolveEvents("cpu-clock");
  const attr = samplingAttr(event, {}, { several, watermark: 0, enableOnExec: false }, "own");
  const choice = { backend: "clock" };
  return {
    event,
    attr,
    places: [{ tid: 0, cpu: 0, fd: 3, id: 77n }],
    choice,
  } as unknown as EventOnCpus;
}

Deno.test("lostRecord() is a LOST_SAMPLES of no process, and knows where number, time and CPU go", () => {
  const event = opened(true);
  const layout = compileLayout(event.attr);
  const loss = lostRecord([event])!;
  const filled = loss.record.slice();
  const view = new DataView(filled.buffer);
  view.setBigUint64(8, 5n, true);
  view.setBigUint64(loss.timeAt, 1234n, true);
  view.setUint32(loss.cpuAt, 3, true);
  assertEquals(filled, encodeLostSamples(5n, layout, { pid: -1, tid: -1, id: 77n, time: 1234n, cpu: 3 }));
  assertEquals(loss.sampleTimeAt, layout.time);
});

Deno.test("lostRecord() is none where the drain could not find the samples' times", () => {
  assertEquals(lostRecord([]), undefined);
  const later = opened(false);
  later.attr = { ...later.attr, sampleType: later.attr.sampleType & ~PERF_SAMPLE.TID };
  assertEquals(lostRecord([opened(false), later]), undefined);
});
