/** A recording into standard output, in perf's pipe format, for a reader that takes it as it comes. */

import { PmuError, writeAll } from "../../ffi/pmu.ts";
import { concat } from "../base/bytes.ts";
import { encodeFeatures, encodeHeaderBuildId } from "../perfdata/feature_encoders.ts";
import { FEATURE } from "../perfdata/features.ts";
import {
  encodeEventName,
  encodeHeaderAttr,
  encodeHeaderFeature,
  encodeHeaderTracingData,
  encodePipeHeader,
} from "../perfdata/writer.ts";
import { encodeTracingData } from "../perfdata/tracing_data.ts";
import { listed, type Opened } from "./opening.ts";
import { type Facts, featuresOf, type Finished, type Origin, type Sink, writeError } from "./sink.ts";

const STANDARD_OUTPUT = 1;

export class RecordPipe implements Sink {
  readonly fd = STANDARD_OUTPUT;
  readonly sizeFieldAt = undefined;
  #dataBytes = 0;
  readonly #opened: readonly Opened[];

  /** Writes what stands before the records: the events, their names, and the features. Throws UnsupportedError. */
  constructor(opened: readonly Opened[], origin: Origin) {
    this.#opened = opened;
    const features = featuresOf(origin, opened);
    this.#send([
      encodePipeHeader(),
      ...listed(opened).map(encodeHeaderAttr),
      // build ids and the formats of tracepoints have records of their own in a pipe
      ...encodeFeatures({ ...features, buildIds: undefined, tracingData: undefined }).map(
        encodeHeaderFeature,
      ),
      ...(features.tracingData ? [encodeHeaderTracingData(encodeTracingData(features.tracingData))] : []),
      ...(features.buildIds ?? []).map(encodeHeaderBuildId),
      ...listed(opened).map(({ of, ids }) => encodeEventName(ids[0], of.event.name)),
    ]);
  }

  get dataBytes(): number {
    return this.#dataBytes;
  }

  write(records: readonly Uint8Array[]): void {
    this.#dataBytes += this.#send(records);
  }

  /** The ledger goes behind the records: it is in the feature that holds the version, sent once more. */
  finish(dataBytes: number, facts: Facts): Finished {
    const version = encodeFeatures(featuresOf(facts, this.#opened)).filter((f) =>
      f.number === FEATURE.VERSION
    );
    try {
      writeAll(this.fd, concat(version.map(encodeHeaderFeature)));
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      return { bytes: dataBytes, error };
    }
    return { bytes: dataBytes };
  }

  /** What went into a pipe cannot be taken back. */
  discard(): void {}

  close(): void {}

  #send(parts: readonly Uint8Array[]): number {
    const bytes = concat(parts);
    try {
      writeAll(this.fd, bytes);
    } catch (error) {
      throw writeError("to standard output", error);
    }
    return bytes.length;
  }
}
