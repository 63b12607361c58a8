/** Names, lines and inlined functions of the kernel and its modules from their files, for recordings made elsewhere. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { ObjectCode } from "../../lib/symbols/function_code.ts";
import { hostSymbolFiles } from "../../lib/symbols/files/host_files.ts";
import type { FileFetcher, SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { openInlinedCode } from "../../lib/symbols/inlined_code.ts";
import { Cost } from "../../lib/symbols/object/limits.ts";
import { KERNEL_MAP, type ObjectInfo, ObjectTable } from "../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../lib/symbols/source_lines.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import { missing, testUnless } from "../needs.ts";
import { differences, fileBytes, perfSymbols } from "./oracle.ts";

const RELEASE = "6.1.0-test";
/** Address of a module, and of the kernel as linked and as loaded. */
const START = -1072693248, LINKED = -2130706432, MOVED = 0x1400000;

/** Code with an inlined function, in sections that the kernel puts one after the other, and one that it leaves out. */
const SOURCE = `
int counted;
__attribute__((section(".init.text"), used)) int starts(int x) { return x + counted; }
static inline __attribute__((always_inline)) int half(int x) {
  if (x & 1) x++;
  return x / 2;
}
__attribute__((noinline)) int first(int x) {
  return half(x) * counted;
}
__attribute__((noinline)) int second(int x) { return x * 3 + first(x); }
__attribute__((section(".text.unlikely"), noinline)) int rare(int x) {
  counted = half(x);
  return x * 7;
}
`;
const KERNEL_SOURCE = `__asm__(".text\\n.globl _text\\n_text:\\n nop\\n");\n${SOURCE}`;

async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Symbol files below a folder of a recording made elsewhere, with no list of the kernel's. */
function filesBelow(root: string, fetcher?: FileFetcher): SymbolFiles {
  const files = hostSymbolFiles({ root, fetcher });
  files.setMachine!({ hostname: "elsewhere", osrelease: RELEASE, arch: "x86_64", processes: [] });
  return {
    ...files,
    kallsyms: () => undefined,
    kernelSymbols: () => undefined,
    savedKallsyms: () => undefined,
    isOtherKernel: () => true,
  };
}

/** Objects of a recording. */
function objects({ start = START, buildId, reference = true }: {
  start?: number;
  buildId?: string;
  reference?: boolean;
} = {}): { kernel: ObjectInfo; module: ObjectInfo } {
  const table = new ObjectTable(), loaded = LINKED + MOVED;
  const kernel = table.of({
    pid: -1,
    filename: `${KERNEL_MAP}_text`,
    pgoff: reference ? loaded : 0,
    start: loaded,
    buildId,
  });
  return { kernel, module: table.of({ pid: -1, filename: "[nf_hook]", pgoff: 0, start, buildId }) };
}

/** Name of the symbol at each address; "" for none. */
async function namesAt(
  files: SymbolFiles,
  object: ObjectInfo,
  addresses: readonly number[],
): Promise<string[]> {
  const symbolizer = new Symbolizer(files);
  await symbolizer.prepare([object]);
  return addresses.map((address) => {
    const id = symbolizer.symbolize(object, address);
    return id < 0 ? "" : symbolizer.symbol(id).name;
  });
}

/** Functions at an address, innermost first, and the line. */
function placeAt(files: SymbolFiles, object: ObjectInfo, address: number): string {
  const lines = sourceLines(files, object, Float64Array.of(address));
  assert("file" in lines, JSON.stringify(lines));
  const code = openInlinedCode(files, object, new Cost())!;
  const names: string[] = [];
  for (let row = code.at(address); row >= 0; row = code.functions.parent(row)) {
    names.push(code.functions.name(row));
  }
  code.close();
  return `${names.join(" < ")} ${lines.paths[lines.file[0]]?.split("/").at(-1)}:${lines.line[0]}`;
}

/** Symbols of an object file: name, section and value, in the order of the table. */
async function symbolsOf(
  dir: string,
  file: string,
): Promise<Map<string, { section: string; value: number; size: number }>> {
  const found = (await run(dir, "objdump", "-t", file)).matchAll(
    /^([0-9a-f]+) .{7} (\S+)\t([0-9a-f]+) (\S+)$/gm,
  );
  return new Map(
    [...found].map((
      [, value, section, size, name],
    ) => [name, {
      section,
      value: Number(BigInt.asIntN(64, BigInt(`0x${value}`))),
      size: parseInt(size, 16),
    }]),
  );
}

/** A module, and its sizes and symbols. */
interface Scene {
  dir: string;
  root: string;
  folder: string;
  module: string;
  buildId: string;
  /** Address of each function when the module is loaded at START. */
  at: Record<"first" | "second" | "rare", number>;
}

const COMPILE = ["-O1", "-g", "-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-fcf-protection=none", "-c"];
const HINDRANCE = missing(["cc", "binutils", "xz", "zstd"]) ||
  (Deno.build.arch !== "x86_64" && "x86_64, whose code is made here");

async function withModule(body: (scene: Scene) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const root = `${dir}/root`, folder = `${root}/lib/modules/${RELEASE}/kernel/net`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${dir}/module.c`, SOURCE);
    await run(dir, "cc", ...COMPILE, "module.c");
    const module = `${folder}/nf-hook.ko`;
    await run(dir, "ld", "-r", "--build-id=sha1", "-o", module, "module.o");
    const symbols = await symbolsOf(dir, module);
    const text = /^ *\d+ \.text +([0-9a-f]+)/m.exec(await run(dir, "objdump", "-h", module))!;
    const notes = await run(dir, "readelf", "-n", module);
    const own = (name: string) => START + symbols.get(name)!.value;
    assertEquals(symbols.get("rare")!.section, ".text.unlikely");
    await body({
      ...{ dir, root, folder, module },
      buildId: /Build ID: ([0-9a-f]+)/.exec(notes)![1],
      at: { first: own("first"), second: own("second"), rare: own("rare") + parseInt(text[1], 16) },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

testUnless(
  HINDRANCE,
  "a module has its names, lines and inlined functions from its file, where it was loaded",
  async () => {
    await withModule(async ({ root, buildId, at }) => {
      const files = filesBelow(root);
      for (const start of [START, START + 0x40000]) {
        const { module } = objects({ start, buildId }), moved = start - START;
        const asked = [at.first, at.first + 3, at.second, at.rare, at.rare + 2, START - 1, START + 0x10000];
        assertEquals(
          await namesAt(files, module, asked.map((address) => address + moved)),
          ["first", "first", "second", "rare", "rare", "", ""],
        );
        assert(/^(half < )?rare module.c:\d+$/.test(placeAt(files, module, at.rare + moved)));
        const places = Array.from(
          { length: at.second - at.first },
          (_, i) => placeAt(files, module, at.first + moved + i),
        );
        assert(places.includes("half < first module.c:5"), places.join("\n"));
        assert(places.includes("first module.c:9"), places.join("\n"));
      }
    });
  },
);

testUnless(HINDRANCE, "lines of a module are those of addr2line", async () => {
  await withModule(async ({ dir, root, module, buildId, at }) => {
    const files = filesBelow(root), { module: object } = objects({ buildId });
    const offsets = Array.from({ length: at.second - START + 8 }, (_, i) => i);
    const answers = await run(
      dir,
      "addr2line",
      "-j",
      ".text",
      "-e",
      module,
      ...offsets.map((i) => `0x${i.toString(16)}`),
    );
    const lines = sourceLines(files, object, Float64Array.from(offsets, (i) => START + i));
    assert("file" in lines);
    const theirs = answers.trim().split("\n").map((line) => /:(\d+)/.exec(line)?.[1] ?? "0");
    assertEquals(Array.from(lines.line, String), theirs);
    assertGreater(new Set(theirs).size, 4);
  });
});

testUnless(HINDRANCE || missing(["perf"]), "a module names what perf names by its file", async () => {
  await withModule(async ({ root, module, at }) => {
    const addresses = Float64Array.from({ length: at.second - START + 16 }, (_, i) => START + i);
    const map = { pid: -1, start: START, length: 0x1000, pgoff: 0, path: module };
    const perf = await perfSymbols([map], addresses);
    assertGreater(new Set(perf.map(({ name }) => name)).size, 1);
    const files = filesBelow(root), symbolizer = new Symbolizer(files), { module: object } = objects();
    await symbolizer.prepare([object]);
    const ours = (address: number) => {
      const id = symbolizer.symbolize(object, address);
      return id < 0
        ? {}
        : { name: symbolizer.symbol(id).name, offset: address - symbolizer.symbol(id).start };
    };
    assertEquals(differences(addresses, perf, ours), []);
  });
});

for (const [tool, suffix] of [["xz", "xz"], ["zstd", "zst"], ["gzip", "gz"]]) {
  testUnless(HINDRANCE, `a module compressed by ${tool} has its names`, async () => {
    await withModule(async ({ dir, root, module, buildId, at }) => {
      const packed = await new Deno.Command(tool, { args: ["-c", module], cwd: dir }).output();
      Deno.writeFileSync(`${module}.${suffix}`, packed.stdout);
      Deno.removeSync(module);
      const { module: object } = objects({ buildId });
      assertEquals(await namesAt(filesBelow(root), object, [at.first, at.rare]), ["first", "rare"]);
      const symbolizer = new Symbolizer(filesBelow(root));
      assertEquals(symbolizer.isReady(object), false, "it has to be unpacked first");
      Deno.writeFileSync(`${module}.${suffix}`, packed.stdout.subarray(0, packed.stdout.length / 2));
      await symbolizer.prepare([object]);
      assertEquals(symbolizer.symbolize(object, at.first) < 0, true);
      assertEquals(symbolizer.warnings.length, 1, "what is cut off is told");
    });
  });
}

testUnless(
  HINDRANCE,
  "a module of another build, another name or another release is not believed",
  async () => {
    await withModule(async ({ root, folder, module, buildId, at }) => {
      const files = filesBelow(root);
      const first = async (object: ObjectInfo) => (await namesAt(files, object, [at.first]))[0];
      assertEquals(await first(objects({ buildId }).module), "first");
      assertEquals(await first(objects({ buildId: "ab".repeat(20) }).module), "");
      Deno.renameSync(module, `${folder}/nf-other.ko`);
      assertEquals((await namesAt(filesBelow(root), objects({ buildId }).module, [at.first]))[0], "");
      Deno.renameSync(`${folder}/nf-other.ko`, module);
      const other = filesBelow(root);
      other.setMachine!({ hostname: "", osrelease: "../6.1.0-test", arch: "", processes: [] });
      assertEquals((await namesAt(other, objects({ buildId }).module, [at.first]))[0], "");
    });
  },
);

testUnless(
  HINDRANCE,
  "a module that was recorded by its path is found in the release of that path",
  async () => {
    await withModule(async ({ dir, root, module, at }) => {
      const files = filesBelow(root), path = module.slice(root.length);
      files.setMachine!({ hostname: "", osrelease: "", arch: "", processes: [] });
      const object = () => new ObjectTable().of({ pid: -1, filename: path, pgoff: 0, start: START });
      assertEquals(await namesAt(files, object(), [at.rare]), ["rare"]);
      await run(dir, "xz", module);
      const packed = filesBelow(root);
      packed.setMachine!({ hostname: "", osrelease: "", arch: "", processes: [] });
      assertEquals(await namesAt(packed, object(), [at.rare]), ["rare"]);
    });
  },
);

testUnless(HINDRANCE, "an unlinked file that is damaged names nothing, and ends nothing", async () => {
  await withModule(async ({ root, module, buildId, at }) => {
    const whole = Deno.readFileSync(module);
    for (let cut = 0; cut < whole.length; cut += Math.ceil(whole.length / 40)) {
      const damaged = whole.slice();
      damaged.fill(0xff, cut, cut + 64);
      Deno.writeFileSync(module, damaged);
      const files = filesBelow(root), { module: object } = objects({ buildId });
      await namesAt(files, object, [at.first, at.rare]);
      sourceLines(files, object, Float64Array.of(at.first));
    }
  });
});

/** A made-up kernel's vmlinux below a folder, and the address of `first` where the kernel was loaded. */
interface KernelScene {
  root: string;
  vmlinux: string;
  buildId: string;
  first: number;
  /** Address of `first` as linked. */
  linked: number;
}

async function withKernel(body: (scene: KernelScene) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/kernel.c`, KERNEL_SOURCE);
    await run(dir, "cc", ...COMPILE, "-fno-toplevel-reorder", "kernel.c");
    const vmlinux = `${dir}/root/usr/lib/debug/boot/vmlinux-${RELEASE}`;
    await Deno.mkdir(vmlinux.slice(0, vmlinux.lastIndexOf("/")), { recursive: true });
    const link = [
      "-nostdlib",
      "-static",
      "-no-pie",
      "-Wl,-Ttext=0xffffffff81000000",
      "-Wl,-e,_text",
      "-Wl,--build-id",
    ];
    await run(dir, "cc", ...link, "-o", vmlinux, "kernel.o");
    const buildId = /Build ID: ([0-9a-f]+)/.exec(await run(dir, "readelf", "-n", vmlinux))![1];
    const symbols = await symbolsOf(dir, vmlinux), linked = symbols.get("first")!.value;
    const first = LINKED + MOVED + linked - symbols.get("_text")!.value;
    await body({ root: `${dir}/root`, vmlinux, buildId, first, linked });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

testUnless(
  HINDRANCE,
  "the kernel has its names, lines and inlined functions from the vmlinux of its release",
  () =>
    withKernel(async ({ root, vmlinux, buildId, first, linked }) => {
      const files = filesBelow(root);
      const { addr, ...text } = new ElfFile(fileBytes(vmlinux)).section(".text")!;
      const offset = text.offset + linked - addr;
      const { kernel } = objects({ buildId });
      assertEquals(await namesAt(files, kernel, [first, first + 2, LINKED]), ["first", "first", ""]);
      const places = Array.from({ length: 12 }, (_, i) => placeAt(files, kernel, first + i));
      assert(places.some((place) => place.startsWith("half < first kernel.c:")), places.join("\n"));
      const symbolizer = new Symbolizer(files, { needsInfo: true });
      assert(symbolizer.isReady(kernel) && symbolizer.tellsInlined(kernel));
      const code = new ObjectCode({ files, object: kernel, cost: new Cost() }).of(first, first + 4);
      assert("bytes" in code && code.address === first, JSON.stringify(code));
      assertEquals(code.bytes, Deno.readFileSync(vmlinux).subarray(offset, offset + 4));

      const refused = async (object: ObjectInfo) => (await namesAt(files, object, [first]))[0];
      assertEquals(await refused(objects({ buildId: "ab".repeat(20) }).kernel), "", "another build");
      assertEquals(
        await refused(objects({ buildId, reference: false }).kernel),
        "",
        "unknown where it was loaded",
      );
    }),
);

/** Files below a folder, and a server that has a file of a build; what was asked for is in `asked`. */
function filesWithServer(
  root: string,
  { path, buildId, fetchesKernel = true }: { path: string; buildId: string; fetchesKernel?: boolean },
): { files: SymbolFiles; asked: string[] } {
  const asked: string[] = [], place = `${root}/usr/lib/debug/.build-id/${buildId.slice(0, 2)}`;
  const kept = `${root}/served`, fetched = `${place}/${buildId.slice(2)}.debug`;
  Deno.renameSync(path, kept);
  const fetcher: FileFetcher = {
    ...{ warnings: [], fetchesKernel },
    mayHave: (id, kind) => !asked.includes(`${kind} ${id}`),
    fetch(files) {
      for (const { kind, buildId: id } of files) {
        asked.push(`${kind} ${id}`);
        if (id !== buildId || kind !== "debuginfo") continue;
        Deno.mkdirSync(place, { recursive: true });
        Deno.copyFileSync(kept, fetched);
      }
      return Promise.resolve();
    },
  };
  return { files: filesBelow(root, fetcher), asked };
}

testUnless(HINDRANCE, "the debug files of the kernel and of a module are fetched for names", async () => {
  await withKernel(async ({ root, vmlinux: path, buildId, first }) => {
    const { kernel } = objects({ buildId });
    const { files: others, asked: none } = filesWithServer(root, { path, buildId, fetchesKernel: false });
    assertEquals([await namesAt(others, kernel, [first]), none], [[""], []], "nobody asked for the kernel's");
    Deno.renameSync(`${root}/served`, path);
    const { files, asked } = filesWithServer(root, { path, buildId });
    assertEquals(new Symbolizer(files).isReady(kernel), false, "it is fetched first");
    assertEquals(await namesAt(files, kernel, [first, LINKED]), ["first", ""]);
    assertEquals(asked, [`debuginfo ${buildId}`]);
    assertEquals(await namesAt(files, objects({ buildId: "ab".repeat(20) }).kernel, [first]), [""]);
  });
  await withModule(async ({ root, module: path, buildId, at }) => {
    const { files, asked } = filesWithServer(root, { path, buildId, fetchesKernel: false });
    assertEquals(await namesAt(files, objects({ buildId }).module, [at.first, at.rare]), ["first", "rare"]);
    assertEquals(asked, [`debuginfo ${buildId}`]);
  });
});

testUnless(
  HINDRANCE,
  "the kernel's debug file is fetched for lines and inlined functions alone",
  () =>
    withKernel(async ({ root, vmlinux: path, buildId, first }) => {
      const kallsyms = () => {
        const address = BigInt.asUintN(64, BigInt(LINKED + MOVED)).toString(16);
        return new TextEncoder().encode(`${address} T _text\n${address} T listed\n`);
      };
      const { files, asked } = filesWithServer(root, { path, buildId });
      const listed: SymbolFiles = {
        ...files,
        kallsyms,
        kernelBuildId: () => buildId,
        isOtherKernel: () => false,
      };
      const { kernel } = objects({ buildId });
      const nameOf = (symbolizer: Symbolizer) => symbolizer.symbol(symbolizer.symbolize(kernel, first)).name;
      const names = new Symbolizer(listed);
      assertEquals(names.isReady(kernel), true);
      await names.prepare([kernel]);
      assertEquals([nameOf(names), asked], ["listed", []], "the list has all names");
      const symbolizer = new Symbolizer(listed, { needsInfo: true });
      assertEquals(symbolizer.isReady(kernel), false);
      await symbolizer.prepare([kernel]);
      assertEquals(asked, [`debuginfo ${buildId}`]);
      assertEquals([nameOf(symbolizer), symbolizer.tellsInlined(kernel)], ["listed", true]);
      const places = Array.from({ length: 12 }, (_, i) => placeAt(listed, kernel, first + i));
      assert(places.some((place) => place.startsWith("half < first kernel.c:")), places.join("\n"));
      const again = new Symbolizer(listed, { needsInfo: true });
      assert(again.isReady(kernel) && again.tellsInlined(kernel), "it is here");
    }),
);

/** Tables in memory, and how often one was written. */
function memoryTables() {
  const tables = new Map<string, Uint8Array<ArrayBuffer>>();
  const kept = {
    written: 0,
    read: (name: string) => tables.get(name),
    write(name: string, bytes: Uint8Array<ArrayBuffer>) {
      kept.written++;
      tables.set(name, bytes);
    },
  };
  return kept;
}

/** Functions and lines from an address on, as placeAt() has them, and for inlined calls where they are; keeps tables of them. */
function placesFrom(files: SymbolFiles, object: ObjectInfo, from: number, count: number): string[] {
  const addresses = Float64Array.from({ length: count }, (_, i) => from + i);
  const lines = sourceLines(files, object, addresses), code = openInlinedCode(files, object, new Cost())!;
  assert("file" in lines);
  const { functions } = code;
  const places = Array.from(addresses, (address, i) => {
    let place = `${lines.paths[lines.file[i]]}:${lines.line[i]}`;
    for (let row = code.at(address); row >= 0; row = functions.parent(row)) {
      place += ` ${functions.name(row)}`;
      if (functions.parent(row) >= 0) place += ` ${functions.callPath(row)}:${functions.callLine(row)}`;
    }
    return place;
  });
  code.keep();
  code.close();
  return places;
}

testUnless(
  HINDRANCE,
  "lines and inlined functions of the kernel and of a module are kept for wherever they are loaded next time",
  async () => {
    const check = (root: string, first: number, objectAt: (moved: number) => ObjectInfo) => {
      const kept = memoryTables(), from = first, count = 60;
      const read = { ...filesBelow(root), kept: undefined }, keeping = { ...filesBelow(root), kept };
      const expected = placesFrom(read, objectAt(0), from, count);
      assert(expected.some((place) => / half .*:\d+ first/.test(place)), expected.join("\n"));
      assertEquals(placesFrom(keeping, objectAt(0), from, count), expected);
      assertEquals(kept.written, 2, "lines, and functions");
      for (const moved of [0, 0x200000, -0x400000]) {
        assertEquals(placesFrom(keeping, objectAt(moved), from + moved, count), expected);
      }
      assertEquals(kept.written, 2, "no debug information was read again");
    };
    await withKernel(({ root, buildId, first }) => {
      check(root, first, (moved) => {
        const start = LINKED + MOVED + moved;
        const filename = `${KERNEL_MAP}_text`;
        return new ObjectTable().of({ pid: -1, filename, pgoff: start, start, buildId });
      });
      return Promise.resolve();
    });
    await withModule(({ root, buildId, at }) => {
      check(root, at.first, (moved) => objects({ buildId, start: START + moved }).module);
      return Promise.resolve();
    });
  },
);
