/** Writes a recording into a pipe, in perf's pipe format, for a reader that takes it as it comes. */

import { closeFd, PmuError, seek, truncate, writeAll } from "../../../ffi/pmu.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { encodeFeatures, encodeHeaderBuildId } from "../../perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../perfdata/format/features.ts";
import {
  encodeEventName,
  encodeHeaderAttr,
  encodeHeaderFeature,
  encodeHeaderTracingData,
  encodePipeHeader,
  MAX_FEATURE_BYTES,
} from "../../perfdata/format/writer.ts";
import { encodeTracingData } from "../../perfdata/format/tracing_data.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";
import type { Output } from "../request/output.ts";
import {
  type Finished,
  knownFeatures,
  type Origin,
  pipedNames,
  RECORDER,
  type RecordingFacts,
  type Sink,
  versionSection,
  writeError,
} from "./sink.ts";

type PipeOutput = Extract<Output, { kind: "pipe" }>;

/** Pipe of a recording. Nothing that was written can be changed. */
export class RecordPipe implements Sink {
  readonly fd: number;
  readonly sizeFieldAt = undefined;
  readonly spare = 0;
  readonly #output: PipeOutput;
  #dataBytes = 0;

  /** Writes the events, their names, and the features. Throws UnsupportedError. */
  constructor(output: PipeOutput, opened: readonly EventOnCpus[], origin: Origin) {
    this.#output = output;
    this.fd = output.fd;
    const features = { version: RECORDER, ...knownFeatures(origin, opened) };
    this.#send([
      encodePipeHeader(),
      ...fileEvents(opened).map(encodeHeaderAttr),
      // build ids and the formats of tracepoints have records of their own in a pipe
      ...encodeFeatures({ ...features, buildIds: undefined, tracingData: undefined }).map(
        encodeHeaderFeature,
      ),
      ...(features.tracingData ? [encodeHeaderTracingData(encodeTracingData(features.tracingData))] : []),
      ...(features.buildIds ?? []).map(encodeHeaderBuildId),
      ...fileEvents(opened).map(({ of, ids }) => encodeEventName(ids[0], of.event.name)),
    ]);
  }

  get dataBytes(): number {
    return this.#dataBytes;
  }

  write(records: readonly Uint8Array[]): void {
    this.#dataBytes += this.#send(records);
  }

  /** Returns false: the events have been written. */
  addIds(): boolean {
    return false;
  }

  /** Does nothing: whoever reads along knows what is known on the way. */
  keep(): void {}

  freeBallast(): void {}

  /** Writes the names, and the ledger behind them, in the feature that holds the version, sent once more. */
  finish(dataBytes: number, facts: RecordingFacts, failed: boolean): Finished {
    const payload = versionSection(facts, MAX_FEATURE_BYTES);
    if (!payload) return { bytes: dataBytes };
    const whole = failed ? cutBack(this.fd) : undefined;
    const names = facts.names && !failed ? this.#sendFeatures(pipedNames(facts.names)) : undefined;
    return { bytes: dataBytes, error: this.#sendFeatures([payload], whole) ?? names };
  }

  /** Writes VERSION features, or none of them; returns the error if that fails. */
  #sendFeatures(payloads: readonly Uint8Array[], end?: number): PmuError | undefined {
    const before = end ?? positionOf(this.fd);
    try {
      writeAll(
        this.fd,
        concat(payloads.map((payload) => encodeHeaderFeature({ number: FEATURE.VERSION, payload }))),
      );
      return undefined;
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      cutBack(this.fd, before);
      return error;
    }
  }

  /** Does nothing: what went into a pipe cannot be taken back. */
  discard(): void {}

  close(): void {
    if (this.#output.own) closeFd(this.fd);
  }

  #send(parts: readonly Uint8Array[]): number {
    const bytes = concat(parts);
    try {
      writeAll(this.fd, bytes);
    } catch (error) {
      throw writeError(`to ${this.#output.name}`, error);
    }
    return bytes.length;
  }
}

/** Returns the position in a file that a pipe's records are written to; undefined for a pipe. */
function positionOf(fd: number): number | undefined {
  try {
    return seek(fd, 0, "current");
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    return undefined;
  }
}

/**
 * Cuts a file that a pipe's records were written to (`-o - >FILE`) where the last whole record ends: at its position, or
 * at `end`. Returns where that is; undefined for a pipe, of which nothing can be taken back.
 */
function cutBack(fd: number, end?: number): number | undefined {
  try {
    const at = end ?? seek(fd, 0, "current");
    truncate(fd, at);
    seek(fd, at);
    return at;
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    return undefined;
  }
}
