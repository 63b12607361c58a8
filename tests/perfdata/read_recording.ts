/** Reading of perf.data in tests: everything as plain rows, and the output of `perf script` for comparison. */

import { assert, assertEquals } from "@std/assert";
import { PERF_CONTEXT, PERF_RECORD } from "../../lib/base/system/abi.ts";
import { addressFromBigint, addressOf, hexAddress } from "../../lib/base/bytes/address.ts";
import { type ByteInput, MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import {
  PerfDataReader,
  type PerfHeader,
  type ReaderOptions,
  type ReadStats,
} from "../../lib/perfdata/read/reader.ts";
import { decodeComm, decodeTask } from "../../lib/perfdata/format/records.ts";

/**
 * Sample as a row; `chain` is without the context markers. perf discards a whole chain in which it finds an unknown
 * marker, which happens in user stacks without frame pointers: `corrupt`.
 */
export interface SampleRow {
  comm: string;
  pid: number;
  tid: number;
  cpu: number;
  time: bigint;
  period: number;
  event: number;
  ip: number;
  addr: number;
  cpumode: number;
  chain: number[];
  corrupt: boolean;
}

const MARKERS: number[] = [PERF_CONTEXT.HV, PERF_CONTEXT.KERNEL, PERF_CONTEXT.USER];

/** Record other than a sample as a row. Its bytes hold the rest. */
export interface RecordRow {
  type: number;
  misc: number;
  size: number;
  event: number;
  pid: number;
  tid: number;
  cpu: number;
  time: number;
  body: Uint8Array;
}

export interface Reading {
  header: PerfHeader;
  stats: ReadStats;
  timeBase: bigint;
  samples: SampleRow[];
  records: RecordRow[];
  /** Offsets in the file of samples and records, in the order they came. */
  offsets: number[];
}

/** Returns the bytes of a file in tests/testdata/perfdata. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(`../testdata/perfdata/${name}`, import.meta.url));
}

/** Returns the text of a file in tests/testdata/perfdata. */
export function fixtureText(name: string): string {
  return new TextDecoder().decode(fixture(name));
}

/** Returns the bytes as a stream: without a size, not seekable, at most `chunk` bytes at a time. */
export function stream(bytes: Uint8Array, chunk = Infinity): ByteInput {
  const memory = new MemoryBytes(bytes, "a stream", chunk);
  return { name: memory.name, read: (into: Uint8Array) => memory.read(into) };
}

/** Reads `input` to its end into rows. */
export async function collect(input: ByteInput, options: ReaderOptions = {}): Promise<Reading> {
  const reader = new PerfDataReader(input, options);
  const header = await reader.open();
  const samples: SampleRow[] = [], records: RecordRow[] = [], offsets: number[] = [];
  const comms = new Map<number, string>();
  const stats = reader.read({
    sample(c) {
      offsets.push(c.fileOffset);
      const chain: number[] = [];
      let corrupt = false;
      for (let i = 0; i < c.chainLength; i++) {
        const address = addressOf(c.u32[c.chain + 2 * i], c.u32[c.chain + 2 * i + 1]);
        if (address < PERF_CONTEXT.MAX || address >= 0) chain.push(address);
        else if (!MARKERS.includes(address)) corrupt = true;
      }
      samples.push({
        comm: comms.get(c.tid) ?? (c.tid === 0 ? "swapper" : `:${c.tid}`),
        pid: c.pid,
        tid: c.tid,
        cpu: c.cpu,
        time: reader.timeBase + BigInt(c.time),
        period: c.period,
        event: c.event,
        ip: c.ip,
        addr: c.addr,
        cpumode: c.cpumode,
        chain,
        corrupt,
      });
    },
    record(c) {
      offsets.push(c.fileOffset);
      if (c.type === PERF_RECORD.COMM) {
        const { tid, comm } = decodeComm(c);
        comms.set(tid, comm);
      } else if (c.type === PERF_RECORD.FORK) {
        const { tid, ptid } = decodeTask(c);
        const comm = comms.get(ptid);
        if (comm === undefined) comms.delete(tid);
        else comms.set(tid, comm);
      }
      const { type, misc, size, event, pid, tid, cpu, time } = c;
      records.push({
        type,
        misc,
        size,
        event,
        pid,
        tid,
        cpu,
        time,
        body: c.u8.slice(c.pos + 8, c.pos + size),
      });
    },
  });
  return { header, stats, timeBase: reader.timeBase, samples, records, offsets };
}

/** Sample as `perf script` prints it: addresses are in hex. */
interface ScriptRow {
  comm: string;
  pid: number;
  tid: number;
  cpu: number;
  time: bigint;
  period: number;
  event: string;
  ips: string[];
}

const SCRIPT_LINE =
  /^\s*(\S.*?)\s+(-?\d+)\/(-?\d+)\s+(?:\[(\d+)\]\s+)?(\d+)\.(\d{9}):\s+(\d+)\s+(\S+):\s*([0-9a-f]*)(?: .*)?$/;

/** Parses the output of `perf script --ns -F comm,pid,tid,[cpu,]time,period,event,ip`. */
function parseScript(text: string): ScriptRow[] {
  const rows: ScriptRow[] = [];
  for (const line of text.split("\n")) {
    const m = SCRIPT_LINE.exec(line);
    if (m) {
      rows.push({
        comm: m[1],
        pid: Number(m[2]),
        tid: Number(m[3]),
        cpu: m[4] === undefined ? -1 : Number(m[4]),
        time: BigInt(m[5]) * 1000000000n + BigInt(m[6]),
        period: Number(m[7]),
        event: m[8],
        ips: m[9] ? [m[9]] : [],
      });
    } else if (line.trim()) {
      const ip = /^\s+([0-9a-f]+)( |$)/.exec(line); // of a pipe, perf prints the symbol too
      assert(ip, `perf script printed what this test does not understand: ${line}`);
      rows[rows.length - 1].ips.push(ip[1]);
    }
  }
  return rows;
}

/** Fails unless `reading` has exactly the samples that perf script printed, in the same order. */
export function assertLikeScript(reading: Reading, text: string): void {
  const expected = parseScript(text);
  const names = reading.header.events.map((event) => event.name);
  assert(expected.length > 0, "perf script printed no samples");
  assertEquals(reading.samples.length, expected.length);
  reading.samples.forEach((sample, i) => {
    const { ips, ...want } = expected[i];
    const { comm, pid, tid, time, period } = sample;
    const cpu = want.cpu < 0 ? -1 : sample.cpu;
    assertEquals({ comm, pid, tid, cpu, time, period, event: names[sample.event] }, want);
    const chain = sample.chain.length > 0 ? sample.chain : [sample.ip];
    assertEquals(
      sample.corrupt ? [] : chain.map(comparable),
      ips.map((ip) => comparable(addressFromBigint(BigInt("0x" + ip)))),
    );
    if (sample.chain.length > 0) assertEquals(sample.chain[0], sample.ip);
  });
}

/**
 * Returns the part of an address that perf keeps. In a chain it prints a user address as an offset in its file, so
 * only the place within the page is comparable.
 */
function comparable(address: number): string {
  return address < 0 ? hexAddress(address) : hexAddress(address % 4096);
}
