import { assertEquals, assertGreater } from "@std/assert";
import { parseKallsyms } from "../../../lib/symbols/kernel/kallsyms.ts";
import { testNeeding } from "../../needs.ts";
import { answerOf, differences, type OracleMap, perfSymbols } from "../oracle.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** The signed address of a kernel address given by its low 32 bits. */
const kernel = (low: number) => low - 4294967296;

const LISTING = `ffffffff81000000 T _text
ffffffff81000000 T _stext
ffffffff81000100 t local_function
ffffffff81000100 T __global_function
ffffffff81000200 W weak_function
ffffffff81000200 t function_not_weak
ffffffff81000300 D data
ffffffff81000340 R read_only_data
ffffffff81000380 B bss
ffffffff810003c0 A absolute
ffffffff810003e0 V weak_object
ffffffff81000400 t $x
ffffffff81000500 T __se_sys_read
ffffffff81000500 T SyS_read
ffffffff81000500 T sys_read
ffffffff81000a00 T last_of_kernel
ffffffffc0300000 t b_first	[modb]
ffffffffc0300040 t b_second	[modb]
ffffffffc0200000 t a_first	[moda]
ffffffffc0200800 t a_last	[moda]
ffffffffc0400000 t bpf_prog_1	[bpf]
`;

testNeeding(
  ["perf"],
  "parseKallsyms() gives perf's symbols for a list with every kind of symbol, and modules out of order",
  async () => {
    const modules = { "[moda]": 0xc0200000, "[modb]": 0xc0300000, "[bpf]": 0xc0400000 };
    const text = kernel(0x81000000);
    const maps: OracleMap[] = [
      { pid: -1, start: text, length: 0x1000, pgoff: text, path: "[kernel.kallsyms]_text" },
      ...Object.entries(modules).map(([path, low]) => ({
        pid: -1,
        start: kernel(low),
        length: 0x4000,
        pgoff: 0,
        path,
      })),
    ];
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, LISTING);
      const { tables } = parseKallsyms(bytes(LISTING));
      // all in one go: perf knows the modules' symbols once it has looked for one of the kernel's
      const places = Object.entries({ "": 0x81000000, ...modules });
      const addresses = Float64Array.from({ length: 0x4000 * places.length }, (_, i) => {
        return kernel(places[i >> 14][1]) + (i & 0x3fff);
      });
      const tableAt = new Map(places.map(([name, low]) => [kernel(low), tables.get(name)]));
      const perf = await perfSymbols(maps, addresses, ["--kallsyms", file]);
      const ours = (address: number) => answerOf(tableAt.get(Math.floor(address / 0x4000) * 0x4000), address);
      assertEquals(differences(addresses, perf, ours), []);
    } finally {
      await Deno.remove(file);
    }
  },
);

testNeeding(
  ["perf", "root"],
  "parseKallsyms() gives perf's symbol at both ends of every symbol of this kernel",
  async () => {
    const text = await Deno.readFile("/proc/kallsyms");
    const parsed = parseKallsyms(text);
    const table = parsed.tables.get("");
    const start = parsed.reference("_text") ?? NaN;
    const [, etext] = /^([0-9a-f]+) . _etext$/m.exec(new TextDecoder().decode(text))!;
    const end = Number(BigInt.asIntN(64, BigInt(`0x${etext}`)));
    if (table === undefined) throw new Error("no table for the kernel");
    assertGreater(table.length, 10000);
    const addresses: number[] = [];
    for (let i = 0; i < table.length; i++) addresses.push(table.starts[i] - 1, table.starts[i]);
    for (let i = 0; i < 20000; i++) addresses.push(Math.floor(start + (end - start) * (i + 0.5) / 20000));
    const map = { pid: -1, start, length: end - start, pgoff: start, path: "[kernel.kallsyms]_text" };
    const perf = await perfSymbols([map], addresses);
    assertEquals(differences(addresses, perf, (address) => answerOf(table, address)), []);
  },
);

Deno.test("parseKallsyms() keeps each module's symbols apart", () => {
  const { tables } = parseKallsyms(bytes(LISTING));
  assertEquals([...tables.keys()].sort(), ["", "[bpf]", "[moda]", "[modb]"]);
  const moda = tables.get("[moda]");
  assertEquals([0, 1].map((i) => moda?.name(i)), ["a_first", "a_last"]);
});

Deno.test("parseKallsyms() finds the address of a reference symbol of any type, by its whole name", () => {
  const { reference } = parseKallsyms(bytes(LISTING));
  assertEquals(reference("_stext"), kernel(0x81000000));
  const list = "ffffffff81000000 T the_text\nffffffff81000040 T _text_end\nffffffff81000080 A _text\n";
  assertEquals(parseKallsyms(bytes(list)).reference("_text"), kernel(0x81000080));
  assertEquals(parseKallsyms(bytes(list)).reference("_stext"), undefined);
});

Deno.test("parseKallsyms() tells a list whose addresses the kernel hid", () => {
  const hidden = parseKallsyms(bytes("0000000000000000 T _text\n0000000000000000 t vfs_read\n"));
  assertEquals(hidden.hidden, true);
  assertEquals(hidden.tables.size, 0);
  assertEquals(parseKallsyms(bytes(LISTING)).hidden, false);
});

Deno.test("parseKallsyms() passes over lines that make no sense, and reads a last line without its newline", () => {
  const text =
    "hello\n\nffffffff81000000\nffffffff81000000 T\nffffffff81000010 T good\nxyz T bad\nffffffff81000020 t end";
  const table = parseKallsyms(bytes(text)).tables.get("");
  assertEquals(table?.length, 2);
  assertEquals([0, 1].map((i) => table?.name(i)), ["good", "end"]);
});

Deno.test("parseKallsyms() gives nothing for an empty list", () => {
  const parsed = parseKallsyms(new Uint8Array(0));
  assertEquals([parsed.hidden, parsed.tables.size, parsed.reference("_text")], [false, 0, undefined]);
});

Deno.test("parseKallsyms() tells more modules apart than 16 bits have numbers", () => {
  const count = 70_000;
  const lines = Array.from({ length: count }, (_, i) => {
    const address = (0xffffffffc0000000n + BigInt(i) * 64n).toString(16);
    return `${address} t f${i}\t[m${i}]\n`;
  });
  const { tables } = parseKallsyms(bytes(`ffffffff81000000 T _text\n${lines.join("")}`));
  assertEquals([tables.size, tables.get("")!.length], [count + 1, 1]);
  for (const i of [0, 65_534, 65_535, 65_536, count - 1]) assertEquals(tables.get(`[m${i}]`)!.length, 1);
});
