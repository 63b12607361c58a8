import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { FileBytes } from "../../../lib/base/files/file_bytes.ts";
import { hostSymbolFiles } from "../../../lib/symbols/files/host_files.ts";
import { type ObjectInfo, ObjectTable } from "../../../lib/symbols/object/objects.ts";
import {
  isThisHost,
  isThisKernel,
  type RecordedMachine,
} from "../../../lib/symbols/files/recorded_machine.ts";
import { REASON } from "../../../lib/symbols/object/missing_symbol_reasons.ts";

const HERE: RecordedMachine = {
  hostname: Deno.hostname(),
  osrelease: Deno.osRelease(),
  arch: Deno.build.arch,
  processes: [],
};

function withFile(test: (path: string) => void) {
  const path = Deno.makeTempFileSync();
  try {
    test(Deno.realPathSync(path));
  } finally {
    Deno.removeSync(path);
  }
}

/** The object of a file that is mapped as it is now. */
function mapped(path: string, changed: { ino?: bigint; maj?: number; buildId?: string } = {}): ObjectInfo {
  const [maj, min] = FileBytes.tryOpen(path)!.device.split(":").map((number) => parseInt(number, 16));
  const ino = BigInt(Deno.statSync(path).ino!);
  return new ObjectTable().of({ pid: 7, filename: path, maj, min, ino, pgoff: 0, ...changed });
}

/** `opened`, or the reason why not. */
function outcome(
  object: ObjectInfo,
  machine: RecordedMachine,
  options: { force?: boolean; root?: string } = {},
) {
  const files = hostSymbolFiles(options);
  files.setMachine!(machine);
  return files.open(object) ? "opened" : files.refusal!(object)?.reason;
}

Deno.test("a recording that says nothing of its machine may be of this one", () => {
  assertEquals(isThisKernel({ hostname: "", osrelease: "", arch: "", processes: [] }), true);
  assertEquals(isThisKernel(HERE), true);
  assertEquals(isThisKernel({ ...HERE, osrelease: "2.6.32" }), false);
  assertEquals(isThisHost({ ...HERE, osrelease: "2.6.32" }), true);
  assertEquals(isThisHost({ ...HERE, hostname: "another" }), false);
  assertEquals(isThisHost({ ...HERE, arch: "riscv64" }), false);
});

Deno.test("a file without a build id is refused where it was replaced or written to since", () => {
  withFile((path) => {
    const now = Date.now() / 1000;
    assertEquals(outcome(mapped(path), { ...HERE, ended: now + 5 }), "opened");
    assertEquals(outcome(mapped(path, { ino: 1n }), { ...HERE, ended: now + 5 }), REASON.REPLACED);
    assertEquals(outcome(mapped(path), { ...HERE, ended: now - 60 }), REASON.REPLACED);
    assertEquals(outcome(mapped(path), HERE), "opened", "a pipe does not say when it ended");
    assertEquals(outcome(mapped(path, { ino: 1n }), HERE, { force: true }), "opened");
  });
});

Deno.test("inodes are not compared where the recording has another device, as overlay file systems give it", () => {
  withFile((path) => {
    assertEquals(
      outcome(mapped(path, { ino: 1n, maj: 0x7ff }), { ...HERE, ended: Date.now() / 1000 + 5 }),
      "opened",
    );
    assertEquals(outcome(mapped(path, { maj: 0x7ff }), { ...HERE, ended: 1 }), REASON.REPLACED);
  });
});

Deno.test("files of this machine do not name a recording of another one, but those that --symfs or --force takes", () => {
  withFile((path) => {
    const there = { ...HERE, hostname: "another" };
    assertEquals(outcome(mapped(path), there), REASON.OTHER_HOST);
    assertEquals(outcome(mapped(path), there, { force: true }), "opened");
    assertEquals(outcome(mapped(path), there, { root: "/" }), "opened");
    assertEquals(
      outcome(mapped(path, { buildId: "ab".repeat(20) }), there),
      "opened",
      "its build id will tell",
    );
    assertEquals(hostSymbolFiles().isOtherKernel!(), false);
  });
});

Deno.test("a list of kernel symbols in /proc is read to its end, and one that is too large is refused", async () => {
  const list = hostSymbolFiles({ kallsyms: "/proc/self/maps" }).kallsyms()!;
  assertStringIncludes(new TextDecoder().decode(list), "[stack]");
  const file = await Deno.makeTempFile();
  try {
    await Deno.truncate(file, 2 ** 30);
    assertThrows(() => hostSymbolFiles({ kallsyms: file }), BadInputError, "1073741824 bytes large; at most");
  } finally {
    await Deno.remove(file);
  }
});
