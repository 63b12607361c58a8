import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { PERF_COUNT_SW, PERF_FORMAT } from "../../lib/base/system/abi.ts";
import { ERRNO, PmuError } from "../../lib/base/system/errno.ts";
import { encodeAttr, makeAttr } from "../../lib/events/attr.ts";
import {
  clockNs,
  clockResolutionNs,
  closeEvent,
  closeFd,
  createFile,
  createUnnamed,
  disable,
  enable,
  eventId,
  makePipe,
  nameFile,
  raiseFileLimit,
  readCounts,
  readPipe,
  reset,
  seek,
  setFilter,
  setOutput,
  setPeriod,
  tryOpen,
  writeAll,
} from "../../ffi/pmu.ts";
import { faultsAttr, openEvent, testWithEvents } from "./software_events.ts";

const HERE = { pid: 0, cpu: -1 };

/** Faults on this many fresh pages at least. */
function touch(pages: number): void {
  const bytes = new Uint8Array(pages * 4096);
  for (let at = 0; at < bytes.length; at += 4096) bytes[at] = 1;
}

testWithEvents("readCounts() gives a group's counts, times and ids", () => {
  const attr = (config: number) =>
    faultsAttr({
      config: BigInt(config),
      samplePeriod: 0n,
      readFormat: PERF_FORMAT.GROUP | PERF_FORMAT.ID | PERF_FORMAT.TOTAL_TIME_ENABLED,
      flags: [
        "excludeKernel",
        "excludeHv",
        ...(config === PERF_COUNT_SW.CPU_CLOCK ? ["disabled" as const] : []),
      ],
    });
  const leader = openEvent(attr(PERF_COUNT_SW.CPU_CLOCK), HERE);
  const member = openEvent(attr(PERF_COUNT_SW.PAGE_FAULTS), { ...HERE, groupFd: leader });
  const words = new BigUint64Array(6);
  enable(leader, true);
  touch(500);
  disable(leader, true);
  assertEquals(readCounts(leader, words), 6);
  const [nr, enabled, clock, clockId, faults, faultsId] = words;
  assertEquals(nr, 2n);
  assertGreater(enabled, 0n);
  assertGreater(clock, 0n);
  assertGreater(faults, 0n);
  assertEquals([clockId, faultsId], [eventId(leader), eventId(member)]);
  reset(leader, true);
  readCounts(leader, words);
  assertEquals(words[4], 0n);
  const short = assertThrows(() => readCounts(leader, new BigUint64Array(1)), PmuError);
  assertEquals(short.errno, ERRNO.ENOSPC);
  closeEvent(member);
  closeEvent(leader);
});

testWithEvents("tryOpen() returns the errno of an event that there is not", () => {
  const unknown = encodeAttr(makeAttr({ type: 0x7fffffff, flags: ["excludeKernel", "excludeHv"] }));
  assertEquals(tryOpen(unknown, HERE), -ERRNO.ENOENT);
});

testWithEvents("tryOpen() leaves the size that the kernel knows in the attr", () => {
  const attr = new Uint8Array(1024);
  attr.set(faultsAttr());
  const size = new DataView(attr.buffer);
  size.setUint32(4, attr.length, true);
  attr[attr.length - 1] = 1; // a field of some later kernel
  assertEquals(tryOpen(attr, HERE), -ERRNO.E2BIG);
  assert(size.getUint32(4, true) >= 64 && size.getUint32(4, true) < attr.length);
});

Deno.test("tryOpen() never lets the kernel read beyond the attr", () => {
  assertThrows(() => tryOpen(faultsAttr().subarray(0, 64), HERE), RangeError);
});

testWithEvents("ioctls that an event does not take throw with their errno", () => {
  const fd = openEvent(faultsAttr({ samplePeriod: 0n }), HERE);
  const errno = (call: () => void) => assertThrows(call, PmuError).errno;
  assertEquals(errno(() => setFilter(fd, "common_pid == 1")), ERRNO.EINVAL);
  assertEquals(errno(() => setPeriod(fd, 1n)), ERRNO.EINVAL);
  assertEquals(errno(() => setOutput(fd, fd)), ERRNO.EINVAL);
  closeEvent(fd);
  assertEquals(errno(() => closeEvent(-1)), ERRNO.EBADF);
});

Deno.test("createFile(), writeAll() and seek() make a file", async () => {
  const path = await Deno.makeTempFile();
  const fd = createFile(path, 0o600);
  writeAll(fd, new TextEncoder().encode("abcdef"));
  assertEquals(seek(fd, 0, "current"), 6);
  assertEquals(seek(fd, 2), 2);
  writeAll(fd, new TextEncoder().encode("C"));
  writeAll(fd, new Uint8Array(0));
  assertEquals(seek(fd, 0, "end"), 6);
  closeFd(fd);
  assertEquals(await Deno.readTextFile(path), "abCdef");
  await Deno.remove(path);
  const error = assertThrows(() => createFile("/nowhere/at/all"), PmuError);
  assertEquals([error.call, error.errno], ["open", ERRNO.ENOENT]);
});

Deno.test("nameFile() names a file of createNameless(), and nothing else of that name", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/file`;
  const fd = createUnnamed(folder);
  writeAll(fd, new TextEncoder().encode("abc"));
  assertEquals([...Deno.readDirSync(folder)], []);
  nameFile(fd, path);
  assertEquals(await Deno.readTextFile(path), "abc");
  const other = createUnnamed(folder);
  const error = assertThrows(() => nameFile(other, path), PmuError);
  assertEquals([error.call, error.errno], ["linkat", ERRNO.EEXIST]);
  closeFd(other);
  closeFd(fd);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readPipe() waits for bytes, and gives 0 at the end", async () => {
  const { readFd, writeFd } = makePipe();
  const into = new Uint8Array(8);
  const waiting = readPipe(readFd, into);
  writeAll(writeFd, Uint8Array.of(1, 2, 3));
  assertEquals(await waiting, 3);
  assertEquals(into.subarray(0, 3), Uint8Array.of(1, 2, 3));
  closeFd(writeFd);
  assertEquals(await readPipe(readFd, into), 0);
  closeFd(readFd);
});

Deno.test("clockNs(), clockResolutionNs() and raiseFileLimit() answer", () => {
  const before = clockNs(1);
  assertGreater(before, 0n);
  assert(clockNs(1) >= before);
  assertEquals(assertThrows(() => clockNs(12345), PmuError).errno, ERRNO.EINVAL);
  assertGreater(clockResolutionNs(1), 0n);
  assertEquals(assertThrows(() => clockResolutionNs(12345), PmuError).errno, ERRNO.EINVAL);
  assertGreater(raiseFileLimit(), 0);
  assertEquals(raiseFileLimit(), raiseFileLimit());
});
