/** Functions with the samples of their instructions and source lines. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { setColorEnabled } from "@std/fmt/colors";
import { renderAnnotationJson } from "../../lib/annotate/annotate_json.ts";
import { renderAnnotation } from "../../lib/annotate/annotate_text.ts";
import type { Annotation } from "../../lib/annotate/annotation.ts";
import { coreMemory } from "../../lib/annotate/code.ts";
import { instructionsIn } from "../../lib/annotate/disassemble.ts";
import { functionSamples } from "../../lib/annotate/function_samples.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { BadInputError, UsageError } from "../../lib/base/system/errors.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { profileOf } from "../profile/build.ts";

/** A profile whose frames are 4 bytes into their symbols. */
function placed(lines: string[]): Profile {
  const profile = profileOf(lines);
  return {
    ...profile,
    symbols: {
      ...profile.symbols,
      start: Float64Array.from(profile.symbols.name, (_, symbol) => 0x1000 + 16 * symbol - 4),
      end: Float64Array.from(profile.symbols.name, (_, symbol) => 0x1000 + 16 * symbol + 12),
    },
  };
}

const LINES = [
  "app app!main;app!sort(int*) 5 500",
  "app app!main;app!sort_all() 1 100",
  "app app!main 2 900",
  "app lib!0x40 9",
];

Deno.test("the function is the heaviest, or has the name that was given, or the only one with a part of it", () => {
  const profile = placed(LINES),
    nameOf = (name?: string) => functionSamples(profile, 0, name).name;
  assertEquals(nameOf(), "main");
  assertEquals(nameOf("sort(int*)"), "sort(int*)");
  assertEquals(nameOf("sort"), "sort(int*)");
  assertEquals(nameOf("_all"), "sort_all()");
  assertEquals(nameOf("lib+0x40"), "lib+0x40");
});

Deno.test("the samples of a function are added up by address", () => {
  const { self, all, byOffset, others } = functionSamples(placed(LINES), 0, "main");
  assertEquals([self, all, others], [{ samples: 2, period: 900 }, { samples: 17, period: 1509 }, 0]);
  assertEquals([...byOffset], [[4, { samples: 2, period: 900 }]]);
});

Deno.test("names that do not fit are refused with those that do", () => {
  assertThrows(() => functionSamples(placed(LINES), 0, "nowhere"), UsageError, "the heaviest are 'main'");
  assertThrows(
    () => functionSamples(placed(["a app!f1 1", "a app!f2 1"]), 0, "f"),
    UsageError,
    "2 functions with samples",
  );
  assertThrows(
    () => functionSamples(placed(["a lib! 9"]), 0, undefined),
    BadInputError,
    "no sample is in a function that is known",
  );
});

Deno.test("objdump's lines are instructions, and jumps have targets", () => {
  const text = [
    "",
    "/tmp/code:     file format binary",
    "",
    "Disassembly of section .data:",
    "",
    "0000000000401130 <.data>:",
    "  401130:\tendbr64",
    "  401134:\tjle    0x401150",
    "  401136:\tcall   0x401020",
    "  40113b:\tmov    0x8(%rax),%ebx",
    "ffffffff81000010:\tjmp    ffffffff81000000 <.data-0x10>",
    "  401140:\tcbz\tw0, 0x401150",
    "  401144:\tb.ne\t0x401130  // b.any",
    "",
  ].join("\n");
  assertEquals(instructionsIn(text), [
    { address: 0x401130, text: "endbr64" },
    { address: 0x401134, text: "jle 0x401150", target: 0x401150 },
    { address: 0x401136, text: "call 0x401020", target: 0x401020 },
    { address: 0x40113b, text: "mov 0x8(%rax),%ebx" },
    { address: -0x7efffff0, text: "jmp ffffffff81000000 <.data-0x10>", target: -0x7f000000 },
    { address: 0x401140, text: "cbz w0, 0x401150", target: 0x401150 },
    { address: 0x401144, text: "b.ne 0x401130", target: 0x401130 },
  ]);
});

Deno.test("the kernel's memory is found in /proc/kcore by its address", () => {
  const bytes = new Uint8Array(512), view = new DataView(bytes.buffer);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  view.setUint32(64, 4, true); // a note
  view.setUint32(120, 1, true);
  view.setBigUint64(128, 400n, true);
  view.setBigUint64(136, 0xffff_ffff_8100_0000n, true);
  view.setBigUint64(152, 64n, true);
  bytes.set([1, 2, 3], 416);
  const core = new MemoryBytes(bytes, "kcore");
  assertEquals(coreMemory(core, -0x7efffff0, 3), Uint8Array.of(1, 2, 3));
  assertEquals(coreMemory(core, -0x7efffff0, 60), undefined);
  assertEquals(coreMemory(core, 0x1000, 3), undefined);
});

const ANNOTATION: Annotation = {
  symbol: "sort\x1b[2J",
  object: "/bin/app",
  event: "cpu-clock",
  unit: "ns",
  self: { samples: 10, period: 1000 },
  all: { samples: 20, period: 4000 },
  instructions: [
    { address: 0x1170, text: "mov %edi,%eax", line: 0, inlined: [], samples: 0, period: 0 },
    {
      address: 0x1172,
      text: "jne 1170 <+0x0>",
      target: 0x1170,
      line: 1,
      inlined: ["swap"],
      samples: 9,
      period: 900,
    },
  ],
  lines: [
    { file: "/src/sort.c", line: 7, text: "\tint x;", samples: 0, period: 0 },
    { file: "/src/sort.c", line: 12, samples: 9, period: 900 },
  ],
  warnings: ["something is missing"],
};

Deno.test("text has source lines above their instructions, and nothing that acts on a terminal", () => {
  setColorEnabled(false);
  assertEquals([...renderAnnotation(ANNOTATION, {})].join("").split("\n"), [
    "function sort\\x1b[2J",
    "object   /bin/app",
    "event    cpu-clock: 10 samples, 1.000 us, 25.00% of all",
    "warning  something is missing",
    "",
    " Percent  Samples",
    "                  sort.c:7      int x;",
    "                  1170:   mov %edi,%eax",
    "                  inlined: swap",
    "                  sort.c:12",
    "  90.00%        9 1172: ↑ jne 1170 <+0x0>",
    "",
  ]);
  assertEquals([...renderAnnotation(ANNOTATION, { sourceOnly: true })].slice(-3), [
    "                       7      int x;\n",
    "                  ...\n",
    "  90.00%        9     12  \n",
  ]);
});

Deno.test("JSON has all of it", () => {
  const [text] = renderAnnotationJson(ANNOTATION), { schema, instructions, lines } = JSON.parse(text);
  assertEquals(schema, "pmuctl.annotate/1");
  assertEquals(instructions[1], {
    address: "0x1172",
    text: "jne 1170 <+0x0>",
    target: "0x1170",
    line: 1,
    inlined: ["swap"],
    samples: 9,
    period: 900,
  });
  assertEquals(lines.length, 2);
  assertStringIncludes(text, "\\u001b");
});
