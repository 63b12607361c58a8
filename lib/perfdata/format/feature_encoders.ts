/** Encoders of feature sections, the inverse of the getters of Features. The layouts are documented there. */

import { ByteWriter } from "../../base/bytes/bytes.ts";
import { encodeAttr } from "../../events/attr.ts";
import { PERF_ATTR_SIZE, PERF_RECORD_USER } from "../../base/system/abi.ts";
import { type BuildIdEntry, type EventDescription, FEATURE, type GroupDescription } from "./features.ts";
import { encodeNamesPart, type NamesPart } from "../own/names_part.ts";
import { encodeTracingData, type TracingData } from "./tracing_data.ts";

/** Facts about the machine and the recording; an absent one gets no section. */
export interface FeatureValues {
  hostname?: string;
  osrelease?: string;
  version?: string;
  arch?: string;
  nrcpus?: { available: number; online: number };
  cpudesc?: string;
  cpuid?: string;
  /** Memory in kB. */
  totalMem?: number;
  cmdline?: readonly string[];
  eventDesc?: readonly EventDescription[];
  /** CPU lists that share a package (core siblings) or a core (thread siblings), and the ids of all available CPUs. */
  cpuTopology?: {
    coreSiblings: readonly string[];
    threadSiblings: readonly string[];
    cpus: readonly { core: number; socket: number; die?: number }[];
    /** CPU lists that share a die. */
    dieSiblings?: readonly string[];
  };
  numaTopology?: readonly NumaNode[];
  caches?: readonly CacheLevel[];
  memoryTopology?: { blockBytes: bigint; nodes: readonly MemoryNode[] };
  /** Capabilities of the CPU's PMU by the names of their sysfs files: `max_precise` -> `3`. */
  cpuPmuCaps?: ReadonlyMap<string, string>;
  /** True when samples have branch stacks. */
  branchStack?: boolean;
  pmuMappings?: ReadonlyMap<number, string>;
  groupDesc?: readonly GroupDescription[];
  /** Times of the first and last sample, in ns of the recording's clock. */
  sampleTime?: { first: bigint; last: bigint };
  /** Resolution in ns of the clock that `attr.clockid` names. */
  clockid?: bigint;
  /** One moment on the recording's clock and on the wall clock, both in ns. */
  clockData?: { clockid: number; wallClock: bigint; clock: bigint };
  buildIds?: readonly BuildIdEntry[];
  /**
   * Formats of the tracepoints among the events. In a pipe they have a record of their own (encodeHeaderTracingData).
   */
  tracingData?: TracingData;
  /** JSON text, stored after `version` in its section, where perf does not look (see Features.ledger). */
  ledger?: string;
  /** Bundle of names, or a part of it, stored after `ledger` (names_part.ts). */
  names?: NamesPart;
}

/** NUMA node with its CPUs as a list, such as `0-3`. Memory in kB. */
export interface NumaNode {
  node: number;
  totalKb: number;
  freeKb: number;
  cpus: string;
}

/**
 * CPU cache: line size in bytes, `type` and `size` as sysfs spells them (`Data`, `32K`), and the CPUs that share it.
 */
export interface CacheLevel {
  level: number;
  lineSize: number;
  sets: number;
  ways: number;
  type: string;
  size: string;
  cpus: string;
}

/** Numbers of a node's memory blocks, ascending. */
export interface MemoryNode {
  node: number;
  blocks: readonly number[];
}

/** Feature section to be written. */
export interface FeatureSection {
  number: number;
  payload: Uint8Array;
}

/** Alignment of strings, as in perf: NAME_ALIGN of tools/perf/util/header.c. */
const NAME_ALIGN = 64;
/** PERF_RECORD_MISC_BUILD_ID_SIZE: the record gives the length of its build id. */
const MISC_BUILD_ID_SIZE = 1 << 15;
const BUILD_ID_BYTES = 20;
/** Multiple that the size of a record has to be: newer perf refuses others in a pipe. */
const RECORD_ALIGN = 8;

/** Encodes the features that `values` has, ordered by number as their sections must be. */
export function encodeFeatures(values: FeatureValues): FeatureSection[] {
  const sections: FeatureSection[] = [];
  const add = <T>(number: number, value: T | undefined, encode: (w: ByteWriter, value: T) => void) => {
    if (value === undefined) return;
    const w = new ByteWriter();
    encode(w, value);
    sections.push({ number, payload: w.bytes() });
  };
  add(FEATURE.TRACING_DATA, values.tracingData, (w, data) => w.raw(encodeTracingData(data)));
  add(FEATURE.BUILD_ID, values.buildIds, (w, ids) => ids.forEach((id) => buildId(w, id)));
  add(FEATURE.HOSTNAME, values.hostname, writeString);
  add(FEATURE.OSRELEASE, values.osrelease, writeString);
  add(FEATURE.VERSION, values.version ?? (values.ledger && ""), (w, version) => {
    writeString(w, version);
    if (values.ledger || values.names) writeString(w, values.ledger ?? "");
    if (values.names) encodeNamesPart(w, values.names);
  });
  add(FEATURE.ARCH, values.arch, writeString);
  add(FEATURE.NRCPUS, values.nrcpus, (w, n) => w.u32(n.available).u32(n.online));
  add(FEATURE.CPUDESC, values.cpudesc, writeString);
  add(FEATURE.CPUID, values.cpuid, writeString);
  add(FEATURE.TOTAL_MEM, values.totalMem, (w, kb) => w.u64(kb));
  add(FEATURE.CMDLINE, values.cmdline, strings);
  add(FEATURE.EVENT_DESC, values.eventDesc, eventDesc);
  add(FEATURE.CPU_TOPOLOGY, values.cpuTopology, cpuTopology);
  add(FEATURE.NUMA_TOPOLOGY, values.numaTopology, (w, nodes) => {
    w.u32(nodes.length);
    for (const { node, totalKb, freeKb, cpus } of nodes) {
      writeString(w.u32(node).u64(totalKb).u64(freeKb), cpus);
    }
  });
  add(FEATURE.BRANCH_STACK, values.branchStack || undefined, () => {});
  add(FEATURE.PMU_MAPPINGS, values.pmuMappings, (w, pmus) => {
    w.u32(pmus.size);
    for (const [type, name] of pmus) writeString(w.u32(type), name);
  });
  add(FEATURE.GROUP_DESC, values.groupDesc, (w, groups) => {
    w.u32(groups.length);
    for (const { name, leader, members } of groups) writeString(w, name).u32(leader).u32(members);
  });
  add(FEATURE.CACHE, values.caches, encodeCaches);
  add(FEATURE.SAMPLE_TIME, values.sampleTime, (w, { first, last }) => w.u64(first).u64(last));
  add(FEATURE.MEM_TOPOLOGY, values.memoryTopology, (w, { blockBytes, nodes }) => {
    w.u64(1).u64(blockBytes).u64(nodes.length); // 1 is the version of the layout
    for (const { node, blocks } of nodes) memoryNode(w.u64(node), blocks);
  });
  add(FEATURE.CLOCKID, values.clockid, (w, resolution) => w.u64(resolution));
  add(FEATURE.CPU_PMU_CAPS, values.cpuPmuCaps, (w, caps) => {
    w.u32(caps.size);
    for (const [name, value] of caps) writeString(writeString(w, name), value);
  });
  add(FEATURE.CLOCK_DATA, values.clockData, (w, { clockid, wallClock, clock }) => {
    w.u32(1).i32(clockid).u64(wallClock).u64(clock); // 1 is the version of the layout
  });
  return sections;
}

function encodeCaches(w: ByteWriter, caches: NonNullable<FeatureValues["caches"]>): void {
  w.u32(1).u32(caches.length); // 1 is the version of the layout
  for (const { level, lineSize, sets, ways, type, size, cpus } of caches) {
    writeString(writeString(writeString(w.u32(level).u32(lineSize).u32(sets).u32(ways), type), size), cpus);
  }
}

function cpuTopology(w: ByteWriter, topology: NonNullable<FeatureValues["cpuTopology"]>): void {
  strings(w, topology.coreSiblings);
  strings(w, topology.threadSiblings);
  for (const { core, socket } of topology.cpus) w.u32(core).u32(socket);
  // Dies are written even when there are none: perf takes whatever follows the CPUs for dies, even padding.
  strings(w, topology.dieSiblings ?? []);
  for (const { die } of topology.cpus) w.u32(die ?? 0);
}

/** Encodes a PERF_RECORD_HEADER_BUILD_ID. A pipe has one for each object, in place of the BUILD_ID section. */
export function encodeHeaderBuildId(entry: BuildIdEntry): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter();
  buildId(w, entry);
  return w.bytes();
}

/** Writes a string: u32 length including the padding, then the text, NUL-terminated and padded. */
export function writeString(w: ByteWriter, text: string): ByteWriter {
  const at = w.length;
  const length = w.u32(0).paddedString(text, NAME_ALIGN).length - at - 4;
  return w.patchU32(at, length);
}

function strings(w: ByteWriter, texts: readonly string[]): void {
  w.u32(texts.length);
  for (const text of texts) writeString(w, text);
}

/** Writes a bitmap of memory blocks: u64 size in bits, twice (as perf does), then words of 64 bits. */
function memoryNode(w: ByteWriter, blocks: readonly number[]): void {
  const size = (blocks.at(-1) ?? -1) + 1;
  const words = new BigUint64Array(Math.ceil(size / 64));
  for (const block of blocks) words[block >>> 6] |= 1n << BigInt(block & 63);
  w.u64(size).u64(size);
  for (const word of words) w.u64(word);
}

function eventDesc(w: ByteWriter, events: readonly EventDescription[]): void {
  w.u32(events.length).u32(PERF_ATTR_SIZE);
  for (const { attr, name, ids } of events) {
    writeString(w.raw(encodeAttr(attr)).u32(ids.length), name);
    for (const id of ids) w.u64(id);
  }
}

/** Writes a build id: `struct { header; s32 pid; u8 build_id[20]; u8 size; u8 res[3]; char filename[]; }`. */
function buildId(w: ByteWriter, entry: BuildIdEntry): void {
  const at = w.length;
  const id = bytesOfHex(entry.buildId, BUILD_ID_BYTES);
  w.u32(PERF_RECORD_USER.HEADER_BUILD_ID).u16(entry.misc | MISC_BUILD_ID_SIZE).u16(0).i32(entry.pid);
  w.raw(id).zeros(BUILD_ID_BYTES - id.length).u8(id.length).zeros(3).paddedString(entry.filename, NAME_ALIGN);
  w.zeros((RECORD_ALIGN - (w.length - at) % RECORD_ALIGN) % RECORD_ALIGN);
  w.patchU16(at + 6, w.length - at);
}

/** Decodes hex digits to at most `limit` bytes. */
export function bytesOfHex(digits: string, limit: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(limit, digits.length >>> 1));
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
