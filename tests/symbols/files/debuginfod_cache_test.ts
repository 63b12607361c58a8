import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DebuginfodCache, servedPath } from "../../../lib/symbols/files/debuginfod_cache.ts";
import { NOBODY, testNeeding } from "../../needs.ts";

const ID = "0123456789abcdef0123456789abcdef01234567";

async function withCache(test: (cache: DebuginfodCache, folder: string) => void | Promise<void>) {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    const cache = new DebuginfodCache(`${folder}/cache`);
    assertEquals(cache.prepare(), undefined);
    await test(cache, `${folder}/cache`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Sets the time of a file back by seconds. */
function age(path: string, seconds: number): void {
  const then = new Date(Date.now() - 1000 * seconds);
  Deno.utimeSync(path, then, then);
}

Deno.test("a file is in the cache once it is complete, read-only", async () => {
  await withCache((cache, folder) => {
    const path = servedPath(ID, "debuginfo", folder)!;
    assertEquals(path, `${folder}/${ID}/debuginfo`);
    assert(cache.isUnknown(ID, "debuginfo"));
    const file = cache.create(ID, "debuginfo");
    file.write(new TextEncoder().encode("void"));
    file.restart();
    file.write(new TextEncoder().encode("text"));
    assert(cache.isUnknown(ID, "debuginfo"));
    file.keep();
    assert(!cache.isUnknown(ID, "debuginfo"));
    assertEquals(Deno.readTextFileSync(path), "text");
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o400);
    assertEquals(Array.from(Deno.readDirSync(`${folder}/${ID}`), ({ name }) => name), ["debuginfo"]);
  });
});

Deno.test("a download that is dropped leaves nothing", async () => {
  await withCache((cache, folder) => {
    cache.create(ID, "executable").drop();
    assertEquals(Array.from(Deno.readDirSync(folder)).filter(({ isDirectory }) => isDirectory), []);
  });
});

Deno.test("an empty file keeps servers from being asked for as long as cache_miss_s says", async () => {
  await withCache((cache, folder) => {
    const path = servedPath(ID, "debuginfo", folder)!;
    cache.markMissing(ID, "debuginfo");
    assertEquals(Deno.statSync(path).size, 0);
    assert(!cache.isUnknown(ID, "debuginfo"));
    assert(cache.isUnknown(ID, "executable"));
    assertEquals(Deno.readTextFileSync(`${folder}/cache_miss_s`), "600");
    age(path, 700);
    assert(cache.isUnknown(ID, "debuginfo"));
    Deno.writeTextFileSync(`${folder}/cache_miss_s`, "1000\n");
    assert(!cache.isUnknown(ID, "debuginfo"));
    age(path, 2000);
    cache.markMissing(ID, "debuginfo");
    assert(!cache.isUnknown(ID, "debuginfo"), "its time starts anew");
  });
});

Deno.test("what is no build id is nothing to ask for", async () => {
  await withCache((cache) => {
    for (const id of ["", "a", "../../etc", "ABCD", `${ID}/..`, "0".repeat(129)]) {
      assert(!cache.isUnknown(id, "debuginfo"), id);
    }
  });
});

Deno.test("files that nobody has read for max_unused_age_s are removed once a day", async () => {
  await withCache((cache, folder) => {
    const keep = (id: string, name: string, seconds: number) => {
      Deno.mkdirSync(`${folder}/${id}`, { recursive: true });
      Deno.writeTextFileSync(`${folder}/${id}/${name}`, "x");
      age(`${folder}/${id}/${name}`, seconds);
      age(`${folder}/${id}`, seconds);
    };
    const week = 604800;
    keep("aa01", "debuginfo", 2 * week);
    keep("aa02", "debuginfo", week / 2);
    keep("aa02", "debuginfo.abc123", 2 * week);
    keep("aa03", "source##x.c", 2 * week);
    keep("aa04", "something", 2 * week);
    keep("other", "debuginfo", 2 * week);
    const left = () => {
      return [
        "aa01/debuginfo",
        "aa02/debuginfo",
        "aa02/debuginfo.abc123",
        "aa03",
        "aa04/something",
        "other/debuginfo",
      ]
        .filter((path) => {
          try {
            return Boolean(Deno.lstatSync(`${folder}/${path}`));
          } catch {
            return false;
          }
        });
    };
    cache.prepare();
    assertEquals(left().length, 6, "it was cleaned a moment ago");
    age(`${folder}/cache_clean_interval_s`, 90_000);
    cache.prepare();
    assertEquals(left(), ["aa02/debuginfo", "aa04/something", "other/debuginfo"]);
  });
});

testNeeding(["root"], "a cache in which another user can write is not used", async () => {
  await withCache((_, folder) => {
    Deno.chmodSync(folder, 0o777);
    assertStringIncludes(new DebuginfodCache(folder).prepare()!.cause, "others may write");
    Deno.chmodSync(folder, 0o700);
    Deno.chownSync(folder, NOBODY.uid, NOBODY.uid);
    assertStringIncludes(new DebuginfodCache(folder).prepare()!.cause, "belongs to user");
  });
});
