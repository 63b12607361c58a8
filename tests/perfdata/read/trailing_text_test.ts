import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { concat } from "../../../lib/base/bytes/bytes.ts";
import { refuseDamage } from "../../../lib/perfdata/read/damage.ts";
import { collect, stream } from "../read_recording.ts";
import { records, writtenFile, writtenPipe } from "../small_recording.ts";
import { counted } from "../../../lib/base/text/plural.ts";

const PIPE = writtenPipe();
const bytes = (text: string) => new TextEncoder().encode(text);

/** Texts after a pipe's records, from a program or a person who wrote into the same file. */
const TEXTS = [
  "\n",
  "ok",
  "sum is 123456789\n",
  "déjà vu: 42 €\n",
  "\x1b[32mdone\x1b[0m\r\n",
  "[ perf record: Woken up 1 times to write data ]\n".repeat(3000),
];

for (const text of TEXTS) {
  Deno.test(`text behind a pipe's records ends it: ${JSON.stringify(text.slice(0, 20))}`, async () => {
    const whole = await collect(new MemoryBytes(PIPE));
    const input = concat([PIPE, bytes(text)]);
    for (const from of [new MemoryBytes(input), stream(input), stream(input, 7)]) {
      const { samples, stats } = await collect(from, { damaged: "stop" });
      assertEquals(samples, whole.samples);
      assertEquals([stats.truncatedAt, stats.cut], [PIPE.length, false]);
      const told = `${counted(bytes(text).length, "byte")} of text after its records`;
      assertStringIncludes(stats.damage!.message, `at offset ${PIPE.length}, ${told}`);
      refuseDamage(stats); // which does not
    }
  });
}

Deno.test("text among a pipe's records cuts it, since nothing says where they go on", async () => {
  const input = concat([PIPE, bytes("half way through\n"), ...records()]);
  for (const from of [new MemoryBytes(input), stream(input, 7)]) {
    const { stats } = await collect(from, { damaged: "stop" });
    assertEquals([stats.truncatedAt, stats.cut], [PIPE.length, true]);
    assertStringIncludes(stats.damage!.message, "text stands among its records");
    assertStringIncludes(stats.damage!.message, '"half way through');
  }
});

Deno.test("a pipe that ends within a record is cut, even where the record's start could be text", async () => {
  for (const length of [PIPE.length - 1, PIPE.length - 20]) {
    const { stats } = await collect(new MemoryBytes(PIPE.subarray(0, length)), { damaged: "stop" });
    assert(stats.cut);
    assertStringIncludes(stats.damage!.message, "ends within a record");
  }
});

Deno.test("text behind a file's features is no part of it", async () => {
  const { stats } = await collect(new MemoryBytes(concat([writtenFile(), bytes("goodbye\n")])));
  assertEquals(stats.damage, undefined);
});
