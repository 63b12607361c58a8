/** What a recording is asked for, and what comes of it. */

import type { Exit, PmuError } from "../../../ffi/pmu.ts";
import type { Standing } from "../../events/open.ts";
import type { ResolvedGroup } from "../../events/resolve.ts";
import type { SampledEvent } from "../../perfdata/format/session_info.ts";
import type { Host } from "../host/host.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import type { Output } from "./output.ts";
import type { SwitchWhen } from "./limits.ts";
import type { Sampling } from "./sampling.ts";
import type { Target } from "./target.ts";

/** What is done about objects: their ids listed and those saved that would not be found, only listed, or nothing. */
export type ObjectPolicy = "save" | "list" | "nothing";

/** How far a recording has come. */
export interface RecordingProgress {
  /** Samples that were taken from the rings and, but for what is queued, written. */
  samples: number;
  /** Samples that were not, as far as it is known. */
  lost: number;
  /** Bytes of records. */
  bytes: number;
}

/** A recording into several files. */
export interface OutputSwitching {
  /** When the next one begins, besides at the user's word. */
  when: SwitchWhen;
  /** How many are kept, the youngest; all of them by default. */
  maxFiles?: number;
}

export interface RecordRequest {
  /** The events, as they are to be scheduled. */
  groups: ResolvedGroup[];
  sampling: Sampling;
  target: Target;
  /** CPUs to record on. */
  cpus: number[];
  /** Stop by itself after this many seconds. */
  seconds?: number;
  /** End the command, and all that it has started, after this many ms. */
  limitMs?: number;
  /** Sample from this many ms after the start on. */
  delayMs?: number;
  /** The kernel's filter expression for the tracepoints among the events. */
  filter?: string;
  /** Ring size for each CPU, in pages: a power of two. */
  ringPages: number;
  /** How many bytes may wait for a slow output before samples are dropped. */
  queueBytes?: number;
  /** What is done so that the objects can be found again; only for files. */
  objectPolicy: ObjectPolicy;
  output: Output;
  /** Stop recording once there are this many bytes of records. */
  maxBytes?: number;
  /** Several files, one after another; not into a pipe. */
  switching?: OutputSwitching;
  /** Keep the youngest samples in the rings alone, and write them when the output is switched. */
  overwrite?: boolean;
  /** pmuctl's own command line, for the file. */
  commandLine: string[];
  host: Host;
  standing: Standing;
  /** The one backend that will do; undefined leaves the choice. */
  backend?: string;
  /** Is given how far the recording has come, after so many seconds, some times a second. */
  onProgress?: (progress: RecordingProgress, seconds: number) => void;
  /** Sample as often as was asked for, whatever that costs the machine. */
  keepRate: boolean;
}

/** CPU time of a target, in ns. */
export interface CpuTime {
  userNs: number;
  kernelNs: number;
}

export interface Recording {
  /** How the command ended; undefined when there was none, or when it was left running. */
  exit?: Exit;
  ledger: Ledger;
  /** Of the whole file, or of all files. */
  bytes: number;
  /** The files there are: one, unless the output was switched; `-` for a pipe. */
  paths: string[];
  /** The command was ended because it took longer than `limitMs`. */
  timedOut: boolean;
  seconds: number;
  events: SampledEvent[];
  /** CPU time of the target in that time, as far as it is known. */
  cpuTime?: CpuTime;
  /** The kernel stopped sampling a part of the command, which was told. */
  cutShort: boolean;
  /** What went wrong while writing; the file holds what came before. */
  writeError?: PmuError;
}
