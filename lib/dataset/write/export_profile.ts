/** Export of a recording: adds it to a dataset as a part of its own, unless it is there. */

import { BadInputError } from "../../base/system/errors.ts";
import type { LoadOptions } from "../../profile/request/load_options.ts";
import { type Profile, sampleCount } from "../../profile/model/profile.ts";
import {
  PART_ENDING,
  partitionsOf,
  partName,
  partsIn,
  type TableName,
  TABLES,
} from "../layout/partitions.ts";
import { framesOf, writeFrames } from "./frames.ts";
import { makeDataset, PartFiles } from "./part_files.ts";
import { recordingId } from "./recording_id.ts";
import { type RecordingLabels, writeRecording } from "./recording_row.ts";
import { writeSamples } from "./samples.ts";
import { stacksOf, writeStacks } from "./stacks.ts";
import { TableFile } from "./table_file.ts";
import { type RecordingEnd, type WallClock, wallClockOf } from "./wall_clock.ts";

/** Options to load the profile of a recording with. */
export const EXPORT_LOADING: LoadOptions = {
  mergeAddresses: true,
  symbolPlaces: true,
  times: true,
  untimed: true,
};

/** Recording to export. */
export interface ExportRequest extends RecordingLabels, RecordingEnd {
  /** Path of the dataset. */
  dataset: string;
  /** Name of the recording's file. */
  source: string;
  /** Host that it is filed under; default: the one that the recording names. */
  host?: string;
  /** Service that its samples are of; default: the process of each. */
  service?: string;
}

/** Result of exporting a recording. */
export interface ExportedRecording {
  /** Id of the recording. */
  recording: string;
  /** Number of its samples. */
  samples: number;
  /** False if it was in the dataset before. */
  added: boolean;
  /** Bytes of each file written. */
  bytes: Partial<Record<TableName, number>>;
  /** How the times of its samples are known. */
  timeSource: WallClock["source"];
}

/** Host of a recording that names none. */
const NO_HOST = "unknown";
/** Largest weight that a file can have exactly. No counter reaches it. */
const MAX_WEIGHT = 2 ** 51;

/**
 * Exports a recording, loaded with EXPORT_LOADING. Throws BadInputError if it has no samples, or weights that no counter
 * has, and UnsupportedError if the dataset cannot be written.
 */
export function exportProfile(profile: Profile, request: ExportRequest): ExportedRecording {
  const { dataset, source, service } = request;
  const samples = sampleCount(profile);
  if (samples === 0) throw new BadInputError(`cannot export ${source}: it has no samples`);
  if (profile.times!.period.some((weight) => weight > MAX_WEIGHT)) {
    throw new BadInputError(
      `cannot export ${source}: it has samples with a weight above 2^51, so it is damaged`,
    );
  }
  const recording = recordingId(profile), clock = wallClockOf(profile, request);
  const done = { recording, samples, timeSource: clock.source };
  makeDataset(dataset);
  if (hasRecording(dataset, recording)) return { ...done, added: false, bytes: {} };
  const host = request.host || profile.meta.host || NO_HOST;
  const part = new PartFiles(dataset, { date: clock.date, host }, partName(clock.lastDate, recording));
  const write = (table: TableName, body: (file: TableFile) => void) =>
    part.write(table, (append) => {
      const file = new TableFile(table, append);
      body(file);
      file.finish();
    });
  const frames = framesOf(profile), stacks = stacksOf(profile, frames.ids);
  write("frames", (file) => writeFrames(file, frames));
  write("stacks", (file) => writeStacks(file, profile, frames.ids, stacks));
  write("recordings", (file) => writeRecording(file, profile, { ...request, recording, clock }));
  write("samples", (file) => writeSamples(file, profile, { recording, service, base: clock.first, stacks }));
  part.commit();
  return {
    ...done,
    added: true,
    bytes: Object.fromEntries(TABLES.map((table) => [table, part.bytesOf(table)])),
  };
}

/** Returns whether a dataset has a recording, on whatever date it was filed. */
function hasRecording(dataset: string, recording: string): boolean {
  return partitionsOf(dataset, "samples").some(({ path }) =>
    partsIn(path).some((name) => name.endsWith(`${recording}${PART_ENDING}`))
  );
}
