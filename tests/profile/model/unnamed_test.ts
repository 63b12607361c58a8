import { assertEquals } from "@std/assert";
import type { ProfileObjectKind } from "../../../lib/profile/model/profile.ts";
import { rangeName, UnnamedTable } from "../../../lib/profile/model/unnamed.ts";

Deno.test("code without a symbol goes by its file and offset, or by the kind of memory it is in", () => {
  const name = (name: string, kind: ProfileObjectKind, from: number, to: number) =>
    rangeName({ name, kind, path: name, buildId: "" }, from, to);
  assertEquals(name("libfoo.so", "file", 0x1a40, -1), "libfoo.so+0x1a40");
  assertEquals(name("libfoo.so", "file", 0x1a40, 0x1a40), "libfoo.so+0x1a40");
  assertEquals(name("libfoo.so", "file", 0x1a40, 0x2b10), "libfoo.so+0x1a40..0x2b10");
  assertEquals(name("[vdso]", "vdso", 0x9b4, -1), "[vdso]+0x9b4");
  assertEquals(name("[ext4]", "module", -4096, -4096), "[ext4]+0xfffffffffffff000");
  assertEquals(name("[heap]", "anon", 0x10, 0x20), "[heap]");
  assertEquals(name("//anon", "anon", 0x10, 0x20), "[anon]");
  assertEquals(name("", "anon", 0x10, 0x20), "[anon]");
  assertEquals(name("[JIT] tid 7", "jit", 0x10, 0x20), "[JIT] tid 7");
  assertEquals(rangeName(undefined, 0x7f0012345678, 0x7f0012345678), "0x7f0012345678");
  assertEquals(rangeName(undefined, 0, 0x7f0012345678), "[unknown]", "garbage is no range of code");
});

Deno.test("an UnnamedTable has a row for each function, and one for all else in an object", () => {
  const table = new UnnamedTable();
  const rows = [
    table.ofObject(0, 0x30, 0x30),
    table.ofFunction(0, 0x10),
    table.ofObject(0, 0x20, 0x20),
    table.ofFunction(0, 0x10),
    table.ofFunction(1, 0x10),
    table.ofObject(-1, 0x99, 0x99),
    table.ofObject(-1, -5, -5),
  ];
  assertEquals(rows, [0, 1, 0, 1, 2, 3, 4]);
  const { object, from, to } = table.columns();
  assertEquals([...object], [0, 0, 1, -1, -1]);
  assertEquals([...from], [0x20, 0x10, 0x10, 0x99, -5]);
  assertEquals([...to], [0x30, -1, -1, 0x99, -5]);
});
