/** Runs of samples: they are the same samples as one by one, in the same place among the other records. */

import { assert, assertEquals } from "@std/assert";
import { addressOf } from "../../../lib/base/bytes/address.ts";
import { PERF_RECORD_MISC } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import {
  PerfDataReader,
  type RecordCursor,
  type SampleCursor,
  type SampleRun,
} from "../../../lib/perfdata/read/reader.ts";
import { bigEndianFile } from "../big_endian.ts";
import { fixture } from "../read_recording.ts";

const TWO_32 = 4294967296;

function rowOfRecord({ type, time, pid }: RecordCursor): string {
  return `record ${type} ${time} ${pid}`;
}

function rowOfSample({ event, pid, tid, cpu, ip, cpumode, period }: SampleCursor): string {
  return `sample ${event} ${pid} ${tid} ${cpu} ${ip} ${cpumode} ${period}`;
}

function rowsOfRun(run: SampleRun): string[] {
  return Array.from(run.words.subarray(0, run.count), (word) => {
    const at = (k: number) => run.u32[word + k];
    const [pid, tid] = run.pid < 0 ? [-1, -1] : [at(run.pid) | 0, at(run.pid + 1) | 0];
    const cpu = run.cpu < 0 ? -1 : at(run.cpu) | 0;
    const ip = run.ip < 0 ? 0 : addressOf(at(run.ip), at(run.ip + 1));
    const mode = at(1) & PERF_RECORD_MISC.CPUMODE_MASK;
    const period = run.period < 0 ? run.fixedPeriod : at(run.period + 1) * TWO_32 + at(run.period);
    return `sample ${run.event} ${pid} ${tid} ${cpu} ${ip} ${mode} ${period}`;
  });
}

/** Reads everything in a recording, a row each. `take` decides for every run whether it is taken. */
async function rows(bytes: Uint8Array<ArrayBuffer>, take?: () => boolean) {
  const reader = new PerfDataReader(new MemoryBytes(bytes));
  await reader.open();
  const rows: string[] = [], times: number[] = [], runTimes: number[] = [];
  const stats = reader.read({
    sample(c) {
      rows.push(rowOfSample(c));
      times.push(c.time);
    },
    record: (c) => rows.push(rowOfRecord(c)),
    ...take && {
      sampleRun(run: SampleRun) {
        if (!take()) return false;
        rows.push(...rowsOfRun(run));
        runTimes.push(run.firstTime, run.lastTime);
        return true;
      },
    },
  });
  return { rows, times, runTimes, stats, ledger: reader.ledger.close(stats.timeLast, false) };
}

const FILES: [name: string, bytes: Uint8Array<ArrayBuffer>][] = [
  ...["callgraph", "two_events", "compressed", "clock", "extras", "pipe", "pipe_tracepoint"].map((
    name,
  ): [string, Uint8Array<ArrayBuffer>] => [name, fixture(`${name}.data`)]),
  ["two_events of a big-endian machine", bigEndianFile(fixture("two_events.data"))],
];

for (const [name, file] of FILES) {
  Deno.test(`reader() gives the samples of ${name} many at once as one by one`, async () => {
    const single = await rows(file), many = await rows(file, () => true);
    assertEquals(many.rows, single.rows);
    assertEquals(many.stats, single.stats);
    assertEquals(many.ledger, single.ledger);
    assert(many.runTimes.length > 0);
    assertEquals(many.times, []);
    assertEquals(many.runTimes[0], single.times[0]);
    assertEquals(many.runTimes.at(-1), single.times.at(-1));
    assert(many.runTimes.every((time, i) => i === 0 || time >= many.runTimes[i - 1]));
  });

  Deno.test(`reader() gives those of ${name} that are not taken at once one by one`, async () => {
    let turn = 0;
    assertEquals((await rows(file, () => turn++ % 2 === 0)).rows, (await rows(file)).rows);
  });
}

Deno.test("reader() gives samples that carry counts one by one", async () => {
  const file = fixture("group_read.data");
  const single = await rows(file), many = await rows(file, () => true);
  assertEquals(many.rows, single.rows);
  assertEquals(many.runTimes, []);
});
