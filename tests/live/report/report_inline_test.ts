/** Inlined functions in reports against what addr2line says of the sampled addresses. */

import { assertEquals, assertGreater } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { perfOk, pmuctlOk, run, withFolder } from "../harness.ts";

/** Inlined functions around the code that is sampled, and around a call. */
const SOURCE = `
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline, noclone))
volatile long sink;
INLINE long half(long n) { return n / 2 + (n & 1); }
INLINE long steps(long n) { long s = 0; while (n > 1) { n = half(n); s += n * n; } return s; }
NOINLINE long leaf(long n) { long s = 0; for (long i = 0; i < n; i++) s += steps(i); return s + sink; }
INLINE long twice(long n) { long s = leaf(n); return s + leaf(n + 1) + sink; }
INLINE long around(long n) { sink = n; return twice(n) + half(sink); }
NOINLINE long work(long n) { long s = around(n); sink = s; return s; }
int main(void) {
  for (int i = 0; i < 6000; i++) sink += work(2000);
  return 0;
}
`;

/** Number of samples by stack, root first. */
type Counts = Map<string, number>;

/** Function and line, as `steps:6`. */
type Place = string;

/** Returns what addr2line has at each address: the functions there, outermost first. */
async function placesAt(program: string, addresses: readonly number[]): Promise<Map<number, Place[]>> {
  const hex = addresses.map((address) => `0x${address.toString(16)}`);
  const answers = await run("addr2line", ["-a", "-f", "-i", "-e", program, ...hex]);
  const places = new Map<number, Place[]>();
  let own: Place[] = [];
  const lines = answers.stdout.trimEnd().split("\n");
  for (let at = 0; at < lines.length;) {
    if (lines[at].startsWith("0x")) places.set(Number(lines[at++]), own = []);
    else own.unshift(`${lines[at++]}:${/:(\d+)/.exec(lines[at++])?.[1] ?? "?"}`);
  }
  return places;
}

/** Returns how many samples each stack has from main inwards, by perf's addresses and addr2line's functions. */
async function truth(program: string, file: string): Promise<Counts> {
  const chains = (await perfOk(["script", "-i", file, "--no-inline", "-F", "ip,sym"])).split(/\n\s*\n/)
    .map((text) => [...text.matchAll(/^\s*([0-9a-f]+) (\S+)/gm)].map(([, ip, symbol]) => ({ ip, symbol })))
    .map((chain) => chain.slice(0, chain.findIndex(({ symbol }) => symbol === "main") + 1))
    .filter((chain) => chain.length > 0 && chain.every(({ ip }) => Number(`0x${ip}`) < 0x1000000));
  // perf prints addresses in the file, and pmuctl has recorded calls rather than return addresses
  const placed = chains.map((chain) => chain.map(({ ip }) => Number(`0x${ip}`)));
  const places = await placesAt(program, [...new Set(placed.flat())]);
  const counts: Counts = new Map();
  for (const chain of placed) {
    const stack = chain.toReversed().flatMap((address) => places.get(address)!).join(";");
    counts.set(stack, (counts.get(stack) ?? 0) + 1);
  }
  return counts;
}

/** Returns the same by our folded stacks. */
async function foldedFromMain(file: string): Promise<Counts> {
  const folded = await pmuctlOk(["report", "--format", "folded", "--weight", "samples", "-i", file]);
  const counts: Counts = new Map();
  for (const line of folded.trimEnd().split("\n")) {
    const [, stack, count] = /;(main(?:;[a-z]+)*) (\d+)$/.exec(line) ?? [];
    if (stack !== undefined) counts.set(stack, (counts.get(stack) ?? 0) + Number(count));
  }
  return counts;
}

/** Returns the same by our call tree with lines. */
async function linesFromMain(file: string): Promise<Counts> {
  const text = await pmuctlOk(["report", "--json", "-G", "--lines", "-s", "sym", "-i", file]);
  const counts: Counts = new Map();
  const walk = ({ symbol, line, self, callees }: Callee, path: Place[]) => {
    const stack = symbol === "main" || path.length > 0 ? [...path, `${symbol}:${line}`] : [];
    if (self.count > 0 && stack.length > 0) counts.set(stack.join(";"), self.count);
    for (const callee of callees) walk(callee, stack);
  };
  for (const { roots } of JSON.parse(text).events[0].calls) for (const root of roots) walk(root, []);
  return counts;
}

/** Node of a call tree in JSON. */
interface Callee {
  symbol: string | null;
  line: number | null;
  self: { count: number };
  callees: Callee[];
}

/** Returns the counts of stacks of functions, without lines. */
function withoutLines(counts: Counts): Counts {
  const plain: Counts = new Map();
  for (const [stack, count] of counts) {
    const functions = stack.replaceAll(/:\d+/g, "");
    plain.set(functions, (plain.get(functions) ?? 0) + count);
  }
  return plain;
}

const sorted = (counts: Counts) => [...counts].sort(([a], [b]) => a < b ? -1 : 1);

testNeeding(
  ["perf", "cc", "addr2line"],
  "stacks have the inlined functions that addr2line has at their addresses and calls",
  () =>
    withFolder(async (folder) => {
      const [source, program, file] = ["program.c", "program", "perf.data"].map((name) =>
        `${folder}/${name}`
      );
      await Deno.writeTextFile(source, SOURCE);
      const built = await run("cc", [
        "-g",
        "-O2",
        "-fPIE",
        "-pie",
        "-fno-omit-frame-pointer",
        "-o",
        program,
        source,
      ]);
      assertEquals(built.stderr, "");
      await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock:u", "-o", file, "--", program]);

      const ours = await foldedFromMain(file);
      const theirs = await truth(program, file);
      assertEquals(sorted(ours), sorted(withoutLines(theirs)));
      assertEquals(sorted(await linesFromMain(file)), sorted(theirs));
      assertGreater(ours.get("main;work;around;twice;leaf;steps;half") ?? 0, 20);

      const self = async (...args: string[]) => {
        const text = await pmuctlOk(["report", "--json", "-s", "sym", "-i", file, ...args]);
        const rows: { symbol: string; self: { count: number } }[] = JSON.parse(text).events[0].rows;
        return new Map(rows.map(({ symbol, self }) => [symbol, self.count]));
      };
      const [flat, inlined, uninlined] = [
        await self(),
        await self("--inline"),
        await self("-g", "--no-inline"),
      ];
      assertEquals(flat.get("leaf"), uninlined.get("leaf"));
      assertEquals(
        ["leaf", "steps", "half"].map((name) => inlined.get(name) ?? 0).reduce((a, b) => a + b),
        flat.get("leaf"),
      );
      assertEquals([...flat.keys()].filter((name) => /^(steps|half|twice|around)$/.test(name)), []);
    }),
);
