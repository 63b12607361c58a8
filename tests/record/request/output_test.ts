import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { closeFd } from "../../../ffi/pmu.ts";
import { UnsupportedError, UsageError } from "../../../lib/base/system/errors.ts";
import { isStandardOutput, openOutput, outputName, outputOf } from "../../../lib/record/request/output.ts";
import { eventually } from "../../eventually.ts";

/** Calls `body` with a fresh folder. */
async function inFolder(body: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-test-" });
  try {
    await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function makeFifo(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  assertEquals(success, true);
}

Deno.test("outputOf() takes - for standard output, which a command then has not", () => {
  const output = outputOf("-");
  assertEquals(output, { kind: "pipe", name: "standard output", fd: 1, own: false });
  if (output.kind === "fifo") throw new Error("a FIFO");
  assertEquals([isStandardOutput(output), outputName(output)], [true, "standard output"]);
});

Deno.test("outputOf() knows files, null devices and FIFOs, whether they are there or not", () =>
  inFolder((folder) => {
    assertEquals(outputOf(`${folder}/new`), { kind: "file", path: `${folder}/new` });
    Deno.writeTextFileSync(`${folder}/old`, "");
    assertEquals(outputOf(`${folder}/old`), { kind: "file", path: `${folder}/old` });
    for (const path of ["/dev/null", "/dev/full"]) {
      assertEquals(outputOf(path), { kind: "file", path, device: true });
    }
    makeFifo(`${folder}/fifo`);
    assertEquals(outputOf(`${folder}/fifo`), { kind: "fifo", path: `${folder}/fifo` });
  }));

Deno.test("outputOf() refuses devices, sockets, standard error, and descriptors that are not open", () =>
  inFolder((folder) => {
    const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    Deno.symlinkSync("/dev/stderr", `${folder}/link`);
    try {
      for (
        const [path, cause] of [
          ["/dev/zero", "it is a device"],
          ["/dev/fd/2", "it is standard error, where messages go"],
          ["/dev/fd/9999", "that descriptor is not open"],
          [`/proc/${Deno.pid}/fd/9999`, "that descriptor is not open"],
          [`${folder}/link`, "it is standard error, where messages go"],
          [`${folder}/socket`, "it is a socket, which has no path to write to"],
        ]
      ) {
        const line = `record: -o ${path}: ${cause}`;
        assertThrows(() => outputOf(path), UsageError, line);
      }
    } finally {
      listener.close();
    }
  }));

Deno.test("openOutput() waits for the reader of a FIFO, and says so", () =>
  inFolder(async (folder) => {
    const path = `${folder}/fifo`;
    makeFifo(path);
    const notes: string[] = [];
    const opened = openOutput({ kind: "fifo", path }, (line) => void notes.push(line));
    await eventually(() => notes.length > 0, "the note");
    assertEquals(notes, [`waiting for a reader of ${path}`]);
    const reader = new Deno.Command("cat", { args: [path], stdout: "null" }).spawn();
    const output = await opened;
    assertEquals([output.kind, outputName(output)], ["pipe", path]);
    if (output.kind === "pipe") closeFd(output.fd);
    assertEquals((await reader.status).success, true);
  }));

Deno.test("openOutput() gives other outputs back, and refuses a FIFO that has gone", async () => {
  const file = { kind: "file", path: "/tmp/x" } as const;
  assertEquals(await openOutput(file, () => {}), file);
  const gone = { kind: "fifo", path: "/nonexistent/fifo" } as const;
  await assertRejects(() => openOutput(gone, () => {}), UnsupportedError, "cannot write /nonexistent/fifo");
});
