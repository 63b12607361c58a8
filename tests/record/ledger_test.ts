import { assertEquals } from "@std/assert";
import { ledgerLine, lossWarnings, makeLedger, seen } from "../../lib/record/ledger.ts";

const row = { buf: 4, emptybuf: 1, dropbuf: 0, throttle: 0 };

Deno.test("makeLedger() adds the CPUs up, and what was seen is what was written and lost", () => {
  const ledger = makeLedger([
    { ...row, cpu: 0, sample: 90, overflow: 6, dropbuf_sample: 4 },
    { ...row, cpu: 1, sample: 100, overflow: 0, dropbuf_sample: 0 },
  ]);
  assertEquals(seen(ledger.total), 200);
  assertEquals(
    ledgerLine(ledger),
    "sample 190  overflow 6  buf 8  emptybuf 2  dropbuf 0  dropbuf_sample 4",
  );
  assertEquals(lossWarnings(ledger), [
    "the ring buffers overflowed: 6 of 200 (3.0%) records lost: sample less often (-F)",
    "the output could not be written: 4 of 200 (2.0%) samples dropped",
  ]);
});

Deno.test("lossWarnings() says nothing of a recording without loss", () => {
  assertEquals(
    lossWarnings(makeLedger([{ ...row, cpu: 0, sample: 5, overflow: 0, dropbuf_sample: 0 }])),
    [],
  );
  assertEquals(lossWarnings(makeLedger([])), []);
});
