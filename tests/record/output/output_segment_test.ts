/** One output of a recording: the order in which its sink and its drain are used. */

import { assertEquals, assertThrows } from "@std/assert";
import { closeFd, createFile } from "../../../ffi/pmu.ts";
import { ERRNO, PmuError } from "../../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { OutputSegment } from "../../../lib/record/output/output_segment.ts";
import type { RecordingFacts, Sink } from "../../../lib/record/output/sink.ts";
import { type FakeDrain, FakeRings, fakeSample, fakeSampler } from "../fake_rings.ts";

const COURSE = {
  command: ["work"],
  events: [],
  happened: { rateChanges: [], cpuChanges: [] },
  pidNamespace: false,
};

/** Makes a segment with a sink that logs its steps among those of the drain; `full`: the disk takes no front. */
function segment({ fd = -1, isFile = true, full = false } = {}) {
  const rings = new FakeRings();
  const { log } = rings;
  const finished: { facts: RecordingFacts; failed: boolean }[] = [];
  const sink: Sink = {
    fd,
    sizeFieldAt: isFile ? 48 : undefined,
    spare: 0,
    dataBytes: 40,
    write(records) {
      log.push(`sink: write ${records.length}`);
      if (full) throw new UnsupportedError({ attempt: "write x", cause: "no space left on device" });
    },
    addIds: () => true,
    keep: () => void log.push("sink: keep"),
    freeBallast: () => void log.push("sink: free ballast"),
    finish(dataBytes, facts, failed) {
      log.push(`sink: finish ${dataBytes}`);
      finished.push({ facts, failed });
      return { bytes: dataBytes + 1000 };
    },
    discard: () => void log.push("sink: discard"),
    close: () => void log.push("sink: close"),
  };
  const drain: FakeDrain = rings.newDrain({ outFd: fd });
  const options = { objectPolicy: "nothing", course: () => COURSE } as const;
  return { made: new OutputSegment(sink, drain, [fakeSampler()], options), drain, rings, log, finished };
}

/** Calls `body` with the descriptor of a file. */
async function withFile(body: (fd: number) => Promise<void>): Promise<void> {
  const path = Deno.makeTempFileSync({ prefix: "pmuctl-test-" });
  const fd = createFile(path);
  try {
    await body(fd);
  } finally {
    closeFd(fd);
    Deno.removeSync(path);
  }
}

Deno.test("OutputSegment writes its front, then lets the drain run, and completes the sink behind both", () =>
  withFile(async (fd) => {
    const { made, rings, log, finished } = segment({ fd });
    made.begin([new Uint8Array(8)], new Map());
    const sample = fakeSample(5);
    rings.push(sample);
    const lost = await made.stop(() => {
      log.push("read losses");
      return new Map([[0, { samples: 9 }]]);
    });
    assertEquals(lost.get(0)?.samples, 9);
    const { ledger: { total }, bytes } = await made.finish();
    made.free();
    made.free(); // once more does nothing
    const dataBytes = 40 + sample.length;
    assertEquals(log, [
      "sink: write 1",
      "drain 1: start",
      "drain 1: stop",
      "read losses",
      `sink: finish ${dataBytes}`,
      "drain 1: free",
      "sink: close",
    ]);
    assertEquals([total.sample, total.overflow, bytes], [1, 9, dataBytes + 1000]);
    assertEquals([finished[0].facts.command, finished[0].failed], [["work"], false]);
  }));

Deno.test("OutputSegment counts only what was lost since the segment before", () =>
  withFile(async (fd) => {
    const { made } = segment({ fd });
    made.begin([], new Map([[0, { samples: 4 }]]));
    await made.stop(() => new Map([[0, { samples: 9 }]]));
    assertEquals((await made.finish()).ledger.total.overflow, 5);
    made.free();
  }));

Deno.test("OutputSegment refuses a first front that cannot be written, and goes on without a later one", () =>
  withFile(async (fd) => {
    const first = segment({ fd, full: true });
    assertThrows(() => first.made.begin([], new Map()), UnsupportedError, "no space left");
    assertEquals(first.log, ["sink: write 0"]);
    first.made.free();
    const later = segment({ fd, full: true });
    await later.made.follow([], new Map(), undefined);
    assertEquals(later.log, ["sink: write 0", "drain 1: start"]);
    later.made.free();
  }));

Deno.test("OutputSegment frees the ballast before the drain tells a full disk its size", () =>
  withFile(async (fd) => {
    const { made, drain, log, finished } = segment({ fd });
    made.begin([], new Map());
    drain.error = new PmuError("drain", ERRNO.ENOSPC);
    await made.stop(() => new Map());
    assertEquals(log.slice(2), ["sink: free ballast", "drain 1: stop"]);
    assertEquals((await made.finish()).writeError?.errno, ERRNO.ENOSPC);
    assertEquals(finished[0].failed, true);
    made.free();
  }));

Deno.test("OutputSegment writes nothing more to a pipe that was given up, but completes a file", () =>
  withFile(async (fd) => {
    for (const isFile of [false, true]) {
      const { made, drain, finished } = segment({ fd, isFile });
      made.begin([], new Map());
      drain.error = new PmuError("drain", ERRNO.ECANCELED);
      await made.stop(() => new Map());
      await made.finish();
      assertEquals(finished.length, isFile ? 1 : 0);
      made.free();
      made.giveUp(); // the drain is gone: nothing happens
    }
  }));
