import { assertEquals } from "@std/assert";
import { descriptorFlags, ownDescriptor, readsAlone } from "../../../lib/base/files/own_descriptor.ts";

Deno.test("ownDescriptor() knows the paths that stand for a descriptor, through links, and no others", () => {
  const folder = Deno.makeTempDirSync();
  try {
    for (
      const [name, target] of [["out", "/dev/stdout"], ["again", "out"], ["round", "round"], ["file", "x"]]
    ) {
      Deno.symlinkSync(target, `${folder}/${name}`);
    }
    const cases: [path: string, fd: number | undefined][] = [
      ["/dev/stdin", 0],
      ["/dev/stdout", 1],
      ["/dev/stderr", 2],
      ["/dev/fd/63", 63],
      ["/proc/self/fd/1", 1],
      ["/proc/thread-self/fd/4", 4],
      [`/proc/${Deno.pid}/fd/5`, 5],
      [`${folder}/again`, 1],
      [`${folder}/round`, undefined],
      [`${folder}/file`, undefined],
      ["/proc/1/fd/1", undefined],
      ["/dev/fd/1x", undefined],
      ["/dev/null", undefined],
      ["stdout", undefined],
    ];
    for (const [path, fd] of cases) assertEquals(ownDescriptor(path), fd, path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("descriptorFlags() tells descriptors that only read from others, and nothing of closed ones", () => {
  using _read = Deno.openSync("/dev/null"), _write = Deno.openSync("/dev/null", { read: true, write: true });
  const numbers = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => Number(name));
  const flags = numbers.map((fd) => descriptorFlags(fd)).filter((each) => each !== undefined);
  assertEquals(new Set(flags.map(readsAlone)), new Set([true, false]));
  assertEquals(descriptorFlags(1_000_000), undefined);
});
