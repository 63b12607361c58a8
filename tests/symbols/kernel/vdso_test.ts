import { assertEquals, assertGreater } from "@std/assert";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { elfSymbols } from "../../../lib/symbols/elf/elf_symbols.ts";
import { captureVdso, findVdso } from "../../../lib/symbols/kernel/vdso.ts";
import { testNeeding } from "../../needs.ts";
import { answerOf, differences, perfSymbols, PID } from "../oracle.ts";

const MAPS = `7fff11b6c000-7fff11b8d000 rw-p 00000000 00:00 0                          [stack]
7fff11bcb000-7fff11bcf000 r--p 00000000 00:00 0                          [vvar]
7fff11bcf000-7fff11bd1000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;

function readOwnMemory(address: number, length: number): Uint8Array {
  using file = Deno.openSync("/proc/self/mem");
  file.seekSync(address, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

Deno.test("findVdso() finds the vdso in a list of mappings", () => {
  assertEquals(findVdso(MAPS), { start: 0x7fff11bcf000, length: 0x2000 });
});

Deno.test("findVdso() finds none where there is none, or where it could not be one", () => {
  assertEquals(findVdso(""), undefined);
  assertEquals(findVdso("1000-2000 r-xp 00000000 00:00 0 /tmp/[vdso]x\n"), undefined);
  assertEquals(findVdso("1000-ffffffff000 r-xp 00000000 00:00 0 [vdso]\n"), undefined);
});

Deno.test("captureVdso() gives nothing when the memory cannot be read", () => {
  assertEquals(captureVdso(MAPS, () => new Uint8Array(0)), undefined);
});

testNeeding(["perf"], "captureVdso() captures our own vdso, in which our symbols are perf's", async () => {
  const source = captureVdso(Deno.readTextFileSync("/proc/self/maps"), readOwnMemory);
  if (source === undefined) throw new Error("this machine gives its processes no vdso");
  const table = elfSymbols(new ElfFile(source));
  assertGreater(table?.length ?? 0, 2);
  const addresses = Float64Array.from({ length: source.size }, (_, i) => 0x7fff11bcf000 + i);
  const map = { pid: PID, start: 0x7fff11bcf000, length: source.size, pgoff: 0, path: "[vdso]" };
  const perf = await perfSymbols([map], addresses);
  assertEquals(differences(addresses, perf, (address) => answerOf(table, address - map.start)), []);
});
