/** Names of the stubs of the procedure linkage table against objdump's, which it finds in their code. */

import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { elfSymbols } from "../../../lib/symbols/elf/elf_symbols.ts";
import { type Need, testNeeding } from "../../needs.ts";
import { answerOf, fileBytes } from "../oracle.ts";

/** Sections with stubs. */
const SECTIONS = [".plt", ".plt.got", ".plt.sec", ".iplt"];

/** Functions that are called, called through a pointer as well, and called weakly. */
const SOURCE = `
unsigned long strlen(const char *);
int puts(const char *);
int abs(int);
void *malloc(unsigned long);
void free(void *);
__attribute__((weak)) int absent(int);
unsigned long (*volatile pointer)(const char *) = strlen;
int work(int n, char *s) {
  if (absent) n += absent(n);
  void *p = malloc(n);
  free(p);
  n += abs(n) + (int)strlen(s) + (int)pointer(s);
  return n + puts(s);
}
`;
const PROGRAM = `${SOURCE} int main(int n, char **v) { return work(n, v[0]); }`;

/** A library whose indirect functions take slots between those of others, but relocations behind them. */
const INDIRECT = `
#include <stdlib.h>
#include <string.h>
static int one(int x) { return x + 1; }
static int (*first_resolver(void))(int) { return one; }
int first(int) __attribute__((ifunc("first_resolver"), visibility("protected")));
static int (*second_resolver(void))(int) { return one; }
__attribute__((visibility("hidden"))) int second(int) __attribute__((ifunc("second_resolver")));
int all(int x, char *s) {
  x += first(x); x += strlen(s); x += second(x); x += atoi(s); free(s); return x + first(x);
}
`;

interface Build {
  what: string;
  needs?: Need[];
  source?: string;
  command: string[];
  objdump?: string;
  /** Names that there are, besides those that objdump tells. */
  named?: string[];
}

const cc = (what: string, ...options: string[]): Build => ({ what, command: ["cc", ...options] });
/** Builds a library for another machine, without any libraries of that. */
const other = (what: string, target: string, ...options: string[]): Build => ({
  what,
  needs: ["clang", "lld", "llvm"],
  source: SOURCE,
  command: ["clang", `--target=${target}`, "-shared", "-fPIC", "-nostdlib", "-fuse-ld=lld", ...options],
  objdump: "llvm-objdump",
});

const NAMED = ["abs@plt", "free@plt", "malloc@plt", "puts@plt", "strlen@plt"];
const BUILDS: Build[] = [
  { ...cc("bound at first calls", "-Wl,-z,lazy"), named: NAMED },
  { ...cc("bound at once", "-Wl,-z,now"), named: NAMED },
  { ...cc("at a fixed address", "-no-pie", "-Wl,-z,now"), named: ["malloc@plt"] },
  { ...cc("with branch tracking", "-fcf-protection", "-Wl,-z,ibtplt,-z,lazy"), named: NAMED },
  { ...cc("with branch tracking, bound at once", "-fcf-protection", "-Wl,-z,ibtplt,-z,now"), named: NAMED },
  { ...cc("by gold", "-fuse-ld=gold"), named: NAMED },
  { ...cc("by lld", "-fuse-ld=lld"), needs: ["lld"], named: NAMED },
  {
    ...cc("with indirect functions", "-shared", "-fPIC"),
    source: INDIRECT,
    named: ["first@plt", "second@plt", "strlen@plt"],
  },
  other("for 32-bit x86", "i386-linux-gnu"),
  other("for 64-bit ARM", "aarch64-linux-gnu"),
  other(
    "for 64-bit ARM with branch tracking",
    "aarch64-linux-gnu",
    "-mbranch-protection=standard",
    "-Wl,-z,force-bti",
  ),
];

async function output(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Returns the names of stubs by address, as objdump finds them in the code. It has none of indirect functions. */
async function objdumpStubs(objdump: string, path: string): Promise<Map<number, string>> {
  const disassembly = await output(objdump, "-d", ...SECTIONS.map((name) => `--section=${name}`), path);
  const lines = disassembly.matchAll(/^([0-9a-f]+) <([^>]*@plt)>:$/gm);
  return new Map([...lines].map(([, address, name]) => [parseInt(address, 16), name.replace(/@.*@/, "@")]));
}

/** Checks the name at both ends of each stub; returns all names. */
function check(path: string, stubs: Map<number, string>, isStripped = false): Set<string> {
  const file = new ElfFile(fileBytes(path)), table = elfSymbols(file);
  const sections = SECTIONS.map((name) => file.section(name)).filter((section) => section !== undefined);
  const names = new Set<string>();
  for (const [address, name] of stubs) {
    const { addr, offset } = sections.find(({ addr, size }) => address >= addr && address < addr + size)!;
    for (const at of [address, address + 5]) {
      const ours = answerOf(table, at - addr + offset)?.name ?? "";
      names.add(ours);
      if (!name.startsWith("*ABS*")) assertEquals(ours, name, `${path} ${at.toString(16)}`);
      else if (!isStripped || ours !== name) assertMatch(ours, /^\w+@plt$/, `${path} ${at.toString(16)}`);
    }
  }
  return names;
}

for (const { what, needs = [], source = PROGRAM, command, objdump = "objdump", named = [] } of BUILDS) {
  testNeeding(
    ["cc", "binutils", ...needs],
    `stubs have objdump's names, stripped or not: ${what}`,
    async () => {
      const dir = await Deno.makeTempDir();
      try {
        const path = `${dir}/program`;
        await Deno.writeTextFile(`${dir}/a.c`, source);
        await output(command[0], ...command.slice(1), "-O1", "-fno-builtin", "-o", path, `${dir}/a.c`);
        const stubs = await objdumpStubs(objdump, path);
        assertGreater(stubs.size, 3);
        const names = check(path, stubs);
        assertEquals(named.filter((name) => !names.has(name)), []);
        if (objdump === "objdump") {
          await output("strip", path);
          check(path, await objdumpStubs(objdump, path), true);
        }
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  );
}

for (const option of ["-static", "-static-pie"]) {
  testNeeding(
    ["cc", "binutils"],
    `stubs of indirect functions have the names of their resolvers: ${option}`,
    async () => {
      const dir = await Deno.makeTempDir();
      try {
        const path = `${dir}/program`, stripped = `${dir}/stripped`;
        await Deno.writeTextFile(`${dir}/a.c`, PROGRAM);
        await output("cc", option, "-fno-builtin", "-o", path, `${dir}/a.c`);
        await output("strip", "-o", stripped, path);
        const resolvers = new Map<string, Set<string>>();
        for (const [, address, name] of (await output("nm", path)).matchAll(/^0*([0-9a-f]+) i (\S+)$/gm)) {
          resolvers.set(address, (resolvers.get(address) ?? new Set()).add(`${name}@plt`));
        }
        const [named, bare] = [path, stripped].map((each) => elfSymbols(new ElfFile(fileBytes(each)))!);
        const { offset, size } = new ElfFile(fileBytes(path)).section(".plt")!;
        let count = 0;
        for (let at = offset; at < offset + size; at += 8) {
          const name = answerOf(bare, at)?.name ?? "";
          if (name === ".plt") continue;
          // a weak function that is not there has a stub, and no relocation
          if (name === "" && answerOf(named, at)?.name === undefined) continue;
          const resolver = /^\*ABS\*\+0x([0-9a-f]+)@plt$/.exec(name)?.[1] ?? name;
          assertEquals(resolvers.get(resolver)?.has(answerOf(named, at)?.name ?? ""), true, `${at} ${name}`);
          count++;
        }
        assertGreater(count, 10);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  );
}

testNeeding(["cc", "binutils"], "stubs of the C library of this machine have objdump's names", async () => {
  const path = (await output("cc", "-print-file-name=libc.so.6")).trim();
  const stubs = await objdumpStubs("objdump", path);
  assertGreater(stubs.size, 3);
  check(path, stubs);
});

testNeeding(
  ["cc", "binutils"],
  "stubs of an unknown machine have names by their order, if their sizes are the usual ones",
  async () => {
    const dir = await Deno.makeTempDir();
    try {
      const path = `${dir}/program`;
      await Deno.writeTextFile(`${dir}/a.c`, PROGRAM);
      await output("cc", "-Wl,-z,lazy", "-fno-builtin", "-s", "-o", path, `${dir}/a.c`);
      const file = new ElfFile(fileBytes(path)),
        bytes = await Deno.readFile(path),
        view = new DataView(bytes.buffer);
      view.setUint16(18, 0x7777, true); // e_machine
      const names = () => {
        const table = elfSymbols(new ElfFile(new MemoryBytes(bytes)));
        return Array.from({ length: table?.length ?? 0 }, (_, i) => table!.name(i));
      };
      const stubs = await objdumpStubs("objdump", path), { addr, size } = file.section(".plt")!;
      assertEquals(
        names(),
        [...stubs].filter(([at]) => at >= addr && at < addr + size).map(([, name]) => name),
      );
      const header = Number(view.getBigUint64(40, true)) +
        64 * file.sections.findIndex(({ name }) => name === ".plt");
      view.setBigUint64(header + 32, BigInt(size + 16), true);
      assertEquals(names(), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);

testNeeding(["cc", "binutils"], "a symbol before the PLT without a size does not reach into it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/program`;
    await Deno.writeTextFile(`${dir}/a.c`, PROGRAM);
    await output("cc", "-Wl,-z,lazy", "-fno-builtin", "-o", path, `${dir}/a.c`);
    const file = new ElfFile(fileBytes(path)), table = elfSymbols(file)!, { offset } = file.section(".plt")!;
    assertEquals([-1, 0, 16].map((at) => answerOf(table, offset + at)?.name), [
      "_init",
      ".plt",
      [...await objdumpStubs("objdump", path)][0][1],
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
