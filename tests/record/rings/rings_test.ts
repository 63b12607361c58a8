import { assertEquals, assertThrows } from "@std/assert";
import { ERRNO } from "../../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { makeRings, takeOver } from "../../../lib/record/rings/rings.ts";
import { FakeRings, fakeSampler } from "../fake_rings.ts";

const sink = { fd: 9, sizeFieldAt: 48, spare: 16 };

/** Makes rings of `pages` pages where this user may lock `most`; a larger one is refused with `errno`. */
function make(pages: number, most: number, errno: number = ERRNO.EPERM) {
  const fake = new FakeRings();
  fake.addResult = (pages) => pages > most ? -errno : 0;
  const notes: string[] = [];
  const context = { note: (line: string) => void notes.push(line), newDrain: fake.newDrain };
  return { fake, notes, made: () => makeRings(sink, [fakeSampler()], { pages, queueBytes: 4096 }, context) };
}

Deno.test("makeRings() drains rings of the size that was asked for into the sink", () => {
  const { fake, notes, made } = make(8, 8);
  const { rings, drain } = made();
  assertEquals([rings.pages, rings.owners, rings.backward], [8, [{ cpu: 0, fd: -1, guests: [] }], []]);
  const { outFd, sizeFieldAt, spare, queueBytes, rounds, intervalMs } = fake.drains[0].options;
  assertEquals([outFd, sizeFieldAt, spare, queueBytes, rounds, intervalMs], [9, 48, 16, 4096, true, 100]);
  assertEquals([drain === fake.drains[0], notes, fake.log], [true, [], []]);
});

Deno.test("makeRings() halves the rings until this user may lock them, looks at them more often, and says so", () => {
  const { fake, notes, made } = make(8, 2);
  assertEquals(made().rings.pages, 2);
  assertEquals(fake.log, ["drain 1: free", "drain 2: free"]);
  assertEquals(fake.drains[2].options.intervalMs, 10);
  assertEquals(notes, [
    "this user may not lock rings of 8 pages for each CPU (kernel.perf_event_mlock_kb, ulimit -l): " +
    "recording with 2, which lose samples sooner",
  ]);
});

Deno.test("makeRings() gives up, and frees every drain, when not even one page may be locked, or for another reason", () => {
  const none = make(4, 0);
  const refused = assertThrows(none.made, UnsupportedError, "map rings of 1 page for each CPU");
  assertEquals(refused.errno, ERRNO.EPERM);
  assertEquals(none.fake.log, ["drain 1: free", "drain 2: free", "drain 3: free"]);
  const full = make(4, 0, ERRNO.ENOMEM);
  assertEquals(assertThrows(full.made, UnsupportedError, "4 pages").errno, ERRNO.ENOMEM);
  assertEquals(full.fake.log, ["drain 1: free"]);
});

Deno.test("takeOver() drains the same rings, with events that tell of them when their owner's task has ended", () => {
  const { fake, made } = make(4, 4);
  const { rings } = made();
  rings.owners[0].guests.push(21, 22);
  const next = takeOver({ fd: 10, sizeFieldAt: undefined, spare: 0 }, rings);
  assertEquals(next === fake.drains[1], true);
  assertEquals(fake.drains[1].standIns, [[0, 21], [0, 22]]);
  assertEquals(fake.drains[1].options.outFd, 10);
});
