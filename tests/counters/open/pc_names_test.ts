import { assertEquals } from "@std/assert";
import { type LiveMaps, PcNames } from "../../../lib/counters/open/pc_names.ts";
import type { MapEvent } from "../../../lib/symbols/space/address_space.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";

const TEXT = -0x7f000000;
const kallsyms = [
  "ffffffff81000000 T _text",
  "ffffffff81000100 T first",
  "ffffffff81000200 T second",
  "ffffffff81010000 T _etext",
].join("\n");
const files: SymbolFiles = { open: () => undefined, kallsyms: () => new TextEncoder().encode(kallsyms) };

function map(pid: number, start: number, filename: string): MapEvent {
  return { pid, start, length: 0x1000, pgoff: 0, filename };
}

function liveMaps(processes: Record<number, MapEvent[]>): LiveMaps {
  const kernel = { pid: -1, start: TEXT, length: 0x10000, pgoff: TEXT, filename: "[kernel.kallsyms]_text" };
  return { process: (pid) => processes[pid] ?? [], kernel: () => [kernel] };
}

Deno.test("PcNames names a PC in the kernel by its symbol list", () => {
  const names = new PcNames(files, liveMaps({}));
  assertEquals(names.name(7, TEXT + 0x110, true), {
    text: "first+0x10",
    symbol: "first",
    object: "[kernel.kallsyms]",
  });
});

Deno.test("PcNames gives the address where there is no symbol, and the object where it is known", () => {
  const names = new PcNames(files, liveMaps({ 7: [map(7, 0x1000, "/bin/a")] }));
  assertEquals(names.name(7, 0x1234, false), { text: "0x1234", object: "a" });
  assertEquals(names.name(7, 0x9999, false), { text: "0x9999" });
  assertEquals(names.name(8, 0x1234, false), { text: "0x1234" });
});

Deno.test("PcNames sees a new program in a process, and remembers one that has ended", () => {
  const processes: Record<number, MapEvent[]> = { 7: [map(7, 0x1000, "/bin/a")] };
  const names = new PcNames(files, liveMaps(processes));
  assertEquals(names.name(7, 0x1234, false).object, "a");
  processes[7] = [map(7, 0x1000, "/bin/b")];
  assertEquals(names.name(7, 0x1234, false).object, "b");
  delete processes[7];
  assertEquals(names.name(7, 0x1234, false).object, "b");
});
