import { assert, assertEquals, assertRejects } from "@std/assert";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { copySparse } from "../../../lib/base/files/sparse_copy.ts";

const GOES_ON = () => false;

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = Deno.makeTempDirSync();
  try {
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A file of `size` bytes that has data only where `data` says. */
function makeFile(path: string, size: number, data: Record<number, Uint8Array>): FileBytes {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const [at, bytes] of Object.entries(data)) {
    file.seekSync(Number(at), Deno.SeekMode.Start);
    file.writeSync(bytes);
  }
  file.truncateSync(size);
  return FileBytes.tryOpen(path)!;
}

Deno.test("a copy has the same bytes, holes where the original has them, and is private", async () => {
  await withFolder(async (folder) => {
    const data = { 5000: new Uint8Array(3000).fill(7), [(3 << 20) + 1]: new Uint8Array(9).fill(1) };
    for (const size of [0, 1, 4095, 8000, 20 << 20]) {
      const from = makeFile(`${folder}/from`, size, size > 8000 ? data : {});
      const written = await copySparse(from, `${folder}/to`, GOES_ON);
      from.close();
      assertEquals(Deno.readFileSync(`${folder}/to`), Deno.readFileSync(`${folder}/from`), `${size} bytes`);
      const { mode, blocks } = Deno.statSync(`${folder}/to`);
      assertEquals(mode! & 0o777, 0o600);
      assert(written <= 16384, `${written} bytes written of ${size}`);
      assert(512 * blocks! <= 65536, `${blocks} blocks`);
      Deno.removeSync(`${folder}/from`);
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["to"]);
  });
});

Deno.test("a copy that is stopped leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const from = makeFile(`${folder}/from`, 64 << 20, { 0: new Uint8Array(100).fill(1) });
    let asked = 0;
    await assertRejects(() => copySparse(from, `${folder}/to`, () => ++asked > 3), Deno.errors.Interrupted);
    from.close();
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["from"]);
  });
});
