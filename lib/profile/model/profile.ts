/**
 * Profile: the one model that every report, output and comparison works on. All tables are columnar and interned: a
 * row's number is its identity, -1 is none. It refers to no file, map or process: addresses have been turned into
 * symbols.
 */

import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { LedgerCounts, SampledEvent } from "../../perfdata/own/session_info.ts";
import type { SampleColumns } from "./tables.ts";

/**
 * Kind of a mapped object. `kernel`, `module` and `bpf` run in kernel mode, `guest` in a virtual machine or in the
 * hypervisor; `missing` stands for callers that are not known.
 */
export type ProfileObjectKind =
  | "kernel"
  | "module"
  | "bpf"
  | "vdso"
  | "file"
  | "jit"
  | "anon"
  | "guest"
  | "missing"
  | "unknown";

/** Mapped object: file, kernel, vdso or run-time code. */
export interface ProfileObject {
  /** Name to show: the file's base name, `[kernel.kallsyms]`, `[vdso]`. */
  name: string;
  /** Path as mapped; equal to `name` for what is no file. */
  path: string;
  /** Kind of code that it holds. */
  kind: ProfileObjectKind;
  /** Build id in lower-case hex, or "" if unknown. */
  buildId: string;
}

/** Event as it was sampled. */
export interface ProfileEvent {
  /** Name as perf spells it: `cpu-clock`, `cycles:u`. */
  name: string;
  /** Sampling rate or period: `5000 Hz`, `every 100000`. */
  rate: string;
  /** Whether it takes no samples, but only reports processes and maps. Reports leave it out. */
  tracksOnly: boolean;
  /** Whether it is a tracepoint, which has no weight but what the program passed to it. */
  isTracepoint?: boolean;
}

/** Samples without a symbol for one cause, with its remedy. */
export interface UnresolvedSamples {
  /** Name of the object that they are in. */
  object: string;
  /** Cause, as part of a sentence: `the file is not there`. */
  cause: string;
  /** Advice on what to do about it; empty if there is none. */
  remedy: string;
  /** Number of the samples. */
  samples: number;
}

/** Counts of samples written and lost, by CPU. */
export interface ProfileLedger {
  /**
   * Source of the counts: the recorder, at its end, or the records of a file that has no ledger or only an early one.
   */
  from: "recorder" | "records";
  /** Counts of each CPU. */
  rows: LedgerCounts[];
  /** Counts of all CPUs together. */
  total: LedgerCounts;
  /** Set if the recorder did not get to its end: how much was lost is unknown, but at least this many. */
  unfinished?: { atLeast: number };
}

/** Results of unwinding stacks, while they were recorded or from copies in the recording. Counts are of samples. */
export interface ProfileStacks {
  /** Stacks that were unwound, or should have been. */
  unwound: number;
  /** Unwound stacks that reach the start of their thread. */
  whole: number;
  /** Stacks that end early, most samples first. Each ends in a frame called `frame`. */
  cut: {
    /** Reason in a few words. */
    reason: string;
    /** Completes "1.1% of the stacks are ...": `cut at 16 KiB`. */
    cause: string;
    frame: string;
    /** Object that they end in, if the reason lies there. */
    object: string | null;
    samples: number;
    /** Remedy, or more about the reason; empty if there is none. */
    remedy: string;
  }[];
}

/**
 * Facts of a recording: what was recorded, how, and what was lost. Texts are "" and numbers -1 if the file does not
 * say.
 */
export interface ProfileMeta {
  /** Command line of the recorder. */
  command: string;
  /** Name of the machine. */
  host: string;
  /** Release of its kernel. */
  kernel: string;
  /** Architecture, as uname(1) has it. */
  arch: string;
  /** Description of its CPU. */
  cpu: string;
  /** Number of its CPUs that were online. */
  cpus: number;
  /** Seconds between the first and the last sample. */
  seconds: number;
  /** Time of the first sample, in ns of the recording's clock; -1n if samples have no times. */
  start: bigint;
  /** Time of the last sample, in ns of the recording's clock; -1n if samples have no times. */
  end: bigint;
  /** Wall-clock time of the first sample, in ms since 1970. */
  wallStart: number;
  /** Sampling of each event; empty if the file does not say. */
  sampling: SampledEvent[];
  /** Whether samples have call chains, or copies of stacks to unwind. */
  callChains: boolean;
  /** Stacks that were unwound; undefined where there were none. */
  stacks?: ProfileStacks;
  /** Number of lost samples, as the file reports them. */
  lost: number;
  /** Fate of every sample, by CPU and in total. Unknown counts are left out. */
  ledger: ProfileLedger;
  /** Facts to know before trusting the numbers, a sentence each. */
  warnings: string[];
  /** Contents of the recording that no report shows, a sentence each. */
  notes: string[];
}

/** Source lines, each a path and a line number, once. */
export interface ProfileLines {
  /** Row of each frame's line; -1 if unknown. */
  ofFrame: Int32Array;
  /** Row of `paths`. */
  file: Int32Array;
  /** Line number from 1; 0 for code that the compiler made up. */
  line: Int32Array;
  /** Paths of the source files. */
  paths: string[];
}

/** Samples of a recording, with symbols; see the top of this file. */
export interface Profile {
  /** Facts of the recording. */
  meta: ProfileMeta;
  /** Events, in the order of the file. */
  events: ProfileEvent[];
  /** Names of threads and processes, each once. */
  comms: string[];
  /** Mapped objects. */
  objects: ProfileObject[];
  /**
   * Symbols, each a function of one object. `start` is a symbol's first address, of the same kind as `frames.address`, and
   * `end` the one behind its last, NaN for inlined functions; absent unless asked for.
   */
  symbols: { name: string[]; object: Int32Array; start?: Float64Array; end?: Float64Array };
  /**
   * Frames. `object` is -1 where nothing was mapped, `symbol` -1 where no symbol covers the address. Frames without a
   * symbol have a row of `unnamed` for the code they are in, and a row of `unresolved` for the reason, -1 if there is
   * none.
   */
  frames: {
    object: Int32Array;
    address: Float64Array;
    symbol: Int32Array;
    unnamed: Int32Array;
    unresolved: Int32Array;
    /**
     * Frame that the frame's function was inlined into, which is its caller in every stack, at the same address; -1 for
     * functions with code of their own. Absent if there are only those.
     */
    inlinedInto?: Int32Array;
    /** Addresses in memory; absent unless asked for. */
    ip?: Float64Array;
    /** Bytes from the start of the symbol to the address; NaN where there is no symbol. Absent unless asked for. */
    offset?: Float64Array;
  };
  /**
   * Code without a symbol. For a function `from` is its first address and `to` is -1; all other code of an object is
   * one row, from the lowest address seen to the highest. In no object (-1), negative addresses are the kernel's.
   */
  unnamed: { object: Int32Array; from: Float64Array; to: Float64Array };
  /** Prefix tree of stacks: `parent` is the caller's row, which comes first, or -1. */
  stacks: { parent: Int32Array; frame: Int32Array };
  /** Threads, with a row for each name that a thread had. */
  threads: { pid: Int32Array; tid: Int32Array; comm: Int32Array };
  /** Every process of `threads`, and its last name: that of its main thread. */
  processes: { pid: Int32Array; comm: Int32Array };
  /** Samples, those that are alike added up. `period` is the weight: events, or ns for the clock events. */
  samples: SampleColumns;
  /**
   * Every sample that has a time, in order: ns since `meta.start`, row of `samples`, weight; and what tracepoints carry,
   * as text, if that was asked for. Samples without a time are there only if they were asked for, with NaN. Absent unless
   * asked for, as it is the one table that grows with the length of a recording.
   */
  times?: { at: Float64Array; sample: Int32Array; period: Float64Array; texts?: readonly string[] };
  /** Samples without a symbol, by cause. */
  unresolved: UnresolvedSamples[];
  /** Source lines; absent unless asked for. */
  lines?: ProfileLines;
}

/** Number of samples, and the sum of their periods. */
export interface Weight {
  /** Number of samples. */
  count: number;
  /** Sum of their periods. */
  period: number;
}

/** Name of the event whose samples are times that threads waited, in `perf record --off-cpu`. */
const OFF_CPU = "offcpu-time";
/** Names of the events whose periods are times in ns. */
const CLOCKS = new Set(["cpu-clock", "task-clock", OFF_CPU]);

/** Returns the unit of an event's periods: `ns` for clock events (`cpu-clock`, `cpu-clock:u`), else `events`. */
export function weightUnit(eventName: string): "ns" | "events" {
  return CLOCKS.has(baseName(eventName)) ? "ns" : "events";
}

/** Tells whether an event's samples are of threads that were off the CPU. */
export function isOffCpu(eventName: string): boolean {
  return baseName(eventName) === OFF_CPU;
}

const baseName = (eventName: string) => eventName.split(/[:/]/, 1)[0];

/** Returns a function that looks up the name of a process by its pid. */
export function processNames({ processes, comms }: Profile): (pid: number) => string {
  const rows = new IntMap(processes.pid);
  return (pid) => comms[processes.comm[rows.get(pid)]];
}

/** Returns the samples without a symbol, most samples first. Leaves out causes that a filter left no samples of. */
export function unresolvedByWeight(profile: Profile): UnresolvedSamples[] {
  return profile.unresolved.filter(({ samples }) => samples > 0).sort((a, b) => b.samples - a.samples);
}

/** Counts the samples of one event, or of all. */
export function sampleCount(profile: Profile, event = -1): number {
  return sum(profile, profile.samples.count, event);
}

/** Adds up the periods of one event, or of all: events counted, or ns for the clock events. */
export function totalPeriod(profile: Profile, event = -1): number {
  return sum(profile, profile.samples.period, event);
}

function sum(profile: Profile, column: Float64Array, event: number): number {
  let total = 0;
  if (event < 0) { for (let row = 0; row < column.length; row++) total += column[row]; }
  else for (const row of samplesOf(profile, event)) total += column[row];
  return total;
}

/** Rows sorted by a column. */
export interface SortedRows {
  /** Rows, by value and then by number. */
  order: Int32Array;
  /** Position in `order` behind the last row of each value. */
  ends: Int32Array;
}

const byEvent = new WeakMap<SampleColumns, SortedRows>();

/** Returns the rows of `samples` of an event, ascending. The cost is that of one event, however many there are. */
export function samplesOf({ samples, events }: Profile, event: number): Int32Array {
  let sorted = byEvent.get(samples);
  if (!sorted) byEvent.set(samples, sorted = countingSort(samples.event, events.length));
  return sorted.order.subarray(event > 0 ? sorted.ends[event - 1] : 0, sorted.ends[event]);
}

/** Sorts the rows of a column of numbers below `count` by value, and then by row. */
export function countingSort(column: Int32Array, count: number): SortedRows {
  const next = new Int32Array(count + 1);
  for (let row = 0; row < column.length; row++) next[column[row] + 1]++;
  for (let number = 1; number < next.length; number++) next[number] += next[number - 1];
  const order = new Int32Array(column.length);
  for (let row = 0; row < column.length; row++) order[next[column[row]]++] = row;
  return { order, ends: next.subarray(0, count) };
}

/** Returns whether code of this kind of object runs in kernel mode. */
export function isKernel(kind: ProfileObjectKind): boolean {
  return kind === "kernel" || kind === "module" || kind === "bpf";
}

/**
 * Checks what every consumer relies on: ids in range, parents before children, columns of a table equally long, counts
 * positive. Throws Error, which is a bug in pmuctl and never the user's fault, naming the first breach.
 */
export function checkValid(profile: Profile): void {
  checkLengths(profile);
  checkRanges(profile);
  checkFrames(profile);
  const { stacks, samples, threads, processes } = profile;
  for (let row = 0; row < stacks.parent.length; row++) {
    const parent = stacks.parent[row];
    if (parent < -1 || parent >= row) throw new Error(`invalid profile: stacks.parent[${row}] is ${parent}`);
  }
  for (let row = 0; row < samples.count.length; row++) {
    const count = samples.count[row], period = samples.period[row];
    if (!(count >= 1) || !(period >= 0)) {
      throw new Error(`invalid profile: sample row ${row} has count ${count}, period ${period}`);
    }
  }
  const rows = new IntMap(processes.pid);
  threads.pid.forEach((pid, row) => {
    if (rows.get(pid) === ABSENT) {
      throw new Error(`invalid profile: threads.pid[${row}] is ${pid}, no process`);
    }
  });
  checkTimes(profile);
  checkLines(profile);
  checkInlined(profile);
}

/** Checks that the columns of each table are equally long. */
function checkLengths({ frames, stacks, samples, threads, processes, symbols, unnamed }: Profile): void {
  const { ip = frames.address, offset = frames.address } = frames;
  sameLength(
    "frames",
    frames.object,
    frames.address,
    frames.symbol,
    frames.unnamed,
    frames.unresolved,
    ip,
    offset,
  );
  sameLength("unnamed", unnamed.object, unnamed.from, unnamed.to);
  sameLength("stacks", stacks.parent, stacks.frame);
  sameLength("threads", threads.pid, threads.tid, threads.comm);
  sameLength("processes", processes.pid, processes.comm);
  sameLength("symbols", symbols.name, symbols.object);
  sameLength(
    "samples",
    samples.event,
    samples.thread,
    samples.cpu,
    samples.stack,
    samples.count,
    samples.period,
  );
}

/** Checks that ids are rows of their tables. */
function checkRanges(profile: Profile): void {
  const { frames, stacks, samples, threads, processes, symbols, unnamed } = profile;
  inRange("symbols.object", symbols.object, 0, profile.objects.length);
  inRange("frames.object", frames.object, -1, profile.objects.length);
  inRange("frames.symbol", frames.symbol, -1, symbols.name.length);
  inRange("unnamed.object", unnamed.object, -1, profile.objects.length);
  inRange("frames.unnamed", frames.unnamed, -1, unnamed.object.length);
  inRange("frames.unresolved", frames.unresolved, -1, profile.unresolved.length);
  inRange("stacks.frame", stacks.frame, 0, frames.object.length);
  inRange("threads.comm", threads.comm, 0, profile.comms.length);
  inRange("processes.comm", processes.comm, 0, profile.comms.length);
  inRange("samples.event", samples.event, 0, profile.events.length);
  inRange("samples.thread", samples.thread, 0, threads.pid.length);
  inRange("samples.stack", samples.stack, 0, stacks.parent.length);
}

/** Checks that each frame has a symbol or a row of `unnamed`, of its own object. */
function checkFrames({ frames, symbols, unnamed }: Profile): void {
  for (let row = 0; row < frames.symbol.length; row++) {
    const symbol = frames.symbol[row];
    if (symbol >= 0 && symbols.object[symbol] !== frames.object[row]) {
      throw new Error(`invalid profile: frame ${row} and its symbol are of different objects`);
    }
    const code = frames.unnamed[row];
    if (symbol >= 0 ? code >= 0 : code < 0 || unnamed.object[code] !== frames.object[row]) {
      throw new Error(`invalid profile: frame ${row} has symbol ${symbol} and unnamed code ${code}`);
    }
  }
}

/** Checks that inlined functions are in code of one function, and on top of what they were inlined into. */
function checkInlined({ frames, stacks }: Profile): void {
  const { inlinedInto, object } = frames;
  if (!inlinedInto) return;
  sameLength("frames and frames.inlinedInto", object, inlinedInto);
  for (let row = 0; row < inlinedInto.length; row++) {
    const into = inlinedInto[row];
    if (into < -1 || into >= row || (into >= 0 && object[into] !== object[row])) {
      throw new Error(`invalid profile: frames.inlinedInto[${row}] is ${into}`);
    }
  }
  for (let row = 0; row < stacks.frame.length; row++) {
    const into = inlinedInto[stacks.frame[row]], parent = stacks.parent[row];
    if (into >= 0 && (parent < 0 || stacks.frame[parent] !== into)) {
      throw new Error(`invalid profile: stack ${row} is not on top of what its frame was inlined into`);
    }
  }
}

function checkLines({ lines, frames }: Profile): void {
  if (!lines) return;
  sameLength("lines", lines.file, lines.line);
  sameLength("frames and lines.ofFrame", frames.object, lines.ofFrame);
  inRange("lines.ofFrame", lines.ofFrame, -1, lines.line.length);
  inRange("lines.file", lines.file, 0, lines.paths.length);
}

/** Checks that times are in order, and that no row of `samples` has more times than samples. */
function checkTimes({ times, samples }: Profile): void {
  if (!times) return;
  sameLength("times", times.at, times.sample, times.period, times.texts ?? times.at);
  inRange("times.sample", times.sample, 0, samples.count.length);
  const seen = new Float64Array(samples.count.length);
  let latest = 0;
  for (let row = 0; row < times.at.length; row++) {
    if (times.at[row] < latest) {
      throw new Error(`invalid profile: times.at[${row}] is ${times.at[row]}, out of order`);
    }
    if (times.at[row] >= latest) latest = times.at[row];
    const sample = times.sample[row];
    if (++seen[sample] > samples.count[sample]) {
      throw new Error(`invalid profile: times has more samples of row ${sample} than there are`);
    }
  }
}

function sameLength(table: string, ...columns: { length: number }[]) {
  if (columns.some((c) => c.length !== columns[0].length)) {
    throw new Error(`invalid profile: columns of ${table} differ in length: ${columns.map((c) => c.length)}`);
  }
}

function inRange(what: string, column: Int32Array, from: number, to: number) {
  for (let row = 0; row < column.length; row++) {
    const id = column[row];
    if (id < from || id >= to) throw new Error(`invalid profile: ${what}[${row}] is ${id}, of ${to}`);
  }
}
