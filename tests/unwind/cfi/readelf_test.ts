import { assertEquals, assertGreater } from "@std/assert";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { hasCommand, testNeeding, testUnless } from "../../needs.ts";
import { AARCH64 } from "../../../lib/unwind/arch.ts";
import { FOUND, ObjectCfi } from "../../../lib/unwind/cfi/object_cfi.ts";
import { Row } from "../../../lib/unwind/cfi/row.ts";
import { compareWithReadelf } from "./readelf.ts";

const SOURCE = new URL("../frames.c", import.meta.url).pathname;

/** Libraries that this process runs with: those of the C and C++ compilers, mostly. */
function ownLibraries(): string[] {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  return [...new Set(maps.match(/\/\S+\.so[.\d]*$/gm) ?? [])];
}

/** Compiles frames.c with further options into a file of its own. */
function compile(folder: string, name: string, options: string[], compiler = "cc"): string {
  const path = `${folder}/${name}`;
  const { success, stderr } = new Deno.Command(compiler, { args: ["-O2", ...options, "-o", path, SOURCE] })
    .outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return path;
}

function run(...argv: string[]): void {
  const { success, stderr } = new Deno.Command(argv[0], { args: argv.slice(1) }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function assertLikeReadelf(path: string, least: number): void {
  const { functions, rows, differences } = compareWithReadelf(path);
  assertEquals(differences.slice(0, 10), [], path);
  assertGreater(functions, least, path);
  assertGreater(rows, functions, path);
}

function withFolder(body: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

testNeeding(["binutils"], "each row of the libraries of this process is as readelf has it", () => {
  const libraries = ownLibraries();
  assertGreater(libraries.length, 2);
  for (const path of libraries) assertLikeReadelf(path, 1);
});

testNeeding(
  ["binutils", "cc"],
  "each row of cc's output is as readelf has it, wherever the tables are",
  () => {
    const plain = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-g"];
    withFolder((folder) => {
      assertLikeReadelf(compile(folder, "eh", ["-fexceptions"]), 5);
      assertLikeReadelf(compile(folder, "no-header", ["-Wl,--no-eh-frame-hdr"]), 5);
      assertLikeReadelf(compile(folder, "static", ["-static-pie"]), 500);
      for (const version of [2, 4, 5]) {
        assertLikeReadelf(compile(folder, `dwarf${version}`, [...plain, `-gdwarf-${version}`]), 5);
      }
      assertLikeReadelf(compile(folder, "dwarf64", [...plain, "-gdwarf64"]), 5);
    });
  },
);

testNeeding(["binutils", "cc"], "the tables of a separate or compressed debug file are found", () => {
  withFolder((folder) => {
    const options = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-g"];
    const whole = compile(folder, "whole", options),
      packed = compile(folder, "packed", [...options, "-gz=zlib"]);
    run("objcopy", "--only-keep-debug", packed, `${folder}/packed.debug`);
    run("objcopy", "--strip-debug", whole, `${folder}/stripped`);
    const open = (path: string) => new ElfFile(FileBytes.tryOpen(path)!);
    const reference = ObjectCfi.open(open(whole))!, row = new Row(), other = new Row();
    const separate = ObjectCfi.open(open(`${folder}/stripped`), open(`${folder}/packed.debug`))!;
    const text = open(whole).section(".text")!;
    let found = 0, alone = 0;
    const stripped = ObjectCfi.open(open(`${folder}/stripped`));
    for (let address = text.addr; address < text.addr + text.size; address++) {
      const ours = separate.findRow(address, row);
      assertEquals(ours, reference.findRow(address, other));
      if (ours !== FOUND.ROW) continue;
      assertEquals([row.kinds, row.values], [other.kinds, other.values]);
      assertEquals(separate.functionStart, reference.functionStart);
      found++;
      if (stripped?.findFunction(address)) alone++;
    }
    assertGreater(found, 100);
    assertGreater(found, 2 * alone);
  });
});

testUnless(
  !hasCommand("aarch64-linux-gnu-gcc") &&
    "it needs aarch64-linux-gnu-gcc (apt-get install gcc-aarch64-linux-gnu)",
  "each row of an aarch64 program is as readelf has it, signed return addresses included",
  () => {
    withFolder((folder) => {
      const options = ["-mbranch-protection=standard", "-fexceptions", "-static"];
      const path = compile(folder, "signed", options, "aarch64-linux-gnu-gcc");
      assertEquals(new ElfFile(FileBytes.tryOpen(path)!).machine, AARCH64.machine);
      assertLikeReadelf(path, 500);
    });
  },
);
