import { assertEquals } from "@std/assert";
import { PERF_FORMAT, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { callchainOffset, compileLayout, readSize } from "../../../lib/perfdata/format/attr_layout.ts";

const S = PERF_SAMPLE;

Deno.test("layout puts the fields of a sample in the order of the kernel", () => {
  const layout = compileLayout(makeAttr({
    sampleType: S.IDENTIFIER | S.IP | S.TID | S.TIME | S.ADDR | S.ID | S.STREAM_ID | S.CPU | S.PERIOD |
      S.CALLCHAIN,
  }));
  const { identifier, ip, tid, time, addr, id, streamId, cpu, period, callchain, minSize } = layout;
  assertEquals(
    [identifier, ip, tid, time, addr, id, streamId, cpu, period, callchain, minSize],
    [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88],
  );
});

Deno.test("layout leaves out the fields that are not asked for", () => {
  const layout = compileLayout(makeAttr({ sampleType: S.IP | S.TIME }));
  assertEquals([layout.ip, layout.time, layout.minSize], [8, 16, 24]);
  const { identifier, tid, addr, id, streamId, cpu, period, read, callchain } = layout;
  assertEquals([identifier, tid, addr, id, streamId, cpu, period, read, callchain], Array(9).fill(-1));
  assertEquals(layout.trailer.size, 0);
});

Deno.test("layout measures the trailer from the end of a record", () => {
  const sampleType = S.IDENTIFIER | S.TID | S.TIME | S.CPU | S.IP | S.PERIOD;
  const { trailer } = compileLayout(makeAttr({ sampleType, flags: ["sampleIdAll"] }));
  assertEquals(trailer, { size: 32, tid: 32, time: 24, cpu: 16, identifier: 8, id: 0, streamId: 0 });
  const whole = compileLayout(
    makeAttr({ sampleType: sampleType | S.ID | S.STREAM_ID, flags: ["sampleIdAll"] }),
  );
  assertEquals(whole.trailer, { size: 48, tid: 48, time: 40, id: 32, streamId: 24, cpu: 16, identifier: 8 });
});

Deno.test("layout knows where the chain begins behind a READ of one counter", () => {
  const readFormat = PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.ID;
  const layout = compileLayout(makeAttr({ sampleType: S.IP | S.READ | S.CALLCHAIN, readFormat }));
  assertEquals([layout.read, layout.callchain, layout.minSize], [16, 40, 48]);
  assertEquals(callchainOffset(layout, new Uint32Array(), 0, 48), 40);
});

Deno.test("layout finds the chain behind a group READ in the sample itself", () => {
  const readFormat = PERF_FORMAT.GROUP | PERF_FORMAT.ID | PERF_FORMAT.TOTAL_TIME_RUNNING;
  const layout = compileLayout(makeAttr({ sampleType: S.READ | S.CALLCHAIN, readFormat }));
  assertEquals([layout.callchain, layout.hasCallchain, layout.minSize], [-1, true, 32]);
  assertEquals(readSize(readFormat, 3), 16 + 3 * 16);
  const words = new Uint32Array(64);
  words[2] = 3; // members
  assertEquals(callchainOffset(layout, words, 0, 256), 8 + 16 + 48);
  assertEquals(callchainOffset(layout, words, 0, 64), -1);
  words[3] = 1; // 2^32 + 3 of them
  assertEquals(callchainOffset(layout, words, 0, 256), -1);
});
