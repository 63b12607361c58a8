import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { jitProcess, openJitFile, openNamespacedPerfMap } from "../../../lib/symbols/files/process_files.ts";

function withFile(test: (path: string) => void) {
  const path = Deno.makeTempFileSync();
  try {
    test(path);
  } finally {
    Deno.removeSync(path);
  }
}

/** `read`, or why not. */
function outcome(path: string, process: Parameters<typeof openJitFile>[1]): string {
  const opened = openJitFile(path, process);
  if (!(opened instanceof FileBytes)) return opened.cause;
  opened.close();
  return "read";
}

Deno.test("whose a process is and when it started is read from /proc", () => {
  const process = jitProcess(Deno.pid)!;
  assertEquals([process.pid, process.uid], [Deno.pid, Deno.uid()]);
  assert(process.started <= Date.now() / 1000 + 1 && process.started > Date.now() / 1000 - 7 * 86400);
  assertEquals(jitProcess(0x3fffffff), undefined);
});

Deno.test("a process in our own namespaces has no perf map of another /tmp", () => {
  assertEquals(openNamespacedPerfMap(Deno.pid), undefined);
  assertEquals(openNamespacedPerfMap(0x3fffffff), undefined);
});

Deno.test("a perf map that is older than its process is not believed", () => {
  withFile((path) => {
    const now = Date.now() / 1000, uid = Deno.uid()!;
    assertEquals(outcome(path, { pid: 1, uid, started: now }), "read");
    assertEquals(outcome(path, { pid: 1, uid, started: now + 60 }), "it is older than the process");
    assertEquals(outcome(path, undefined), "read");
  });
});

testNeeding(["root"], "a perf map belongs to the user of the process, to root or to the reader", () => {
  withFile((path) => {
    Deno.chownSync(path, 12345, 12345);
    assertEquals(outcome(path, { pid: 1, uid: 12345, started: 0 }), "read");
    assertEquals(outcome(path, { pid: 1, uid: 12346, started: 0 }), "it belongs to user 12345");
    assertEquals(outcome(path, undefined), "it belongs to user 12345");
  });
});
