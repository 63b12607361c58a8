import { assert, assertEquals } from "@std/assert";
import { LiveFiles } from "../../../lib/record/stacks/live_files.ts";
import { fileBuildId } from "../../../lib/symbols/elf/build_id.ts";
import type { ObjectInfo } from "../../../lib/symbols/object/objects.ts";

const NOBODYS_PID = 5_000_001;

/** Calls `body` with files, and a folder for them. */
function withFiles(body: (files: LiveFiles, folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" }), files = new LiveFiles();
  try {
    body(files, folder);
  } finally {
    files.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

const objectOf = (id: number, path: string, buildId?: string): ObjectInfo => ({
  id,
  kind: "file",
  path,
  name: path,
  buildId,
  pid: -1,
  reference: undefined,
});

const mapOf = (filename: string, pid = Deno.pid) => ({ pid, start: 0x1000, length: 0x1000, filename });

/** The contents of what `open()` gives, closed. */
function contents(files: LiveFiles, object: ObjectInfo): string | undefined {
  const file = files.open(object);
  const text = file && new TextDecoder().decode(file.read(0, file.size));
  file?.close?.();
  return text;
}

Deno.test("LiveFiles reads a file that was deleted after it was mapped", () =>
  withFiles((files, folder) => {
    const path = `${folder}/x`, object = objectOf(1, path);
    Deno.writeTextFileSync(path, "first");
    assertEquals(files.see(mapOf(path), object, true), false);
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "second");
    assertEquals(contents(files, object), "first");
    // it is not held twice: what is opened again is what lies there
    assertEquals(contents(files, object), "second");
  }));

Deno.test("LiveFiles opens a file again as the process has it that mapped it last", () =>
  withFiles((files, folder) => {
    const object = objectOf(1, "/inside/of/a/container");
    Deno.writeTextFileSync(`${folder}/x`, "here");
    files.see(mapOf("/inside/of/a/container", NOBODYS_PID), object, true);
    assertEquals(contents(files, object), undefined);
    // the name that this process has for it
    files.see(mapOf(`${folder}/x`), object, false);
    assertEquals([contents(files, object), contents(files, object)], ["here", "here"]);
  }));

Deno.test("LiveFiles tells when a file that nobody had can be opened", () =>
  withFiles((files, folder) => {
    const path = `${folder}/x`, object = objectOf(1, path);
    assertEquals(files.see(mapOf(path), object, true), false);
    assertEquals(files.see(mapOf(path), object, false), false);
    Deno.writeTextFileSync(path, "late");
    assertEquals(files.see(mapOf(path), object, false), true);
    assertEquals(files.see(mapOf(path), object, false), false);
    Deno.removeSync(path);
    assertEquals(contents(files, object), "late");
    assertEquals(contents(files, object), undefined);
    Deno.writeTextFileSync(path, "again");
    assertEquals(files.see(mapOf(path), object, false), true);
  }));

Deno.test("LiveFiles takes no other file than the one with the object's build id", () =>
  withFiles((files, folder) => {
    const path = `${folder}/program`, id = fileBuildId(Deno.execPath());
    assert(id, "Deno has no build id");
    Deno.writeTextFileSync(path, "another program");
    const object = objectOf(1, path, id);
    assertEquals(files.see(mapOf(path), object, true), false);
    Deno.removeSync(path);
    Deno.symlinkSync(Deno.execPath(), path);
    assertEquals(files.see(mapOf(path), object, false), true);
    const file = files.open(object);
    assertEquals(file && fileBuildId(file), id);
    file?.close?.();
  }));

Deno.test("LiveFiles holds 256 files, the most recent ones, and closes all", () =>
  withFiles((files, folder) => {
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length, before = count();
    const objects = Array.from({ length: 300 }, (_, i) => objectOf(i, `${folder}/${i}`));
    for (const object of objects) {
      Deno.writeTextFileSync(object.path, object.name);
      files.see(mapOf(object.path), object, true);
      Deno.removeSync(object.path);
    }
    assertEquals(count() - before, 256);
    assertEquals(contents(files, objects[43]), undefined);
    assertEquals(contents(files, objects[44]), objects[44].name);
    assertEquals(contents(files, objects[299]), objects[299].name);
    files.close();
    assertEquals(count(), before);
  }));

Deno.test("LiveFiles holds nothing but files", () =>
  withFiles((files, folder) => {
    Deno.writeTextFileSync(`${folder}/perf.map`, "x");
    const object: ObjectInfo = { ...objectOf(1, `${folder}/perf.map`), kind: "jit" };
    assertEquals(files.see(mapOf(object.path), object, true), false);
    assertEquals(files.kallsyms(), undefined);
  }));
