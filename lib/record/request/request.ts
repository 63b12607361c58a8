/** Request for a recording, and its outcome. */

import type { Exit, PmuError } from "../../../ffi/pmu.ts";
import type { ControlRequest } from "../../base/system/control_option.ts";
import type { Standing } from "../../events/open.ts";
import type { ResolvedGroup } from "../../events/resolve.ts";
import type { SampledEvent } from "../../perfdata/own/session_info.ts";
import type { Host } from "../host/host.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import type { Output } from "./output.ts";
import type { SwitchWhen } from "./limits.ts";
import type { Sampling } from "./sampling.ts";
import type { Target } from "./target.ts";

/** Handling of programs and libraries: list build ids and save files that would not be found, list only, or neither. */
export type ObjectPolicy = "save" | "list" | "nothing";

/** Progress of a recording. */
export interface RecordingProgress {
  /** Samples that were taken from the rings, and written unless they are still queued. */
  samples: number;
  /** Samples that were lost, as far as it is known. */
  lost: number;
  /** Bytes of records. */
  bytes: number;
}

/** Options of a recording into several files. */
export interface OutputSwitching {
  /** Trigger of the next file, besides the user's signal. */
  when: SwitchWhen;
  /** Number of most recent files to keep; all by default. */
  maxFiles?: number;
}

/** Request for a recording. */
export interface RecordRequest {
  /** Events, in groups that are scheduled together. */
  groups: ResolvedGroup[];
  sampling: Sampling;
  target: Target;
  /** CPUs to record on. */
  cpus: readonly number[];
  /** Stop after this many seconds. */
  seconds?: number;
  /** End the command, and everything it has started, after this many ms. */
  limitMs?: number;
  /** Begin to sample this many ms after the start. */
  delayMs?: number;
  /** FIFOs by which the target says which parts of it are sampled. */
  control?: ControlRequest;
  /** Filter expression of the kernel for the tracepoints among the events. */
  filter?: string;
  /** Ring size for each CPU, in pages: a power of two. */
  ringPages: number;
  /** Bytes that may wait for a slow output before samples are dropped. */
  queueBytes?: number;
  /** Handling of programs and libraries; only for files. */
  objectPolicy: ObjectPolicy;
  output: Output;
  /** Stop recording once there are this many bytes of records. */
  maxBytes?: number;
  /** Several files, one after another; not into a pipe. */
  switching?: OutputSwitching;
  /** Keep the most recent samples in the rings, and write them when the output is switched. */
  overwrite?: boolean;
  /** Command line of pmuctl itself, for the file. */
  commandLine: string[];
  host: Host;
  standing: Standing;
  /** Name of the only backend to use; undefined leaves the choice. */
  backend?: string;
  /** Gets the progress after so many seconds, several times a second. */
  onProgress?: (progress: RecordingProgress, seconds: number) => void;
  /** Sample as often as asked, whatever that costs the machine. */
  keepRate: boolean;
}

/** CPU time of a target, in ns. */
export interface CpuTime {
  userNs: number;
  kernelNs: number;
}

/** Outcome of a recording. */
export interface Recording {
  /** End of the command; undefined when there was none, or when it was left running. */
  exit?: Exit;
  ledger: Ledger;
  /** Size of the file, or of all files. */
  bytes: number;
  /** Files that there are: one unless the output was switched; `-` for a pipe. */
  paths: string[];
  /** Whether the command was ended because it took longer than `limitMs`. */
  timedOut: boolean;
  seconds: number;
  events: SampledEvent[];
  /** CPU time of the target meanwhile; undefined when unknown. */
  cpuTime?: CpuTime;
  /** Whether the kernel stopped sampling a part of the command, which has been reported. */
  cutShort: boolean;
  /** FIFO that no `enable` came through, where sampling was to begin with one. */
  neverEnabled?: string;
  /** First error of writing; the file holds what came before it. */
  writeError?: PmuError;
  /** Samples whose stacks were unwound, and those of them with whole stacks; undefined where stacks were not unwound. */
  stacks?: { unwound: number; whole: number };
}
