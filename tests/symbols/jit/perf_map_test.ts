import { assertEquals } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { parsePerfMap as parse, unreadLines } from "../../../lib/symbols/jit/perf_map.ts";
import { testNeeding } from "../../needs.ts";
import { answerOf, differences, perfSymbols, PID } from "../oracle.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const parsePerfMap = (text: Uint8Array) => parse(new MemoryBytes(text)).symbols;
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

/** Lines that say the same: 0x20 bytes of `a function` at BASE, with what perf skips. */
const FORMS: [string, string][] = [
  ["as it should be", `${BASE.toString(16)} 20 a function\n`],
  ["as the JDK writes it", `0x0000${BASE.toString(16)} 0x0000000000000020 a function\n`],
  ["with 0X and capitals", `0X${BASE.toString(16).toUpperCase()} 0X20 a function\n`],
  ["with tabs", `${BASE.toString(16)}\t20\ta function\n`],
  ["with blanks in front", ` \t ${BASE.toString(16)} 20 a function\n`],
  ["with more blanks than one", `${BASE.toString(16)}   20 \t a function\n`],
  ["with carriage returns", `${BASE.toString(16)} 20 a function\r\n`],
  ["with blanks at its end", `${BASE.toString(16)} 20 a function  \n`],
  [
    "with more zeros than a number has digits",
    `0x${"0".repeat(30)}${BASE.toString(16)} ${"0".repeat(20)}20 a function\n`,
  ],
  ["without a line end", `${BASE.toString(16)} 20 a function`],
];

for (const [how, text] of FORMS) {
  Deno.test(`parsePerfMap() reads a line ${how}`, () => {
    const map = parse(new MemoryBytes(bytes(`${line(0x100, "8", "other")}${text}`)));
    assertEquals([map.lines, map.unread], [2, 0]);
    const table = map.symbols!;
    assertEquals(table.name(table.find(BASE + 0x1f)), "a function");
    assertEquals([table.find(BASE - 1), table.find(BASE + 0x20)], [-1, -1]);
  });
}

/** What perf finds at addresses of a process that wrote `text` for its map. */
async function perfAnswers(text: string, addresses: Float64Array) {
  const path = `/tmp/perf-${PID}.map`; // a process number beyond any that runs
  await Deno.writeTextFile(path, text);
  try {
    return await perfSymbols(
      [{ pid: PID, start: BASE, length: 0x10000, pgoff: 0, path: "//anon" }],
      addresses,
    );
  } finally {
    await Deno.remove(path);
  }
}

testNeeding(["perf"], "perf reads a line in all these forms, too", async () => {
  // each at an address of its own
  const text = FORMS.map(([, text], i) =>
    text.trimEnd().replace(/7f0010000000/i, (BASE + 0x100 * i).toString(16))
  );
  const addresses = Float64Array.from(FORMS, (_, i) => BASE + 0x100 * i + 7);
  const perf = await perfAnswers(text.join("\n") + "\n", addresses);
  assertEquals(perf.map(({ name }) => name?.trim()), FORMS.map(() => "a function"));
});

Deno.test("parsePerfMap() counts what makes no sense, and says where it begins", () => {
  const good = line(0, "20", "good");
  const bad = [
    "# a comment",
    "hello world and more",
    "12",
    "12 34",
    "12 34 ",
    "12 xyz name",
    "-12 34 name",
    "12-34 name",
    "0x 34 name",
    "12345678901234567 8 more than 64 bits",
    "x".repeat((1 << 20) + 5), // longer than any line is
  ];
  const map = parse(new MemoryBytes(bytes(`${good}\n  \n${bad.join("\n")}\n${good}`)));
  assertEquals([map.lines, map.unread, map.firstUnread], [bad.length + 2, bad.length, 4]);
  assertEquals(
    unreadLines(map, "/tmp/perf-7.map"),
    `skipped ${bad.length} of ${bad.length + 2} lines of /tmp/perf-7.map, line 4 first: ` +
      "expected START SIZE NAME, with START and SIZE in hex",
  );
  const fine = parse(new MemoryBytes(bytes(`\n${good}\n`)));
  assertEquals([fine.lines, unreadLines(fine, "x")], [1, undefined]);
  assertEquals(parse(new MemoryBytes(bytes("\n \n"))).lines, 0);
});

testNeeding(
  ["perf"],
  "parsePerfMap() gives perf's symbols, where code was replaced in place and ranges overlap",
  async () => {
    const text = line(0, "40", "first version") + line(0x80, "40", "other") +
      line(0, "20", "second version") +
      line(0x88, "8", "inner") + line(0x100, "0", "empty") + line(0x20, "80", "across");
    const addresses = Float64Array.from({ length: 0x200 }, (_, i) => BASE + i);
    const perf = await perfAnswers(text, addresses);
    const table = parsePerfMap(bytes(text));
    assertEquals(differences(addresses, perf, (address) => answerOf(table, address)), []);
  },
);
