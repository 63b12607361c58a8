import { assertEquals } from "@std/assert";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { describeEvent, EventTable } from "../../../lib/perfdata/format/events.ts";
import { encodeFork, encodeMmap2 } from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFinishedRound } from "../../../lib/perfdata/format/writer.ts";
import { findSampledObjects } from "../../../lib/record/objects/sampled_objects.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";

const attr = makeAttr({
  type: 1,
  config: 0n,
  samplePeriod: 1n,
  sampleType: PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CALLCHAIN,
  readFormat: 0,
  flags: ["sampleIdAll"],
});
const layout = compileLayout(attr);
const sample = (fields: SampleFields) => madeSample(attr, fields);
const map = (pid: number, start: number, filename: string) =>
  encodeMmap2(
    { pid, tid: pid, start, length: 0x1000, pgoff: 0, prot: 5, flags: 2, filename },
    layout,
  );

/** Returns the paths of the objects with samples, the addresses in run-time code by process, and the samples' times. */
function objectsOf(records: readonly Uint8Array[]) {
  const path = Deno.makeTempFileSync({ prefix: "pmuctl-test-" });
  try {
    const bytes = concat([...records]);
    Deno.writeFileSync(path, bytes);
    const file = FileBytes.tryOpen(path)!;
    const table = new EventTable();
    table.add(describeEvent(attr, [1n]));
    const { objects, code, times } = findSampledObjects(file, 0, bytes.length, table);
    file.close();
    return { paths: objects.map(({ path }) => path).sort(), code, times };
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("findSampledObjects() finds the objects of samples and of their callers, not those that were only mapped", () => {
  const { paths, times } = objectsOf([
    map(100, 0x10000, "/bin/a"),
    map(100, 0x20000, "/lib/b.so"),
    map(100, 0x30000, "/lib/idle.so"),
    sample({ ip: 0x10010, time: 70, chain: [0x10010, 0x20020] }),
    sample({ ip: 0x10020, time: 50 }),
  ]);
  assertEquals(paths, ["/bin/a", "/lib/b.so"]);
  assertEquals(times, { first: 50n, last: 70n });
});

Deno.test("findSampledObjects() follows processes that were forked, and tells address spaces apart", () => {
  const { paths } = objectsOf([
    map(100, 0x10000, "/bin/parent"),
    encodeFork({ pid: 101, tid: 101, ppid: 100, ptid: 100, time: 0n }, layout, { pid: 101, tid: 101 }),
    map(200, 0x10000, "/bin/other"),
    sample({ ip: 0x10010, pid: 101 }),
  ]);
  assertEquals(paths, ["/bin/parent"]);
});

Deno.test("findSampledObjects() finds an object whose mapping comes behind its sample", () => {
  assertEquals(objectsOf([sample({ ip: 0x10010 }), map(100, 0x10000, "/bin/late")]).paths, ["/bin/late"]);
});

Deno.test("findSampledObjects() keeps each address of run-time code, also of pages whose mapping comes a round later", () => {
  const early = [0x10010, 0x10020, 0x10f00].map((ip) => sample({ ip }));
  const { code } = objectsOf([
    ...early,
    encodeFinishedRound(),
    sample({ ip: 0x10030 }),
    map(100, 0x10000, "//anon"),
    sample({ ip: 0x10040 }),
    sample({ ip: 0x10050 }),
  ]);
  assertEquals([...code.get(100) ?? []].sort(), [0x10010, 0x10020, 0x10030, 0x10040, 0x10050, 0x10f00]);
});

Deno.test("findSampledObjects() finds both objects of a page that another one is mapped to later", () => {
  const { paths } = objectsOf([
    map(100, 0x10000, "/bin/first"),
    sample({ ip: 0x10010 }),
    map(100, 0x10000, "/bin/second"),
    sample({ ip: 0x10010 }),
  ]);
  assertEquals(paths, ["/bin/first", "/bin/second"]);
});

Deno.test("findSampledObjects() leaves out addresses in the kernel, and in no mapping, and stops at garbage", () => {
  const garbage = new Uint8Array(16);
  const { paths, times } = objectsOf([
    map(100, 0x10000, "/bin/a"),
    sample({ ip: -0x1000, time: 3 }),
    sample({ ip: 0x90000, time: 4 }),
    garbage,
    sample({ ip: 0x10010, time: 5 }),
  ]);
  assertEquals([paths, times], [[], { first: 3n, last: 4n }]);
  assertEquals(objectsOf([]).times, undefined);
});
