/** Drains whose rings are emptied on this thread (DrainOptions.taker), from rings made by hand. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  closeFd,
  createFile,
  Drain,
  type DrainOptions,
  makePipe,
  readPipe,
  type RingPass,
  type RingTaker,
  writeAll,
} from "../../ffi/pmu.ts";
import { ByteWriter } from "../../lib/base/bytes/bytes.ts";
import { PERF_RECORD, PERF_RECORD_USER } from "../../lib/base/system/abi.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { eventually } from "../eventually.ts";
import { RingFile } from "./ring_file.ts";

const SAMPLE_BYTES = 32;

/** A sample of 32 bytes whose body begins with `number`. */
function sample(number: number, type: number = PERF_RECORD.SAMPLE): Uint8Array<ArrayBuffer> {
  return new ByteWriter(SAMPLE_BYTES).u32(type).u16(2).u16(SAMPLE_BYTES).u64(number).zeros(16).bytes();
}

/** The numbers of the samples in `bytes`, and `round` for each end of a round. */
function numbersIn(bytes: Uint8Array): (number | "round")[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), found: (number | "round")[] = [];
  for (let at = 0; at < bytes.length; at += view.getUint16(at + 6, true)) {
    const type = view.getUint32(at, true);
    found.push(type === PERF_RECORD_USER.FINISHED_ROUND ? "round" : view.getUint32(at + 8, true));
  }
  return found;
}

/** Taker of all records as they are, one at a time, each with 1000 added to its number. */
class Adder implements RingTaker {
  passes = 0;

  take(pass: RingPass): boolean {
    this.passes++;
    return pass.rings.every((_, i) => this.takeRing(pass, i));
  }

  takeRing(pass: RingPass, index: number): boolean {
    const ring = pass.rings[index], bytes = new Uint8Array(ring.memory);
    for (let at = ring.tail; at < ring.head; at += SAMPLE_BYTES) {
      const record = Uint8Array.from({ length: SAMPLE_BYTES }, (_, i) => bytes[(at + i) % bytes.length]);
      const view = new DataView(record.buffer);
      view.setUint32(8, view.getUint32(8, true) + 1000, true);
      if (!pass.give(index, record, at + SAMPLE_BYTES)) return false;
    }
    return true;
  }
}

interface Made {
  drain: Drain;
  rings: RingFile[];
  outFd: number;
  /** What has been written behind the 16 bytes of a header. */
  written(): Uint8Array<ArrayBuffer>;
  /** The size field in that header. */
  size(): number;
}

/** Calls `body` with a drain of `count` rings into a file with a header; frees what `body` has not. */
async function withDrain(
  options: Partial<DrainOptions> & { taker: RingTaker },
  body: (made: Made) => Promise<void>,
  count = 1,
): Promise<void> {
  const path = Deno.makeTempFileSync({ prefix: "pmuctl-test-" });
  const outFd = createFile(path);
  writeAll(outFd, new Uint8Array(16));
  const rings = Array.from({ length: count }, () => new RingFile());
  const drain = new Drain({ outFd, sizeFieldAt: 8, intervalMs: 1, ...options });
  rings.forEach(({ fd }, i) => assertEquals(drain.add(fd, 1, i), i));
  const written = () => Deno.readFileSync(path).slice(16);
  const size = () => Number(new DataView(Deno.readFileSync(path).buffer).getBigUint64(8, true));
  try {
    await body({ drain, rings, outFd, written, size });
  } finally {
    drain.free();
    for (const ring of rings) ring.close();
    closeFd(outFd);
    Deno.removeSync(path);
  }
}

Deno.test("a taker's records are written in place of the rings', in the order that it gives them", () =>
  withDrain(
    { taker: new Adder() },
    async ({ drain, rings, written, size }) => {
      rings[0].put(sample(1), sample(2));
      rings[2].put(sample(3));
      drain.start();
      await eventually(() => drain.written > 3 * SAMPLE_BYTES, "the first pass");
      rings[1].put(sample(4));
      assertEquals(await drain.stop(), undefined);
      assertEquals(numbersIn(written()), [1001, 1002, 1003, "round", 1004, "round"]);
      assertEquals(size(), written().length);
      assertEquals(drain.written, written().length);
      assertEquals(rings.map(({ head, tail }) => head - tail), [0, 0, 0]);
      assertEquals(drain.stats().map(({ samples, dropbuf }) => [samples, dropbuf]), [[2, 0], [1, 0], [1, 0]]);
    },
    3,
  ));

Deno.test("a taker reads records that wrap around the end of a ring, above 2^32", async () => {
  const ring = new RingFile(3 * 2 ** 32 - 40);
  await withDrain({ taker: new Adder() }, async ({ drain, written }) => {
    assertEquals(drain.add(ring.fd, 1, 7), 1);
    ring.put(sample(1), sample(2), sample(3));
    drain.start();
    await drain.stop();
    assertEquals(numbersIn(written()), [1001, 1002, 1003, "round"]);
    assertEquals(ring.tail, ring.head);
  });
  ring.close();
});

Deno.test("what a taker throws comes from stop(), when what it gave before has been written", async () => {
  const failure = new TypeError("the seventh record is no good");
  class Failing extends Adder {
    override takeRing(pass: RingPass, index: number): boolean {
      const { tail } = pass.rings[index];
      if (!pass.give(index, sample(6), tail + SAMPLE_BYTES)) return false;
      throw failure;
    }
  }
  const taker = new Failing();
  await withDrain({ taker }, async ({ drain, rings, written, size }) => {
    rings[0].put(sample(1), sample(2));
    drain.start();
    await eventually(() => taker.passes === 1, "the first pass");
    assertEquals((await assertRejects(() => drain.stop())) === failure, true);
    assertEquals(numbersIn(written()), [6]); // no end of a round, since the pass was none
    assertEquals(size(), written().length);
    assertEquals([taker.passes, rings[0].head - rings[0].tail], [1, SAMPLE_BYTES]);
    assertEquals(drain.stats()[0].samples, 1);
    // the failure has been told
    assertEquals(await drain.stop(), undefined);
  });
});

Deno.test("a ring that its taker refuses is an error of the drain, and others are still read", () => {
  class Refusing extends Adder {
    override takeRing(pass: RingPass, index: number): boolean {
      if (index === 1 && pass.rings[1].head > 0) pass.refuse(1);
      return index === 1 || super.takeRing(pass, index);
    }
  }
  return withDrain(
    { taker: new Refusing() },
    async ({ drain, rings, written }) => {
      rings[0].put(sample(1));
      rings[1].put(sample(2));
      drain.start();
      await eventually(() => drain.error?.errno === ERRNO.EBADMSG, "the error");
      rings[0].put(sample(3));
      assertEquals((await drain.stop())?.errno, ERRNO.EBADMSG);
      assertEquals(numbersIn(written()).filter((number) => number !== "round"), [1001, 1003]);
      assertEquals(rings[1].tail, 0);
    },
    2,
  );
});

Deno.test("free() without stop() ends a drain whose taker waits, and the taker is not called again", async () => {
  const taker = new Adder();
  await withDrain({ taker, intervalMs: 60_000 }, async ({ drain, rings, written }) => {
    rings[0].put(sample(1));
    drain.start();
    drain.free();
    assertEquals(taker.passes, 0);
    drain.free();
    // a turn of the loop for the wait to come back, which the sanitizer of this test would tell of
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals([taker.passes, written().length], [0, 0]);
  });
});

Deno.test("free() without stop() ends a drain between two passes, or whose taker has failed", async () => {
  const taker = new Adder();
  await withDrain({ taker }, async ({ drain, rings, written }) => {
    rings[0].put(sample(1));
    drain.start();
    await eventually(() => drain.written > 0, "the first pass");
    drain.free();
    assertEquals(numbersIn(written()), [1001, "round"]);
    const { passes } = taker;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(taker.passes, passes);
  });
  let calls = 0;
  const failing: RingTaker = {
    take() {
      calls++;
      throw new Error("no");
    },
  };
  await withDrain({ taker: failing }, async ({ drain }) => {
    drain.start();
    await eventually(() => calls === 1, "the first pass");
  });
});

/** Taker that gives each ring's records again and again, as one record of 32 KiB, until there is no room. */
class Filler implements RingTaker {
  /** Samples that it gave, and whether there was no room for another. */
  given = 0;
  isFull = false;
  readonly #record = new ByteWriter(32768).u32(PERF_RECORD.SAMPLE).u16(2).u16(32768).zeros(32760).bytes();

  take(pass: RingPass): boolean {
    const { tail, head } = pass.rings[0];
    for (let at = tail; at < head; at += SAMPLE_BYTES) {
      if (!pass.give(0, this.#record, at + SAMPLE_BYTES)) {
        this.isFull = true;
        return false;
      }
      this.given++;
    }
    return true;
  }
}

/** Calls `body` with a drain into a pipe that nobody reads, whose queue is full of the taker's 32 KiB records. */
async function withFullPipe(
  body: (made: { drain: Drain; taker: Filler; ring: RingFile; readFd: number }) => Promise<void>,
): Promise<void> {
  const { readFd, writeFd } = makePipe();
  const taker = new Filler(), ring = new RingFile();
  const drain = new Drain({ outFd: writeFd, intervalMs: 1, queueBytes: 1 << 18, taker });
  drain.add(ring.fd, 1, 0);
  for (let i = 0; i < 100; i++) ring.put(sample(i));
  drain.start();
  await eventually(() => taker.isFull, "a full queue");
  await body({ drain, taker, ring, readFd });
  drain.free();
  ring.close();
  closeFd(readFd);
  closeFd(writeFd);
}

Deno.test("a taker waits where the output accepts nothing, and abort() ends it with an exact ledger", () =>
  withFullPipe(async ({ drain, taker, ring }) => {
    const stopping = drain.stop();
    // the records that wait are taken at last, by nobody
    drain.abort();
    assertEquals((await stopping)?.errno, ERRNO.ECANCELED);
    const [{ samples, dropbufSample, bytes, droppedBytes }] = drain.stats();
    assertEquals([samples, taker.given, ring.head - ring.tail], [100, 100, 0]);
    assertEquals(bytes, 100 * 32768);
    assert(dropbufSample >= 98, `${dropbufSample} dropped`);
    assertEquals((samples - dropbufSample) * 32768, bytes - droppedBytes);
  }));

Deno.test("a taker goes on when a slow output has taken what was queued, and nothing is lost", () =>
  withFullPipe(async ({ drain, readFd }) => {
    const stopped = drain.stop();
    const chunk = new Uint8Array(1 << 16);
    let read = 0;
    for (const all = 100 * 32768 + 8; read < all;) read += await readPipe(readFd, chunk);
    assertEquals(await stopped, undefined);
    assertEquals([drain.written, drain.stats()[0].samples, drain.stats()[0].dropbuf], [read, 100, 0]);
  }));

Deno.test("one taker serves drains one after the other, each from where the one before stopped", async () => {
  const taker = new Adder(), ring = new RingFile();
  const paths = [1, 2, 3].map(() => Deno.makeTempFileSync({ prefix: "pmuctl-test-" })),
    fds = paths.map(createFile);
  const drains = fds.map((outFd) => new Drain({ outFd, intervalMs: 1, taker }));
  for (const drain of drains) drain.add(ring.fd, 1, 0);
  let number = 0;
  for (const drain of drains) {
    ring.put(sample(++number));
    drain.start();
    ring.put(sample(++number));
    assertEquals(await drain.stop(), undefined);
  }
  const numbers = paths.map((path) => numbersIn(Deno.readFileSync(path)).filter((one) => one !== "round"));
  assertEquals(numbers, [[1001, 1002], [1003, 1004], [1005, 1006]]);
  for (const drain of drains) drain.free();
  for (const fd of fds) closeFd(fd);
  for (const path of paths) Deno.removeSync(path);
  ring.close();
});

Deno.test("a drain with a taker that was never started stops and is freed", async () => {
  const taker = new Adder();
  await withDrain({ taker }, async ({ drain, rings }) => {
    rings[0].put(sample(1));
    assertEquals(await drain.stop(), undefined);
    drain.start();
    assertEquals(await drain.stop(), undefined);
    assertEquals(drain.stats()[0].samples, 1);
  });
});
