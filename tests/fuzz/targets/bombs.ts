/**
 * Bombs: inputs that are small, or sparse, and would cost without end if what they say were believed. Each one's cost is
 * counted: a few seconds of CPU and less than a gigabyte, whatever its size.
 */

import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { parseSet } from "../../../lib/counters/verify/set_file.ts";
import { parseReply, parseRequest } from "../../../lib/counters/named/protocol.ts";
import { parseBaseline } from "../../../lib/check/baseline/baseline.ts";
import {
  encodeComm,
  encodeFork,
  encodeKsymbol,
  encodeMmap2,
} from "../../../lib/perfdata/format/record_encoders.ts";
import { encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { readStoredProfile } from "../../../lib/profile/model/stored.ts";
import { formatNamed, type OutputOptions } from "../../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import { Demangler } from "../../../lib/symbols/table/demangle.ts";
import { readJitDump } from "../../../lib/symbols/jit/jitdump.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { EVENTS, LAYOUT, sample } from "../../perfdata/small_recording.ts";
import { SparseBytes } from "../../symbols/sparse_bytes.ts";
import { recordingOfCode } from "../made/code_recording.ts";
import { xzZeros, zlibZeros, zstdStored } from "../made/packed.ts";
import { memoryFiles } from "../made/memory_files.ts";
import { ElfParts } from "../mutate/mutate_elf.ts";
import type { Target } from "../target.ts";
import { readObject } from "./objects.ts";

/** An input that is made by its size, and what reads it. */
interface Bomb {
  name: string;
  sizes: readonly number[];
  go(size: number): void | Promise<void>;
}

const folder = new URL("../../testdata/fuzz/", import.meta.url);
const elf = (name: string) => new ElfParts(Deno.readFileSync(new URL(`${name}.elf`, folder)));
/** Where .text is in the programs of testdata. */
const TEXT = 0x400150;

/** Bytes that are a pattern, over and over, behind a head. */
class RepeatedBytes implements ByteSource {
  readonly name = "repeated";
  readonly size: number;
  readonly #head: Uint8Array;
  readonly #pattern: Uint8Array;

  constructor(size: number, pattern: Uint8Array, head: Uint8Array = new Uint8Array(0)) {
    this.size = size;
    this.#pattern = pattern;
    this.#head = head;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    const head = this.#head.subarray(Math.min(offset, this.#head.length), offset + bytes.length);
    bytes.set(head);
    const pattern = this.#pattern;
    for (let at = head.length; at < bytes.length;) {
      const part = pattern.subarray((offset + at - this.#head.length) % pattern.length);
      bytes.set(part.subarray(0, bytes.length - at), at);
      at += part.length;
    }
    return bytes;
  }
}

/** An object file of `size` bytes, sparse behind those of `parts`, with numbers of its headers set. */
function sparse(
  parts: ElfParts,
  size: number,
  numbers: readonly { at: number; width: 2 | 4 | 8; value: number }[],
  more: readonly (readonly [at: number, bytes: Uint8Array])[] = [],
): SparseBytes {
  const bytes = new Uint8Array(parts.bytes);
  const view = new DataView(bytes.buffer);
  for (const { at, width, value } of numbers) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return new SparseBytes(size, [[0, bytes], ...more], "object");
}

/** A section of a program moved behind all else, where it has `size` bytes: zeros but for `parts` of them. */
function grown(
  parts: ElfParts,
  name: string,
  size: number,
  inside: readonly (readonly [number, Uint8Array])[] = [],
) {
  const { headerAt } = parts.section(name), at = 1 << 20;
  return sparse(
    parts,
    at + size,
    [{ at: headerAt + 24, width: 8, value: at }, { at: headerAt + 32, width: 8, value: size }],
    inside.map(([offset, bytes]) => [at + offset, bytes] as const),
  );
}

const read = (source: ByteSource): Promise<void> => readObject(() => source);
const readWith = (parts: ElfParts, name: string, contents: Uint8Array, flags = 0) =>
  read(new MemoryBytes(parts.with([{ name, contents, flags }]), "object"));

/** A section's head as SHF_COMPRESSED has it: Elf64_Chdr. */
const packedHead = (type: number, size: number) =>
  new ByteWriter(24).u32(type).u32(0).u64(size).u64(1).bytes();

const objects: Bomb[] = [
  {
    name: "section-count",
    sizes: [1e5, 1e7, 1e9],
    go: (n) => {
      const parts = elf("dwarf5"), at = 1 << 20;
      return read(sparse(parts, at + 64 * n, [
        { at: 40, width: 8, value: at },
        { at: 60, width: 2, value: 0 },
        { at: 62, width: 2, value: 0 },
      ], [[at + 32, new ByteWriter(8).u64(n).bytes()]]));
    },
  },
  {
    name: "segment-size",
    sizes: [56, 65535],
    go: (n) =>
      read(sparse(elf("dwarf5"), 2 ** 33, [
        { at: 32, width: 8, value: 1 << 20 },
        { at: 54, width: 2, value: n },
        { at: 56, width: 2, value: 65535 },
      ])),
  },
  {
    name: "note-segments", // each a large note section, all the same one
    sizes: [100, 65535],
    go(n) {
      const header = new ByteWriter(56).u32(4).u32(4).u64(2 ** 24).u64(0).u64(0).u64(15 << 20).u64(15 << 20)
        .u64(4).bytes();
      return read(sparse(elf("dwarf5"), 2 ** 33, [
        { at: 32, width: 8, value: 1 << 20 },
        { at: 54, width: 2, value: 56 },
        { at: 56, width: 2, value: n },
      ], [[1 << 20, concat(Array(n).fill(header))]]));
    },
  },
  { name: "symbol-count", sizes: [1e6, 1e8, 1e10], go: (n) => read(grown(elf("dwarf5"), ".symtab", 24 * n)) },
  {
    name: "symbols", // that are what they seem, at one address each or all at one
    sizes: [2e5, 1e6],
    go(n) {
      const w = new ByteWriter(24 * n).zeros(24);
      for (let i = 0; i < n; i++) {
        w.u32(1 + i % 60).u8(0x12).u8(0).u16(2).u64(TEXT + (i % 2 ? 0 : i)).u64(i % 7 * 1000);
      }
      return readWith(elf("dwarf5"), ".symtab", w.bytes());
    },
  },
  {
    name: "string-size",
    sizes: [1e8, 1e11],
    go: (n) => read(grown(elf("dwarf5"), ".strtab", n, [[1, Uint8Array.of(65)]])),
  },
  {
    name: "symbol-names", // that are all the same long one
    sizes: [1e4, 1e5],
    go(n) {
      const w = new ByteWriter(24 * n).zeros(24);
      for (let i = 1; i < n; i++) w.u32(i).u8(0x12).u8(0).u16(2).u64(TEXT).u64(16);
      const names = new Uint8Array(8 << 20).fill(65);
      const parts = elf("dwarf5");
      const bytes = parts.with([{ name: ".symtab", contents: w.bytes() }, {
        name: ".strtab",
        contents: names,
      }]);
      return read(new MemoryBytes(bytes, "object"));
    },
  },
  {
    name: "debuglink-size",
    sizes: [1e8, 1e11],
    go: (n) => read(grown(elf("debuglink"), ".gnu_debuglink", n, [[0, new Uint8Array(1000).fill(65)]])),
  },
  {
    name: "xz",
    sizes: [10, 100, 2000, 20_000],
    go: (n) =>
      readWith(elf("mini"), ".gnu_debugdata", xzZeros(Deno.readFileSync(new URL("zeros.xz", folder)), n)),
  },
  { name: "xz-size", sizes: [1e8, 1e11], go: (n) => read(grown(elf("mini"), ".gnu_debugdata", n)) },
  {
    name: "zlib",
    sizes: [4, 64, 640],
    go: (n) => readWith(elf("dwarf5"), ".debug_line", concat([packedHead(1, n << 24), zlibZeros(n)]), 0x800),
  },
  {
    name: "zstd",
    sizes: [100, 10_000, 100_000],
    go: (n) =>
      readWith(
        elf("dwarf5"),
        ".debug_line",
        concat([packedHead(2, n * 131072), zstdStored(new Uint8Array(1), Array(n).fill(131072))]),
        0x800,
      ),
  },
  {
    name: "packed-claims", // an unpacked size that is not true
    sizes: [1e6, 5e8, 1e9, 1e15],
    go: async (n) => {
      for (const type of [1, 2]) {
        await readWith(
          elf("dwarf5"),
          ".debug_line",
          concat([packedHead(type, n), zstdStored(new Uint8Array(100))]),
          0x800,
        );
      }
    },
  },
  { name: "line-table-size", sizes: [1e8, 1e10], go: (n) => read(grown(elf("dwarf5"), ".debug_line", n)) },
  {
    name: "line-rows",
    sizes: [1e6, 3e7],
    go: (n) =>
      readWith(elf("dwarf5"), ".debug_line", lineUnit(new Uint8Array(0), new Uint8Array(n).fill(0x20))),
  },
  {
    name: "line-sequences", // each covers all
    sizes: [1e5, 1e6],
    go(n) {
      const one = concat([
        Uint8Array.of(0, 9, 2),
        new ByteWriter(8).u64(0x400000).bytes(),
        Uint8Array.of(1, 2, 0x80, 0x80, 4, 1, 0, 1, 1),
      ]);
      return readWith(elf("dwarf5"), ".debug_line", lineUnit(new Uint8Array(0), concat(Array(n).fill(one))));
    },
  },
  {
    name: "line-strings", // many names that are the tails of one long one
    sizes: [1e4, 1e5, 1e6],
    go(n) {
      const entries = new ByteWriter(4 * n);
      for (let i = 0; i < n; i++) entries.u32(i % 100);
      const count = uleb(n);
      const tables = concat([
        Uint8Array.of(1, 1, 0x1f),
        count,
        entries.bytes(),
        Uint8Array.of(1, 1, 0x1f),
        uleb(2),
        new Uint8Array(8),
      ]);
      const cover = concat([
        Uint8Array.of(0, 9, 2),
        new ByteWriter(8).u64(0x400000).bytes(),
        Uint8Array.of(1, 2, 0x80, 0x80, 4, 0, 1, 1),
      ]);
      const parts = elf("dwarf5");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_line", contents: lineUnit(tables, cover) },
            { name: ".debug_line_str", contents: new Uint8Array(4 * n).fill(97) },
          ]),
          "object",
        ),
      );
    },
  },
  {
    name: "abbreviations", // many units, each of which names the last of many
    sizes: [1000, 10_000, 100_000],
    go(n) {
      const abbrev = new ByteWriter(16 * n);
      for (let i = 1; i <= n; i++) abbrev.raw(uleb(i)).raw(Uint8Array.of(0x11, 0, 0, 0));
      const code = uleb(n);
      const unit = concat([new ByteWriter(16).u32(7 + code.length).u16(4).u32(0).u8(8).bytes(), code]);
      const parts = elf("dwarf4");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_info", contents: concat(Array(n).fill(unit)) },
            { name: ".debug_abbrev", contents: abbrev.u8(0).bytes() },
          ]),
          "object",
        ),
      );
    },
  },
  {
    name: "attributes", // one abbreviation of very many
    sizes: [1e5, 1e7],
    go(n) {
      const abbrev = concat([
        Uint8Array.of(1, 0x11, 0),
        new Uint8Array(2 * n).fill(0x19),
        Uint8Array.of(0, 0, 0),
      ]);
      const unit = new ByteWriter(16).u32(8).u16(4).u32(0).u8(8).u8(1).bytes();
      const parts = elf("dwarf4");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_info", contents: concat(Array(1000).fill(unit)) },
            { name: ".debug_abbrev", contents: abbrev },
          ]),
          "object",
        ),
      );
    },
  },
];

function uleb(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push(left % 128 | 0x80);
  return Uint8Array.from([...bytes, left]);
}

/** A unit of version 5 with these tables, or those of no file, and this program. */
function lineUnit(tables: Uint8Array, program: Uint8Array): Uint8Array {
  const head = Uint8Array.of(1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  const own = tables.length > 0 ? tables : Uint8Array.of(0, 0, 0, 0);
  const body = concat([
    new ByteWriter(16).u16(5).u8(8).u8(0).u32(head.length + own.length).bytes(),
    head,
    own,
    program,
  ]);
  return concat([new ByteWriter(4).u32(body.length).bytes(), body]);
}

/** A report of `recording` in a format; code made at run time has its names from `jit`. */
async function report(recording: Uint8Array, format: string, jit?: ByteSource): Promise<void> {
  const { times, keys, callers, renderer } = formatNamed(format);
  const files: SymbolFiles = jit ? { open: () => jit, kallsyms: () => undefined } : memoryFiles();
  const options: OutputOptions = {
    ...DEFAULT_REPORT,
    tprof: { file: "x", mergeCpus: false, mergeThreads: false, mergeProcesses: false, perSymbol: false },
    weight: "period",
    annotate: false,
    flamegraph: { inverted: false },
  };
  const profile = await loadProfile(new MemoryBytes(recording, "input"), files, {
    times,
    leafOnly: !callers(options),
    mergeCpus: !keys(options).includes("cpu"),
    mergeThreads: !keys(options).includes("tid"),
    mergeAddresses: true,
  });
  for (const _ of (await renderer())(profile, options)) { /* each piece is printed, and forgotten */ }
}

const doubling = (depth: number) => {
  const digit = (n: number) => n === 0 ? "S_" : `S${"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n - 1]}_`;
  const levels = Array.from({ length: depth }, (_, k) => `S_I${digit(k + 1)}${digit(k + 1)}E`);
  return `_Z1fSt4pairIiiE${levels.join("")}`;
};

const code: Bomb[] = [
  {
    name: "perf-map-size",
    sizes: [1e8, 1e12],
    go: (n) => report(recordingOfCode("//anon"), "text", new SparseBytes(n, [])),
  },
  ...["7f0000001000 40 name\n", "7f0000001000 40 n", "\n"].map((pattern, i): Bomb => ({
    name: `perf-map-lines-${i + 1}`,
    sizes: [1e6, 1e8, 1e11],
    go: (n) =>
      report(recordingOfCode("//anon"), "text", new RepeatedBytes(n, new TextEncoder().encode(pattern))),
  })),
  {
    name: "jitdump-records",
    sizes: [1e6, 1e8, 1e11],
    async go(n) {
      const head = new ByteWriter(40).u32(0x4a695444).u32(1).u32(40).u32(62).u32(0).u32(7).u64(0).u64(0)
        .bytes();
      const load = new ByteWriter(64).u32(0).u32(64).u64(1).u32(7).u32(7).u64(0x7f0000001000).u64(
        0x7f0000001000,
      ).u64(64).u64(1);
      const source = new RepeatedBytes(n, load.paddedString("name", 8).bytes(), head);
      readJitDump(source);
      await report(recordingOfCode("/tmp/jit-100.dump"), "text", source);
    },
  },
  {
    name: "demangled-names",
    sizes: [5, 15, 22, 30],
    async go(n) {
      const demangler = await Demangler.load();
      if (!(demangler instanceof Demangler)) throw new Error(demangler.failure);
      demangler.readable(doubling(n));
      demangler.readable(`_RI${"C1aI".repeat(n)}${"B2_".repeat(n)}E`);
    },
  },
];

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

const recordings: Bomb[] = RECORDINGS.flatMap(({ name, sizes, formats, make }) =>
  formats.map((format): Bomb => ({ name: `${name}-${format}`, sizes, go: (n) => report(make(n), format) }))
);

const deep = (n: number) => "[".repeat(n) + "]".repeat(n);
/** Texts of pmuctl's own files and messages. */
const texts: Bomb[] = [
  {
    name: "deep-json",
    sizes: [1000, 1e6],
    go(n) {
      const readers = [
        (text: string) => parseSet(new TextEncoder().encode(text), "x"),
        (text: string) => parseBaseline("x", text),
        (text: string) => readStoredProfile("x", text),
        parseReply,
        parseRequest,
      ];
      let refused = 0;
      for (const read of readers) {
        try {
          read(deep(n));
        } catch (error) {
          if ((error as Error).name !== "BadInputError") throw error;
          refused++;
        }
      }
      if (refused < readers.length) throw new Error("one took it");
    },
  },
  {
    name: "large-bigint",
    sizes: [1000, 5e6],
    go(n) {
      const text = `{"v":1,"do":"preset","index":0,"value":{"bigint":"${"9".repeat(n)}"}}`;
      try {
        parseRequest(text);
      } finally {
        readStoredProfile("x", text);
      }
    },
  },
];

const BOMBS: readonly Bomb[] = [...objects, ...code, ...recordings, ...texts];

/** One target for all: an input names the bomb and its size. */
export function bombTargets(): Target[] {
  const all = BOMBS.flatMap(({ name, sizes }) => sizes.map((size) => JSON.stringify({ bomb: name, size })));
  return [{
    name: "bombs",
    what: `${all.length} inputs that claim to be, or unpack to, more than anybody could read`,
    weight: 0.02,
    cpuMs: 10_000,
    mostBytes: 2 ** 40,
    count: all.length,
    make: (_, seed) => ({
      bytes: new TextEncoder().encode(all[seed % all.length]),
      made: all[seed % all.length],
    }),
    take(bytes) {
      const { bomb, size } = JSON.parse(new TextDecoder().decode(bytes));
      return BOMBS.find(({ name }) => name === bomb)!.go(size);
    },
  }];
}
