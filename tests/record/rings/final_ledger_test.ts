import { assertEquals } from "@std/assert";
import type { FlightStats, RingStats } from "../../../ffi/pmu.ts";
import { finalLedger } from "../../../lib/record/rings/final_ledger.ts";
import { addLedgers, ledgerLine, samplesLost } from "../../../lib/perfdata/format/ledger.ts";

const ring: RingStats = {
  cpu: 0,
  samples: 100,
  records: 120,
  bytes: 9000,
  lost: 7,
  lostSamples: 2,
  throttle: 0,
  unthrottle: 0,
  buf: 3,
  emptybuf: 1,
  dropbuf: 1,
  dropbufSample: 10,
  droppedBytes: 900,
};
const taken: FlightStats = {
  cpu: 0,
  samples: 50,
  records: 51,
  bytes: 4000,
  lost: 5,
  lostSamples: 0,
  throttle: 1,
  overwrittenBytes: 7777,
  droppedSamples: 4,
};

Deno.test("finalLedger() believes the events' own count of what was lost, since the part before", () => {
  const { total } = finalLedger([ring], new Map([[0, { samples: 30 }]]), new Map([[0, { samples: 10 }]]));
  assertEquals([total.sample, total.overflow, total.dropbuf_sample], [90, 22, 10]);
  assertEquals(total.sample + samplesLost(total), 122);
  // a kernel that does not count tells by records
  assertEquals(finalLedger([ring], new Map(), new Map()).total.overflow, 9);
});

Deno.test("finalLedger() tells lost samples from other lost records where the kernel does", () => {
  const { total, rows } = finalLedger(
    [ring, { ...ring, cpu: 1 }],
    new Map([[0, { samples: 30, sideband: 8 }], [1, { samples: 1, sideband: 0 }]]),
    new Map([[0, { samples: 10, sideband: 5 }]]),
  );
  assertEquals(rows.map(({ overflow, lost_sideband }) => [overflow, lost_sideband]), [[22, 3], [3, 0]]);
  assertEquals([total.overflow, total.lost_sideband, total.sample + samplesLost(total)], [25, 3, 225]);
  const { total: old } = finalLedger([ring], new Map([[0, { samples: 30 }]]), new Map());
  assertEquals("lost_sideband" in old, false);
});

Deno.test("finalLedger() adds what a flight recorder kept; what it overwrote is not lost", () => {
  const sideband = { ...ring, samples: 0, dropbufSample: 0, lost: 0, lostSamples: 0, dropbuf: 0 };
  const counted = finalLedger([sideband], new Map([[0, { samples: 5 }]]), new Map(), [taken]);
  const told = finalLedger([sideband], new Map(), new Map(), [taken]);
  for (const { total } of [counted, told]) {
    assertEquals([total.sample, total.overflow, total.dropbuf, total.dropbuf_sample], [46, 5, 1, 4]);
    assertEquals(total.overwritten_bytes, 7777);
  }
  assertEquals(addLedgers([counted, told]).total.overwritten_bytes, 15554);
  assertEquals(ledgerLine(counted).endsWith("overwritten_bytes 7777"), true);
});
