/** Object files: their headers, symbols, source lines, and what is packed in them. */

import { deflateSync } from "node:zlib";
import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { elfSymbols, vmlinuxSymbols } from "../../../lib/symbols/elf/elf_symbols.ts";
import { symbolAddress } from "../../../lib/symbols/elf/symbol_section.ts";
import { openInlinedFunctions } from "../../../lib/symbols/dwarf/info/inlined_functions.ts";
import { SplitPackage, unitOfFile } from "../../../lib/symbols/dwarf/info/split_units.ts";
import type { UnitRoot } from "../../../lib/symbols/dwarf/info/units.ts";
import type { DebugInfo } from "../../../lib/symbols/elf/debug_section.ts";
import { functionRanges } from "../../../lib/symbols/dwarf/function_ranges.ts";
import { type FunctionRows, type InlinedCode, openInlinedCode } from "../../../lib/symbols/inlined_code.ts";
import { Budget, Cost } from "../../../lib/symbols/object/limits.ts";
import { HeldBytes } from "../../../lib/symbols/object/windows.ts";
import { type ObjectInfo, ObjectTable } from "../../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../../lib/symbols/source_lines.ts";
import type { KeptTables, SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../../lib/symbols/symbolizer.ts";
import { buildElf } from "../../symbols/build_elf.ts";
import { BASE as GO_BASE, CODE as GO_CODE } from "../../symbols/go/build_go.ts";
import { makeLines, makeUnits, type Sections } from "../made/dwarf.ts";
import { CODE, CODE_SIZE, functionSections, makeFunctions } from "../made/dwarf_functions.ts";
import { makeGo } from "../made/go_program.ts";
import { xzStored, zstdStored } from "../made/packed.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { ElfParts, mutateElf } from "../mutate/mutate_elf.ts";
import type { Random } from "../random.ts";
import { type Input, type Target } from "../target.ts";

const FOLDER = new URL("../../testdata/fuzz/", import.meta.url);
const NAMES = [
  "dwarf2",
  "dwarf3",
  "dwarf4",
  "dwarf5",
  "dwarf64",
  "i386",
  "zlib",
  "zstd",
  "zlib-gnu",
  "library",
  "mini",
  "debuglink",
];
const WORDS = [
  ".symtab",
  ".debug_line",
  ".zdebug_line",
  ".gnu_debugdata",
  "GNU\0",
  "ZLIB",
  "\0",
  "_ZN",
  "$x",
  "@plt",
]
  .map((text) => new TextEncoder().encode(text));
/** Where .text is in the programs of testdata: in memory, and in the file. */
const TEXT = 0x400150, TEXT_OFFSET = 0x150;

/** Reads what the headers lead to. */
export function readElf(source: ByteSource): void {
  const file = new ElfFile(source);
  file.buildId();
  file.debugLink();
  const table = elfSymbols(file);
  for (const address of [0, 0x160, 0x1000, 0x1080, 0x7fffffff]) table?.find(address);
  functionRanges(file).startAt(0x1080);
  vmlinuxSymbols(file);
  symbolAddress(file, "_text");
}

/**
 * Asks for the names, lines and inlined functions of addresses all over the object, as a report with --lines and -g does.
 * @param code offset of code to look at closely.
 */
export async function readObject(open: () => ByteSource, code = TEXT_OFFSET): Promise<void> {
  await askObject(open, code);
}

/** Does what readObject() says, and returns the lines and functions as text. */
async function askObject(open: () => ByteSource, code: number, kept?: KeptTables): Promise<string[]> {
  const files: SymbolFiles = {
    open,
    kallsyms: () => undefined,
    debugFiles: function* () {
      yield open();
    },
    kept,
  };
  const object = new ObjectTable().of({ pid: 1, pgoff: 0, filename: "/bin/object" });
  const symbolizer = new Symbolizer(files);
  await symbolizer.prepare([object]);
  const size = Math.min(open().size, 1 << 20);
  const offsets = Float64Array.from(
    { length: 64 },
    (_, i) => i % 2 ? code + 2 * i : Math.floor(i * size / 64),
  );
  for (const offset of offsets) {
    const id = symbolizer.symbolize(object, offset);
    if (id >= 0 && typeof symbolizer.symbol(id).name !== "string") throw new Error("a symbol without a name");
    if (id < 0) symbolizer.addUnresolved(object, id as never, 1);
  }
  symbolizer.unresolved();
  return readCode(files, object, offsets);
}

/** Asks for all twice: the second time of tables that were kept, which must say the same. */
async function readTwice(bytes: Uint8Array): Promise<void> {
  const tables = new Map<string, Uint8Array<ArrayBuffer>>();
  const kept: KeptTables = {
    read: (name) => tables.get(name),
    write: (name, table) => tables.set(name, table),
  };
  const open = () => Object.assign(new MemoryBytes(bytes, "object"), { stamp: "object" });
  const first = await askObject(open, TEXT_OFFSET, kept), again = await askObject(open, TEXT_OFFSET, kept);
  const at = first.findIndex((told, i) => told !== again[i]);
  if (at >= 0) throw new Error(`kept tables have ${again[at]} in place of ${first[at]}`);
}

/** Lines and inlined functions of addresses, as text. */
function readCode(files: SymbolFiles, object: ObjectInfo, offsets: Float64Array): string[] {
  const budget = new Budget(), told: string[] = [];
  const lines = sourceLines(files, object, offsets, budget.cost(object.path));
  if ("file" in lines) {
    for (const [i, file] of lines.file.entries()) {
      if (file < -1 || file >= lines.paths.length) {
        throw new Error(`line ${i} is of file ${file} of ${lines.paths.length}`);
      }
      told.push(file < 0 ? "??" : `${lines.paths[file]}:${lines.line[i]}`);
    }
  }
  let code: InlinedCode | undefined;
  try {
    code = openInlinedCode(files, object, budget.cost(object.path));
    for (const offset of code ? offsets : []) told.push(readChain(code!.functions, code!.at(offset)));
    code?.keep();
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    told.push(error.message);
  } finally {
    code?.close();
  }
  return told;
}

/** Asks for all that there is of a function and of those that it was inlined into; returns it as text. */
function readChain(functions: FunctionRows, innermost: number): string {
  const told: string[] = [];
  for (let row = innermost; row >= 0; row = functions.parent(row)) {
    const parent = functions.parent(row), name = functions.name(row);
    const path = functions.callPath(row), line = functions.callLine(row);
    if (parent >= row) throw new Error(`${row} was inlined into ${parent}`);
    if (typeof name !== "string") throw new Error("a function without a name");
    if (typeof path !== "string") throw new Error("a call without a path");
    if (!Number.isInteger(line)) throw new Error("a call without a line");
    told.push(parent < 0 ? name : `${name} ${path}:${line}`);
  }
  return told.join(" < ");
}

/** Names, lines and inlined functions of a module of the kernel, as of a recording made elsewhere. */
async function readModule(bytes: Uint8Array): Promise<void> {
  const start = -1072693248, open = () => new MemoryBytes(bytes, "module");
  const files: SymbolFiles = {
    open: () => undefined,
    kallsyms: () => undefined,
    isOtherKernel: () => true,
    kernelFiles: () => [open()],
  };
  const object = new ObjectTable().of({ pid: -1, pgoff: 0, filename: "[module]", start });
  const symbolizer = new Symbolizer(files, { needsInfo: true });
  await symbolizer.prepare([object]);
  const addresses = Float64Array.from({ length: 96 }, (_, i) => start + i);
  for (const address of addresses) {
    const id = symbolizer.symbolize(object, address);
    if (id >= 0 && typeof symbolizer.symbol(id).name !== "string") throw new Error("a symbol without a name");
  }
  readCode(files, object, addresses);
}

/** Inlined functions of all addresses of made-up code. */
function readFunctions(bytes: Uint8Array): void {
  const sections = functionSections(bytes);
  const info: DebugInfo = {
    littleEndian: true,
    cost: new Cost(),
    get(name) {
      const section = sections.get(name.replace(/\.dwo$/, ""));
      return section && new HeldBytes(section);
    },
  };
  const split = (root: UnitRoot) => new SplitPackage(info).unit(info, root) ?? unitOfFile(info, info, root);
  const functions = openInlinedFunctions(info, { split });
  if (functions === undefined) return;
  for (let at = CODE - 8; at < CODE + CODE_SIZE + 8; at++) readChain(functions, functions.at(at));
}

/** The programs of testdata, and made-up ones of both classes and byte orders. */
function seeds(): ElfParts[] {
  const real = NAMES.map((name) => Deno.readFileSync(new URL(`${name}.elf`, FOLDER)));
  const symbols = [
    { name: "main", value: 0x11000, size: 0x80 },
    { name: "$x.1", value: 0x11020, size: 0, type: 0 },
    { name: "helper", value: 0x11080, size: 0x40, bind: 0 },
    { name: "helper_alias", value: 0x11080, size: 0x40, bind: 2 },
  ];
  const made = [[true, true], [true, false], [false, true], [false, false]].map(([is64, littleEndian]) =>
    buildElf({ is64, littleEndian, machine: is64 ? 62 : 40, symbols, buildId: new Uint8Array(20).fill(7) })
  );
  return [...real, ...made].map((bytes) => new ElfParts(bytes));
}

/** A section's contents as SHF_COMPRESSED has them: Elf64_Chdr or Elf32_Chdr, then the data. */
function packed(random: Random, elf: ElfParts, contents: Uint8Array): Uint8Array {
  const isZstd = random.oneIn(2);
  const w = new ByteWriter(32, elf.littleEndian);
  w.u32(random.oneIn(12) ? random.u32() : isZstd ? 2 : 1);
  const size = random.oneIn(6) ? random.u64() : BigInt(contents.length);
  if (elf.is64) w.u32(0).u64(size).u64(1);
  else w.u32(Number(size & 0xffffffffn)).u32(1);
  const data: Uint8Array = isZstd
    ? zstdStored(contents, random.oneIn(6) ? [random.pick([1, 70000, 131072]), 1] : [])
    : new Uint8Array(deflateSync(contents, { level: random.pick([0, 1]) }));
  return concat([w.bytes(), random.oneIn(3) ? mutateBytes(data, random) : data]);
}

/** The sections in an object file of their own. */
function objectWith(random: Random, elf: ElfParts, sections: Sections): Uint8Array {
  if (!random.oneIn(5)) return elf.with(sections);
  return elf.with(
    sections.map(({ name, contents }) => ({ name, contents: packed(random, elf, contents), flags: 0x800 })),
  );
}

/** .gnu_debugdata: an ELF file in an xz file, either of them with changes. */
function miniDebug(
  random: Random,
  mini: ElfParts,
  inner: readonly ElfParts[],
  stuff: { words: Uint8Array[] },
): Input {
  if (random.oneIn(3)) {
    const own = mini.contents(mini.section(".gnu_debugdata"));
    return {
      bytes: mini.with([{ name: ".gnu_debugdata", contents: mutateBytes(own, random) }]),
      made: "xz changed",
    };
  }
  const elf = random.pick(inner);
  const bytes = random.oneIn(3) ? mutateBytes(elf.bytes, random, 0, stuff) : mutateElf(elf, random, stuff);
  const contents = random.oneIn(8) ? mutateBytes(xzStored(bytes), random) : xzStored(bytes);
  return { bytes: mini.with([{ name: ".gnu_debugdata", contents }]), made: "ELF file in it changed" };
}

export function objectTargets(): Target[] {
  const all = seeds();
  const stuff = { words: WORDS, donors: all.map(({ bytes }) => bytes.subarray(0, 5000)) };
  const named = (name: string) => all[NAMES.indexOf(name)];
  const changed = (random: Random): Input => ({
    bytes: mutateElf(random.pick(all), random, stuff),
    made: "changed",
  });
  const take = readTwice;
  const lined = ["dwarf5", "i386"].map(named);
  const module = new ElfParts(Deno.readFileSync(new URL("module.elf", FOLDER)));
  return [
    {
      name: "elf",
      what: "headers and symbols of an object file",
      weight: 10,
      make: changed,
      take: (bytes) => readElf(new MemoryBytes(bytes, "object")),
    },
    {
      name: "object",
      what: "names and source lines of an object file, packed ones too",
      weight: 10,
      make: changed,
      take,
    },
    {
      name: "dwarf-lines",
      what: "line tables made up from nothing",
      weight: 10,
      make(random) {
        const elf = random.pick(lined);
        return { bytes: objectWith(random, elf, makeLines(random, elf.littleEndian, TEXT)), made: "made up" };
      },
      take,
    },
    {
      name: "dwarf-units",
      what: "units and abbreviations made up from nothing, below a line table that needs them",
      weight: 6,
      make(random) {
        const elf = named("dwarf4");
        const sections = makeUnits(random, elf.littleEndian).filter(({ name }) => elf.section(name));
        return { bytes: objectWith(random, elf, sections), made: "made up" };
      },
      take,
    },
    {
      name: "dwarf-functions",
      what: "functions and inlined copies of them made up from nothing",
      weight: 8,
      make(random) {
        const bytes = makeFunctions(random);
        return random.oneIn(3)
          ? { bytes: mutateBytes(bytes, random), made: "made up, and changed" }
          : { bytes, made: "made up" };
      },
      take: readFunctions,
    },
    {
      name: "go-functions",
      what: "Go's table of functions made up from nothing, in all layouts",
      weight: 8,
      make(random) {
        const bytes = makeGo(random);
        if (random.oneIn(2)) return { bytes, made: "made up" };
        const elf = new ElfParts(bytes),
          table = elf.sections.find(({ name }) => /pclntab|rel\.ro/.test(name))!;
        if (random.oneIn(3)) return { bytes: mutateElf(elf, random, stuff), made: "ELF file changed" };
        return {
          bytes: elf.with([{ name: table.name, contents: mutateBytes(elf.contents(table), random) }]),
          made: "made up, and changed",
        };
      },
      take: (bytes) => readObject(() => new MemoryBytes(bytes, "object"), GO_CODE - GO_BASE),
    },
    {
      name: "module",
      what: "names, lines and inlined functions of a kernel module, and its relocations",
      weight: 6,
      make(random) {
        const tables = module.sections.filter(({ name }) => /rela|symtab|debug/.test(name));
        if (random.oneIn(3)) return { bytes: mutateElf(module, random, stuff), made: "ELF file changed" };
        const { name } = random.pick(tables);
        const contents = mutateBytes(module.contents(module.section(name)), random);
        return { bytes: module.with([{ name, contents }]), made: `${name} changed` };
      },
      take: readModule,
    },
    {
      name: "packed-section",
      what: "compressed sections: zlib, zstd, and the older .zdebug",
      weight: 6,
      make(random) {
        if (random.oneIn(3)) {
          const elf = named(random.pick(["zlib", "zstd", "zlib-gnu"]));
          const section = random.pick(
            elf.sections.filter(({ name }) => /debug_(line|info|str|abbrev)/.test(name)),
          );
          const contents = mutateBytes(elf.contents(section), random);
          return { bytes: elf.with([{ name: section.name, contents }]), made: "compressed bytes changed" };
        }
        const elf = named("dwarf5");
        const { name } = random.pick(elf.sections.filter(({ name }) => name.startsWith(".debug_")));
        const own = elf.contents(elf.section(name));
        const contents = packed(random, elf, random.oneIn(2) ? mutateBytes(own, random) : own);
        return { bytes: elf.with([{ name, contents, flags: 0x800 }]), made: `${name} compressed` };
      },
      take,
    },
    {
      name: "mini-debug",
      what: ".gnu_debugdata: an ELF file in an xz file in an ELF file",
      weight: 4,
      make: (random) => miniDebug(random, named("mini"), all.slice(0, 8), stuff),
      take,
    },
  ];
}
