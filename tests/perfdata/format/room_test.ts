import { assert, assertEquals, assertMatch } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { isUnfinished } from "../../../lib/perfdata/read/damage.ts";
import { encodeFeatures } from "../../../lib/perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../../lib/perfdata/format/features.ts";
import { encodeFileEnd, MAX_TABLE_BYTES } from "../../../lib/perfdata/format/writer.ts";
import { testNeeding } from "../../needs.ts";
import { collect, type Reading, stream } from "../read_recording.ts";
import {
  FEATURES,
  killedFile,
  roomedFile,
  versionPayload,
  writtenFile,
  writtenPipe,
} from "../small_recording.ts";

const [BUILD_ID] = FEATURES.buildIds!;
const session = (seconds: number, more: Record<string, unknown> = {}) => ({
  version: 1,
  tool: "9",
  command: ["worker"],
  seconds,
  ledger: { rows: [], total: { sample: 4, overflow: 0, dropbuf_sample: 0 } },
  ...more,
});

/** Reads the recording as a file and as a stream, which must agree. */
async function read(file: Uint8Array): Promise<Reading> {
  const [whole, streamed] = [
    await collect(new MemoryBytes(file)),
    await collect(stream(file, 7), { window: 64 }),
  ];
  assertEquals(streamed.samples, whole.samples);
  const of = ({ header: { features } }: Reading) => [features.numbers, features.ledger, features.buildIds];
  assertEquals(of(streamed), of(whole));
  return whole;
}

const secondsOf = ({ header: { features } }: Reading) => JSON.parse(features.ledger ?? "{}").seconds;
const unfinished = ({ header, stats }: Reading) => isUnfinished(header, stats);

Deno.test("a recording that was killed is described by what has room at its front", async () => {
  const { file } = roomedFile({ ledger: session(1, { unfinished: true }), buildIds: [BUILD_ID] });
  const reading = await read(file);
  const { features, events } = reading.header;
  assertEquals([features.hostname, features.cmdline], [FEATURES.hostname, FEATURES.cmdline]);
  assertEquals(features.buildIds.map(({ filename, buildId }) => [filename, buildId]), [
    [BUILD_ID.filename, BUILD_ID.buildId],
  ]);
  assertEquals(events[1].name, "page-faults:u");
  assertEquals([reading.samples.length, secondsOf(reading), unfinished(reading)], [4, 1, true]);
});

Deno.test("of the states in a room the last that is whole counts", async () => {
  const states = [1, 2, 3].map((seconds) => ({ ledger: session(seconds) }));
  assertEquals(secondsOf(await read(roomedFile(...states).file)), 3);
  const { file, room } = roomedFile(...states);
  file[room.states[1].offset + 100] ^= 1; // the third, amid being written
  assertEquals(secondsOf(await read(file)), 2);
  file[room.states[0].offset + 100] ^= 1;
  const { header } = await read(file);
  assertEquals([header.features.ledger, header.features.hostname], [undefined, FEATURES.hostname]);
});

Deno.test("a table behind the records may name what lies in the room, and wins over it", async () => {
  const { file, start, room } = roomedFile({ ledger: session(1, { unfinished: true }) });
  const version = { number: FEATURE.VERSION, payload: versionPayload(session(2)) };
  const dataSize = file.length - start.dataOffset;
  const { tail, patches } = encodeFileEnd(start.dataOffset, dataSize, [...room.sections, version]);
  assert(tail.length - version.payload.length <= MAX_TABLE_BYTES);
  const whole = concat([file, tail]);
  for (const { offset, bytes } of patches) whole.set(bytes, offset);
  const reading = await read(whole);
  assertEquals(reading.header.features.hostname, FEATURES.hostname);
  assertEquals([secondsOf(reading), unfinished(reading)], [2, false]);
});

Deno.test("a feature in the room that ends early is left out, of files and streams", async () => {
  const { file, room } = roomedFile({ ledger: session(1) });
  const entry = room.sections.findIndex(({ number }) => number === FEATURE.SAMPLE_TIME);
  // behind the file's header and the room's front; an entry is number, offset, size
  new DataView(file.buffer).setBigUint64(104 + 72 + 24 * entry + 16, 8n, true);
  for (const input of [new MemoryBytes(file), stream(file, 7)]) {
    const { header, samples, stats } = await collect(input, { damaged: "stop" });
    assertEquals([header.features.sampleTime, samples.length], [undefined, 4]);
    assertMatch(stats.damage!.message, /SAMPLE_TIME section ends early/);
  }
});

Deno.test("a damaged room never costs a record, wherever the damage is", async () => {
  const { file } = roomedFile({ ledger: session(1) });
  const bare = await collect(new MemoryBytes(writtenFile({})));
  for (let at = 104; at < 104 + 400; at++) {
    for (const value of [0, 0xff, 0x7f]) {
      const damaged = file.slice();
      damaged[at] = value;
      const reading = await collect(new MemoryBytes(damaged), { damaged: "stop" });
      assertEquals(reading.samples.length, bare.samples.length, `byte ${at} is ${value}`);
    }
  }
});

Deno.test("nobody knows the loss of what was killed, or cut off", async () => {
  const finished = { ...FEATURES, version: "pmuctl 9", ledger: JSON.stringify(session(1)) };
  assertEquals(unfinished(await collect(new MemoryBytes(writtenFile(finished)))), false);
  assertEquals(unfinished(await collect(new MemoryBytes(writtenPipe(finished)))), false);
  // of perf, that ends a pipe with nothing
  assertEquals(unfinished(await collect(new MemoryBytes(writtenPipe({ version: "6.1" })))), false);
  assertEquals(unfinished(await collect(new MemoryBytes(writtenPipe({ version: "pmuctl 9" })))), true);
  assertEquals(unfinished(await collect(new MemoryBytes(killedFile()))), true);
  const pipe = writtenPipe({ version: "6.1" });
  const cut = new MemoryBytes(pipe.subarray(0, pipe.length - 40));
  assertEquals(unfinished(await collect(cut, { damaged: "stop" })), true);
});

testNeeding(["perf"], "perf reads a file with room at its front as if it were not there", async () => {
  const { file, start, room } = roomedFile({ ledger: session(1), buildIds: [BUILD_ID] });
  const dataSize = file.length - start.dataOffset;
  const version = encodeFeatures({ version: "pmuctl 9" });
  const { tail, patches } = encodeFileEnd(start.dataOffset, dataSize, [...room.sections, ...version]);
  const whole = concat([file, tail]);
  for (const { offset, bytes } of patches) whole.set(bytes, offset);
  const path = await Deno.makeTempFile({ suffix: ".data" });
  try {
    for (
      const [bytes, about] of [[file, /missing features: .*HOSTNAME/], [
        whole,
        /hostname : testhost/,
      ]] as const
    ) {
      await Deno.writeFile(path, bytes);
      const perf = async (...args: string[]) => {
        const { code, stdout } = await new Deno.Command("perf", { args: [...args, "-i", path] }).output();
        assertEquals(code, 0);
        return new TextDecoder().decode(stdout);
      };
      assertMatch(await perf("report", "--header-only"), about);
      assertMatch(await perf("report", "--stats"), /SAMPLE events: +4 /);
    }
  } finally {
    await Deno.remove(path);
  }
});
