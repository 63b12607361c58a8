import { assert, assertEquals } from "@std/assert";
import { fileBuildId } from "../../../lib/symbols/elf/build_id.ts";
import { HeldObjects, type SeenMap } from "../../../lib/record/objects/held_objects.ts";

/** A program with a build id: Deno's own. */
const PROGRAM = Deno.execPath();

/** Calls `body` with the path of a link to the program, mapped as by this process, and what holds it. */
function withProgram(
  body: (made: { path: string; map: SeenMap; held: HeldObjects; id: string }) => void,
): void {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  const held = new HeldObjects();
  try {
    const path = `${folder}/program`;
    Deno.copyFileSync(PROGRAM, path);
    const id = fileBuildId(path);
    assert(id, "the program has no build id");
    // an address at which nothing is mapped: the file is found by its name
    body({ path, map: { pid: Deno.pid, start: 0x1000, length: 0x1000, filename: path }, held, id });
  } finally {
    held.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("HeldObjects finds a program by its build id when it has been deleted, and knows that it is not there", () =>
  withProgram(({ path, map, held, id }) => {
    assertEquals(held.see(map), true);
    assertEquals([held.isThere(path), held.buildIdOf(path)], [true, id]);
    Deno.removeSync(path);
    assertEquals([held.isThere(path), held.buildIdOf(path)], [false, id]);
    assertEquals(fileBuildId(held.find(path, id)!), id);
    assertEquals(held.find(path, "00"), undefined);
  }));

Deno.test("HeldObjects knows a program from the one that has replaced it", () =>
  withProgram(({ path, map, held, id }) => {
    held.see(map);
    Deno.renameSync(path, `${path}.old`);
    Deno.writeTextFileSync(path, "another");
    assertEquals(held.isThere(path), false);
    held.see({ ...map, ino: 1n });
    assertEquals(held.isThere(path), true); // the new one has been mapped as well
    assertEquals(held.find(path, id)?.identity === undefined, false);
  }));

Deno.test("HeldObjects opens a file through the parents of a process that has ended", () =>
  withProgram(({ map, held, path }) => {
    const ended = { ...map, pid: 2 ** 30 };
    assertEquals(held.see(ended), false); // another process may still have it
    held.parent(2 ** 30, Deno.pid);
    assertEquals(held.see(ended), true);
    assertEquals(held.isThere(path), true);
  }));

Deno.test("HeldObjects has no use for memory without a file", () => {
  const held = new HeldObjects();
  for (const filename of ["//anon", "[vdso]", "[heap]"]) {
    assertEquals(held.see({ pid: 1, start: 0, length: 1, filename }), true);
    assertEquals(held.buildIdOf(filename), undefined);
  }
  held.close();
});
