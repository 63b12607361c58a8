/** Recordings of many records, of deep stacks, or of what costs most to keep. */

import { concat } from "../../../lib/base/bytes/bytes.ts";
import {
  encodeComm,
  encodeFork,
  encodeKsymbol,
  encodeMmap2,
} from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { EVENTS, LAYOUT, sample } from "../../perfdata/small_recording.ts";
import { type Bomb, report } from "./bomb.ts";
import { doubling } from "./code.ts";

/** A recording of these records behind the names and maps of a process. */
function recordingOf(records: Uint8Array[]): Uint8Array {
  const map = encodeMmap2(
    {
      pid: 100,
      tid: 100,
      start: 0x400000,
      length: 0x100000,
      pgoff: 0,
      prot: 5,
      flags: 2,
      filename: "/bin/true",
    },
    LAYOUT,
  );
  return concat([
    encodeFileStart(EVENTS).bytes,
    encodeComm({ pid: 100, tid: 100, comm: "x", exec: true }, LAYOUT),
    map,
    ...records,
  ]);
}

/** Records made one by one, by their number; times are of 1 ns after the other. */
function many(n: number, make: (i: number, time: bigint) => Uint8Array[]): Uint8Array {
  const records: Uint8Array[] = [];
  for (let i = 0; i < n; i++) records.push(...make(i, 1_000_000_000n + BigInt(i)));
  return recordingOf(records);
}

const library = (pid: number, i: number, filename: string, length = 0x1000) =>
  encodeMmap2(
    { pid, tid: pid, start: 0x10000000 + i * 0x2000, length, pgoff: 0, prot: 5, flags: 2, filename },
    LAYOUT,
  );
const trailer = (time: bigint, tid = 100) => ({ pid: 100, tid, time, cpu: 0, id: 11n });
const hit = (time: bigint, tid = 100, chain = [0x400123]) => sample(11n, tid, time, 0, 1000, chain);

/** Recordings, each in some formats. */
const RECORDINGS: {
  name: string;
  sizes: readonly number[];
  formats: readonly string[];
  make(n: number): Uint8Array;
}[] = [
  {
    name: "forks-of-maps",
    sizes: [1000, 4000],
    formats: ["text"],
    make: (n) =>
      recordingOf([
        ...Array.from({ length: n }, (_, i) => library(100, i, `/lib/l${i}`)),
        ...Array.from({ length: n }, (_, i) => {
          const time = 1_000_000_000n + BigInt(i), pid = 1000 + i;
          return [
            encodeFork({ pid, ppid: 100, tid: pid, ptid: 100, time }, LAYOUT, trailer(time)),
            hit(time, pid, [0x10000000 + i * 0x2000]),
          ];
        }).flat(),
      ]),
  },
  {
    name: "chain-of-forks",
    sizes: [1000, 12_000],
    formats: ["text"],
    make: (n) =>
      recordingOf([
        ...Array.from({ length: n }, (_, i) => library(100, i, `/lib/l${i}`)),
        ...Array.from({ length: n }, (_, i) => {
          const time = 1_000_000_000n + BigInt(i), pid = 1000 + i, ppid = i === 0 ? 100 : pid - 1;
          return [
            encodeFork({ pid, ppid, tid: pid, ptid: ppid, time }, LAYOUT, trailer(time)),
            library(pid, i + n, "/y"),
            hit(time, pid),
          ];
        }).flat(),
      ]),
  },
  {
    name: "maps-over-maps",
    sizes: [2000, 20_000],
    formats: ["text"],
    make: (n) =>
      many(
        n,
        (
          i,
          time,
        ) => [
          library(100, i, `/lib/l${i % 7}`, 0x2000 * 2 * (n - i)),
          hit(time, 100, [0x10000000 + i * 0x2000 + 8]),
        ],
      ),
  },
  {
    name: "objects",
    sizes: [1000, 30_000],
    formats: ["text", "html", "pprof"],
    make: (n) =>
      many(
        n,
        (i, time) => [library(100, i, `/nonexistent/${i}/l`), hit(time, 100, [0x10000000 + i * 0x2000 + 8])],
      ),
  },
  {
    name: "deep-stacks",
    sizes: [10, 60],
    formats: ["text", "json", "html", "flamegraph", "folded", "pprof", "speedscope", "firefox"],
    make: (n) =>
      many(
        n,
        (i, time) => [hit(
          time,
          100,
          Array.from({ length: 7900 }, (_, k) => 0x400000 + (i * 7900 + k) % 0x100000),
        )],
      ),
  },
  {
    name: "names",
    sizes: [1000, 100_000],
    formats: ["text", "html", "folded"],
    make: (n) =>
      many(
        n,
        (
          i,
          time,
        ) => [
          encodeComm({ pid: 100, tid: 100, comm: `n${i}`, exec: false }, LAYOUT, trailer(time)),
          hit(time),
        ],
      ),
  },
  {
    name: "threads",
    sizes: [1000, 100_000],
    formats: ["text", "html", "speedscope", "firefox", "tprof"],
    make: (n) => many(n, (i, time) => [hit(time, 1000 + i, [0x400000 + i % 4096])]),
  },
  {
    name: "long-names",
    sizes: [10, 300],
    formats: ["text", "html", "json", "flamegraph"],
    make: (n) =>
      many(
        n,
        (
          i,
          time,
        ) => [
          encodeComm(
            { pid: 100, tid: 100, comm: `${i}${"A".repeat(60_000)}`, exec: false },
            LAYOUT,
            trailer(time),
          ),
          hit(time),
        ],
      ),
  },
  {
    name: "long-paths",
    sizes: [10, 300],
    formats: ["text", "html", "pprof"],
    make: (n) =>
      many(
        n,
        (
          i,
          time,
        ) => [library(100, i, `/${i}${"A".repeat(60_000)}`), hit(time, 100, [0x10000000 + i * 0x2000 + 8])],
      ),
  },
  {
    name: "backwards",
    sizes: [1000, 300_000],
    formats: ["text"],
    make: (n) => many(n, (i) => [hit(2_000_000_000n - BigInt(i), 100, [0x400000 + i % 4096])]),
  },
  {
    name: "times-far-apart",
    sizes: [1000, 100_000],
    formats: ["html", "firefox", "speedscope"],
    make: (n) =>
      many(n, (i) => [hit(BigInt.asUintN(63, BigInt(i) * 0xffffffffffffn), 100, [0x400000 + i % 4096])]),
  },
  {
    name: "kernel-symbols",
    sizes: [1000, 50_000],
    formats: ["text"],
    make: (n) =>
      many(n, (i, time) => [
        encodeKsymbol(
          {
            address: -0x40000000 + i % 100 * 16,
            length: 0x100000,
            ksymType: 1,
            flags: 0,
            name: `bpf_prog_${i}`,
          },
          LAYOUT,
          trailer(time),
        ),
        hit(time, 100, [-0x40000000 + i % 0x1000]),
      ]),
  },
  {
    name: "kernel-symbol-name",
    sizes: [10, 24],
    formats: ["text", "html"],
    make: (n) =>
      many(20, (i, time) => [
        encodeKsymbol(
          { address: -0x40000000, length: 0x1000, ksymType: 1, flags: 0, name: doubling(n) },
          LAYOUT,
          trailer(time),
        ),
        hit(time, 100, [-0x40000000 + i]),
      ]),
  },
];

export const recordingBombs: readonly Bomb[] = RECORDINGS.flatMap(({ name, sizes, formats, make }) =>
  formats.map((format): Bomb => ({ name: `${name}-${format}`, sizes, go: (n) => report(make(n), format) }))
);
