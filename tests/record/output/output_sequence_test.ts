/** Files of a recording, one after another, from rings without a kernel. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createFile } from "../../../ffi/pmu.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ERRNO, PmuError } from "../../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { encodeMmap2 } from "../../../lib/perfdata/format/record_encoders.ts";
import { OutputSequence } from "../../../lib/record/output/output_sequence.ts";
import type { RecordRequest } from "../../../lib/record/request/request.ts";
import { fileBuildId } from "../../../lib/symbols/elf/build_id.ts";
import { eventually } from "../../eventually.ts";
import { collect } from "../../perfdata/read_recording.ts";
import { fakeRequest, FakeRings, fakeSample, fakeSampler } from "../fake_rings.ts";

/** Never: nobody asks for an end a second time. */
const NEVER = new Promise<never>(() => {});

/** Calls `body` with the outputs of a recording into `FOLDER/out`. */
async function withOutputs(
  changes: Partial<RecordRequest>,
  body: (made: { outputs: OutputSequence; rings: FakeRings; path: string; notes: string[] }) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  const rings = new FakeRings();
  const notes: string[] = [];
  const path = `${folder}/out`;
  const outputs = new OutputSequence(fakeRequest(path, changes), [fakeSampler()], {
    note: (line) => void notes.push(line),
    happened: { rateChanges: [], cpuChanges: [] },
    newDrain: rings.newDrain,
  });
  try {
    await body({ outputs, rings, path, notes });
  } finally {
    outputs.free();
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Returns the times of the samples in a file. */
async function timesIn(path: string): Promise<number[]> {
  const { samples } = await collect(new MemoryBytes(Deno.readFileSync(path)));
  return samples.map(({ time }) => Number(time));
}

Deno.test("OutputSequence writes one file that a reader reads, with a ledger of its samples", () =>
  withOutputs({ objectPolicy: "list" }, async ({ outputs, rings, path, notes }) => {
    outputs.begin();
    for (const time of [10, 20, 30]) rings.push(fakeSample(time));
    assertEquals(outputs.completed, 0);
    const { ledger, paths, cuts, writeError } = await outputs.end(NEVER);
    assertEquals([ledger.total.sample, paths, cuts, writeError, notes], [3, [path], [], undefined, []]);
    assertEquals(await timesIn(path), [10, 20, 30]);
    const { header } = await collect(new MemoryBytes(Deno.readFileSync(path)));
    assertEquals(header.features.hostname, "testhost");
    assertEquals(rings.log, ["drain 1: start", "drain 1: stop", "drain 1: free"]);
  }));

Deno.test("OutputSequence lists the build ids of the objects that ran, deleted ones too", () =>
  withOutputs({ objectPolicy: "list" }, async ({ outputs, rings, path }) => {
    const program = `${path}.program`;
    Deno.copyFileSync(Deno.execPath(), program);
    const id = fileBuildId(program);
    assert(id, "the program has no build id");
    outputs.begin();
    const layout = compileLayout(fakeSampler().attr);
    const map = { start: 0x1000, length: 0x1000, pgoff: 0, prot: 5, flags: 2, filename: program };
    const record = new Uint8Array(encodeMmap2({ ...map, pid: Deno.pid, tid: Deno.pid }, layout));
    rings.drains[0].seen = { maps: [{ file: 1, record }], forks: [] };
    await eventually(() => rings.drains[0].seen.maps.length === 0, "the keeper to look");
    Deno.removeSync(program);
    await outputs.end(NEVER);
    const { header } = await collect(new MemoryBytes(Deno.readFileSync(path)));
    const listed = header.features.buildIds?.find(({ filename }) => filename === program);
    assertEquals(listed?.buildId, id);
  }));

Deno.test("OutputSequence writes a pipe with its ledger behind the records, and cannot take it back", async () => {
  const path = Deno.makeTempFileSync({ prefix: "pmuctl-test-" });
  try {
    const rings = new FakeRings();
    const output = { kind: "pipe", name: "standard output", fd: createFile(path), own: true } as const;
    const outputs = new OutputSequence(fakeRequest("", { output, objectPolicy: "save" }), [fakeSampler()], {
      note: () => {},
      happened: { rateChanges: [], cpuChanges: [] },
      newDrain: rings.newDrain,
    });
    outputs.begin();
    rings.push(fakeSample(10));
    const { paths, ledger } = await outputs.end(NEVER);
    outputs.discard();
    assertEquals([paths, ledger.total.sample], [["standard output"], 1]);
    assertEquals(rings.drains[0].options.sizeFieldAt, undefined);
    const bytes = Deno.readFileSync(path);
    const { samples, stats } = await collect(new MemoryBytes(bytes));
    assertEquals([samples.length, stats.truncatedAt], [1, -1]);
    assertMatch(new TextDecoder("latin1").decode(bytes.subarray(-800)), /"sample":1/);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("OutputSequence hands the rings from file to file, and no sample is lost or in two files", () =>
  withOutputs({ switching: { when: { kind: "signal" } } }, async ({ outputs, rings, path, notes }) => {
    outputs.begin();
    rings.push(fakeSample(10));
    await outputs.switch();
    rings.push(fakeSample(20));
    const { ledger, paths } = await outputs.end(NEVER);
    assertEquals([ledger.total.sample, paths.length, outputs.completed], [2, 2, 2]);
    assertEquals(await Promise.all(paths.map(timesIn)), [[10], [20]]);
    for (const each of paths) assertMatch(each, /\/out\.\d{16}$/);
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
    assertEquals(notes.length, 2);
    // 1 fills the first file, 3 the spool between the files, 2 the second file
    assertEquals(rings.log, [
      "drain 1: start",
      "drain 1: stop",
      "drain 3: start",
      "drain 3: stop",
      "drain 2: start",
      "drain 3: free",
      "drain 1: free",
      "drain 2: stop",
      "drain 2: free",
    ]);
  }));

Deno.test("OutputSequence puts what comes between two files into the second, in front of what comes later", () =>
  withOutputs({ switching: { when: { kind: "signal" } } }, async ({ outputs, rings }) => {
    outputs.begin();
    rings.push(fakeSample(10));
    // the spool's drain runs from the end of the first file to the start of the second
    rings.onStep = (step) => {
      if (step === "drain 3: start") rings.push(fakeSample(15));
    };
    await outputs.switch();
    rings.push(fakeSample(20));
    const { paths, ledger } = await outputs.end(NEVER);
    assertEquals(await Promise.all(paths.map(timesIn)), [[10], [15, 20]]);
    assertEquals(ledger.total.sample, 3);
  }));

Deno.test("OutputSequence goes on in the same file, and says so, when there can be no other drain", () =>
  withOutputs({ switching: { when: { kind: "signal" } } }, async ({ outputs, rings, path, notes }) => {
    outputs.begin();
    rings.push(fakeSample(10));
    rings.addResult = (_pages, drain) => drain > 1 ? -ERRNO.EPERM : 0;
    await outputs.switch();
    assertMatch(notes[0], /^cannot map rings .*: going on in the same file$/);
    assert(Deno.statSync(path).isFile);
    rings.push(fakeSample(20));
    const { paths } = await outputs.end(NEVER);
    assertEquals(await Promise.all(paths.map(timesIn)), [[10, 20]]);
  }));

Deno.test("OutputSequence removes the oldest files beyond the number that is kept", () =>
  withOutputs(
    { switching: { when: { kind: "signal" }, maxFiles: 2 } },
    async ({ outputs, rings, path }) => {
      outputs.begin();
      for (const time of [10, 20, 30]) {
        rings.push(fakeSample(time));
        await outputs.switch();
      }
      const { paths, ledger } = await outputs.end(NEVER);
      assertEquals(ledger.total.sample, 3);
      assertEquals(await Promise.all(paths.map(timesIn)), [[30], []]);
      const left = [...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))].map(({ name }) => name);
      assertEquals(left.length, 2);
    },
  ));

Deno.test("OutputSequence gives up what an output does not take soon after the user asks a second time for an end", () =>
  withOutputs({}, async ({ outputs, rings }) => {
    outputs.begin();
    const held = Promise.withResolvers<void>();
    rings.drains[0].held = held.promise;
    const ended = outputs.end(Promise.resolve());
    await eventually(() => rings.log.includes("drain 1: abort"), "the drain to be aborted");
    held.resolve();
    await ended;
    assertEquals(rings.log, ["drain 1: start", "drain 1: stop", "drain 1: abort", "drain 1: free"]);
  }));

Deno.test("OutputSequence completes a file whose disk is full, and counts what is missing", () =>
  withOutputs({}, async ({ outputs, rings, path }) => {
    outputs.begin();
    rings.push(fakeSample(10));
    rings.drains[0].error = new PmuError("drain", ERRNO.ENOSPC);
    assertEquals(outputs.error?.errno, ERRNO.ENOSPC);
    const { ledger: { total }, writeError } = await outputs.end(NEVER);
    assertEquals([total.sample, total.dropbuf_sample, writeError?.errno], [0, 1, ERRNO.ENOSPC]);
    assertEquals(await timesIn(path), []);
  }));

Deno.test("OutputSequence leaves what was there when its rings cannot be made, or it is discarded", () => {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  try {
    const path = `${folder}/out`;
    Deno.writeTextFileSync(path, "old");
    const rings = new FakeRings();
    const context = {
      note: () => {},
      happened: { rateChanges: [], cpuChanges: [] },
      newDrain: rings.newDrain,
    };
    const discarded = new OutputSequence(fakeRequest(path), [fakeSampler()], context);
    assertEquals(Deno.readTextFileSync(`${path}.old`), "old");
    const busy = () => new OutputSequence(fakeRequest(path), [fakeSampler()], context);
    assertThrows(busy, UnsupportedError, "another recorder is writing it");
    discarded.discard();
    assertEquals(Deno.readTextFileSync(path), "old");
    rings.addResult = () => -ERRNO.ENOMEM;
    assertThrows(() => new OutputSequence(fakeRequest(path), [fakeSampler()], context), UnsupportedError);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["out"]);
    assertEquals(Deno.readTextFileSync(path), "old");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("OutputSequence fails aloud when a switch goes wrong unexpectedly", () =>
  withOutputs({ switching: { when: { kind: "signal" } } }, async ({ outputs, rings }) => {
    outputs.begin();
    rings.drains[0].held = Promise.reject(new Error("unforeseen"));
    await outputs.switch();
    await assertRejects(() => outputs.failed, Error, "unforeseen");
  }));
