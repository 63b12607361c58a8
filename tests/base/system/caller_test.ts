import { assertEquals } from "@std/assert";
import { argsIn, parseCaller } from "../../../lib/base/system/caller.ts";

/** As `od -An -v -tx8` prints bytes: words of eight in hex, the last one filled up with zeros. */
function od(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const words = new BigUint64Array(Math.ceil(bytes.length / 8));
  new Uint8Array(words.buffer).set(bytes);
  return [...words].map((word, i) => (i % 2 ? " " : "\n ") + word.toString(16).padStart(16, "0")).join("");
}

const LIMITS = "Limit                     Soft Limit           Hard Limit           Units     \n" +
  "Max cpu time              unlimited            unlimited            seconds   \n" +
  "Max open files            512                  20000                files     \n";
const STATUS = "Name:\tsh\nSigBlk:\t0000000000000800\nSigIgn:\t0000000000001201\nSigCgt:\t0000000000000000\n";

Deno.test("what the launcher tells is the environment, the limit of open files and the ignored signals", () => {
  for (const padding of ["", "1", "12", "1234567"]) {
    const environment = `A=1\0b.c=\0LINES=one\nSigIgn:\tff\0X=${padding}\0`;
    const caller = parseCaller(od(environment + LIMITS + STATUS));
    assertEquals(new TextDecoder().decode(caller.environment), environment);
    assertEquals(caller.ignored, 0x1201n);
    assertEquals(caller.openFiles, 512n);
  }
});

Deno.test("an empty environment and no limit are told as such", () => {
  const caller = parseCaller(od(LIMITS.replace("512      ", "unlimited") + STATUS));
  assertEquals(caller.environment?.length, 0);
  assertEquals(caller.openFiles, 2n ** 64n - 1n);
});

Deno.test("arguments are the last words of a command line, byte for byte", () => {
  const cmdline = Uint8Array.from([0x78, 0, 0x61, 0xff, 0, 0, 0x62, 0]);
  assertEquals(argsIn(cmdline, 3), ["a\udcff", "", "b"]);
  assertEquals(argsIn(cmdline, 2), ["", "b"]);
  assertEquals(argsIn(cmdline, 9), ["x", "a\udcff", "", "b"]);
  assertEquals(argsIn(new Uint8Array(0), 2), []);
});
