import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { type ObjectInfo, type ObjectKind, ObjectTable } from "../../lib/symbols/object/objects.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import {
  missingSymbolCause,
  missingSymbolRemedy,
  REASON,
  type Reason,
} from "../../lib/symbols/object/missing_symbol_reasons.ts";
import { Bundle, encodeBundle } from "../../lib/symbols/bundle/bundle.ts";
import { identityOf, type ObjectAnswers } from "../../lib/symbols/bundle/bundled_object.ts";
import { symbolAnswers } from "../../lib/symbols/bundle/symbol_answers.ts";
import { Budget } from "../../lib/symbols/object/limits.ts";
import { jitDump } from "./jit/made_jitdump.ts";
import { buildElf, TEXT_SHIFT } from "./build_elf.ts";

const KERNEL_TEXT = -2130706432;
const KALLSYMS = `ffffffff81000000 T _text
ffffffff81000100 T vfs_read
ffffffff81000200 T vfs_write
ffffffffc0200000 t nf_hook	[nf_log]
`;
const bytes = (text: string) => new TextEncoder().encode(text);
const elf = (names: string[], buildId?: Uint8Array) =>
  new MemoryBytes(buildElf({
    symbols: names.map((name, i) => ({ name, value: TEXT_SHIFT + 0x1000 + 16 * i, size: 16 })),
    buildId,
  }));

/** Hooks that find nothing, but for those given. */
function files(given: Partial<SymbolFiles> = {}): SymbolFiles {
  return { open: () => undefined, kallsyms: () => undefined, ...given };
}

function object(
  filename: string,
  more: { pid?: number; prot?: number; buildId?: string; pgoff?: number } = {},
): ObjectInfo {
  return new ObjectTable().of({ pid: 1, prot: 5, pgoff: 0, filename, ...more });
}

const FILE = object("/bin/program");
const KERNEL = object("[kernel.kallsyms]_text", { pid: -1, pgoff: KERNEL_TEXT });

Deno.test("symbolize() numbers each symbol once, as addresses turn up", () => {
  let opened = 0;
  const symbolizer = new Symbolizer(files({
    open: () => {
      opened++;
      return elf(["one", "two", "three"]);
    },
  }));
  const ids = [0x1020, 0x1000, 0x102f, 0x100f].map((offset) => symbolizer.symbolize(FILE, offset));
  assertEquals(ids, [0, 1, 0, 1]);
  assertEquals([symbolizer.symbol(0).name, symbolizer.symbol(1).name, symbolizer.count], ["three", "one", 2]);
  assertEquals([symbolizer.symbol(0).start, symbolizer.symbol(0).end], [0x1020, 0x1030]);
  assertEquals(opened, 1);
});

Deno.test("symbolize() tells symbols of one name in two objects apart", () => {
  const table = new ObjectTable();
  const both = ["/a", "/b"].map((filename) => table.of({ pid: 1, pgoff: 0, filename }));
  const symbolizer = new Symbolizer(files({ open: () => elf(["main"]) }));
  assertEquals(both.map((o) => symbolizer.symbolize(o, 0x1000)), [0, 1]);
});

const OTHER_ID = Uint8Array.of(9, 9, 9);
const CASES: [what: string, object: ObjectInfo, files: SymbolFiles, address: number, reason: Reason][] = [
  ["of a file that is gone", FILE, files(), 0, REASON.NO_FILE],
  ["of code the kernel maps by itself", object("[vsyscall]"), files(), 0, REASON.NO_SYMBOLS],
  ["of a file without symbols", FILE, files({ open: () => elf([]) }), 0, REASON.NO_SYMBOLS],
  ["between symbols", FILE, files({ open: () => elf(["one"]) }), 0x2000, REASON.NOT_COVERED],
  ["of a script", FILE, files({ open: () => new MemoryBytes(bytes("#!/bin/sh")) }), 0, REASON.DAMAGED],
  [
    "of a file that was rebuilt",
    object("/bin/program", { buildId: "abcdef" }),
    files({ open: () => elf(["one"], OTHER_ID) }),
    0x1000,
    REASON.BUILD_ID_DIFFERS,
  ],
  [
    "of a file that has lost its build id",
    object("/bin/program", { buildId: "abcdef" }),
    files({ open: () => elf(["one"]) }),
    0x1000,
    REASON.BUILD_ID_DIFFERS,
  ],
  ["of run-time code without a perf map", object("//anon", { prot: 7 }), files(), 0, REASON.NO_PERF_MAP],
  ["of the heap", object("[heap]", { prot: 3 }), files(), 0, REASON.NOT_CODE],
  ["of a kernel without a list", KERNEL, files(), KERNEL_TEXT, REASON.NO_FILE],
  [
    "of a kernel that hides its addresses",
    KERNEL,
    files({ kallsyms: () => bytes("0000000000000000 T _text\n") }),
    KERNEL_TEXT,
    REASON.KERNEL_HIDDEN,
  ],
  [
    "of a module that is not loaded now",
    object("[gone]", { pid: -1 }),
    files({ kallsyms: () => bytes(KALLSYMS) }),
    KERNEL_TEXT,
    REASON.NO_SYMBOLS,
  ],
];
for (const [what, object, hooks, address, reason] of CASES) {
  Deno.test(`an address ${what} is unresolved because: ${missingSymbolCause(reason)}`, () => {
    const symbolizer = new Symbolizer(hooks);
    assertEquals(symbolizer.symbolize(object, address), reason);
    symbolizer.addUnresolved(object, reason, 5);
    symbolizer.addUnresolved(object, reason, 2);
    assertEquals(symbolizer.unresolved(), [{ object, reason, weight: 7 }]);
    assertEquals(symbolizer.count, 0);
  });
}

Deno.test("every reason has a cause and a remedy, for every kind of object", () => {
  const kinds: ObjectKind[] = ["kernel", "module", "bpf", "vdso", "file", "jit", "anon"];
  for (const reason of Object.values(REASON)) {
    assertGreater(missingSymbolCause(reason).length, 0);
    for (const kind of kinds) assertGreater(missingSymbolRemedy(reason, { ...FILE, kind }).length, 10);
  }
});

Deno.test("the remedy for a deleted file is not to put it back", () => {
  assertStringIncludes(missingSymbolRemedy(REASON.NO_FILE, object("/tmp/a (deleted)")), "record again");
});

Deno.test("unresolved() lists the heaviest first", () => {
  const table = new ObjectTable();
  const [light, heavy] = ["/light", "/heavy"].map((filename) => table.of({ pid: 1, pgoff: 0, filename }));
  const symbolizer = new Symbolizer(files());
  symbolizer.addUnresolved(light, symbolizer.symbolize(light, 0) as Reason, 1);
  symbolizer.addUnresolved(heavy, symbolizer.symbolize(heavy, 0) as Reason, 9);
  assertEquals(symbolizer.unresolved().map((u) => u.object.name), ["heavy", "light"]);
});

Deno.test("symbolize() prefers the symbols of a debug file that belongs to the file", () => {
  const id = Uint8Array.of(1, 2, 3);
  const asked: unknown[] = [];
  const named = (debugId: Uint8Array) => {
    const symbolizer = new Symbolizer(files({
      open: () => elf(["exported"], id),
      debugFiles: (_object, by) => {
        asked.push(by);
        return [elf(["of_another"], OTHER_ID), elf(["static_function"], debugId)];
      },
    }));
    return symbolizer.symbol(symbolizer.symbolize(FILE, 0x1000)).name;
  };
  assertEquals(named(id), "static_function");
  assertEquals(named(OTHER_ID), "exported");
  assertEquals(asked[0], { buildId: "010203", debugLink: undefined });
});

Deno.test("kernel addresses resolve though the kernel was at another place when it was recorded", () => {
  const moved = 0x1200000;
  const kernel = object("[kernel.kallsyms]_text", { pid: -1, pgoff: KERNEL_TEXT + moved });
  const symbolizer = new Symbolizer(files({ kallsyms: () => bytes(KALLSYMS) }));
  const id = symbolizer.symbolize(kernel, KERNEL_TEXT + moved + 0x110);
  assertEquals(symbolizer.symbol(id), {
    object: kernel,
    name: "vfs_read",
    start: KERNEL_TEXT + moved + 0x100,
    end: KERNEL_TEXT + moved + 0x200,
  });
});

Deno.test("modules of another boot do not resolve, since they were at other places", () => {
  const table = new ObjectTable();
  table.of({ pid: -1, filename: "[kernel.kallsyms]_text", pgoff: KERNEL_TEXT + 0x1000 });
  const module = table.of({ pid: -1, filename: "[nf_log]", pgoff: 0 });
  const symbolizer = new Symbolizer(files({ kallsyms: () => bytes(KALLSYMS) }));
  assertEquals(symbolizer.symbolize(module, -1071644672), REASON.OTHER_KERNEL);
});

Deno.test("the list of a kernel with another build id is not believed", () => {
  const table = new ObjectTable();
  table.setBuildId("[kernel.kallsyms]", "aa");
  const kernel = table.of({ pid: -1, filename: "[kernel.kallsyms]_text", pgoff: KERNEL_TEXT });
  const hooks = (running: string) => files({ kallsyms: () => bytes(KALLSYMS), kernelBuildId: () => running });
  assertEquals(new Symbolizer(hooks("bb")).symbolize(kernel, KERNEL_TEXT), REASON.OTHER_KERNEL);
  assertEquals(new Symbolizer(hooks("aa")).symbolize(kernel, KERNEL_TEXT), 0);
});

Deno.test("module, run-time and BPF code resolve by their own lists", () => {
  const table = new ObjectTable();
  const module = table.of({ pid: -1, filename: "/lib/modules/6.1.0/nf-log.ko", pgoff: 0 });
  const jit = table.of({ pid: 9, filename: "//anon", pgoff: 0, prot: 7 });
  const bpf = table.ofKernelSymbol("bpf_prog_1");
  const opened: string[] = [];
  const symbolizer = new Symbolizer(files({
    kallsyms: () => bytes(KALLSYMS),
    open: ({ path }) => {
      opened.push(path);
      return new MemoryBytes(bytes("5000 10 JS:hot loop.js:3\n"));
    },
  }));
  const names = [
    symbolizer.symbolize(module, -1071644672 + 16),
    symbolizer.symbolize(jit, 0x5008),
    symbolizer.symbolize(bpf, -4096),
  ].map((id) => symbolizer.symbol(id).name);
  assertEquals(names, ["nf_hook", "JS:hot loop.js:3", "bpf_prog_1"]);
  assertEquals(opened, ["/tmp/perf-9.map"]);
});

Deno.test("lines of a perf map that make no sense are said, and a map of nothing else is no map", () => {
  const jit = object("//anon", { pid: 9, prot: 7 });
  const reading = (text: string) => {
    const symbolizer = new Symbolizer(files({ open: () => new MemoryBytes(bytes(text), "perf-9.map") }));
    const symbol = symbolizer.symbolize(jit, 0x5008);
    return { symbol: symbol < 0 ? symbol : symbolizer.symbol(symbol).name, warnings: symbolizer.warnings };
  };
  assertEquals(reading("0x5000 0x20 f\n"), { symbol: "f", warnings: [] });
  const some = reading("0x5000 0x20 f\nnonsense\n");
  assertEquals(some.symbol, "f");
  assertStringIncludes(some.warnings[0], "skipped 1 of 2 lines of /tmp/perf-9.map, line 2 first");
  const none = reading("nonsense\n");
  assertEquals([none.symbol, none.warnings.length], [REASON.BAD_PERF_MAP, 1]);
  assertEquals(reading("\n"), { symbol: REASON.NO_PERF_MAP, warnings: [] });
  assertStringIncludes(missingSymbolRemedy(REASON.NO_PERF_MAP, jit), "-XX:+DumpPerfMapAtExit");
});

/** Names that a recording carries of one object. */
function carried(
  object: ObjectInfo,
  answers: Omit<ObjectAnswers, "facts">,
  reason: Reason = REASON.NOT_COVERED,
) {
  const facts = { ...identityOf(object), failure: { reason }, warnings: ["one is missing"] };
  return new Bundle(encodeBundle([{ facts, ...answers }])!, new Budget().cost("names"));
}

const HELPER = { id: 0, name: "helper", start: 0x1000, end: 0x1010 };

Deno.test("symbolize() takes the symbols that a recording carries, and opens no file for them", () => {
  const table = new ObjectTable();
  const [file, another] = ["/bin/program", "/bin/another"].map((filename) =>
    table.of({ pid: 1, pgoff: 0, filename })
  );
  const names = carried(file, { symbols: symbolAnswers(Float64Array.of(0x1004), () => HELPER) });
  const symbolizer = new Symbolizer(files({ open: () => elf(["other"]) }), { carried: names });
  assertEquals(symbolizer.isReady(file), true);
  assertEquals(symbolizer.symbol(symbolizer.symbolize(file, 0x1004)).name, "helper");
  assertEquals(symbolizer.symbolize(file, 0x1014), REASON.NOT_COVERED);
  assertEquals(symbolizer.warnings, ["one is missing"]);
  assertEquals(symbolizer.bundledOf(file), names.of(file));
  assertEquals(symbolizer.symbol(symbolizer.symbolize(another, 0x1004)).name, "other");
  assertEquals(symbolizer.bundledOf(another), undefined);
});

Deno.test("symbolize() tries files where a recording has only the reason why there were none, and else gives that", () => {
  const functions = { starts: Float64Array.of(0x5000), ends: Float64Array.of(0x5001) };
  const names = carried(FILE, { functions }, REASON.NO_SYMBOLS);
  const here = new Symbolizer(files({ open: () => elf(["main"]) }), { carried: names });
  assertEquals(here.symbol(here.symbolize(FILE, 0x1000)).name, "main");
  const elsewhere = new Symbolizer(files(), { carried: names });
  assertEquals(elsewhere.symbolize(FILE, 0x1000), REASON.NO_SYMBOLS);
  assertEquals(elsewhere.functionStart(FILE, 0x5000), 0x5000);
});

Deno.test("symbolize() reads the jitdump that a recording carries", () => {
  const dump = new ObjectTable().ofJitDump(7, "/tmp/jit-7.dump");
  const jit = jitDump([{ time: 1, address: 0x1000, size: 0x40, index: 0, name: "compiled" }]);
  const symbolizer = new Symbolizer(files(), { carried: carried(dump, { jitDump: jit }) });
  assertEquals(symbolizer.symbol(symbolizer.symbolize(dump, 0)).name, "compiled");
});
