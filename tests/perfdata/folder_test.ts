import { concat } from "../../lib/base/bytes/bytes.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ByteInput, MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { openInput } from "../../lib/base/files/file_bytes.ts";
import { countRecords } from "../../lib/perfdata/read/count.ts";
import { encodeFeatures } from "../../lib/perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../lib/perfdata/format/features.ts";
import { encodeFileEnd, encodeFileStart } from "../../lib/perfdata/format/writer.ts";
import { renderStats } from "../../lib/report/text/stats.ts";
import { testNeeding } from "../needs.ts";
import { collect, stream } from "./read_recording.ts";
import { EVENTS, FEATURES, records, writtenFile } from "./small_recording.ts";

/** Splits the recording of small_recording.ts as `perf record --threads` does: samples in files of their own. */
function divided(): { main: Uint8Array; parts: Uint8Array[] } {
  const all = records();
  const isSample = (record: Uint8Array) => record[0] === 9;
  const start = encodeFileStart(EVENTS);
  const data = concat(all.filter((record) => !isSample(record)));
  const sections = [...encodeFeatures(FEATURES), {
    number: FEATURE.DIR_FORMAT,
    payload: new Uint8Array(8).fill(0),
  }]
    .sort((a, b) => a.number - b.number);
  const end = encodeFileEnd(start.dataOffset, data.length, sections);
  const main = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) main.set(bytes, offset);
  const samples = all.filter(isSample);
  return {
    main,
    parts: [
      concat(samples.filter((_, i) => i % 2 === 1)),
      concat(samples.filter((_, i) => i % 2 === 0)),
    ],
  };
}

const folder = (main: Uint8Array, parts: Uint8Array[]): ByteInput =>
  Object.assign(new MemoryBytes(main, "folder/data"), {
    beside: parts.map((part) => new MemoryBytes(part, "part")),
  });

Deno.test("reader() reads a recording in several files as one, in the order of time", async () => {
  const { main, parts } = divided();
  const whole = await collect(new MemoryBytes(writtenFile()));
  const reading = await collect(folder(main, parts));
  assertEquals(reading.samples, whole.samples);
  assertEquals(reading.stats.records, whole.stats.records);
  assertEquals(reading.stats.outOfOrder, 0);
  assertEquals(reading.stats.damage, undefined);
});

Deno.test("reader() says that one of several files is not all", async () => {
  const { main } = divided();
  for (const input of [new MemoryBytes(main, "x/data"), stream(main)]) {
    const { stats } = await collect(input, { damaged: "stop" });
    assertStringIncludes(stats.damage!.message, "name the folder");
    assert(stats.cut);
  }
  await assertRejects(() => countRecords(new MemoryBytes(main), false), BadInputError, "name the folder");
});

testNeeding(
  ["perf", "root"],
  "a folder by perf record --threads has the records that perf counts",
  async () => {
    for (const extra of [[], ["-z"]]) {
      const path = await Deno.makeTempDir();
      try {
        const perf = async (...args: string[]) => {
          const { success, stdout, stderr } = await new Deno.Command("perf", { args }).output();
          assert(success, new TextDecoder().decode(stderr));
          return new TextDecoder().decode(stdout).split("\n").filter((line) => line).join("\n") + "\n";
        };
        // without build ids, which perf 6.1 would look for in whatever else runs here
        await perf(
          ...["record", "-q", "-B", "--threads", ...extra, "-F", "500", "-e", "cpu-clock", "-a"],
          ...["-o", `${path}/x`, "--", "sleep", "0.2"],
        );
        const stats = await perf("report", "-i", `${path}/x`, "--stats");
        assertEquals(renderStats(await countRecords(openInput(`${path}/x`), false)), stats);
      } finally {
        await Deno.remove(path, { recursive: true });
      }
    }
  },
);

Deno.test("openInput() refuses a folder that is no recording", async () => {
  const path = await Deno.makeTempDir();
  try {
    await assertRejects(async () => await Promise.resolve(openInput(path)), BadInputError, "it is a folder");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("an error in one of several files tells its name, and where it is there", async () => {
  const { main, parts } = divided();
  const [first, second] = parts;
  second[6] = 3; // the size of its first record
  const { stats } = await collect(folder(main, [first, second]), { damaged: "stop" });
  assertStringIncludes(stats.damage!.message, "cannot read all of part: at offset 0, ");
  assertEquals(stats.truncatedAt, 0);
});
