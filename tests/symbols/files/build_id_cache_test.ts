import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { CacheWriter, openCached } from "../../../lib/symbols/files/build_id_cache.ts";

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function file(path: string, text: string): FileBytes {
  Deno.writeTextFileSync(path, text);
  return FileBytes.tryOpen(path)!;
}

const textOf = (found: FileBytes | undefined) => found && new TextDecoder().decode(found.read(0, found.size));

Deno.test("a saved object is found by its build id, best under its own path, and is this user's alone", async () => {
  await withFolder(async (folder) => {
    const cache = `${folder}/.debug`;
    const writer = new CacheWriter(cache);
    assertEquals(await writer.save(file(`${folder}/a`, "first"), "/opt/a", "abcdef12"), undefined);
    assertEquals(await writer.save(file(`${folder}/b`, "second"), "/opt/b", "abcdef12"), undefined);
    assertEquals(await writer.save(file(`${folder}/b`, "third"), "/opt/b", "abcdef12"), undefined);
    assertEquals(textOf(openCached("abcdef12", undefined, cache)), "first");
    assertEquals(textOf(openCached("abcdef12", "/opt/b", cache)), "second", "what is there stays");
    assertEquals(textOf(openCached("abcdef12", "/opt/c", cache)), "first");
    assertEquals(openCached("abcdef13", "/opt/a", cache), undefined);
    for (const path of [".debug/opt/a/abcdef12/elf", ".debug/opt/b/abcdef12/elf"]) {
      assertEquals(Deno.statSync(`${folder}/${path}`).mode! & 0o777, 0o600);
    }
    assertEquals(Deno.statSync(cache).mode! & 0o777, 0o700);
  });
});

Deno.test("no path leads out of the cache", async () => {
  await withFolder(async (folder) => {
    const writer = new CacheWriter(`${folder}/.debug`);
    for (const path of ["/../x", "/a/../../x", "relative", "/./x"]) {
      assertEquals(
        await writer.save(file(`${folder}/a`, "x"), path, "abcdef12"),
        "its name is not an absolute path or its build id is invalid",
        path,
      );
    }
    for (const buildId of ["", "ab", "../../..", "ABCDEF12", "abcdef12/.."]) {
      assertEquals(
        await writer.save(file(`${folder}/a`, "x"), "/a", buildId),
        "its name is not an absolute path or its build id is invalid",
        buildId,
      );
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a"]);
  });
});

Deno.test("an object that is too large, or is beyond what one recording may save, is refused", async () => {
  await withFolder(async (folder) => {
    const writer = new CacheWriter(`${folder}/.debug`);
    const huge = file(`${folder}/huge`, "x");
    using hole = Deno.openSync(`${folder}/huge`, { write: true });
    hole.truncateSync(2 ** 33);
    assertMatch(
      await writer.save(FileBytes.tryOpen(`${folder}/huge`)!, "/huge", "abcdef12") ?? "",
      /8589934592 bytes, more than/,
    );
    const allocates = (allocated: number) =>
      Object.create(huge, { size: { value: 1 }, allocated: { value: allocated } });
    assertMatch(await writer.save(allocates(2 ** 29 + 1), "/full", "abcdef12") ?? "", /of one file/);
  });
});

testNeeding(["root"], "a cache in another user's folder is neither written to nor believed", async () => {
  await withFolder(async (folder) => {
    const cache = `${folder}/theirs/.debug`;
    Deno.mkdirSync(`${cache}/a/abcdef12`, { recursive: true });
    Deno.mkdirSync(`${cache}/.build-id/ab`, { recursive: true });
    Deno.symlinkSync("../../a/abcdef12", `${cache}/.build-id/ab/cdef12`);
    Deno.writeTextFileSync(`${cache}/a/abcdef12/elf`, "planted");
    for (const path of ["", "/.debug", "/.debug/a", "/.debug/a/abcdef12", "/.debug/a/abcdef12/elf"]) {
      Deno.chownSync(`${folder}/theirs${path}`, 12345, 12345);
    }
    assertEquals(openCached("abcdef12", "/a", cache), undefined);
    const refused = await new CacheWriter(cache).save(file(`${folder}/b`, "x"), "/b", "12345678");
    assertEquals(refused, `${folder}/theirs belongs to user 12345`);
    assert(!Array.from(Deno.readDirSync(cache)).some(({ name }) => name === "b"));
  });
});
