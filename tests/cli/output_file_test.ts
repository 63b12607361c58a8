import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError, UsageError } from "../../lib/base/system/errors.ts";
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
    assertThrows(write(`${folder}/no/out`), UnsupportedError, "no such folder: name another file");
    assertThrows(write(folder), UnsupportedError, "is a directory");
  }));

/** Names in a folder, the hidden ones as well. */
const namesIn = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();

Deno.test("writeOutputFile() leaves what was there when not all can be written, and nothing beside it", () =>
  withFolder((folder) => {
    const path = `${folder}/out`;
    Deno.writeTextFileSync(path, "kept");
    const failing = function* () {
      yield "x".repeat(10_000_000); // more than waits to be written
      throw new Error("half of it");
    };
    assertThrows(() => writeOutputFile(path, failing()), Error, "half of it");
    assertEquals([Deno.readTextFileSync(path), namesIn(folder)], ["kept", ["out"]]);
    assertThrows(() => writeOutputFile(`${folder}/new`, failing()), Error, "half of it");
    assertEquals(namesIn(folder), ["out"]);
  }));

Deno.test("writeOutputFile() keeps the permissions of a file, the link to it, and a name as long as they get", () =>
  withFolder((folder) => {
    const path = `${folder}/${"ä".repeat(127)}`, link = `${folder}/link`;
    Deno.writeTextFileSync(path, "old");
    Deno.chmodSync(path, 0o640);
    Deno.symlinkSync(path, link);
    writeOutputFile(link, "new", { durable: true });
    assertEquals(Deno.readTextFileSync(path), "new");
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o640);
    assertEquals(Deno.lstatSync(link).isSymlink, true);
    Deno.symlinkSync("made", `${folder}/dangling`);
    writeOutputFile(`${folder}/dangling`, "text");
    assertEquals(Deno.readTextFileSync(`${folder}/made`), "text");
    assertEquals(namesIn(folder).length, 4);
  }));

Deno.test("writeOutputFile() writes through what is no file: a FIFO, a device, a descriptor", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const fifo = `${folder}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    const reader = new Deno.Command("cat", { args: [fifo], stdout: "piped" }).spawn();
    writeOutputFile(fifo, "text", { durable: true });
    assertEquals(new TextDecoder().decode((await reader.output()).stdout), "text");
    assertEquals(Deno.statSync(fifo).isFifo, true);
    writeOutputFile("/dev/null", "text", { durable: true });
    assertEquals(Deno.statSync("/dev/null").isCharDevice, true);
    // what has the file open sees what is written
    const open = Deno.openSync(`${folder}/open`, { read: true, write: true, create: true });
    const number = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name)
      .find((fd) => tryLink(`/proc/self/fd/${fd}`) === `${folder}/open`)!;
    writeOutputFile(`/dev/fd/${number}`, "seen");
    const bytes = new Uint8Array(9);
    assertEquals(new TextDecoder().decode(bytes.subarray(0, open.readSync(bytes)!)), "seen");
    // and what is there stays, also through a link
    Deno.symlinkSync(`/proc/self/fd/${number}`, `${folder}/link`);
    writeOutputFile(`${folder}/link`, " more");
    assertEquals(Deno.readTextFileSync(`${folder}/open`), "seen more");
    open.close();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("writeOutputFile() writes what another process has open, rather than putting another file in its place", async () => {
  const folder = Deno.makeTempDirSync(), path = `${folder}/open`;
  try {
    const other = new Deno.Command("sh", {
      args: ["-c", 'exec 5<>"$0"; echo ready; read -r _; cat <&5', path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = other.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "ready\n");
    writeOutputFile(`/proc/${other.pid}/fd/5`, "seen");
    const word = other.stdin.getWriter();
    await word.write(new TextEncoder().encode("go\n"));
    await word.close();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "seen");
    assertEquals((await other.status).success, true);
    await reader.cancel();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("writeOutputFile() refuses a descriptor that is open for reading alone", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/read`, "kept");
    using _open = Deno.openSync(`${folder}/read`);
    const number = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => name)
      .find((fd) => tryLink(`/proc/self/fd/${fd}`) === `${folder}/read`)!;
    const cause = "that descriptor is open for reading alone: name another file";
    for (const path of [`/dev/fd/${number}`, `/proc/self/fd/${number}`]) {
      assertThrows(() => writeOutputFile(path, "lost"), UnsupportedError, `cannot write ${path}: ${cause}`);
    }
    assertEquals(Deno.readTextFileSync(`${folder}/read`), "kept");
  }));

function tryLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return ""; // it was the listing's own
  }
}

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
