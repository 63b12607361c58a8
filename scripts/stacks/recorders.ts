/** What records call stacks: pmuctl in two ways and each perf there is, all with the same event at the same rate. */

import { type Perf, PERFS, PMUCTL } from "../benchmark/peers.ts";
import { FIELDS } from "./judge.ts";

/** Samples per second of CPU time. */
export const FREQUENCY = 999;
/** Frames that `perf script` prints and unwinds at most; by default it is 127. */
const MAX_FRAMES = "1024";
/** First perf that prints absolute addresses, and offsets with dsoff. */
const OFFSETS_SINCE = [6, 5];

/** A program that records stacks, and the perf that prints what it has recorded. */
export interface Recorder {
  name: string;
  argv: readonly string[];
  /** Returns the arguments that end a recording of processes after some seconds. */
  seconds: (count: number) => string[];
  reader: Perf;
}

/** Returns the recorders there are; none without a perf, which all files are read by. */
export function recorders(): Recorder[] {
  const newest = PERFS.at(-1);
  if (newest === undefined) return [];
  const ours = (name: string, callGraph: string): Recorder => ({
    name: `pmuctl ${name}`,
    argv: [PMUCTL, "record", "-q", "--keep-rate", "--call-graph", callGraph],
    seconds: (count) => ["--duration", String(count)],
    reader: newest,
  });
  const theirs = (perf: Perf): Recorder => ({
    name: `perf ${perf.version} dwarf`,
    // without build ids, of which perf 6.1 often writes too many bytes, and aborts
    argv: [perf.path, "record", "-q", "-B", "--call-graph", "dwarf"],
    seconds: (count) => ["--", "sleep", String(count)],
    reader: perf,
  });
  return [ours("-g", "auto"), ours("fp", "fp"), ...PERFS.map(theirs)];
}

/** Whether the perf prints offsets in objects when it is asked to. */
export function hasOffsets({ version }: Perf): boolean {
  const [major, minor] = version.split(".").map(Number);
  return major > OFFSETS_SINCE[0] || (major === OFFSETS_SINCE[0] && minor >= OFFSETS_SINCE[1]);
}

/** Returns the command that prints the stacks in a file. */
export function scriptArgv(perf: Perf, file: string): string[] {
  const fields = hasOffsets(perf) ? `${FIELDS},dsoff` : FIELDS;
  return [perf.path, "script", "-i", file, "--no-inline", "--max-stack", MAX_FRAMES, "-F", fields];
}
