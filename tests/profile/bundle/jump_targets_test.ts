import { assertEquals } from "@std/assert";
import { jumpTargets } from "../../../lib/profile/bundle/jump_targets.ts";
import { EM } from "../../../lib/symbols/elf/elf.ts";

const targets = (
  bytes: number[],
  machine: number,
) => [...jumpTargets({ bytes: Uint8Array.from(bytes), address: 0x1000, machine })];
const words = (...words: number[]) =>
  words.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff));

Deno.test("targets of x86 code are those of its calls and jumps that lead out of it", () => {
  const cases: [bytes: number[], target: number][] = [
    [[0xe8, 0x10, 0, 0, 0], 0x1015], // call
    [[0xe9, 0, 0xff, 0xff, 0xff], 0xf05], // jmp
    [[0x0f, 0x84, 0x10, 0, 0, 0], 0x1016], // je
    [[0xf2, 0xe9, 0x10, 0, 0, 0], 0x1016], // bnd jmp
    [[0xff, 0x15, 0x20, 0, 0, 0], 0x1026], // call [rip+0x20]
    [[0xff, 0x25, 0x20, 0, 0, 0], 0x1026], // jmp [rip+0x20]
    [[0xeb, 0x40], 0x1042], // jmp short
    [[0x74, 0xf0], 0xff2], // je short
    [[0xe2, 0x7f], 0x1081], // loop
  ];
  for (const [bytes, target] of cases) assertEquals(targets(bytes, EM.X86_64), [target], `${bytes}`);
  assertEquals(targets([0xeb, 0x00, 0x90], EM.X86_64), []);
  for (const bytes of [[], [0xe8], [0xe8, 1, 2, 3], [0x0f, 0x84]]) {
    assertEquals(targets(bytes, EM.X86_64), []);
  }
});

Deno.test("targets of arm code are those of its branches that lead out of it", () => {
  const cases: [word: number, target: number][] = [
    [0x94000004, 0x1010], // bl
    [0x17ffffff, 0xffc], // b
    [0x54000080, 0x1010], // b.eq
    [0xb4ffffe0, 0xffc], // cbz
    [0x35000080, 0x1010], // cbnz
    [0x36000080, 0x1010], // tbz
    [0xb7ffffe0, 0xffc], // tbnz
  ];
  for (const [word, target] of cases) {
    assertEquals(targets(words(word), EM.AARCH64), [target], word.toString(16));
  }
  assertEquals(targets(words(0x54000020, 0xd65f03c0), EM.AARCH64), []);
});
