import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  addLedgers,
  ledgerLine,
  ledgerMismatch,
  ledgerTable,
  lossWarnings,
  lostPercent,
  lostText,
  makeLedger,
  samplesLost,
} from "../../../lib/perfdata/format/ledger.ts";

const row = { buf: 4, emptybuf: 1, dropbuf: 0, throttle: 0 };
const LOSSY = makeLedger([
  { ...row, cpu: 0, sample: 90, overflow: 6, dropbuf_sample: 4 },
  { ...row, cpu: 1, sample: 100, overflow: 0, dropbuf_sample: 0 },
]);

Deno.test("makeLedger() adds the CPUs up, and what was seen is what was written and lost", () => {
  assertEquals(LOSSY.total.sample + samplesLost(LOSSY.total), 200);
  assertEquals(
    ledgerLine(LOSSY),
    "sample 190  overflow 6  buf 8  emptybuf 2  dropbuf 0  dropbuf_sample 4",
  );
  assertEquals([lostText(LOSSY), lostPercent(LOSSY.total)], ["10 of 200 (5.0%)", 5]);
});

Deno.test("addLedgers() adds segments up by CPU", () => {
  const sum = addLedgers([LOSSY, LOSSY]);
  assertEquals(sum.rows.map((r) => [r.cpu, r.sample, r.overflow]), [[0, 180, 12], [1, 200, 0]]);
  assertEquals(sum.total.buf, 16);
});

Deno.test("ledgerTable() shows each CPU, and a dash for what nobody knows", () => {
  assertEquals(ledgerTable(LOSSY), [
    "CPU  sample  overflow  buf  emptybuf  dropbuf  dropbuf_sample",
    "  0      90         6    4         1        0               4",
    "  1     100         0    4         1        0               0",
    "all     190         6    8         2        0               4",
  ]);
  assertEquals(
    ledgerTable({
      rows: [{ cpu: 0, sample: 9 }],
      total: { cpu: -1, sample: 9, overflow: 0, throttle: 2, throttled_ns: 1.5e6 },
    }),
    [
      "CPU  sample  overflow  throttle  throttled",
      "  0       9         -         -          -",
      "all       9         0         2     1.5 ms",
    ],
  );
});

Deno.test("of a recording that was not finished nobody knows the loss, and no number stands there", () => {
  const told = { rows: [{ cpu: 0, sample: 9, throttle: 0 }], total: { cpu: -1, sample: 9, throttle: 0 } };
  assertEquals(lostText({ ...told, unfinished: { atLeast: 0 } }), "not finished: loss unknown");
  assertEquals(lostText({ ...told, unfinished: { atLeast: 7 } }), "not finished: loss unknown, at least 7");
  assertEquals(ledgerTable({ ...told, unfinished: { atLeast: 7 } }), [
    "CPU  sample  overflow  dropbuf_sample",
    "  0       9         -               -",
    "all       9         -               -",
  ]);
});

Deno.test("records of maps and names that were lost stand beside the samples, and are not counted as such", () => {
  const ledger = makeLedger([{
    ...row,
    cpu: 0,
    sample: 90,
    overflow: 10,
    lost_sideband: 7,
    dropbuf_sample: 0,
  }]);
  assertStringIncludes(ledgerLine(ledger), "lost_sideband 7");
  assertEquals([ledger.total.sample + samplesLost(ledger.total), lostText(ledger)], [
    100,
    "10 of 100 (10.0%)",
  ]);
  assertEquals(lossWarnings(ledger.total, ["4000 Hz"]), [
    "the ring buffers overflowed: 10 of 100 (10.0%) samples lost: record with larger ones (-m) or less often (-F)",
    "the ring buffers overflowed: 7 records of maps, names and processes lost: some samples may have no symbol, or " +
    "another process's: record with larger ones (-m)",
  ]);
});

Deno.test("lossWarnings() says how much was lost, and what to do", () => {
  assertEquals(lossWarnings(LOSSY.total, ["4000 Hz"]), [
    "the ring buffers overflowed: 6 of 200 (3.0%) records lost: record with larger ones (-m) or less often (-F)",
    "output too slow: 4 of 200 (2.0%) samples dropped: use a faster disk, or record less often (-F)",
  ]);
  const [throttled] = lossWarnings({ cpu: -1, sample: 9, throttle: 1, throttled_ns: 2e6 }, ["4000 Hz"]);
  assertStringIncludes(throttled, "throttled the event once, for 2.0 ms in all:");
});

Deno.test("lossWarnings() advises what there is to change: a rate, or a count", () => {
  const advice = (...rates: string[]) =>
    lossWarnings(LOSSY.total, rates).map((line) => /less often \(.*\)$/.exec(line)?.[0]);
  assertEquals(advice("4000 Hz"), ["less often (-F)", "less often (-F)"]);
  assertEquals(advice("every 1000")[0], "less often (a larger -c)");
  assertEquals(advice("4000 Hz", "every 1")[0], "less often (-F, a larger -c)");
  assertEquals(advice("every 1000", "read at its leader's samples")[0], "less often (a larger -c)");
  const [throttled] = lossWarnings({ cpu: -1, sample: 9, throttle: 1 }, ["every 1000"]);
  assertStringIncludes(throttled, "sample less often (a larger -c)");
});

Deno.test("lossWarnings() says nothing of a recording without loss", () => {
  assertEquals(
    lossWarnings(makeLedger([{ ...row, cpu: 0, sample: 5, overflow: 0, dropbuf_sample: 0 }]).total, []),
    [],
  );
  const nothing = makeLedger([]).total;
  assertEquals([lossWarnings(nothing, []), lostText({ total: nothing }), lostPercent(nothing)], [[], "0", 0]);
});

Deno.test("ledgerMismatch() tells a file that does not hold what the ledger says", () => {
  assertEquals(ledgerMismatch(LOSSY.total, 190), undefined);
  assertStringIncludes(ledgerMismatch(LOSSY.total, 189)!, "190 samples as written, but the file holds 189");
});
