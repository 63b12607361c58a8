/** A machine in memory: records as a kernel writes them into rings, of a program that lies on disk, and their reader. */

import { PERF_CONTEXT, PERF_RECORD } from "../../../lib/base/system/abi.ts";
import { hexAddress } from "../../../lib/base/bytes/address.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { callchainOffset, compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { describeEvent } from "../../../lib/perfdata/format/events.ts";
import {
  encodeComm,
  encodeFork,
  encodeMmap2,
  encodeRecord,
  type Mmap2Fields,
} from "../../../lib/perfdata/format/record_encoders.ts";
import { type EventOnCpus, fileEvents } from "../../../lib/record/open/open_on_cpus.ts";
import { parseCallGraph } from "../../../lib/record/request/call_graph.ts";
import { samplingAttr } from "../../../lib/record/request/sampling.ts";
import type { TimePlaces } from "../../../lib/record/stacks/ring_cursor.ts";
import { X86_64 } from "../../../lib/unwind/arch.ts";
import { endOfMark } from "../../../lib/unwind/chain_marks.ts";
import { END_WORDS } from "../../../lib/unwind/ends.ts";
import { madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";
import { buildFrames, type Function } from "../../unwind/build_frames.ts";

/** Where programs are mapped, and where stacks are. */
export const MAPPED = 0x400000, STACK = 0x7ffd00001000;
/** Numbers in perf's samples. */
const SP = 7, IP = 8;

/** Functions that take 16 bytes of stack and their return address; the last one is the root. */
export const FUNCTIONS: readonly Function[] = [
  { start: 0x1000, end: 0x1100, code: [0x0e, 24] },
  { start: 0x1100, end: 0x1200, code: [0x0e, 24] },
  { start: 0x1200, end: 0x1300, code: [0x07, 16] },
];
/** The same, but the first one takes twice as much: with these, stacks of the others are not whole. */
export const OTHER_FUNCTIONS: readonly Function[] = [
  { start: 0x1000, end: 0x1100, code: [0x0e, 40] },
  ...FUNCTIONS.slice(1),
];
/** A stack of those functions, from the first one up. */
export const WHOLE: readonly number[] = [1, 2, MAPPED + 0x1180, 3, 4, MAPPED + 0x1280, 0];

/** Writes a program of these functions to `path`. */
export function writeProgram(path: string, functions = FUNCTIONS): void {
  Deno.writeFileSync(path, buildFrames([...functions], X86_64));
}

/** Returns an event that is sampled with its stacks, which are unwound; `ids` are of CPU 0, CPU 1 and so on. */
export function unwoundEvent(name: string, ids: readonly bigint[], registers?: bigint): EventOnCpus {
  const [{ events: [event] }] = resolveEvents(name);
  const { callGraph } = parseCallGraph("auto,64", { arch: "x86_64", overwrite: false });
  const sampling = callGraph.mode === "auto" && registers
    ? { callGraph: { ...callGraph, registers } }
    : { callGraph };
  const attr = samplingAttr(event, sampling, { several: true, watermark: 0, enableOnExec: false }, "own");
  const places = ids.map((id, cpu) => ({ tid: -1, cpu, fd: -1, id }));
  return { event, attr: { ...attr, readFormat: 0 }, places, unwound: true };
}

/** Maker of records of `event`, whose attr has what their trailers hold. */
export class MadeMachine {
  readonly event: EventOnCpus;
  readonly #layout;

  constructor(event: EventOnCpus) {
    this.event = event;
    this.#layout = compileLayout(event.attr);
  }

  /** Places of times in the records. */
  get places(): TimePlaces {
    return { sampleTimeAt: this.#layout.time, recordTimeBack: this.#layout.trailer.time };
  }

  /** A sample in the first function, with a whole stack unless given. */
  sample(time: number, pid: number, more: Partial<SampleFields> & { id?: bigint } = {}): Uint8Array {
    return madeSample(this.event.attr, {
      id: this.event.places[0].id,
      ip: MAPPED + 0x1050,
      pid,
      time,
      chain: [],
      registers: { [IP]: MAPPED + 0x1050, [SP]: STACK },
      words: WHOLE,
      ...more,
    });
  }

  mmap(time: number, pid: number, filename: string, more: Partial<Mmap2Fields> = {}): Uint8Array {
    const map = { start: MAPPED, length: 0x3000, pgoff: 0, prot: 5, flags: 2, maj: 8, min: 1, ino: 77n };
    return encodeMmap2({ ...map, pid, tid: pid, filename, ...more }, this.#layout, this.#trailer(time, pid));
  }

  fork(time: number, pid: number, ppid: number, tid = pid): Uint8Array {
    const task = { pid, ppid, tid, ptid: ppid, time: BigInt(time) };
    return encodeFork(task, this.#layout, this.#trailer(time, ppid));
  }

  /** The name of a process, because of an exec. */
  exec(time: number, pid: number, comm: string): Uint8Array {
    return encodeComm({ pid, tid: pid, comm, exec: true }, this.#layout, this.#trailer(time, pid));
  }

  exit(time: number, pid: number, tid = pid): Uint8Array {
    return encodeRecord(PERF_RECORD.EXIT, 0, this.#layout, this.#trailer(time, pid), (w) => {
      w.i32(pid).i32(1).i32(tid).i32(1).u64(time);
    });
  }

  #trailer(time: number, pid: number) {
    return { pid, tid: pid, time: BigInt(time), id: this.event.places[0].id };
  }
}

/** Layouts of samples as files have them. */
function layoutsOf(opened: readonly EventOnCpus[]) {
  return fileEvents(opened).map(({ attr, ids }) => describeEvent(attr, ids).layout);
}

/** Returns the chain of a sample as a file has it, in words: `k` and `u` for contexts, addresses in hex, why it is cut. */
export function chainIn(record: Uint8Array<ArrayBuffer>, opened: readonly EventOnCpus[]): string {
  const [layout] = layoutsOf(opened), u32 = new Uint32Array(record.buffer);
  const at = callchainOffset(layout, u32, 0, record.length) >>> 2, words: string[] = [];
  for (let i = 0; i < u32[at]; i++) {
    const low = u32[at + 2 + 2 * i], high = u32[at + 3 + 2 * i], end = endOfMark(low, high);
    const address = (high | 0) * 2 ** 32 + low;
    if (end >= 0) words.push(`[${END_WORDS[end] ?? "other machine"}]`);
    else if (address === PERF_CONTEXT.USER) words.push("u");
    else if (address === PERF_CONTEXT.KERNEL) words.push("k");
    else words.push(hexAddress(address >= MAPPED && address < MAPPED + 0x10000 ? address - MAPPED : address));
  }
  return words.join(" ");
}

/** The chain of WHOLE. */
export const WHOLE_CHAIN = "u 1050 117f 127f";

/** Returns the chains of all samples among the records. */
export function chainsIn(
  records: readonly Uint8Array<ArrayBuffer>[],
  opened: readonly EventOnCpus[],
): string[] {
  const isSample = (record: Uint8Array) =>
    new DataView(record.buffer).getUint32(0, true) === PERF_RECORD.SAMPLE;
  return records.filter(isSample).map((record) => chainIn(record, opened));
}
