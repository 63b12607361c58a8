import { assertEquals } from "@std/assert";
import { PERF_RECORD } from "../../../lib/base/system/abi.ts";
import type { RecordCursor } from "../../../lib/perfdata/format/cursor.ts";
import { RecordLedger } from "../../../lib/perfdata/read/record_ledger.ts";

/** Returns a record of these u64s on that CPU, without a trailer. */
function record(type: number, cpu: number, ...words: number[]): RecordCursor {
  const size = 8 + 8 * words.length;
  const u8 = new Uint8Array(size);
  const view = new DataView(u8.buffer);
  view.setUint32(0, type, true);
  view.setUint16(6, size, true);
  words.forEach((word, i) => view.setBigUint64(8 + 8 * i, BigInt(word), true));
  return {
    u8,
    u32: new Uint32Array(u8.buffer),
    pos: 0,
    size,
    type,
    misc: 0,
    trailer: 0,
    fileOffset: 0,
    event: 0,
    pid: 1,
    tid: 1,
    time: 0,
    cpu,
  };
}

const { LOST, LOST_SAMPLES, THROTTLE, UNTHROTTLE, COMM } = PERF_RECORD;

Deno.test("RecordLedger counts samples and losses by CPU", () => {
  const ledger = new RecordLedger();
  for (const cpu of [0, 0, 1, 5000]) ledger.sample(cpu);
  ledger.record(record(LOST, 0, 7, 30));
  ledger.record(record(LOST, 0, 8, 3));
  ledger.record(record(LOST_SAMPLES, 1, 4));
  ledger.record(record(COMM, 1, 9));
  const { rows, total } = ledger.close(undefined, false);
  assertEquals(rows.map((r) => [r.cpu, r.sample, r.overflow]), [[0, 2, 33], [1, 1, 4], [5000, 1, 0]]);
  assertEquals([total.sample, total.overflow], [4, 37]);
});

Deno.test("RecordLedger does not add what LOST and LOST_SAMPLES both tell", () => {
  const ledger = new RecordLedger();
  ledger.record(record(LOST, 0, 7, 30));
  ledger.record(record(LOST, 1, 7, 12));
  ledger.record(record(LOST_SAMPLES, 0, 45)); // all of both CPUs, and 3 that no LOST came for
  assertEquals(ledger.close(undefined, true).total.overflow, 45);
});

Deno.test("RecordLedger sums up how long events were throttled, by CPU", () => {
  const ledger = new RecordLedger();
  ledger.record(record(THROTTLE, 0, 1000, 1, 11));
  ledger.record(record(THROTTLE, 1, 1500, 1, 12));
  ledger.record(record(UNTHROTTLE, 0, 4000, 1, 11));
  ledger.record(record(UNTHROTTLE, 0, 5000, 1, 13)); // its beginning was lost
  ledger.record(record(THROTTLE, 0, 6000, 1, 11)); // to the end
  const { rows, total } = ledger.close(6500n, false);
  assertEquals(rows.map((r) => [r.cpu, r.throttle, r.throttled_ns]), [[0, 2, 3500], [1, 1, 5000]]);
  assertEquals([total.throttle, total.throttled_ns], [3, 8500]);
});
