/** Against zstd itself, and against blocks that the format does not allow. */

import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { Unzstd, unzstd, ZstdError } from "../../../lib/base/bytes/zstd.ts";
import { zstdStored, zstdTables } from "../../fuzz/made/packed.ts";
import { testNeeding } from "../../needs.ts";

/** Bytes of several kinds: what packs well, hardly, and not at all. */
function inputs(): [what: string, bytes: Uint8Array][] {
  let state = 1;
  const random = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32;
  const words = ["main", "memcpy", "_ZN3foo3barEv", "\n", "0x7f00", " ", "std::"];
  const text = Array.from({ length: 60_000 }, () => words[Math.floor(random() * words.length)]).join("");
  return [
    ["nothing", new Uint8Array(0)],
    ["one byte", Uint8Array.of(7)],
    ["zeros", new Uint8Array(700_000)],
    ["text", new TextEncoder().encode(text)],
    ["noise", Uint8Array.from({ length: 300_000 }, () => random() * 256)],
    ["numbers", Uint8Array.from({ length: 400_001 }, (_, i) => i % 4 === 3 ? random() * 8 : i >> 10)],
    ["a program", Deno.readFileSync(new URL("../../testdata/fuzz/library.elf", import.meta.url))],
  ];
}

const LEVELS = [["-1"], ["-3"], ["-19"], ["--ultra", "-22"], ["--fast=5"], ["-3", "--long=27"], [
  "-9",
  "--no-check",
]];

async function packed(bytes: Uint8Array, args: string[]): Promise<Uint8Array> {
  const child = new Deno.Command("zstd", { args: ["-q", "-c", ...args], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  await writer.write(bytes);
  await writer.close();
  return (await output).stdout;
}

for (const [what, bytes] of inputs()) {
  testNeeding(["zstd"], `unzstd() gives back what zstd packed, at every level: ${what}`, async () => {
    for (const args of LEVELS) {
      const whole = new Uint8Array(bytes.length);
      unzstd(await packed(bytes, args), whole);
      assertEquals(whole, bytes, args.join(" "));
    }
  });
}

testNeeding(
  ["zstd"],
  "Unzstd gives what comes in pieces of any size, frame after frame, skippable ones between",
  async () => {
    const [, , , [, text]] = inputs();
    const skippable = new ByteWriter(16).u32(0x184d2a53).u32(5).raw(new Uint8Array(5).fill(9)).bytes();
    const one = await packed(text, ["-3"]);
    const stream = concat([one, skippable, await packed(text, ["-19"]), one]);
    for (const size of [1, 7, 1000, stream.length]) {
      const parts: Uint8Array[] = [];
      const decoder = new Unzstd((block) => parts.push(block.slice()));
      for (let at = 0; at < stream.length; at += size) decoder.push(stream.subarray(at, at + size));
      assertEquals(decoder.isComplete, true);
      assertEquals(concat(parts), concat([text, text, text]));
    }
  },
);

testNeeding(
  ["zstd"],
  "unzstd() throws ZstdError, or gives something, whatever byte is wrong, and never hangs",
  async () => {
    const [, , , [, text]] = inputs();
    const good = await packed(text.subarray(0, 20_000), ["-19"]);
    const into = new Uint8Array(20_000);
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, good[at] ^ 1, good[at] ^ 0x80, 0xff]) {
        const bad = good.slice();
        bad[at] = value;
        try {
          unzstd(bad, into);
        } catch (error) {
          if (!(error instanceof ZstdError)) throw error;
        }
      }
      assertThrows(() => unzstd(good.subarray(0, at), into), ZstdError);
    }
  },
);

for (
  const [what, args] of [
    ["with no size and no checksum", ["-3", "--no-check"]],
    ["with a checksum", ["-3", "--check"]],
    ["in a window of 128 MiB", ["--ultra", "-22", "--long=27"]],
    ["packed by threads, with a long window", ["-5", "-T2", "--long=27"]],
    ["that other tools can cut", ["-5", "-T2", "--rsyncable"]],
  ] as const
) {
  testNeeding(
    ["zstd"],
    `Unzstd gives back three megabytes ${what}, to which matches reach back`,
    async () => {
      const [, , , [, text], [, noise], [, numbers]] = inputs();
      const parts = [noise, text, numbers, noise, new Uint8Array(500_000), text, numbers, text, noise];
      const bytes = concat(parts);
      const stream = await packed(bytes, [...args]);
      let at = 0;
      const decoder = new Unzstd((block) => {
        assertEquals(block, bytes.subarray(at, at + block.length));
        at += block.length;
      });
      for (let from = 0; from < stream.length; from += 60_000) {
        decoder.push(stream.subarray(from, from + 60_000));
      }
      assertEquals([at, decoder.isComplete], [bytes.length, true]);
      // a cut stream gives what it has, and is not complete
      const cut = new Unzstd((block) => assertEquals(block.length > 0, true));
      cut.push(stream.subarray(0, stream.length - 1));
      assertEquals(cut.isComplete, false);
    },
  );
}

testNeeding(
  ["zstd"],
  "Unzstd says what it does not unpack: dictionaries, and windows that are too large",
  async () => {
    const [, , , [, text]] = inputs();
    const folder = await Deno.makeTempDir();
    try {
      const samples = Array.from({ length: 200 }, (_, i) => `${folder}/${i}`);
      samples.forEach((path, i) => Deno.writeFileSync(path, text.subarray(i * 500, i * 500 + 900)));
      const dictionary = `${folder}/dictionary`;
      const trained = await new Deno.Command("zstd", {
        args: ["-q", "--train", "--maxdict=4096", ...samples, "-o", dictionary],
      }).output();
      assertEquals(trained.success, true, new TextDecoder().decode(trained.stderr));
      const refused: [string[], string][] = [
        [["-D", dictionary], "it needs a dictionary"],
        [["-D", dictionary, "--no-dictID"], "dictionary"],
        [["-3", "--long=31"], "its window of 2147483648 bytes is over the limit of 128 MiB"],
      ];
      for (const [args, message] of refused) {
        const stream = await packed(text.subarray(0, 3000), args);
        assertThrows(() => new Unzstd(() => {}).push(stream), ZstdError, message);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** A frame of 100 bytes as they are, then a block of 98,047 sequences whose codes take no bits, of 34 bytes each. */
function longMatches(): Uint8Array {
  const block = Uint8Array.of(
    0, // no literals
    ...[255, 0xff, 0xff, 0x54, 0, 0, 31], // how many; each table is of one code: of literals, offsets, matches
    1,
  );
  const w = new ByteWriter(128).u32(0xfd2fb528).u8(0).u8(0x38);
  w.u8(100 << 3 & 255).u8(100 >> 5).u8(0).zeros(100);
  return w.u8(block.length << 3 | 2 << 1 | 1).u8(0).u8(0).raw(block).bytes();
}

Deno.test("a block of a hundred thousand matches ends where a block may not be larger", () => {
  let bytes = 0;
  const decoder = new Unzstd((block) => bytes += block.length);
  assertThrows(() => decoder.push(longMatches()), ZstdError, "a block is too large");
  assertEquals(bytes, 100);
});

Deno.test("Unzstd refuses a window of more than zstd does, and takes no memory for one that nothing fills", () => {
  const frame = (window: number) =>
    new ByteWriter(16).u32(0xfd2fb528).u8(0).u8(window).u8(1).u8(0).u8(0).bytes();
  const decoder = new Unzstd(() => {});
  assertThrows(() => decoder.push(frame(0x8a)), ZstdError, "its window of");
  const before = Deno.memoryUsage().external;
  const many = Array.from({ length: 50 }, () => {
    const each = new Unzstd(() => {});
    each.push(frame(0x88));
    return each;
  });
  assertEquals(many.every((each) => each.isComplete), true);
  assertLess(Deno.memoryUsage().external - before, 50 << 20);
});

Deno.test("unzstd() refuses data that is larger or smaller than it says", () => {
  const zeros = zstdStored(new Uint8Array(10), [131072]);
  const whole = new Uint8Array(131082).fill(1);
  unzstd(zeros, whole);
  assertEquals(whole.every((byte) => byte === 0), true);
  assertThrows(() => unzstd(zeros, new Uint8Array(131081)), ZstdError, "larger");
  assertThrows(() => unzstd(zeros, new Uint8Array(131083)), ZstdError, "cut off");
});

Deno.test("unzstd() tells of each block before it is decoded, so that tables can be charged", () => {
  let blocks = 0;
  const into = new Uint8Array(1000);
  unzstd(zstdTables(1000), into, () => blocks++);
  assertEquals([blocks, new Set(into).size], [1000, 1]);
  const stop = () => {
    if (--blocks < 500) throw new RangeError("enough");
  };
  assertThrows(() => unzstd(zstdTables(1000), into, stop), RangeError, "enough");
});
