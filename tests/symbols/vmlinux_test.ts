/** The kernel's symbols from its own file, against perf: a made-up kernel, which was loaded elsewhere than linked. */

import { assertEquals, assertGreater } from "@std/assert";
import { KERNEL_MAP, ObjectTable } from "../../lib/symbols/object/objects.ts";
import { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import { missingSymbolCause, type Reason } from "../../lib/symbols/object/missing_symbol_reasons.ts";
import { testNeeding } from "../needs.ts";
import { differences, fileBytes, perfSymbols } from "./oracle.ts";

const SOURCE = `
__asm__(".text\\n.globl _text, _stext\\n_text:\\n_stext:\\n");
int vfs_read(int x) { return x * 3; }
static __attribute__((noinline, used)) int helper(int x) { return x * 5 + 1; }
int vfs_write(int x) { return helper(x) + 2; }
`;
const LINKED = -2130706432; // 0xffffffff81000000
const MOVED = 0x1400000;

async function run(dir: string, command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd: dir }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

testNeeding(
  ["cc", "perf"],
  "a vmlinux names what perf names by it, though the kernel was moved",
  async () => {
    const dir = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${dir}/kernel.c`, SOURCE);
      await run(
        dir,
        "cc",
        "-O1",
        "-ffreestanding",
        "-fno-toplevel-reorder",
        "-mcmodel=kernel",
        "-fno-pic",
        "-c",
        "kernel.c",
      );
      const link = [
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,-Ttext=0xffffffff81000000",
        "-Wl,-e,_text",
        "-Wl,--build-id=none",
      ];
      await run(dir, "cc", ...link, "-o", "vmlinux", "kernel.o");
      const path = `${dir}/vmlinux`;

      const start = LINKED + MOVED;
      const addresses = Float64Array.from({ length: 80 }, (_, i) => start + i);
      const map = { pid: -1, start, length: 0x1000, pgoff: start, path: `${KERNEL_MAP}_text` };
      const perf = await perfSymbols([map], addresses, ["--vmlinux", path]);
      assertGreater(perf.filter(({ name }) => name === "helper").length, 3);

      const kernel = new ObjectTable().of({ pid: -1, pgoff: start, filename: map.path });
      const symbolizer = new Symbolizer({
        open: () => undefined,
        kallsyms: () => undefined,
        vmlinux: () => fileBytes(path),
      });
      const ours = (address: number) => {
        const id = symbolizer.symbolize(kernel, address);
        if (id < 0) return {};
        const { name, start } = symbolizer.symbol(id);
        return { name, offset: address - start };
      };
      assertEquals(differences(addresses, perf, ours), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);

const KALLSYMS = new TextEncoder().encode("ffffffff81000000 T _text\nffffffff81000100 T vfs_read\n");

Deno.test("the list that was saved of another kernel is taken for a recording of that kernel, and for no other", () => {
  const named = (buildId: string) => {
    const table = new ObjectTable();
    table.setBuildId(KERNEL_MAP, buildId);
    const kernel = table.of({ pid: -1, pgoff: LINKED, filename: `${KERNEL_MAP}_text` });
    const symbolizer = new Symbolizer({
      open: () => undefined,
      kallsyms: () => KALLSYMS,
      kernelBuildId: () => "aa",
      savedKallsyms: (id) => id === "bb" ? KALLSYMS : undefined,
    });
    const id = symbolizer.symbolize(kernel, LINKED + 0x108);
    return id < 0 ? missingSymbolCause(id as Reason) : symbolizer.symbol(id).name;
  };
  assertEquals(["aa", "bb", "cc"].map(named), ["vfs_read", "vfs_read", "another kernel's symbols"]);
});
