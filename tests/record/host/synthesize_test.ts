import { assertEquals } from "@std/assert";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { decodeComm, decodeMmap, decodeMmap2, decodeTask } from "../../../lib/perfdata/format/records.ts";
import { allPids, type Proc } from "../../../lib/record/host/procfs.ts";
import { cachedBuildIds, kernelRecords, processRecords } from "../../../lib/record/host/synthesize.ts";
import { PERF_RECORD, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";

const layout = compileLayout(
  makeAttr({ sampleType: PERF_SAMPLE.TID | PERF_SAMPLE.TIME, flags: ["sampleIdAll"] }),
);

const FILES: Record<string, string> = {
  "/proc/5/status": "PPid:\t1\n",
  "/proc/5/maps": "00401000-00452000 r-xp 00001000 fe:00 1234  /usr/bin/x\n" +
    "7f0000000000-7f0000001000 r-xp 00000000 fe:00 77  /usr/lib/y.so\n" +
    "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0  [vdso]\n",
  "/proc/5/task/5/comm": "x\n",
  "/proc/5/task/6/comm": "x-worker\n",
};
const proc: Proc = {
  text: (path) => FILES[path],
  list: (path) => path === "/proc" ? ["5", "self", "cpuinfo"] : path === "/proc/5/task" ? ["5", "6"] : [],
};

/** What the decoders of a reader are given for a record by itself. */
function cursorOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const misc = view.getUint16(4, true);
  return {
    type: view.getUint32(0, true),
    u8: bytes,
    pos: 0,
    size: bytes.length,
    misc,
    trailer: 16,
    fileOffset: 0,
  };
}

Deno.test("processRecords() tells a process as the kernel would: threads, names, maps, build ids", () => {
  const asked: string[] = [];
  const buildIdOf = cachedBuildIds((path, { root = "" }) => {
    asked.push(root + path);
    return path.endsWith("/usr/bin/x") ? "ab".repeat(20) : undefined;
  });
  const records = [...processRecords(proc, allPids(proc), { layout, buildIdOf })].map(cursorOf);
  assertEquals(records.map((r) => r.type), [
    PERF_RECORD.FORK,
    PERF_RECORD.COMM,
    PERF_RECORD.MMAP2,
    PERF_RECORD.MMAP2,
    PERF_RECORD.MMAP2,
    PERF_RECORD.FORK,
    PERF_RECORD.COMM,
  ]);
  const { pid, ppid, tid, ptid } = decodeTask(records[0]);
  assertEquals([pid, ppid, tid, ptid], [5, 1, 5, 1]);
  assertEquals(decodeComm(records[6]), { pid: 5, tid: 6, comm: "x-worker", exec: false });
  const [x, y, vdso] = records.slice(2, 5).map(decodeMmap2);
  assertEquals([x.filename, x.start, x.length, x.pgoff, x.buildId], [
    "/usr/bin/x",
    0x401000,
    0x51000,
    0x1000,
    "ab".repeat(20),
  ]);
  assertEquals([y.ino, y.buildId, vdso.filename], [77n, undefined, "[vdso]"]);
  // the mapping itself, then through the process's root; memory without a file not at all
  assertEquals(asked.filter((path) => !path.includes("/map_files/")), [
    "/proc/5/root/usr/bin/x",
    "/proc/5/root/usr/lib/y.so",
  ]);
  assertEquals(asked[0], "/proc/5/map_files/401000-452000");
});

Deno.test("cachedBuildIds() reads a file once, whatever maps it", () => {
  let reads = 0;
  const buildIdOf = cachedBuildIds((path) => path.includes("/map_files/") ? undefined : `${++reads}`);
  const map = {
    start: 0,
    length: 1,
    pgoff: 0,
    prot: 5,
    flags: 2,
    major: 8,
    minor: 1,
    inode: 9n,
    filename: "/lib/z.so",
  };
  assertEquals([buildIdOf(1, map), buildIdOf(2, map), buildIdOf(2, { ...map, inode: 10n })], ["1", "1", "2"]);
});

Deno.test("kernelRecords() puts the kernel first, with the address of _text, then its modules", () => {
  const records = kernelRecords(
    { start: -0x7f000000, length: 0x1000 },
    [{ name: "ext4", start: -0x3ff00000, length: 0x2000 }],
    layout,
  ).map(cursorOf);
  const [kernel, module] = records.map(decodeMmap);
  assertEquals([kernel.pid, kernel.filename, kernel.start, kernel.pgoff], [
    -1,
    "[kernel.kallsyms]_text",
    -0x7f000000,
    -0x7f000000,
  ]);
  assertEquals([module.filename, module.start, module.length, records[1].misc], [
    "[ext4]",
    -0x3ff00000,
    0x2000,
    1,
  ]);
  assertEquals(kernelRecords(undefined, [], layout), []);
});
