/** Small recordings and datasets of them. */

import { type ExportedRecording, exportProfile } from "../../lib/dataset/write/export_profile.ts";
import { type DatasetOptions, loadDataset } from "../../lib/dataset/read/load_dataset.ts";
import { partitionsOf, partsIn, TABLES } from "../../lib/dataset/layout/partitions.ts";
import type { Profile, ProfileMeta } from "../../lib/profile/model/profile.ts";
import { ProfileQuery } from "../../lib/profile/query/query.ts";
import { fnv1a } from "../../lib/base/bytes/hash.ts";
import { profileOf } from "../profile/build.ts";

/** Midnight at the start of the day of the recordings, in ms since 1970. */
export const DAY = Date.UTC(2026, 10, 30);

/**
 * Makes a profile of lines as profileOf() takes them, as if loaded to be exported: a sample each ms, in the order of the
 * lines.
 */
export function recordingOf(lines: string[], meta: Partial<ProfileMeta> = {}): Profile {
  const profile = profileOf(lines), { samples, symbols } = profile;
  const rows = Array.from(samples.count).flatMap((count, row) => new Array<number>(count).fill(row));
  const start = 1_000_000_000n, length = (rows.length - 1) * 1e6;
  return {
    ...profile,
    symbols: {
      ...symbols,
      start: Float64Array.from(symbols.name, placeOf),
      end: Float64Array.from(symbols.name, (name) => placeOf(name) + 16),
    },
    meta: {
      ...profile.meta,
      host: "web-1",
      wallStart: DAY,
      start,
      end: start + BigInt(length),
      seconds: length / 1e9,
      ...meta,
    },
    times: {
      at: Float64Array.from(rows, (_, i) => i * 1e6),
      sample: Int32Array.from(rows),
      period: Float64Array.from(rows, (row) => samples.period[row] / samples.count[row]),
    },
  };
}

/** Returns the address of a function, which is the same in every recording. */
const placeOf = (name: string) => 16 * fnv1a(new TextEncoder().encode(name));

/** Runs a test with a folder that is removed behind it. */
export async function withDataset(body: (dataset: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "pmuctl-dataset-" });
  try {
    await body(`${folder}/set`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Exports a profile. */
export function exported(
  dataset: string,
  profile: Profile,
  request: Partial<Parameters<typeof exportProfile>[1]> = {},
): ExportedRecording {
  return exportProfile(profile, {
    dataset,
    source: "perf.data",
    modified: DAY / 1000,
    labels: new Map(),
    ...request,
  });
}

/** Loads a dataset. */
export async function loaded(dataset: string, options: Partial<DatasetOptions> = {}): Promise<Profile> {
  const all = {
    inline: true,
    leafOnly: false,
    lines: true,
    mergeCpus: false,
    mergeThreads: false,
    times: true,
  };
  return (await loadDataset(dataset, { selection: {}, ...all, ...options })).profile;
}

/** Lists the rows of a report by command and symbol: `nginx serve self 3 total 5`. */
export function rowsOf(profile: Profile): string[] {
  const counts = new ProfileQuery(profile).by(["comm", "dso", "sym"]);
  const events = new ProfileQuery(profile).sampledEvents();
  if (events.length === 0) return [];
  return counts.rows([events[0]], { children: true }).map(({ group, place, self, total }) =>
    `${counts.valuesOf(group).comm} ${counts.nameOf(place)} self ${self[0].count} total ${total[0].count}`
  ).sort();
}

/** Lists the data files of a dataset, by their paths in it. */
export function filesOf(dataset: string): string[] {
  return TABLES.flatMap((table) =>
    partitionsOf(dataset, table).flatMap(({ path }) =>
      partsIn(path).map((name) => `${path.slice(dataset.length + 1)}/${name}`)
    )
  );
}
