import { assertEquals } from "@std/assert";
import { MemoryBytes } from "../../lib/base/byte_source.ts";
import { parsePerfMap as parse } from "../../lib/symbols/perf_map.ts";
import { testNeeding } from "../needs.ts";
import { answerOf, differences, perfSymbols, PID } from "./oracle.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const parsePerfMap = (text: Uint8Array) => parse(new MemoryBytes(text));
const BASE = 0x7f0010000000;
const line = (offset: number, size: string, name: string) =>
  `${(BASE + offset).toString(16)} ${size} ${name}\n`;

Deno.test("parsePerfMap() reads names with spaces and tabs, up to the end of their line", () => {
  const table = parsePerfMap(bytes(line(0, "20", "JS:*fib /tmp/j.js:1:13\tx") + line(0x40, "10", "short")));
  assertEquals([0, 1].map((i) => table?.name(i)), ["JS:*fib /tmp/j.js:1:13\tx", "short"]);
  assertEquals([0x1f, 0x20, 0x4f].map((offset) => table?.find(BASE + offset)), [0, -1, 1]);
});

Deno.test("parsePerfMap() passes over lines that make no sense", () => {
  assertEquals(parsePerfMap(bytes("")), undefined);
  assertEquals(parsePerfMap(bytes("hello world\n\n12\n12 34\n12 34 \n")), undefined);
  assertEquals(parsePerfMap(bytes("junk\n10 8 good"))?.name(0), "good");
});

testNeeding(
  ["perf"],
  "parsePerfMap() gives perf's symbols, where code was replaced in place and ranges overlap",
  async () => {
    // a process number beyond any that runs, for which perf looks into /tmp
    const pid = 4194304 + 77;
    const path = `/tmp/perf-${pid}.map`;
    const text = line(0, "40", "first version") + line(0x80, "40", "other") +
      line(0, "20", "second version") +
      line(0x88, "8", "inner") + line(0x100, "0", "empty") + line(0x20, "80", "across");
    await Deno.writeTextFile(path, text);
    try {
      const addresses = Float64Array.from({ length: 0x200 }, (_, i) => BASE + i);
      const map = { pid: PID, start: BASE, length: 0x1000, pgoff: 0, path: "//anon" };
      const perf = await perfSymbols([map], addresses);
      const table = parsePerfMap(bytes(text));
      assertEquals(differences(addresses, perf, (address) => answerOf(table, address)), []);
    } finally {
      await Deno.remove(path);
    }
  },
);
