import { assertEquals, assertThrows } from "@std/assert";
import { isOwnFolder, readPrivateFile, writePrivateFile } from "../../../lib/base/files/private_file.ts";

function inFolder(test: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("a private file has all parts, and this user alone may read it", () =>
  inFolder((folder) => {
    const path = `${folder}/file`;
    writePrivateFile(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    assertEquals(readPrivateFile(path, 3), Uint8Array.of(1, 2, 3));
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertEquals(names(folder), ["file"]);
  }));

Deno.test("a private file that cannot be put in its place leaves nothing behind", () =>
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/taken/full`, { recursive: true });
    assertThrows(() => writePrivateFile(`${folder}/taken`, [Uint8Array.of(1)]));
    assertEquals(names(folder), ["taken"]);
  }));

Deno.test("a file that others may read, that is too large, or that is not there is no private file", () =>
  inFolder((folder) => {
    const path = `${folder}/file`;
    assertEquals(readPrivateFile(path, 10), undefined);
    writePrivateFile(path, [new Uint8Array(11)]);
    assertEquals(readPrivateFile(path, 10), undefined);
    Deno.chmodSync(path, 0o640);
    assertEquals(readPrivateFile(path, 11), undefined);
  }));

Deno.test("a folder that others may enter, a file and a link are no folder of this user's own", () =>
  inFolder((folder) => {
    assertEquals(isOwnFolder(folder), true); // as mkdtemp makes it
    Deno.symlinkSync(folder, `${folder}/link`);
    Deno.writeTextFileSync(`${folder}/file`, "", { mode: 0o600 });
    assertEquals([`${folder}/link`, `${folder}/file`, `${folder}/none`].map(isOwnFolder), [
      false,
      false,
      false,
    ]);
    Deno.chmodSync(folder, 0o710);
    assertEquals(isOwnFolder(folder), false);
  }));
