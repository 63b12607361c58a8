/** Rows of the table `recordings`: what is known of each recording. */

import { readBigint } from "../../base/text/json_bigint.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { Profile, ProfileEvent, ProfileMeta } from "../../profile/model/profile.ts";
import { requireStored } from "../../profile/model/stored.ts";
import type { DatasetSelection } from "./selection.ts";
import { ParquetFile } from "./parquet_file.ts";

/** Recording of a dataset. */
export interface DatasetRecording {
  id: string;
  host: string;
  meta: ProfileMeta;
  events: ProfileEvent[];
  /** Last name of each process, by pid. */
  processes: readonly [pid: number, comm: string][];
  /** Number of its samples. */
  samples: number;
}

/** Reads the recordings of a file that have the labels of a selection. Throws BadInputError. */
export async function readRecordings(
  path: string,
  host: string,
  { labels }: DatasetSelection,
): Promise<DatasetRecording[]> {
  const file = new ParquetFile(path, "recordings");
  try {
    const [ids, labelled, profiles, samples] = await Promise.all(
      ["recording", "labels", "profile", "samples"].map((name) => file.column(name)),
    );
    return Array.from(ids, (id: string, row): DatasetRecording[] => {
      if (labels && ![...labels].every(([key, value]) => labelled[row]?.[key] === value)) return [];
      return [{ id, host, ...storedProfile(path, profiles[row]), samples: Number(samples[row]) }];
    }).flat();
  } finally {
    file.close();
  }
}

/** Parses what reports say of a recording besides their rows. */
function storedProfile(path: string, text: string): Pick<DatasetRecording, "meta" | "events" | "processes"> {
  try {
    const { meta, events, processes } = JSON.parse(text, (_, value) => readBigint(value));
    requireStored({ meta, events } satisfies Partial<Record<keyof Profile, unknown>>);
    const isProcess = (each: unknown) =>
      Array.isArray(each) && Number.isSafeInteger(each[0]) && typeof each[1] === "string";
    if (!Array.isArray(processes) || !processes.every(isProcess)) {
      throw new Error("processes is not a list of them");
    }
    return { meta, events, processes };
  } catch (error) {
    throw new BadInputError(`cannot read ${path}: the profile of a recording: ${(error as Error).message}`);
  }
}
