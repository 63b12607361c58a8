/** Go's table of functions: made-up ones in all layouts, and those of programs against what Go's own tool says. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { elfSymbols } from "../../../lib/symbols/elf/elf_symbols.ts";
import { GoInlinedFunctions } from "../../../lib/symbols/go/go_inlined.ts";
import { goFunctions } from "../../../lib/symbols/go/go_code.ts";
import { Pclntab } from "../../../lib/symbols/go/pclntab.ts";
import { GO } from "../../../lib/symbols/go/pclntab_header.ts";
import { openInlinedCode } from "../../../lib/symbols/inlined_code.ts";
import { Cost } from "../../../lib/symbols/object/limits.ts";
import { type ObjectInfo, ObjectTable } from "../../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../../lib/symbols/source_lines.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../../lib/symbols/symbolizer.ts";
import { testNeeding } from "../../needs.ts";
import { fileBytes } from "../oracle.ts";
import { BASE, buildGo, CODE, type GoFunction, type GoProgram } from "./build_go.ts";

const PATHS = ["main.go", "/src/other.go"];
/** A function, one that others were inlined into, and an assembly function. */
const FUNCTIONS: GoFunction[] = [
  { name: "runtime.text", size: 0x10, files: [[0, 0x10]], lines: [[3, 0x10]] },
  {
    name: "main.main",
    size: 0x300,
    files: [[0, 0x20], [1, 0x2e0]],
    lines: [[10, 0x10], [12, 0x10], [300, 0x20], [7, 0x2c0]],
    calls: [{ name: "main.outer", parent: -1, at: 0x10 }, { name: "main.inner[...]", parent: 0, at: 0x20 }],
    inlined: [[-1, 0x20], [0, 0x10], [1, 0x20], [-1, 0x2b0]],
  },
  { name: "runtime.goexit", size: 0x20, files: [[1, 0x18]], lines: [[1771, 0x18]] },
];

const open = (program: Partial<GoProgram>) =>
  new MemoryBytes(buildGo({ layout: GO.V20, functions: FUNCTIONS, paths: PATHS, ...program }), "program");

/** Says of an address of Go's code what a program's table does: names with their places, innermost first. */
function placesAt(program: Partial<GoProgram>, offsets: number[]): string[] {
  const file = new ElfFile(open(program)),
    table = Pclntab.open(file)!,
    inlined = GoInlinedFunctions.open(file)!;
  return offsets.map((offset) => {
    const row = table.rowAt(CODE + offset), within = CODE + offset - table.start(row);
    if (row < 0) return "none";
    let place = `${table.path(row, within)}:${table.line(row, within)}`;
    const chain: string[] = [];
    for (let at = inlined.at(CODE + offset); at >= 0; at = inlined.parent(at)) {
      chain.push(`${inlined.name(at)} ${place}`);
      place = `${inlined.callPath(at)}:${inlined.callLine(at)}`;
    }
    return chain.join(" < ");
  });
}

const OFFSETS = [0, 0x10, 0x24, 0x30, 0x45, 0x65, 0x30f, 0x310, 0x32f, 0x330];
const PLAIN = [
  "runtime.text main.go:3",
  "main.main main.go:10",
  "main.main main.go:12",
  "main.main /src/other.go:300",
  "main.main /src/other.go:300",
  "main.main /src/other.go:7",
  "main.main /src/other.go:7",
  "runtime.goexit /src/other.go:1771",
  "runtime.goexit :0",
  "none",
];
const INLINED = PLAIN.with(3, "main.outer /src/other.go:300 < main.main main.go:12")
  .with(4, "main.inner[...] /src/other.go:300 < main.outer /src/other.go:300 < main.main main.go:12");

for (
  const [version, layout] of [["1.2", GO.V2], ["1.16", GO.V16], ["1.18", GO.V18], ["1.20", GO.V20]] as const
) {
  for (const is64 of [true, false]) {
    for (const littleEndian of [true, false]) {
      const kind = `${is64 ? 64 : 32} bits, ${littleEndian ? "little" : "big"}-endian`;
      Deno.test(`the functions of a Go program are read as Go ${version} laid them out: ${kind}`, () => {
        // Go 1.2 to 1.15 counted files from 1
        const shifted = FUNCTIONS.map((each) => ({
          ...each,
          files: each.files.map(([file, bytes]) => [file + 1, bytes] as const),
        }));
        const functions = layout === GO.V2 ? shifted : FUNCTIONS;
        const places = placesAt({ layout, functions, is64, littleEndian }, OFFSETS);
        assertEquals(places, layout === GO.V2 ? PLAIN : INLINED);
      });
    }
  }
}

Deno.test("where Go's addresses count from is found in a program's relocations, too", () => {
  for (const layout of [GO.V18, GO.V20]) {
    assertEquals(placesAt({ layout, relocated: true }, OFFSETS), INLINED);
    assertEquals(placesAt({ layout, relocated: true, is64: false, littleEndian: false }, OFFSETS), INLINED);
  }
});

Deno.test("Go's table is found among other data", () => {
  assertEquals(placesAt({ shared: true }, OFFSETS), INLINED);
});

Deno.test("without the runtime's record of a Go program there are names and lines, but no inlined functions", () => {
  assertEquals(placesAt({ recordless: true }, OFFSETS), PLAIN);
});

Deno.test("functions of a Go program have no names where it is unknown what their addresses count from", () => {
  const bytes = buildGo({ layout: GO.V20, functions: FUNCTIONS, paths: PATHS, recordless: true });
  const { offset } = new ElfFile(new MemoryBytes(bytes)).section(".gopclntab")!;
  const textAt = offset + 24; // textStart, which is 0 since Go 1.26
  assertEquals(new DataView(bytes.buffer).getBigUint64(textAt, true), BigInt(CODE));
  const names = (text: number, sections: number) => {
    const copy = bytes.slice(), view = new DataView(copy.buffer);
    view.setBigUint64(textAt, BigInt(text), true);
    const headerAt = Number(view.getBigUint64(40, true)) + 64; // of .text
    view.setBigUint64(headerAt + 16, BigInt(CODE), true);
    view.setBigUint64(headerAt + 32, BigInt(sections), true);
    const functions = goFunctions(new ElfFile(new MemoryBytes(copy)));
    const all = elfSymbols(new ElfFile(new MemoryBytes(copy)), undefined, undefined, functions);
    return Array.from({ length: all?.length ?? 0 }, (_, i) => all!.name(i));
  };
  const expected = FUNCTIONS.map(({ name }) => name);
  assertEquals(names(CODE, 0x1000), expected);
  assertEquals(names(0, 0x340), expected); // all code is Go's
  assertEquals(names(0, 0x1000), []);
  assertEquals(names(0, 0x320), []);
});

Deno.test("a call that was inlined into itself does not hang, nor does one at a place without a name", () => {
  const [first, main, last] = FUNCTIONS;
  for (const parent of [0, 1, 2, 77]) {
    const calls = [{ name: "a", parent, at: 0x20 }, { name: "b", parent, at: 0x30 }];
    const functions = [first, { ...main, calls }, last];
    for (const layout of [GO.V18, GO.V20]) {
      const [place] = placesAt({ layout, functions }, [0x45]);
      assert(place.startsWith("b "), place);
      assert(place.includes("main.main "), place);
    }
  }
  const nowhere = { ...main, inlined: [[1 << 19, 0x300]] as GoFunction["inlined"] };
  assertEquals(placesAt({ functions: [first, nowhere, last] }, [0x24]), ["main.main main.go:12"]);
});

/** Returns symbol files that have nothing but the file at `path`, and the object that it is. */
function filesOf(path: string): { files: SymbolFiles; object: ObjectInfo } {
  const files = { open: () => fileBytes(path), kallsyms: () => undefined };
  return { files, object: new ObjectTable().of({ pid: 1, pgoff: 0, filename: path }) };
}

const SOURCE = `
package main

import ("fmt"; "os"; "sort"; "strings")

type number interface{ ~int | ~float64 }

func add[T number](a, b T) T { return a + b }

func total[T number](v []T) (t T) { for _, x := range v { t = add(t, x) }; return }

func main() {
  m := map[string]int{}
  for i := 0; i < 100; i++ { m[strings.Repeat("a", add(i, 3) % 10)]++ }
  k := []string{}
  for x := range m { k = append(k, x) }
  sort.Slice(k, func(a, b int) bool { return k[a] < k[b] })
  fmt.Fprintln(os.Stdout, k, total([]float64{1, 2}), total([]int{3}))
}
`;
const ADDRESSES = 4000;

async function go(dir: string, args: string[], input = ""): Promise<string> {
  const env = { CGO_ENABLED: "0", GO111MODULE: "off" };
  const child = new Deno.Command("go", {
    args,
    cwd: dir,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output(), writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`go ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Builds the program twice, as it is and stripped, and calls `use` with the folder of the two. */
async function withPrograms(options: string[], use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(`${dir}/a.go`, SOURCE);
    await go(dir, ["build", ...options, "-o", "whole", "a.go"]);
    await go(dir, ["build", ...options, "-ldflags=-s -w", "-o", "stripped", "a.go"]);
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Returns addresses all over the functions of a program. */
function someAddresses(path: string): number[] {
  const table = Pclntab.open(new ElfFile(fileBytes(path)))!;
  const first = table.start(0), size = table.end(table.count - 1) - first;
  const found = new Set<number>();
  for (let i = 0, at = 1; i < ADDRESSES; i++, at = Math.imul(at, 0x915f77f5) + 1) {
    found.add(first + Math.floor((at >>> 0) / 2 ** 32 * size));
  }
  return [...found];
}

for (const [what, options] of [["", []], [" that is loaded anywhere", ["-buildmode=pie"]]] as const) {
  testNeeding(
    ["go"],
    `names and lines of a stripped Go program${what} are go tool addr2line's`,
    () =>
      withPrograms([...options], async (dir) => {
        const path = `${dir}/stripped`, addresses = someAddresses(path);
        const { files, object } = filesOf(path), symbolizer = new Symbolizer(files);
        // both segments' offsets in the file are those in memory
        const offsets = Float64Array.from(addresses, (address) => address - BASE);
        const lines = sourceLines(files, object, offsets);
        assert("file" in lines);
        const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
        const theirs = (await go(dir, ["tool", "addr2line", "stripped"], input)).split("\n");
        const differing = addresses.flatMap((address, i) => {
          const id = symbolizer.symbolize(object, offsets[i]);
          const line = lines.line[i],
            at = lines.file[i] < 0 ? ":-1" : `${lines.paths[lines.file[i]]}:${line}`;
          const ours = [id < 0 ? "?" : symbolizer.symbol(id).name, at],
            both = [theirs[2 * i], theirs[2 * i + 1].replace(/^:.*/, ":-1")];
          return ours.join(" ") === both.join(" ") ? [] : [{ address, ours, theirs: both }];
        });
        assertEquals(differing.slice(0, 3), []);
      }),
  );
}

testNeeding(
  ["go"],
  "inlined functions of a stripped Go program are those of its debug information",
  () =>
    withPrograms([], async (dir) => {
      await Promise.resolve();
      const addresses = someAddresses(`${dir}/stripped`);
      const [stripped, whole] = ["stripped", "whole"].map((name) => {
        const { files, object } = filesOf(`${dir}/${name}`),
          code = openInlinedCode(files, object, new Cost())!;
        const chains = addresses.map((address) => {
          const chain: string[] = [];
          for (let row = code.at(address - BASE); row >= 0 && code.functions.parent(row) >= 0;) {
            const { functions } = code;
            chain.push(`${functions.name(row)} ${functions.callPath(row)}:${functions.callLine(row)}`);
            row = functions.parent(row);
          }
          // debug information has a path of its own for code that Go made up
          return chain.join(" < ").replaceAll(/ \S*<autogenerated>:/g, " <autogenerated>:");
        });
        code.close();
        return chains;
      });
      const differing = addresses.flatMap((address, i) =>
        stripped[i] === whole[i] ? [] : [{ address, stripped: stripped[i], whole: whole[i] }]
      );
      assertGreater(stripped.filter((chain) => chain !== "").length, ADDRESSES / 20);
      // instructions at the edge of an inlined function are now and then in one of the two alone
      assert(differing.length <= ADDRESSES / 500, JSON.stringify(differing.slice(0, 3)));
    }),
);
