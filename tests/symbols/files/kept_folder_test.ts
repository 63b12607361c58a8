import { assert, assertEquals } from "@std/assert";
import { KeptFolder } from "../../../lib/symbols/files/kept_folder.ts";

const TABLE = "0123456789abcdef.functions", OTHER = "fedcba.lines", THIRD = "path-1f.lines";

/** Runs `body` with a folder that does not exist yet. */
function withFolder(body: (folder: string) => void) {
  const parent = Deno.makeTempDirSync();
  try {
    body(`${parent}/caches/pmuctl/code`);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

const bytes = (size: number) => new Uint8Array(size).fill(7);

Deno.test("KeptFolder gives back what it was given, for this user alone to read", () => {
  withFolder((folder) => {
    assertEquals(new KeptFolder(folder).read(TABLE), undefined);
    new KeptFolder(folder).write(TABLE, bytes(1000));
    new KeptFolder(folder).write(TABLE, bytes(500));
    assertEquals(new KeptFolder(folder).read(TABLE), bytes(500));
    assertEquals(new KeptFolder(folder).read(OTHER), undefined);
    assertEquals(namesIn(folder), [TABLE]);
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    assertEquals(Deno.statSync(`${folder}/${TABLE}`).mode! & 0o777, 0o600);
  });
});

Deno.test("KeptFolder neither trusts nor fills a folder or a file that others can look into, nor follows a link", () => {
  withFolder((folder) => {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o755 });
    new KeptFolder(folder).write(TABLE, bytes(9));
    assertEquals(namesIn(folder), []);
    Deno.chmodSync(folder, 0o700);
    new KeptFolder(folder).write(TABLE, bytes(9));
    assert(new KeptFolder(folder).read(TABLE));
    Deno.chmodSync(`${folder}/${TABLE}`, 0o640);
    assertEquals(new KeptFolder(folder).read(TABLE), undefined);
    Deno.chmodSync(`${folder}/${TABLE}`, 0o600);
    Deno.chmodSync(folder, 0o710);
    assertEquals(new KeptFolder(folder).read(TABLE), undefined);
    Deno.renameSync(folder, `${folder}-real`);
    Deno.chmodSync(`${folder}-real`, 0o700);
    Deno.symlinkSync(`${folder}-real`, folder);
    assertEquals(new KeptFolder(folder).read(TABLE), undefined);
    new KeptFolder(folder).write(OTHER, bytes(9));
    assertEquals(namesIn(`${folder}-real`), [TABLE]);
  });
});

Deno.test("KeptFolder takes and gives only names of tables", () => {
  withFolder((folder) => {
    for (
      const name of ["../x.lines", "x", "x.lines.old", ".lines", "a/b.lines", "A.lines", "undefined.txt"]
    ) {
      new KeptFolder(folder).write(name, bytes(9));
      assertEquals(new KeptFolder(folder).read(name), undefined);
    }
    new KeptFolder(folder).write(TABLE, bytes(9));
    assertEquals(namesIn(folder), [TABLE]);
    assertEquals(namesIn(folder.replace("/code", "")), ["code"]);
  });
});

Deno.test("KeptFolder removes what was used least recently when the tables are too large together", () => {
  withFolder((folder) => {
    const kept = new KeptFolder(folder, 1000);
    for (const [i, name] of [TABLE, OTHER].entries()) {
      kept.write(name, bytes(400));
      Deno.utimeSync(`${folder}/${name}`, 1000 + i, 1000 + i);
    }
    assert(kept.read(TABLE)); // now the other one is the older
    kept.write(THIRD, bytes(400));
    assertEquals(namesIn(folder), [TABLE, THIRD].sort());
    kept.write(THIRD, bytes(600));
    assertEquals(namesIn(folder), [TABLE, THIRD].sort());
    kept.write(THIRD, bytes(1001));
    assertEquals(kept.read(THIRD), bytes(600));
  });
});

Deno.test("KeptFolder stays below its limit over many tables, each written again and again", () => {
  withFolder((folder) => {
    const kept = new KeptFolder(folder, 5000);
    for (let i = 0; i < 60; i++) {
      const name = `${(i % 17).toString(16)}a.lines`;
      kept.write(name, bytes(100 + 37 * (i % 11)));
      assert(kept.read(name));
      const sizes = namesIn(folder).map((each) => Deno.statSync(`${folder}/${each}`).size);
      assert(sizes.reduce((a, b) => a + b) <= 5000);
    }
    assert(namesIn(folder).length > 8);
  });
});

Deno.test("KeptFolder removes files that were never completed, and only those and tables", () => {
  withFolder((folder) => {
    const kept = new KeptFolder(folder, 1000);
    kept.write(TABLE, bytes(9));
    const [old, young] = [0, 1].map((i) => `${OTHER}.0000000${i}-0000-4000-8000-000000000000`);
    for (const name of [old, young, "notes"]) Deno.writeFileSync(`${folder}/${name}`, bytes(2000));
    for (const name of [old, "notes"]) Deno.utimeSync(`${folder}/${name}`, 1000, 1000);
    new KeptFolder(folder, 1000).write(THIRD, bytes(9));
    assertEquals(namesIn(folder), [TABLE, THIRD, young, "notes"].sort());
  });
});

Deno.test("KeptFolder does without a folder, where there is a file, and where nothing can be written", () => {
  withFolder((folder) => {
    for (const place of ["relative", "/proc/pmuctl/code", "/dev/null/code"]) {
      const kept = new KeptFolder(place);
      kept.write(TABLE, bytes(9));
      assertEquals(kept.read(TABLE), undefined);
    }
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    Deno.mkdirSync(`${folder}/${TABLE}`);
    const kept = new KeptFolder(folder);
    kept.write(TABLE, bytes(9));
    assertEquals(kept.read(TABLE), undefined);
    assertEquals(namesIn(folder), [TABLE]);
  });
});
