/**
 * Feature sections of a perf.data file: facts about the machine and the recording, each with a number. A section is
 * decoded on first use; sections with an unknown number stay raw.
 *
 * Layouts: the kernel's tools/perf/Documentation/perf.data-file-format.txt. A string there is `u32 len; char
 * string[len]`, NUL-terminated and padded within `len`.
 */

import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { decodeAttr, type EventAttr } from "../../events/attr.ts";
import { JoinedNamesParts } from "../own/names_part.ts";

/** Feature numbers: bits of the file header's bitmap, and `feat_id` of PERF_RECORD_HEADER_FEATURE. */
export const FEATURE = {
  TRACING_DATA: 1,
  BUILD_ID: 2,
  HOSTNAME: 3,
  OSRELEASE: 4,
  VERSION: 5,
  ARCH: 6,
  NRCPUS: 7,
  CPUDESC: 8,
  CPUID: 9,
  TOTAL_MEM: 10,
  CMDLINE: 11,
  EVENT_DESC: 12,
  CPU_TOPOLOGY: 13,
  NUMA_TOPOLOGY: 14,
  BRANCH_STACK: 15,
  PMU_MAPPINGS: 16,
  GROUP_DESC: 17,
  AUXTRACE: 18,
  STAT: 19,
  CACHE: 20,
  SAMPLE_TIME: 21,
  MEM_TOPOLOGY: 22,
  CLOCKID: 23,
  DIR_FORMAT: 24,
  BPF_PROG_INFO: 25,
  BPF_BTF: 26,
  COMPRESSED: 27,
  CPU_PMU_CAPS: 28,
  CLOCK_DATA: 29,
  HYBRID_TOPOLOGY: 30,
  PMU_CAPS: 31,
} as const;

/** Event as EVENT_DESC describes it. */
export interface EventDescription {
  attr: EventAttr;
  name: string;
  ids: bigint[];
}

/** Object whose build id was known when the recording ended. */
export interface BuildIdEntry {
  /** Process, for a guest's object; -1 for the host's own. */
  pid: number;
  /** PERF_RECORD_MISC bits; the low three give the CPU mode (kernel or user). */
  misc: number;
  /** Build id in hex: 40 digits, or as many as the id has. */
  buildId: string;
  filename: string;
}

/** Compression of the data, as `perf record -z` writes it. */
export interface Compression {
  version: number;
  /** Algorithm: 1 is zstd. */
  algorithm: number;
  level: number;
  /** Original size divided by compressed size, rounded down. */
  ratio: number;
  /** Largest number of ring buffer bytes compressed at a time. */
  mmapLength: number;
}

/**
 * Group of events (`{anon_group}` when it has no name): index of the leader among all events, and the number of
 * members including the leader.
 */
export interface GroupDescription {
  name: string;
  leader: number;
  members: number;
}

/** CPU_TOPOLOGY: CPU lists such as `0-3` that share a package, a core or a die; ids by CPU number. */
export interface CpuTopology {
  coreSiblings: string[];
  threadSiblings: string[];
  /** Ids by CPU; shorter than the number of CPUs in files without them. */
  cpus: { core: number; socket: number; die: number }[];
  dieSiblings: string[];
}

type Decode<T> = (r: ByteReader) => T;

/** Feature sections of a recording, decoded on first use. */
export class Features {
  readonly #sections = new Map<number, Uint8Array>();
  readonly #offsets = new Map<number, number>();
  readonly #cache = new Map<number, unknown>();
  readonly #littleEndian: boolean;
  readonly #buildIdRecords: BuildIdEntry[] = [];
  readonly #names = new JoinedNamesParts();

  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
  }

  /**
   * Stores the payload of feature `number`, found at `offset` in the file. A second one replaces the first, but the parts
   * of a bundle of names add up.
   */
  add(number: number, payload: Uint8Array, offset = 0): void {
    if (number === FEATURE.VERSION) this.#names.take(payload, this.#littleEndian);
    this.#sections.set(number, payload);
    this.#offsets.set(number, offset);
    this.#cache.delete(number);
  }

  /** Adds an object's build id that came as a record of its own (pipe mode). */
  addBuildId(entry: BuildIdEntry): void {
    this.#buildIdRecords.push(entry);
  }

  /** Numbers of the features present, ascending. */
  get numbers(): number[] {
    return [...this.#sections.keys()].sort((a, b) => a - b);
  }

  has(number: number): boolean {
    return this.#sections.has(number);
  }

  /** Returns the payload as it is in the file; undefined when it is absent. */
  raw(number: number): Uint8Array | undefined {
    return this.#sections.get(number);
  }

  /**
   * Decodes every section with a known layout, and removes those that end early, so that their getters find them
   * absent. Returns the error of the first one removed.
   */
  dropDamaged(): BadInputError | undefined {
    let damage: BadInputError | undefined;
    for (const [number, name] of DECODED) {
      try {
        void this[name];
      } catch (error) {
        if (!(error instanceof BadInputError)) throw error;
        damage ??= error;
        this.#sections.delete(number);
      }
    }
    return damage;
  }

  // Each getter below returns undefined when the feature is absent, and throws BadInputError when its payload ends
  // early.

  get hostname(): string | undefined {
    return this.#get(FEATURE.HOSTNAME, text);
  }

  /** Kernel release (`uname -r`). */
  get osrelease(): string | undefined {
    return this.#get(FEATURE.OSRELEASE, text);
  }

  /** Version of the tool that recorded. */
  get version(): string | undefined {
    return this.#get(FEATURE.VERSION, text);
  }

  /** Architecture (`uname -m`). */
  get arch(): string | undefined {
    return this.#get(FEATURE.ARCH, text);
  }

  get nrcpus(): { available: number; online: number } | undefined {
    return this.#get(FEATURE.NRCPUS, (r) => ({ available: r.u32(), online: r.u32() }));
  }

  get cpudesc(): string | undefined {
    return this.#get(FEATURE.CPUDESC, text);
  }

  get cpuid(): string | undefined {
    return this.#get(FEATURE.CPUID, text);
  }

  /** Memory in kB. */
  get totalMem(): number | undefined {
    return this.#get(FEATURE.TOTAL_MEM, (r) => r.size());
  }

  /** The recorder's argv. */
  get cmdline(): string[] | undefined {
    return this.#get(FEATURE.CMDLINE, (r) => list(r, r.u32(), text));
  }

  get eventDesc(): EventDescription[] | undefined {
    return this.#get(FEATURE.EVENT_DESC, (r) => {
      const count = r.u32();
      const attrSize = r.u32();
      return list(r, count, () => {
        const attr = decodeAttr(r.slice(attrSize), r.littleEndian);
        const ids = r.u32();
        return { attr, name: text(r), ids: list(r, ids, () => r.u64()) };
      });
    });
  }

  get cpuTopology(): CpuTopology | undefined {
    return this.#get(FEATURE.CPU_TOPOLOGY, (r) => {
      const topology: CpuTopology = {
        coreSiblings: list(r, r.u32(), text),
        threadSiblings: list(r, r.u32(), text),
        cpus: [],
        dieSiblings: [],
      };
      const nrcpus = this.nrcpus?.available ?? 0;
      if (r.left < nrcpus * 8) return topology;
      topology.cpus = list(r, nrcpus, () => ({ core: r.u32(), socket: r.u32(), die: 0 }));
      if (r.left < 4) return topology;
      topology.dieSiblings = list(r, r.u32(), text);
      if (r.left < nrcpus * 4) return topology;
      for (const cpu of topology.cpus) cpu.die = r.u32();
      return topology;
    });
  }

  /** PMU names by perf_event_attr.type. */
  get pmuMappings(): Map<number, string> | undefined {
    return this.#get(
      FEATURE.PMU_MAPPINGS,
      (r) => new Map(list(r, r.u32(), () => [r.u32(), text(r)] as [number, string])),
    );
  }

  get groupDesc(): GroupDescription[] | undefined {
    return this.#get(
      FEATURE.GROUP_DESC,
      (r) => list(r, r.u32(), () => ({ name: text(r), leader: r.u32(), members: r.u32() })),
    );
  }

  /** Times of the first and last sample, in ns of the recording's clock. */
  get sampleTime(): { first: bigint; last: bigint } | undefined {
    return this.#get(FEATURE.SAMPLE_TIME, (r) => ({ first: r.u64(), last: r.u64() }));
  }

  /** Resolution in ns of the clock chosen with `-k`. */
  get clockid(): bigint | undefined {
    return this.#get(FEATURE.CLOCKID, (r) => r.u64());
  }

  /** One moment on the recording's clock and on the wall clock, both in ns. */
  get clockData(): { clockid: number; wallClock: bigint; clock: bigint } | undefined {
    return this.#get(FEATURE.CLOCK_DATA, (r) => {
      r.u32(); // version; always 1
      return { clockid: r.i32(), wallClock: r.u64(), clock: r.u64() };
    });
  }

  get compressed(): Compression | undefined {
    return this.#get(FEATURE.COMPRESSED, (r) => ({
      version: r.u32(),
      algorithm: r.u32(),
      level: r.u32(),
      ratio: r.u32(),
      mmapLength: r.u32(),
    }));
  }

  /** Build ids from the file's section and from the records of a pipe. */
  get buildIds(): BuildIdEntry[] {
    const fromSection = this.#get(FEATURE.BUILD_ID, decodeBuildIds);
    return [...(fromSection ?? []), ...this.#buildIdRecords];
  }

  /**
   * pmuctl's ledger as JSON; undefined when another tool recorded. It is a second string in the VERSION section, of
   * which perf and others read only the first. (A feature number of our own would not work: `perf inject` of Linux
   * 6.1 crashes on an unknown number, and perf refuses one in a pipe.)
   */
  get ledger(): string | undefined {
    const bytes = this.raw(FEATURE.VERSION);
    if (!bytes) return undefined;
    const r = new ByteReader(bytes, this.#littleEndian, "the header's VERSION section");
    text(r);
    return r.left >= 4 ? text(r) || undefined : undefined;
  }

  /** Encoded bundle of names that the recording carries (lib/symbols/bundle); undefined when absent or not whole. */
  get names(): Uint8Array | undefined {
    return this.#names.whole;
  }

  #get<T>(number: number, decode: Decode<T>): T | undefined {
    const bytes = this.#sections.get(number);
    if (!bytes) return undefined;
    if (!this.#cache.has(number)) {
      const name = Object.entries(FEATURE).find(([, value]) => value === number)?.[0] ?? String(number);
      this.#cache.set(
        number,
        decode(
          new ByteReader(
            bytes,
            this.#littleEndian,
            `the header's ${name} section`,
            this.#offsets.get(number),
          ),
        ),
      );
    }
    return this.#cache.get(number) as T;
  }
}

/** Sections that have getters. A feature that another depends on comes first. */
const DECODED: readonly [number, keyof Features][] = [
  [FEATURE.BUILD_ID, "buildIds"],
  [FEATURE.HOSTNAME, "hostname"],
  [FEATURE.OSRELEASE, "osrelease"],
  [FEATURE.VERSION, "version"],
  [FEATURE.VERSION, "ledger"],
  [FEATURE.ARCH, "arch"],
  [FEATURE.NRCPUS, "nrcpus"],
  [FEATURE.CPUDESC, "cpudesc"],
  [FEATURE.CPUID, "cpuid"],
  [FEATURE.TOTAL_MEM, "totalMem"],
  [FEATURE.CMDLINE, "cmdline"],
  [FEATURE.EVENT_DESC, "eventDesc"],
  [FEATURE.CPU_TOPOLOGY, "cpuTopology"],
  [FEATURE.PMU_MAPPINGS, "pmuMappings"],
  [FEATURE.GROUP_DESC, "groupDesc"],
  [FEATURE.SAMPLE_TIME, "sampleTime"],
  [FEATURE.CLOCKID, "clockid"],
  [FEATURE.COMPRESSED, "compressed"],
  [FEATURE.CLOCK_DATA, "clockData"],
];

/** Numbers of the features in DECODED, and of TRACING_DATA, which events.ts reads. */
const DECODED_NUMBERS = new Set([FEATURE.TRACING_DATA, ...DECODED.map(([number]) => number)]);

/** Returns whether a feature has a getter. Payloads of other features are never read. */
export function isDecoded(number: number): boolean {
  return DECODED_NUMBERS.has(number);
}

/** PERF_RECORD_MISC_BUILD_ID_SIZE: the byte after the 20 of the id gives its length. */
const MISC_BUILD_ID_SIZE = 1 << 15;

/** Build id record without its header. */
export interface BuildIdBody {
  body: Uint8Array;
  /** Offset of `body` in the file. */
  offset: number;
  /** The header's PERF_RECORD_MISC bits. */
  misc: number;
  littleEndian: boolean;
}

/**
 * Decodes the body of a build id record:
 *
 *     struct { header; s32 pid; u8 build_id[20]; u8 size; u8 res[3]; char filename[]; }
 */
export function decodeBuildId({ body, offset, misc, littleEndian }: BuildIdBody): BuildIdEntry {
  const r = new ByteReader(body, littleEndian, "a build id record", offset);
  const pid = r.i32();
  const id = r.slice(20);
  const size = r.u8();
  r.take(3);
  const length = misc & MISC_BUILD_ID_SIZE && size <= 20 ? size : 20;
  return { pid, misc, buildId: hex(id.subarray(0, length)), filename: r.fixedString(r.left) };
}

/**
 * Decodes the body of a build id record of perf before Linux 2.6.35, which had no pid:
 *
 *     struct { header; u8 build_id[24]; char filename[]; }
 */
function decodeOldBuildId({ body, offset, misc, littleEndian }: BuildIdBody): BuildIdEntry {
  const r = new ByteReader(body, littleEndian, "a build id record", offset);
  const buildId = hex(r.slice(20));
  r.take(4);
  return { pid: -1, misc, buildId, filename: r.fixedString(r.left) };
}

/**
 * File name that results from decoding a pid-less record as one with a pid: `[kernel.kallsyms]` loses its first four
 * bytes.
 */
const CUT_KERNEL_NAME = "nel.kallsyms]";

/** Decodes the build id records in a BUILD_ID section. */
function decodeBuildIds(r: ByteReader): BuildIdEntry[] {
  const bodies: BuildIdBody[] = [];
  while (r.left >= 8) {
    r.u32(); // type; 0 or PERF_RECORD_HEADER_BUILD_ID
    const misc = r.u16();
    const length = Math.max(0, r.u16() - 8);
    const offset = r.offset;
    bodies.push({ body: r.slice(length), offset, misc, littleEndian: r.littleEndian });
  }
  const entries = bodies.map(decodeBuildId);
  return entries.some(({ filename }) => filename === CUT_KERNEL_NAME)
    ? bodies.map(decodeOldBuildId)
    : entries;
}

/** Encodes bytes in hex, two digits each. */
export function hex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
}

function text(r: ByteReader): string {
  return r.fixedString(r.u32());
}

/** Reads `count` items. A hostile count fails at the end of the section before it costs memory. */
function list<T>(r: ByteReader, count: number, item: Decode<T>): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(item(r));
  return items;
}
