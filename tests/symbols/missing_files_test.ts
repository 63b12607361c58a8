/** Which files are asked for: those that sampled code lacks, and no others. */

import { assertEquals } from "@std/assert";
import type { FileFetcher, SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { type ObjectInfo, ObjectTable } from "../../lib/symbols/object/objects.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import { testNeeding } from "../needs.ts";
import { fileBytes } from "./oracle.ts";

const SOURCE = `
#include <cstdio>
static __attribute__((noinline)) int hidden(int x) { return x * 3 + getchar(); }
extern "C" __attribute__((noinline)) int exported(int x) { return hidden(x) + 1; }
`;

/** A library, with symbols and debug information, and stripped of them. */
interface Scene {
  dir: string;
  whole: string;
  symbols: string;
  stripped: string;
  buildId: string;
  /** Offsets of code in the file: of a function that stripped libraries name, and of one that they do not. */
  exported: number;
  hidden: number;
}

async function run(dir: string, ...[command, ...args]: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: dir }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

async function withLibrary(body: (scene: Scene) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(`${dir}/a.cpp`, SOURCE);
    await run(dir, "g++", "-g", "-O1", "-shared", "-fPIC", "-Wl,--build-id", "-o", "whole", "a.cpp");
    await run(dir, "strip", "-g", "-o", "symbols", "whole");
    await run(dir, "strip", "-s", "-o", "stripped", "whole");
    const symbols = await run(dir, "nm", "whole");
    // linked so that code has its own offset as its address
    const offset = (name: RegExp) =>
      parseInt(/^([0-9a-f]+)/.exec(symbols.split("\n").find((line) => name.test(line))!)![1], 16);
    await body({
      ...{ dir, whole: `${dir}/whole`, symbols: `${dir}/symbols`, stripped: `${dir}/stripped` },
      buildId: new ElfFile(fileBytes(`${dir}/whole`)).buildId()!,
      exported: offset(/ T exported$/),
      hidden: offset(/ t .*hidden/),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Returns what is asked for while an object is loaded, as `KIND BUILD-ID`. `found` are files of debug symbols. */
async function askedFor(
  path: string | undefined,
  { addresses, needsInfo, found = [], referred = [], buildId, lacks = [] }: {
    addresses?: readonly number[];
    needsInfo?: boolean;
    found?: readonly string[];
    referred?: readonly string[];
    buildId?: string;
    lacks?: readonly string[];
  } = {},
): Promise<string[]> {
  const asked: string[] = [];
  const fetcher: FileFetcher = {
    warnings: [],
    fetchesKernel: true,
    mayHave: (id, kind) => !asked.includes(`${kind} ${id}`) && !lacks.includes(id),
    fetch(files) {
      for (const { kind, buildId } of files) asked.push(`${kind} ${buildId}`);
      return Promise.resolve();
    },
  };
  const files: SymbolFiles = {
    open: () => path === undefined ? undefined : fileBytes(path),
    kallsyms: () => undefined,
    debugFiles: () => found.map(fileBytes),
    referredFiles: () => referred.map(fileBytes),
    fetcher,
  };
  const object: ObjectInfo = new ObjectTable().of({
    pid: 1,
    pgoff: 0,
    prot: 5,
    filename: path ?? "/gone",
    buildId,
  });
  const symbolizer = new Symbolizer(files, { needsInfo });
  const isReady = symbolizer.isReady(object);
  await symbolizer.prepare([object], addresses && (() => Float64Array.from(addresses)));
  if (asked.length > 0) assertEquals(isReady, false);
  return asked;
}

testNeeding(
  ["cxx", "binutils"],
  "a debug file is asked for if code has no name, and not if all has",
  async () => {
    await withLibrary(async ({ whole, symbols, stripped, buildId, exported, hidden }) => {
      const wanted = [`debuginfo ${buildId}`];
      assertEquals(await askedFor(stripped, { addresses: [exported, hidden] }), wanted);
      assertEquals(await askedFor(stripped), wanted, "nobody said which code is sampled");
      assertEquals(await askedFor(stripped, { addresses: [exported] }), []);
      assertEquals(await askedFor(symbols, { addresses: [hidden] }), []);
      assertEquals(await askedFor(stripped, { addresses: [hidden], found: [whole] }), [], "it is here");
      assertEquals(
        await askedFor(stripped, { addresses: [hidden], lacks: [buildId] }),
        [],
        "no server has it",
      );
    });
  },
);

testNeeding(
  ["cxx", "binutils"],
  "a debug file is asked for if debug information is needed and not here",
  async () => {
    await withLibrary(async ({ whole, symbols, stripped, buildId, exported }) => {
      const wanted = [`debuginfo ${buildId}`], options = { addresses: [exported], needsInfo: true };
      assertEquals(await askedFor(stripped, options), wanted);
      assertEquals(await askedFor(symbols, options), wanted);
      assertEquals(await askedFor(whole, options), []);
      assertEquals(await askedFor(stripped, { ...options, found: [whole] }), []);
    });
  },
);

testNeeding(
  ["cxx", "binutils"],
  "a program that is gone or another one is asked for by its recorded build id",
  async () => {
    await withLibrary(async ({ stripped }) => {
      const recorded = "ab".repeat(20), both = [`executable ${recorded}`, `debuginfo ${recorded}`];
      assertEquals(await askedFor(undefined, { buildId: recorded }), both);
      assertEquals(await askedFor(stripped, { buildId: recorded }), both);
      assertEquals(await askedFor(undefined), [], "there is nothing to ask for");
    });
  },
);

testNeeding(
  ["cxx", "binutils", "dwz"],
  "the file that dwz moved parts to is asked for, if it is not here",
  async () => {
    await withLibrary(async ({ dir, whole, buildId }) => {
      await run(dir, "g++", "-g", "-O2", "-shared", "-fPIC", "-Wl,--build-id", "-o", "other", "a.cpp");
      await run(dir, "dwz", "-m", "common", "whole", "other");
      const link = new ElfFile(fileBytes(whole)).supplementaryLink()!;
      assertEquals(await askedFor(whole, { needsInfo: true }), [`debuginfo ${link.buildId}`]);
      assertEquals(await askedFor(whole, { needsInfo: true, referred: [`${dir}/common`] }), []);
      assertEquals(await askedFor(whole), []);
      // known only once the debug file is there
      await run(dir, "strip", "-s", "-o", "stripped", "whole");
      assertEquals(await askedFor(`${dir}/stripped`, { needsInfo: true, found: [whole] }), [
        `debuginfo ${link.buildId}`,
      ]);
      assertEquals(await askedFor(`${dir}/stripped`, { needsInfo: true }), [`debuginfo ${buildId}`]);
    });
  },
);
