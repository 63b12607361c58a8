import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError, UsageError } from "../../../lib/base/system/errors.ts";
import { parseCallGraph } from "../../../lib/record/request/call_graph.ts";

Deno.test("parseCallGraph() takes frame pointers and stacks, of 8 KiB unless said", () => {
  assertEquals(parseCallGraph("fp", "x86_64"), { mode: "fp" });
  assertEquals(parseCallGraph("dwarf", "x86_64"), { mode: "dwarf", stackBytes: 8192, registers: 0xff0fffn });
  assertEquals(parseCallGraph("dwarf,1001", "aarch64"), {
    mode: "dwarf",
    stackBytes: 1008,
    registers: 0x1ffffffffn,
  });
});

for (const text of ["", "fp,8", "dwarf,", "dwarf,0", "dwarf,65529", "dwarf,8,8", "dwarf,-8", "frame"]) {
  Deno.test(`parseCallGraph() refuses '${text}'`, () => {
    assertThrows(() => parseCallGraph(text, "x86_64"), UsageError, "--call-graph");
  });
}

Deno.test("parseCallGraph() says what to use where it cannot do what is asked", () => {
  assertThrows(() => parseCallGraph("lbr", "x86_64"), UnsupportedError, "use --call-graph fp");
  assertThrows(() => parseCallGraph("dwarf", "s390x"), UnsupportedError, "s390x");
});
