import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError, UsageError } from "../../lib/base/errors.ts";
import { refuseSameFile, writeOutputFile } from "../../lib/cli/output_file.ts";

function withFolder(body: (folder: string) => void) {
  const folder = Deno.makeTempDirSync();
  try {
    body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("writeOutputFile() writes text and bytes in place of what was there", () =>
  withFolder((folder) => {
    const path = `${folder}/out`;
    writeOutputFile(path, "a longer text");
    writeOutputFile(path, "text");
    assertEquals(Deno.readTextFileSync(path), "text");
    writeOutputFile(path, Uint8Array.of(1, 2));
    assertEquals([...Deno.readFileSync(path)], [1, 2]);
  }));

Deno.test("writeOutputFile() says why a file cannot be written", () =>
  withFolder((folder) => {
    const write = (path: string) => () => writeOutputFile(path, "");
    assertThrows(write(`${folder}/no/out`), UnsupportedError, "no such folder: name another file with -o");
    assertThrows(write(folder), UnsupportedError, "is a directory");
  }));

Deno.test("refuseSameFile() sees through links, and lets other files, devices and new names be", () =>
  withFolder((folder) => {
    const path = `${folder}/perf.data`;
    Deno.writeTextFileSync(path, "recorded");
    Deno.symlinkSync("perf.data", `${folder}/link`);
    Deno.linkSync(path, `${folder}/other-name`);
    for (const name of ["perf.data", "link", "other-name"]) {
      assertThrows(() => refuseSameFile(`${folder}/${name}`, path), UsageError, "overwrite the recording");
    }
    Deno.writeTextFileSync(`${folder}/copy`, "recorded");
    refuseSameFile(`${folder}/copy`, path);
    refuseSameFile(`${folder}/new`, path);
    refuseSameFile("/dev/null", "/dev/null");
  }));
