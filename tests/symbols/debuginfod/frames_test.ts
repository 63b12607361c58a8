import { assertEquals, assertRejects } from "@std/assert";
import { FRAME, frameHead, readFrames } from "../../../lib/symbols/debuginfod/frames.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function framesIn(bytes: Uint8Array, size: number): Promise<[number, number, string][]> {
  const found: [number, number, string][] = [];
  for await (const { file, kind, bytes: content } of readFrames(pieces(bytes, size))) {
    found.push([file, kind, new TextDecoder().decode(content)]);
  }
  return found;
}

Deno.test("frames are read as they were written, however the stream is cut", async () => {
  const texts = ["", "a", "b".repeat(300_000), "c"];
  const parts = texts.flatMap((text, i) => {
    return [frameHead(i, FRAME.DATA, text.length), new TextEncoder().encode(text)];
  });
  const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
  for (const size of [7, 4096, 65536, whole.length]) {
    assertEquals(await framesIn(whole, size), texts.map((text, i) => [i, FRAME.DATA, text]));
  }
  assertEquals((await framesIn(whole.subarray(0, whole.length - 1), 4096)).length, 3, "cut off");
});

Deno.test("a frame that is too long is refused before its bytes are held", async () => {
  await assertRejects(() => framesIn(frameHead(0, FRAME.DATA, 2 ** 31), 4), Error, "too long");
});
