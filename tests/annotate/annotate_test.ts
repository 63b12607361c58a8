/** Functions with the samples of their instructions and source lines. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { setColorEnabled } from "@std/fmt/colors";
import { renderAnnotationJson } from "../../lib/annotate/annotate_json.ts";
import { renderAnnotation } from "../../lib/annotate/annotate_text.ts";
import type { Annotation } from "../../lib/report/shared/annotation.ts";
import { annotateNamed } from "../../lib/annotate/annotate_named.ts";
import { nothingAnnotated } from "../../lib/annotate/annotate.ts";
import { ShownInstructions } from "../../lib/annotate/shown_instructions.ts";
import { coreMemory } from "../../lib/symbols/function_code.ts";
import { instructionOf, listedLine } from "../../lib/annotate/disassemble.ts";
import { chosenFunction, SampledFunctions, waysToChoose } from "../../lib/annotate/function_samples.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { BadInputError, UsageError } from "../../lib/base/system/errors.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { filterProfile, type ProfileFilter } from "../../lib/profile/query/filter.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
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
    functions = new SampledFunctions(profile, 0);
  const nameOf = (name: string) => functions.nameOf(chosenFunction(functions, name)!.id);
  assertEquals(functions.heaviest.map((id) => functions.nameOf(id)), [
    "main",
    "sort(int*)",
    "sort_all()",
    "lib+0x40",
  ]);
  assertEquals(nameOf("sort(int*)"), "sort(int*)");
  assertEquals(nameOf("sort"), "sort(int*)");
  assertEquals(nameOf("_all"), "sort_all()");
  assertEquals(nameOf("lib+0x40"), "lib+0x40");
});

Deno.test("the samples of a function are added up by address", () => {
  const functions = new SampledFunctions(placed(LINES), 0);
  const [main, sort] = functions.samplesOf(functions.heaviest.slice(0, 2));
  assertEquals([main.self, main.all], [{ samples: 2, period: 900 }, { samples: 17, period: 1509 }]);
  assertEquals([...main.byOffset], [[4, { samples: 2, period: 900 }]]);
  assertEquals([...sort.byOffset], [[4, { samples: 5, period: 500 }]]);
});

Deno.test("samples of inlined functions are those of the function whose code they are in", () => {
  const profile = placed(["app app!main;app!twice 5 500", "app app!main 1 100"]);
  const [main, twice] = [0, 1], address = Float64Array.of(0x1004, 0x1004);
  assertEquals(profile.symbols.name, ["main", "twice"]);
  const frames = { ...profile.frames, address, inlinedInto: Int32Array.of(-1, main) };
  const functions = new SampledFunctions({ ...profile, frames }, 0);
  assertEquals(functions.heaviest, [main]);
  assertEquals(functions.samplesOf([main])[0].self.samples, 6);
  assertEquals(functions.called(profile.symbols.name[twice]), []);
});

/** Annotates a function of a part of a profile, where that needs no files. */
function annotatedPart(lines: string[], filter: ProfileFilter, name?: string): Promise<Annotation> {
  const unfiltered = placed(lines), files: SymbolFiles = { open: () => undefined, kallsyms: () => undefined };
  return annotateNamed(filterProfile(unfiltered, filter), {
    ...{ event: 0, name, unfiltered, objects: [], files },
    symbolizer: new Symbolizer(files),
  });
}

Deno.test("a function whose samples a filter leaves out is annotated as empty", async () => {
  const lines = ["a app!main 5", "b app!work 2"], comms = new Set(["b"]);
  const { symbol, self, all, warnings } = await annotatedPart(lines, { comms }, "main");
  assertEquals([symbol, self.samples, all.samples], ["main", 0, 2]);
  assertEquals(warnings, ["no sample of main is left by the filters"]);
  assertEquals((await annotatedPart(lines, { comms: new Set(["c"]) }, "main")).symbol, "");
  assertEquals((await annotatedPart(["a app!main 5", "b lib! 9"], { comms }, "mai")).symbol, "mai");
  await assertRejects(
    () => annotatedPart(lines, { comms }, "nowhere"),
    UsageError,
    "the heaviest are 'work'",
  );
});

Deno.test("a name means what it does without filters, not a function that is left and has it in its name", async () => {
  const { symbol, self } = await annotatedPart(
    ["a app!work 5", "b app!rework 2"],
    { comms: new Set(["b"]) },
    "work",
  );
  assertEquals([symbol, self.samples], ["work", 0]);
});

Deno.test("samples that are in no known function are refused with the reason", async () => {
  await assertRejects(
    () => annotatedPart(["a lib! 9"], {}),
    BadInputError,
    "cannot annotate: no sample is in a known function",
  );
});

Deno.test("names that do not fit are refused with those that do", () => {
  const named = (lines: string[], name: string) =>
    chosenFunction(new SampledFunctions(placed(lines), 0), name);
  assertThrows(() => named(LINES, "nowhere"), UsageError, "the heaviest are 'main'");
  assertThrows(() => named(["a app!f1 1", "a app!f2 1"], "f"), UsageError, "2 functions with samples");
});

Deno.test("functions of one name are told apart by where they start, and chosen so", () => {
  const lines = ["a perf-7.map!work:1 5", "a perf-7.map!work:2 3", "a perf-7.map!rework:3 1"];
  const numbered = placed(lines), name = numbered.symbols.name.map((name) => name.slice(0, -2));
  const profile = { ...numbered, symbols: { ...numbered.symbols, name } };
  const functions = new SampledFunctions(profile, 0);
  assertThrows(
    () => chosenFunction(functions, "or"),
    UsageError,
    "in their names: 'work' at 0xffc of perf-7.map, 'work' at 0x100c of perf-7.map, 'rework'",
  );
  assertEquals(chosenFunction(functions, "work"), { id: 0, others: [1] });
  assertEquals(chosenFunction(functions, "0x100C"), { id: 1, others: [] });
  assertEquals(chosenFunction(functions, "0x101c"), { id: 2, others: [] });
  assertThrows(() => chosenFunction(functions, "0x1"), UsageError, "no function of that name");
  assertEquals(waysToChoose(functions, [0, 1]), "its address (0xffc, 0x100c), or -d OBJECT,");
  assertEquals(waysToChoose(functions, [0, 2]), "its name with parameters, or -d OBJECT,");
});

Deno.test("code at run time starts where it was in memory, whatever its number", () => {
  const numbered = placed(["a jit-7.dump!work 5", "a app!main 3"]);
  const objects = numbered.objects.map((object) => ({
    ...object,
    kind: object.name === "jit-7.dump" ? "jit" as const : object.kind,
  }));
  const frames = {
    ...numbered.frames,
    ip: Float64Array.from(numbered.frames.symbol, () => 0x7f0010),
    offset: Float64Array.from(numbered.frames.symbol, () => 0x10),
  };
  const functions = new SampledFunctions({ ...numbered, objects, frames }, 0);
  assertEquals(functions.heaviest.map((id) => [functions.nameOf(id), functions.startOf(id)]), [
    ["work", "0x7f0000"],
    ["main", "0x100c"],
  ]);
});

Deno.test("a comma in a name may be written as in lists, unless the name is known as it stands", () => {
  const of = (name: string) => {
    const functions = new SampledFunctions(placed(["a app!ns::operator,(int) 5", "a app!f\\,g 3"]), 0);
    return functions.nameOf(chosenFunction(functions, name)!.id);
  };
  for (const name of ["ns::operator,(int)", "ns::operator\\,(int)", "ns::operator,", "operator\\,"]) {
    assertEquals(of(name), "ns::operator,(int)", name);
  }
  assertEquals(of("f\\,g"), "f\\,g");
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
  const listed = text.split("\n").flatMap((line) => listedLine(line, 0x401130) ?? []);
  assertEquals(listed.map(({ offset }) => offset), [0, 4, 6, 0xb, 0x80bfeee0, 0x10, 0x14]);
  const parsed = listed.map(({ text }) => instructionOf(0, text)).map(({ text, target }) => ({
    text,
    target,
  }));
  assertEquals(parsed, [
    { text: "endbr64", target: undefined },
    { text: "jle 0x401150", target: 0x401150 },
    { text: "call 0x401020", target: 0x401020 },
    { text: "mov 0x8(%rax),%ebx", target: undefined },
    { text: "jmp ffffffff81000000 <.data-0x10>", target: -0x7f000000 },
    { text: "cbz w0, 0x401150", target: 0x401150 },
    { text: "b.ne 0x401130", target: 0x401130 },
  ]);
  assertEquals(listedLine("ffffffff81000010:\tret", -0x7f000000)?.offset, 0x10);
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
    { address: 0x1170, text: "mov %edi,%eax", line: 0, inlined: [], leftOut: 0, samples: 0, period: 0 },
    {
      address: 0x1172,
      text: "jne 1170 <+0x0>",
      target: 0x1170,
      line: 1,
      inlined: ["swap"],
      leftOut: 3,
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
    "                  ... 3 instructions",
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
  const text = [...renderAnnotationJson(ANNOTATION)].join(""),
    { schema, instructions, lines } = JSON.parse(text);
  assertEquals(schema, "pmuctl.annotate/1");
  assertEquals(instructions[1], {
    leftOut: 3,
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

/** Returns the shown ones of `count` instructions of a byte each, with samples at these offsets. */
function shownOf(count: number, sampled: Iterable<number>): ShownInstructions {
  const shown = new ShownInstructions(count, new Map(Array.from(sampled, (at) => [at, { period: 1 }])));
  for (let offset = 0; offset < count; offset++) shown.take({ offset, text: "nop" });
  shown.finish();
  return shown;
}

Deno.test("code of a usual size is shown whole", () => {
  assertEquals(shownOf(10_000, [7]).lines.length, 10_000);
  assertEquals(shownOf(10_000, []).lines.every(({ leftOut }) => leftOut === 0), true);
});

Deno.test("of very large code, instructions with samples are shown, and some around them", () => {
  const { lines, total } = shownOf(300_000, [3, 1000, 1008, 299_999]);
  assertEquals(total, 300_000);
  const gaps = lines.filter(({ leftOut }) => leftOut > 0).map(({ offset, leftOut }) => [offset, leftOut]);
  assertEquals(gaps, [[990, 990 - 14], [299_989, 299_989 - 1019]]);
  assertEquals(lines.length, 14 + 29 + 11);
  assertEquals(lines.reduce((sum, { leftOut }) => sum + leftOut, lines.length), 300_000);
});

Deno.test("of very large code with samples all over, a bounded part is shown", () => {
  assert(shownOf(1_000_000, Array(500_000).keys().map((i) => 2 * i)).lines.length < 100_000);
});

Deno.test("callers may have smaller code shown near its samples alone", () => {
  const shown = new ShownInstructions(100, new Map([[50, { period: 1 }]]), 99);
  for (let offset = 0; offset < 100; offset++) shown.take({ offset, text: "nop" });
  shown.finish();
  assertEquals(shown.lines.length, 21);
});

Deno.test("an instruction with a sample inside it is shown", () => {
  const shown = new ShownInstructions(100_000, new Map([[50_003, { period: 1 }]]));
  for (let offset = 0; offset < 100_000; offset += 5) shown.take({ offset, text: "mov" });
  shown.finish();
  assertEquals(shown.lines.map(({ offset }) => offset)[10], 50_000);
});

Deno.test("any number of instructions are rendered as text and as JSON, a piece at a time", () => {
  const [first] = ANNOTATION.instructions, instructions = Array(200_000).fill(first);
  const annotation = { ...ANNOTATION, instructions };
  let lines = 0;
  for (const line of renderAnnotation(annotation, {})) if (line.includes("mov")) lines++;
  assertEquals(lines, 200_000);
  let longest = 0;
  for (const piece of renderAnnotationJson(annotation)) longest = Math.max(longest, piece.length);
  assert(longest < 1 << 17, `${longest}`);
});

Deno.test("an annotation of nothing says so, and is null in JSON", () => {
  setColorEnabled(false);
  const nothing = { ...nothingAnnotated("cycles"), warnings: ["a long warning about the filters"] };
  assertEquals([...renderAnnotation(nothing, { width: 30 })].join("").split("\n"), [
    "event    cycles: 0 samples",
    "warning  a long warning about",
    "         the filters",
    "",
    "No samples of cycles.",
    "",
  ]);
  const { symbol, object, self } = JSON.parse([...renderAnnotationJson(nothing)].join(""));
  assertEquals([symbol, object, self], [null, null, { samples: 0, period: 0 }]);
});
