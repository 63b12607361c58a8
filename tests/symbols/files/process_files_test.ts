import { assert, assertEquals } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import {
  jitProcess,
  NamespacedRoot,
  openJitFile,
  openNamespacedPerfMap,
} from "../../../lib/symbols/files/process_files.ts";

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

/** Runs a shell as pid 1 of namespaces of its own; calls `body` once `before` is done, and lets it do `after`, and end. */
async function inNamespaces(
  { before, after }: { before: string; after: string },
  body: (pid: number, finish: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const script = `${before} && echo ready && read line && ${after}`;
  const shell = new Deno.Command("unshare", {
    args: ["--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = shell.stdout.getReader(), writer = shell.stdin.getWriter();
  try {
    assertEquals(new TextDecoder().decode((await reader.read()).value), "ready\n");
    const children = Deno.readTextFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`);
    await body(Number(children.trim()), async () => {
      await writer.write(new TextEncoder().encode("\n"));
      assertEquals((await shell.status).code, 0);
    });
  } finally {
    await writer.close().catch(() => {});
    await reader.cancel();
    await shell.status;
  }
}

/** Returns the text of the perf map in a root, or the kind of refusal. */
function mapIn(root: NamespacedRoot): string {
  const map = root.openPerfMap();
  if (!(map instanceof FileBytes)) return map.kind;
  const text = new TextDecoder().decode(map.read(0, map.size));
  map.close();
  return text;
}

testNeeding(
  ["root", "mountNamespace", "mounts"],
  "the perf map that a container's process writes last is read after its end, also in a /tmp of its own",
  async () => {
    for (const before of [":", "mount -t tmpfs none /tmp"]) {
      const folder = Deno.makeTempDirSync({ dir: "/var/tmp" });
      const bind = `mkdir ${folder}/tmp && mount --bind ${folder}/tmp /tmp`; // not in the host's
      const after = "echo 1000 10 last >/tmp/perf-1.map";
      try {
        await inNamespaces({ before: `${bind} && ${before}`, after }, async (pid, finish) => {
          using root = NamespacedRoot.open(pid)!;
          assertEquals(mapIn(root), "missing");
          await finish();
          assertEquals(mapIn(root), "1000 10 last\n", before);
        });
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    }
  },
);

testNeeding(
  ["root", "mountNamespace", "mounts"],
  "a file below the /tmp that a container had is not taken for its perf map once that is unmounted",
  async () => {
    const folder = Deno.makeTempDirSync({ dir: "/var/tmp" });
    const below =
      `mkdir ${folder}/tmp && mount --bind ${folder}/tmp /tmp && echo 1000 10 other >/tmp/perf-1.map`;
    try {
      const shell = { before: `${below} && mount -t tmpfs none /tmp`, after: ":" };
      await inNamespaces(shell, async (pid, finish) => {
        using root = NamespacedRoot.open(pid)!;
        assertEquals(mapIn(root), "missing");
        await finish();
        assertEquals(mapIn(root), "missing");
      });
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

testNeeding(
  ["root", "mountNamespace", "mounts"],
  "a link of root in a container's /tmp leads to its perf map, wherever that is",
  () =>
    inNamespaces({
      before: "mount -t tmpfs none /tmp && mount -t tmpfs none /mnt && echo 1000 10 linked >/mnt/map && " +
        "ln -s /mnt/map /tmp/perf-1.map",
      after: ":",
    }, async (pid, finish) => {
      using root = NamespacedRoot.open(pid)!;
      assertEquals(mapIn(root), "1000 10 linked\n");
      await finish();
    }),
);
