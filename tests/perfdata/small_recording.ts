/** Small recording made by the writer, for tests: two events, synthesized records, samples with call chains. */

import { PERF_CONTEXT, PERF_RECORD, PERF_SAMPLE } from "../../lib/base/system/abi.ts";
import { addressToBigint } from "../../lib/base/bytes/address.ts";
import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import { makeAttr } from "../../lib/events/attr.ts";
import { compileLayout } from "../../lib/perfdata/format/attr_layout.ts";
import {
  encodeFeatures,
  encodeHeaderBuildId,
  type FeatureValues,
} from "../../lib/perfdata/format/feature_encoders.ts";
import {
  encodeComm,
  encodeFork,
  encodeKsymbol,
  encodeMmap,
  encodeMmap2,
} from "../../lib/perfdata/format/record_encoders.ts";
import {
  encodeEventName,
  encodeFileEnd,
  encodeFileStart,
  encodeFinishedRound,
  encodeHeaderAttr,
  encodeHeaderFeature,
  encodePipeHeader,
  type FileStart,
} from "../../lib/perfdata/format/writer.ts";
import { encodeState, type Room } from "../../lib/perfdata/format/room.ts";
import { encodeExit } from "./exit_record.ts";

const SAMPLE_TYPE = PERF_SAMPLE.IDENTIFIER | PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME |
  PERF_SAMPLE.CPU |
  PERF_SAMPLE.PERIOD | PERF_SAMPLE.CALLCHAIN;
const FLAGS = ["sampleIdAll", "mmap", "mmap2", "comm", "task", "freq", "inherit"] as const;

/** Events: cpu-clock with two ids, page-faults with one. */
export const EVENTS = [
  {
    attr: makeAttr({
      type: 1,
      config: 0n,
      samplePeriod: 1000n,
      sampleType: SAMPLE_TYPE,
      readFormat: 4,
      flags: FLAGS,
    }),
    ids: [11n, 12n],
    name: "cpu-clock",
  },
  {
    attr: makeAttr({
      type: 1,
      config: 2n,
      samplePeriod: 100n,
      sampleType: SAMPLE_TYPE,
      readFormat: 4,
      flags: FLAGS,
    }),
    ids: [21n],
    name: "page-faults:u",
  },
];
export const LAYOUT = compileLayout(EVENTS[0].attr);

const KERNEL_START = -0x7f000000; // ffffffff81000000

/** Returns a sample as the kernel would write it. */
export function sample(
  id: bigint,
  tid: number,
  time: bigint,
  cpu: number,
  period: number,
  chain: number[],
): Uint8Array {
  const kernel = chain[0] < 0;
  const w = new ByteWriter();
  w.u32(PERF_RECORD.SAMPLE).u16(kernel ? 1 : 2).u16(0);
  w.u64(id).u64(addressToBigint(chain[0])).u32(tid).u32(tid).u64(time).u32(cpu).u32(0).u64(period);
  w.u64(chain.length + 1).u64(addressToBigint(kernel ? PERF_CONTEXT.KERNEL : PERF_CONTEXT.USER));
  for (const address of chain) w.u64(addressToBigint(address));
  w.patchU16(6, w.length);
  return w.bytes();
}

/** Returns the records in file order: two rounds, the second reaching back before the end of the first. */
export function records(): Uint8Array[] {
  const trailer = (time: bigint, tid = 100) => ({ pid: 100, tid, time, cpu: 0, id: 11n });
  return [
    encodeMmap(
      {
        pid: -1,
        tid: 0,
        start: KERNEL_START,
        length: 0x1200000,
        pgoff: KERNEL_START,
        filename: "[kernel.kallsyms]_text",
        misc: 1,
      },
      LAYOUT,
    ),
    encodeKsymbol({
      address: KERNEL_START + 0x2000000,
      length: 64,
      ksymType: 1,
      flags: 0,
      name: "bpf_prog_test",
    }, LAYOUT),
    encodeComm({ pid: 100, tid: 100, comm: "worker", exec: false }, LAYOUT),
    encodeMmap2(
      {
        pid: 100,
        tid: 100,
        start: 0x400000,
        length: 0x1000,
        pgoff: 0,
        maj: 8,
        min: 1,
        ino: 99n,
        prot: 5,
        flags: 2,
        filename: "/nonexistent/worker",
      },
      LAYOUT,
    ),
    encodeMmap2(
      {
        pid: 100,
        tid: 100,
        start: 0x500000,
        length: 0x1000,
        pgoff: 0,
        buildId: "aa".repeat(20),
        prot: 5,
        flags: 2,
        filename: "/nonexistent/lib.so",
      },
      LAYOUT,
    ),
    sample(11n, 100, 1_000_000_100n, 0, 250_000, [0x400123, 0x400456]),
    sample(11n, 100, 1_000_000_300n, 0, 250_000, [KERNEL_START + 0x100, 0x400456]),
    encodeFinishedRound(),
    encodeFork(
      { pid: 101, ppid: 100, tid: 101, ptid: 100, time: 1_000_000_150n },
      LAYOUT,
      trailer(1_000_000_150n),
    ),
    encodeComm({ pid: 101, tid: 101, comm: "child", exec: true }, LAYOUT, trailer(1_000_000_160n, 101)),
    sample(12n, 101, 1_000_000_200n, 1, 250_000, [0x500010]),
    sample(21n, 100, 1_000_000_400n, 1, 1, [0x400200]),
    encodeExit(
      { pid: 101, ppid: 100, tid: 101, ptid: 100, time: 1_000_000_500n },
      LAYOUT,
      trailer(1_000_000_500n, 101),
    ),
    encodeFinishedRound(),
  ];
}

/** Features with a little of everything. */
export const FEATURES: FeatureValues = {
  hostname: "testhost",
  osrelease: "6.18.0",
  version: "0.1.0",
  arch: "x86_64",
  nrcpus: { available: 4, online: 2 },
  cpudesc: "A CPU @ 3 GHz",
  cpuid: "GenuineIntel,6,158,10",
  totalMem: 24_000_000,
  cmdline: ["pmuctl", "record", "--", "worker", ""],
  eventDesc: EVENTS,
  cpuTopology: {
    coreSiblings: ["0-1"],
    threadSiblings: ["0", "1"],
    cpus: [{ core: 0, socket: 0 }, { core: 1, socket: 0 }, { core: 0, socket: 0 }, { core: 0, socket: 0 }],
  },
  pmuMappings: new Map([[1, "software"], [2, "tracepoint"]]),
  groupDesc: [{ name: "{anon_group}", leader: 0, members: 2 }],
  sampleTime: { first: 1_000_000_100n, last: 1_000_000_400n },
  clockid: 1n,
  clockData: { clockid: 1, wallClock: 1_700_000_000_000_000_000n, clock: 1_000_000_000n },
  buildIds: [{ pid: -1, misc: 2, buildId: "ab".repeat(20), filename: "/nonexistent/worker" }],
  ledger: '{"seen":4,"written":4,"lost":0,"who":"é"}',
};

/** Returns the recording as a file. */
export function writtenFile(features: FeatureValues = FEATURES): Uint8Array<ArrayBuffer> {
  const start = encodeFileStart(EVENTS);
  const data = concat(records());
  const end = encodeFileEnd(start.dataOffset, data.length, encodeFeatures(features));
  const file = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) file.set(bytes, offset);
  return file;
}

/** Returns what a recorder leaves that was killed before it wrote the end. */
export function killedFile(): Uint8Array<ArrayBuffer> {
  return concat([encodeFileStart(EVENTS).bytes, ...records()]);
}

/** Returns the payload of a VERSION section with this ledger. */
export function versionPayload(ledger: unknown): Uint8Array {
  return encodeFeatures({ version: "pmuctl 9", ledger: JSON.stringify(ledger) })[0].payload;
}

/**
 * Returns a recording with room at its front, and these states written there in turn. It was killed, so its end is
 * missing.
 */
export function roomedFile(
  ...states: { ledger: unknown; buildIds?: FeatureValues["buildIds"] }[]
): { file: Uint8Array<ArrayBuffer>; start: FileStart; room: Room } {
  const sections = encodeFeatures({
    ...FEATURES,
    version: undefined,
    ledger: undefined,
    buildIds: undefined,
  });
  const start = encodeFileStart(EVENTS, { room: { sections, buildIdBytes: 1024, versionBytes: 2048 } });
  const room = start.room!;
  const data = concat(records());
  const file = concat([start.bytes, data]);
  new DataView(file.buffer).setBigUint64(start.dataSizeAt, BigInt(data.length), true);
  states.forEach(({ ledger, buildIds = [] }, i) => {
    const ids = concat(buildIds.map(encodeHeaderBuildId));
    file.set(ids, room.buildIds.offset);
    const state = { turn: i + 1, version: versionPayload(ledger), buildIdBytes: ids.length };
    file.set(encodeState(state), room.states[(i + 1) % 2].offset);
  });
  return { file, start, room };
}

/** Returns the recording as a pipe. */
export function writtenPipe(features: FeatureValues = FEATURES): Uint8Array<ArrayBuffer> {
  return concat([
    encodePipeHeader(),
    ...EVENTS.map(encodeHeaderAttr),
    ...encodeFeatures({ ...features, buildIds: undefined }).map(encodeHeaderFeature),
    ...(features.buildIds ?? []).map(encodeHeaderBuildId),
    ...EVENTS.map(({ ids, name }) => encodeEventName(ids[0], name)),
    ...records(),
    // What is only known at the end comes once more.
    ...encodeFeatures({ version: features.version, ledger: features.ledger }).map(encodeHeaderFeature),
  ]);
}
