/** Inlined functions against llvm-symbolizer, at random addresses of programs of several compilers. */

import { assertEquals, assertGreater } from "@std/assert";
import { openInlinedFunctions } from "../../../../lib/symbols/dwarf/info/inlined_functions.ts";
import { ElfFile, SHT } from "../../../../lib/symbols/elf/elf.ts";
import type { SymbolFiles } from "../../../../lib/symbols/files/symbol_files.ts";
import { InfoFiles } from "../../../../lib/symbols/info_files.ts";
import { type Need, testNeeding } from "../../../needs.ts";
import { fileBytes } from "../../oracle.ts";

const ADDRESSES = 4000;
const SHF_EXECINSTR = 4;

const C = `
#include <stdlib.h>
#include <string.h>
static inline int half(int x) { return x & 1 ? (x + 1) / 2 : x / 2; }
static inline int steps(int x) { int n = 0; while (x > 1) { x = half(x); n += x & 3; } return n; }
static int compare(const void *a, const void *b) { return steps(*(const int *)a) - steps(*(const int *)b); }
static void fill(int *all, int n) { for (int i = 0; i < n; i++) all[i] = steps(i * 77) + half(i); }
int main(int argc, char **argv) {
  int n = 100 * argc, *all = malloc(n * sizeof *all);
  fill(all, n);
  qsort(all, n, sizeof *all, compare);
  return steps(all[n / 2]) + (int)strlen(argv[0]);
}
`;
const CPP = `
#include <algorithm>
#include <map>
#include <string>
#include <vector>
namespace shapes {
struct Shape { int sides; explicit Shape(int n) : sides(n) {} int corners() const { return sides; } };
inline int both(const Shape& s) { return s.sides + s.corners(); }
}
int main(int argc, char**) {
  std::vector<shapes::Shape> v;
  std::map<std::string, int> m;
  for (int i = 0; i < argc * 100; i++) v.emplace_back(i * 31 % 17);
  std::sort(v.begin(), v.end(), [](auto& a, auto& b) { return shapes::both(a) < shapes::both(b); });
  for (auto& s : v) m[std::to_string(s.sides)] += s.corners();
  return m.begin()->second;
}
`;
const RUST = `
fn main() {
    let mut m = std::collections::HashMap::new();
    for (i, a) in std::env::args().chain((0..99).map(|x| format!("{}", x % 7))).enumerate() {
        m.entry(a).or_insert_with(Vec::new).push(i);
    }
    let mut v: Vec<_> = m.iter().map(|(k, v)| (v.iter().sum::<usize>(), k.clone())).collect();
    v.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    println!("{:?}", v);
}
`;
const GO = `
package main

import ("fmt"; "sort"; "strings")

func add(a, b int) int { return a + b }

func main() {
  m := map[string]int{}
  for i := 0; i < 100; i++ { m[strings.Repeat("a", add(i, 3) % 10)]++ }
  k := []string{}
  for x := range m { k = append(k, x) }
  sort.Strings(k)
  fmt.Println(k)
}
`;

/** Program to build: its source, and the command that makes `program` of it. */
interface Build {
  what: string;
  source: [name: string, text: string];
  command: string[];
  /** Makes `packed` of it, to be read instead; not every llvm-symbolizer reads that. */
  pack?: string[];
}

/** Needs of tests, by the compiler that they run. */
const NEED_OF: Readonly<Record<string, Need>> = {
  "gcc": "cc",
  "g++": "cxx",
  "clang": "clang",
  "clang++": "clang",
  "rustc": "rustc",
  "go": "go",
};

const c = (what: string, ...command: string[]): Build => ({ what, source: ["a.c", C], command });
const cpp = (what: string, ...command: string[]): Build => ({ what, source: ["a.cpp", CPP], command });
const BUILDS: Build[] = [
  c("C by GCC, DWARF 3", "gcc", "-O2", "-gdwarf-3"),
  c("C by GCC, DWARF 5", "gcc", "-O2", "-gdwarf-5"),
  c("C by clang at a fixed address", "clang", "-O2", "-g", "-no-pie"),
  cpp("C++ by GCC, DWARF 4", "g++", "-O2", "-gdwarf-4"),
  cpp("C++ by GCC, DWARF 5, in the 64-bit format", "g++", "-O2", "-gdwarf-5", "-gdwarf64"),
  cpp("C++ by GCC, optimized at link time", "g++", "-O2", "-g", "-flto=1"),
  cpp(
    "C++ by GCC, without what the linker dropped",
    "g++",
    "-O2",
    "-g",
    "-ffunction-sections",
    "-Wl,--gc-sections",
  ),
  cpp("C++ by clang, DWARF 4", "clang++", "-O2", "-gdwarf-4"),
  cpp("C++ by clang, DWARF 5", "clang++", "-O2", "-gdwarf-5"),
  cpp(
    "C++ by clang, compiled in a relative folder",
    "clang++",
    "-O2",
    "-gdwarf-5",
    "-fdebug-compilation-dir=src",
  ),
  cpp("C++ with sections compressed with zlib", "g++", "-O2", "-g", "-gz=zlib"),
  {
    ...cpp("C++ with sections compressed with zstd", "g++", "-O2", "-g"),
    pack: ["objcopy", "--compress-debug-sections=zstd", "program", "packed"],
  },
  cpp("C++ by GCC, DWARF 4, split", "g++", "-O2", "-gdwarf-4", "-gsplit-dwarf"),
  cpp("C++ by GCC, DWARF 5, split", "g++", "-O2", "-gdwarf-5", "-gsplit-dwarf"),
  cpp("C++ by clang, DWARF 5, split", "clang++", "-O2", "-gdwarf-5", "-gsplit-dwarf"),
  {
    ...cpp("C++ by clang, DWARF 5, split and packed", "clang++", "-O2", "-gdwarf-5", "-gsplit-dwarf"),
    pack: [
      "sh",
      "-c",
      "llvm-dwp -e program -o program.dwp && cp program packed && cp program.dwp packed.dwp && rm *.dwo",
    ],
  },
  { what: "Rust", source: ["a.rs", RUST], command: ["rustc", "-O", "-g"] },
  { what: "Go", source: ["a.go", GO], command: ["go", "build"] },
];

async function run(dir: string, [command, ...args]: string[], input = ""): Promise<string> {
  const child = new Deno.Command(command, {
    args,
    cwd: dir,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Returns addresses all over the code of a file; the same ones for the same file. */
function someAddresses(file: ElfFile): number[] {
  const code = file.sections.filter(({ type, flags }) => type !== SHT.NOBITS && flags & SHF_EXECINSTR);
  const total = code.reduce((sum, { size }) => sum + size, 0);
  const found = new Set<number>();
  for (let i = 0, at = 1; i < ADDRESSES; i++, at = Math.imul(at, 0x915f77f5) + 1) {
    let offset = Math.floor((at >>> 0) / 2 ** 32 * total);
    for (const { addr, size } of code) {
      if (offset < size) found.add(addr + offset);
      if ((offset -= size) < 0) break;
    }
  }
  return [...found];
}

/** Returns the path without `dir/..` and `./`, as names from several tools have to be compared. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Files that debug information refers to, as the host has them. */
const FILES: SymbolFiles = {
  open: () => undefined,
  kallsyms: () => undefined,
  referredFiles: function* ({ name }, { path }) {
    const whole = path.startsWith("/") ? path : `${name.slice(0, name.lastIndexOf("/"))}/${path}`;
    try {
      yield fileBytes(whole);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
};

/** Returns the function at each address, and those that it was inlined into: name, and the place of the call. */
function ourChains(file: ElfFile, addresses: number[], files = FILES): string[][] {
  const info = new InfoFiles(files, file);
  const functions = openInlinedFunctions(info.own, {
    supplementary: () => info.supplementary(),
    split: (root) => info.split(root),
  })!;
  return addresses.map((address) => {
    const chain: string[] = [];
    let call = "";
    for (let row = functions.at(address); row >= 0; row = functions.parent(row)) {
      // the name of the outermost function is that of a symbol
      const isInlined = functions.parent(row) >= 0;
      chain.push(`${isInlined ? functions.name(row) : "outermost"}${call}`);
      call = isInlined ? ` called at ${plainPath(functions.callPath(row))}:${functions.callLine(row)}` : "";
    }
    return chain;
  });
}

/** Returns the chains that llvm-symbolizer finds; empty ones where it knows no more than a symbol. */
async function theirChains(dir: string, addresses: number[]): Promise<string[][]> {
  const options = [
    "--inlining",
    "--functions=linkage",
    "--no-demangle",
    "--output-style=JSON",
    "--obj=program",
  ];
  const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
  const answers = (await run(dir, ["llvm-symbolizer", ...options], input)).trimEnd().split("\n");
  return answers.map((answer) => {
    const frames: { FunctionName: string; FileName: string; Line: number }[] = JSON.parse(answer).Symbol;
    return frames.map(({ FunctionName: name, FileName: file, Line: line }, i) =>
      `${i + 1 < frames.length ? name : "outermost"}${i > 0 ? ` called at ${plainPath(file)}:${line}` : ""}`
    );
  });
}

for (const { what, source: [name, text], command, pack } of BUILDS) {
  testNeeding(
    ["llvm", "binutils", NEED_OF[command[0]]],
    `inlined functions and their calls are llvm-symbolizer's at ${ADDRESSES} addresses: ${what}`,
    async () => {
      const dir = await Deno.realPath(await Deno.makeTempDir());
      try {
        await Deno.writeTextFile(`${dir}/${name}`, text);
        await run(dir, [...command, "-o", "program", name]);
        if (pack) await run(dir, pack);
        const file = new ElfFile(fileBytes(`${dir}/${pack ? "packed" : "program"}`));
        const addresses = someAddresses(file);
        const ours = ourChains(file, addresses), theirs = await theirChains(dir, addresses);
        const differing = addresses.flatMap((address, i) =>
          ours[i].join("\n") === theirs[i].join("\n") || (ours[i].length === 0 && theirs[i].length === 1)
            ? []
            : [{ address: address.toString(16), ours: ours[i], theirs: theirs[i] }]
        );
        assertEquals(differing.slice(0, 3), []);
        assertGreater(ours.filter(({ length }) => length > 1).length, addresses.length / 20);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  );
}

testNeeding(
  ["cxx", "dwz"],
  "inlined functions are the same after dwz moved what two programs have in common to a third file",
  async () => {
    const dir = await Deno.realPath(await Deno.makeTempDir());
    try {
      await Deno.writeTextFile(`${dir}/a.cpp`, CPP);
      await run(dir, ["g++", "-O2", "-g", "-Wl,--build-id", "-o", "before", "a.cpp"]);
      await run(dir, ["g++", "-O1", "-g", "-Wl,--build-id", "-o", "other", "a.cpp"]);
      await Deno.copyFile(`${dir}/before`, `${dir}/after`);
      await run(dir, ["dwz", "-m", "common", "after", "other"]);
      const [before, after] = ["before", "after"].map((name) => new ElfFile(fileBytes(`${dir}/${name}`)));
      assertEquals(after.supplementaryLink()?.path, "common");
      const addresses = someAddresses(before), chains = ourChains(before, addresses);
      assertEquals(ourChains(after, addresses), chains);
      // without that file some names are missing, which is said
      const info = new InfoFiles({ ...FILES, referredFiles: () => [] }, after);
      const functions = openInlinedFunctions(info.own, { supplementary: () => info.supplementary() })!;
      const names = addresses.flatMap((address) => {
        const row = functions.at(address);
        return row < 0 ? [] : [functions.name(row)];
      });
      assertGreater(names.filter((name) => name === "").length, 0);
      assertEquals([...info.missing], ["common"]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
