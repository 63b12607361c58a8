import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UnsupportedError, UsageError } from "../../../lib/base/system/errors.ts";
import { defaultCallGraph, parseCallGraph } from "../../../lib/record/request/call_graph.ts";

const intel = { arch: "x86_64", overwrite: false }, arm = { arch: "aarch64", overwrite: false };

Deno.test("parseCallGraph() takes frame pointers and stacks, of 32 KiB for auto and 8 KiB for dwarf unless said", () => {
  assertEquals(parseCallGraph("fp", intel), { callGraph: { mode: "fp" }, bytesGiven: false });
  assertEquals(parseCallGraph("auto", intel), {
    callGraph: { mode: "auto", stackBytes: 32768, registers: 0xff0fffn },
    bytesGiven: false,
  });
  assertEquals(parseCallGraph("dwarf", arm), {
    callGraph: { mode: "dwarf", stackBytes: 8192, registers: 0x1ffffffffn },
    bytesGiven: false,
  });
});

for (
  const [size, mode, stackBytes] of [
    ["1001", "auto", 1008],
    ["32K", "auto", 32768],
    ["63k", "auto", 64512],
    ["16K", "dwarf", 16384],
    ["65528", "dwarf", 65528],
    ["8", "dwarf", 8],
  ] as const
) {
  Deno.test(`parseCallGraph() takes ${stackBytes} bytes of stack for '${mode},${size}'`, () => {
    const { callGraph, bytesGiven } = parseCallGraph(`${mode},${size}`, intel);
    const registers = 0xff0fffn;
    assertEquals(
      { callGraph, bytesGiven },
      { callGraph: { mode, stackBytes, registers }, bytesGiven: true },
    );
  });
}

for (
  const text of [
    ...["", "fp,8", "frame", "auto,", "auto,0", "auto,64K", "auto,K", "auto,1.5K", "auto,8,8"],
    ...["dwarf,", "dwarf,0", "dwarf,65529", "dwarf,8,8", "dwarf,-8", "dwarf,1G"],
  ]
) {
  Deno.test(`parseCallGraph() refuses '${text}'`, () => {
    assertThrows(() => parseCallGraph(text, intel), UsageError, "--call-graph");
  });
}

Deno.test("parseCallGraph() says what to use where it cannot do what is asked", () => {
  const mainframe = { arch: "s390x", overwrite: false };
  assertThrows(() => parseCallGraph("lbr", intel), UnsupportedError, "use -g");
  assertThrows(() => parseCallGraph("dwarf", mainframe), UnsupportedError, "s390x: use --call-graph fp");
  assertThrows(() => parseCallGraph("auto", mainframe), UnsupportedError, "s390x: use --call-graph fp");
  const flight = { arch: "x86_64", overwrite: true };
  assertThrows(() => parseCallGraph("auto,8K", flight), UsageError, "use --call-graph fp, or dwarf");
  assertEquals(parseCallGraph("dwarf", flight).callGraph.mode, "dwarf");
});

Deno.test("defaultCallGraph() copies stacks where it can, and else says why it follows frame pointers", () => {
  assertEquals(defaultCallGraph(arm), {
    callGraph: { mode: "auto", stackBytes: 32768, registers: 0x1ffffffffn },
    bytesGiven: false,
  });
  for (
    const [context, cause] of [
      [{ arch: "s390x", overwrite: false }, "the registers of s390x"],
      [{ arch: "x86_64", overwrite: true }, "--overwrite"],
    ] as const
  ) {
    const { callGraph, note } = defaultCallGraph(context);
    assertEquals(callGraph, { mode: "fp" });
    assertStringIncludes(note ?? "", cause);
    assertStringIncludes(note ?? "", "--call-graph fp");
  }
});
