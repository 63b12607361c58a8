/** Files in memory. */

import { assertEquals, assertThrows } from "@std/assert";
import { memoryFile } from "../../../lib/base/files/memory_file.ts";

const BYTES = new TextEncoder().encode("some text\n");

/** Returns what a program that this process starts reads at a path; "" if it cannot. */
function readByProgram(path: string): string {
  const { stdout } = new Deno.Command("cat", { args: [path], stderr: "null" }).outputSync();
  return new TextDecoder().decode(stdout);
}

Deno.test("a memory file has its bytes until it is closed", () => {
  const file = memoryFile("test", BYTES);
  assertEquals(Deno.readFileSync(file.path), BYTES);
  file.close();
  assertThrows(() => Deno.readFileSync(file.path));
});

Deno.test("programs that this process starts can read a memory file only if it is inherited", () => {
  const own = memoryFile("test", BYTES), inherited = memoryFile("test", BYTES, { inherited: true });
  assertEquals([readByProgram(own.path), readByProgram(inherited.path)], ["", "some text\n"]);
  own.close();
  inherited.close();
});
