/** Names for the code of BPF programs, from a list as the kernel gives it. */

import { assertEquals } from "@std/assert";
import { bpfSymbols } from "../../../lib/record/host/bpf.ts";

const LIST = [
  "ffffffff81000000 T _text",
  "ffffffffc0201000 t nf_hook_slow\t[netfilter]",
  "ffffffffc0003000 t bpf_trampoline_6442\t[bpf]",
  "ffffffffc0001040 t bpf_prog_72fb4424c5a40051_spin\t[bpf]",
  "ffffffffc00010c0 t bpf_prog_11ab4424c5a40051_part\t[bpf]",
  "ffffffffc0003100 t bpf_dispatcher_xdp\t[bpf]",
  "",
].join("\n");

function chunksOf(text: string, size: number): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  return Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, i) => bytes.slice(i * size, (i + 1) * size),
  );
}

Deno.test("bpfSymbols() has the programs' own lengths, and for what else the kernel made up to a page", () => {
  const at = (low: number) => low - 0x40000000;
  const code = [{ start: at(0x1040), length: 61 }, { start: at(0x10c0), length: 20 }];
  for (const size of [1, 7, 50, 1000]) {
    const found = bpfSymbols(code, chunksOf(LIST, size));
    assertEquals(found.map(({ address, length, name }) => [address, length, name]), [
      [at(0x1040), 61, "bpf_prog_72fb4424c5a40051_spin"],
      [at(0x10c0), 20, "bpf_prog_11ab4424c5a40051_part"],
      [at(0x3000), 0x100, "bpf_trampoline_6442"],
      [at(0x3100), 4096, "bpf_dispatcher_xdp"],
    ], `chunks of ${size}`);
  }
});

Deno.test("bpfSymbols() finds nothing where addresses are hidden", () => {
  const hidden = LIST.replace(/^[0-9a-f]+/gm, "0000000000000000");
  assertEquals(bpfSymbols([{ start: -64, length: 8 }], chunksOf(hidden, 1000)), []);
});
