import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { PERF_RECORD, PERF_RECORD_USER } from "../../lib/base/system/abi.ts";
import { ERRNO, PmuError } from "../../lib/base/system/errno.ts";
import {
  closeEvent,
  closeFd,
  createFile,
  Drain,
  makePipe,
  pageSize,
  readCounts,
  readPipe,
  spawn,
  truncate,
  writeAll,
} from "../../ffi/pmu.ts";
import { FlightRings } from "../../ffi/flight.ts";
import { parseCpuList } from "../../lib/base/text/cpu_list.ts";
import { faultsAttr, openEvent, testWithEvents } from "./software_events.ts";

/** Record types in `bytes`, each with how often it is there; fails when the records do not end with them. */
function recordTypes(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const types = new Map<number, number>();
  let at = 0;
  while (at < bytes.length) {
    const type = view.getUint32(at, true);
    const size = view.getUint16(at + 6, true);
    assertGreater(size, 0);
    types.set(type, (types.get(type) ?? 0) + 1);
    at += size;
  }
  assertEquals(at, bytes.length);
  return types;
}

/** The names of an enum of pmu.h without their prefix, in order, as TypeScript has them. */
function fieldsOf(enumName: string, prefix: string): string[] {
  const header = Deno.readTextFileSync(new URL("../../ffi/shim/pmu.h", import.meta.url));
  const [, body] = new RegExp(`enum ${enumName} \\{([^}]*)\\}`).exec(header)!;
  return [...body.matchAll(new RegExp(`^\\t${prefix}_(\\w+)`, "gm"))]
    .map(([, name]) => name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase()))
    .filter((name) => name !== "fields");
}

/** A file that can be mapped as a ring of one page. */
function ringFile(): number {
  const path = Deno.makeTempFileSync();
  const fd = createFile(path);
  Deno.removeSync(path);
  truncate(fd, 2 * pageSize());
  return fd;
}

Deno.test("the numbers of a ring are named as in pmu.h, in the same order", () => {
  const fd = ringFile();
  const drain = new Drain({ outFd: fd });
  const flight = new FlightRings();
  drain.add(fd, 1, 7);
  assertEquals(flight.tryAdd(fd, 1, 8), 0);
  assertEquals(Object.keys(drain.stats()[0]), fieldsOf("pmu_ring_field", "PMU_RING"));
  assertEquals(Object.keys(flight.stats()[0]), fieldsOf("pmu_flight_field", "PMU_FLIGHT"));
  assertEquals([drain.stats()[0].cpu, flight.stats()[0].cpu], [7, 8]);
  flight.free();
  drain.free();
  closeFd(fd);
});

/** A shell, parked, with an event that counts its faults from exec on and those of its children. */
function parkedShell() {
  const child = spawn({ argv: ["sh", "-c", "for i in 1 2 3; do /bin/true; done"] });
  const flags = ["disabled", "enableOnExec", "excludeKernel", "excludeHv", "watermark", "inherit"] as const;
  const cpus = parseCpuList(Deno.readTextFileSync("/sys/devices/system/cpu/online"));
  const events = cpus.map((cpu) => ({ cpu, fd: openEvent(faultsAttr({ flags }), { pid: child.pid, cpu }) }));
  const count = () => {
    const words = new BigUint64Array(1);
    return events.reduce((sum, { fd }) => (readCounts(fd, words), sum + Number(words[0])), 0);
  };
  return { child, events, count };
}

testWithEvents("a Drain writes what a command's events counted, and a size that is right", async () => {
  const path = await Deno.makeTempFile();
  const outFd = createFile(path);
  writeAll(outFd, new Uint8Array(16)); // a header with the size at 8
  const { child, events, count } = parkedShell();
  const drain = new Drain({ outFd, sizeFieldAt: 8, base: 100, intervalMs: 10 });
  events.forEach(({ fd, cpu }, index) => assertEquals(drain.add(fd, 32, cpu), index));
  drain.start();
  await child.release();
  assertEquals((await child.wait()).code, 0);
  assertEquals(await drain.stop(), undefined);
  const stats = drain.stats();
  const written = drain.written;
  drain.free();
  const bytes = await Deno.readFile(path);
  const types = recordTypes(bytes.subarray(16));
  assertGreater(count(), 100);
  assertEquals(types.get(PERF_RECORD.SAMPLE), count());
  assertEquals(stats.reduce((sum, ring) => sum + ring.samples, 0), count());
  assertEquals(stats.map((ring) => ring.cpu), events.map(({ cpu }) => cpu));
  assertGreater(types.get(PERF_RECORD_USER.FINISHED_ROUND) ?? 0, 0);
  assertEquals(written, 100 + bytes.length - 16);
  assertEquals(new DataView(bytes.buffer).getBigUint64(8, true), BigInt(written));
  events.forEach(({ fd }) => closeEvent(fd));
  closeFd(outFd);
  await Deno.remove(path);
});

testWithEvents("a Drain into a pipe feeds a reader in this process", async () => {
  const { readFd, writeFd } = makePipe();
  const { child, events, count } = parkedShell();
  const drain = new Drain({ outFd: writeFd, rounds: false, intervalMs: 10 });
  events.forEach(({ fd, cpu }) => drain.add(fd, 32, cpu));
  drain.start();
  const chunks: number[] = [];
  const reading = (async () => {
    const chunk = new Uint8Array(4096);
    for (let n; (n = await readPipe(readFd, chunk)) > 0;) chunks.push(...chunk.subarray(0, n));
  })();
  await child.release();
  await child.wait();
  assertEquals(await drain.stop(), undefined);
  drain.free();
  closeFd(writeFd);
  await reading;
  const types = recordTypes(Uint8Array.from(chunks));
  assertEquals(types.get(PERF_RECORD.SAMPLE), count());
  assertEquals(types.get(PERF_RECORD_USER.FINISHED_ROUND), undefined);
  events.forEach(({ fd }) => closeEvent(fd));
  closeFd(readFd);
});

testWithEvents("a Drain whose reader has gone says so at the end and in its statistics", async () => {
  const { readFd, writeFd } = makePipe();
  closeFd(readFd);
  const { child, events, count } = parkedShell();
  const drain = new Drain({ outFd: writeFd, intervalMs: 10 });
  events.forEach(({ fd, cpu }) => drain.add(fd, 32, cpu));
  drain.start();
  await child.release();
  assertEquals((await child.wait()).code, 0); // the command did not notice
  const error = await drain.stop();
  assertEquals(error?.errno, ERRNO.EPIPE);
  assertEquals(drain.stats().reduce((sum, ring) => sum + ring.dropbufSample, 0), count());
  assertEquals(drain.written, 0);
  drain.free();
  events.forEach(({ fd }) => closeEvent(fd));
  closeFd(writeFd);
});

testWithEvents("tryAdd() returns mmap's refusal and add() throws it", () => {
  const fd = openEvent(faultsAttr({ flags: ["inherit", "excludeKernel"] }), {
    pid: Deno.pid,
    cpu: -1,
  });
  const drain = new Drain({ outFd: 2 });
  assertEquals(drain.tryAdd(fd, 1, -1), -ERRNO.EINVAL); // inherited, without a CPU
  assertEquals(assertThrows(() => drain.add(fd, 1, -1), PmuError).call, "mmap");
  assertEquals(drain.stats(), []);
  drain.free();
  closeEvent(fd);
});

Deno.test("a Drain refuses a bad interval, and use after free()", () => {
  assertEquals(assertThrows(() => new Drain({ outFd: 2, intervalMs: 0 }), PmuError).errno, ERRNO.EINVAL);
  const drain = new Drain({ outFd: 2 });
  drain.free();
  drain.free();
  assert(assertThrows(() => drain.start()) instanceof Error);
});
