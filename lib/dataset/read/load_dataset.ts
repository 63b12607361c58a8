/**
 * Loading of a profile from a dataset. Files are read one after another, and of them the row groups and columns that are
 * needed; what is kept grows with the different stacks of the samples that are asked for, not with their number.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { PairIndex } from "../../base/bytes/pair_index.ts";
import { checkValid, type Profile } from "../../profile/model/profile.ts";
import { checkLayout, type TableName } from "../layout/partitions.ts";
import { type FrameOptions, MergedFrames } from "./merged_frames.ts";
import { mergedMeta } from "./merged_meta.ts";
import { MergedSamples, type SampleOptions, type SelectedSamples } from "./merged_samples.ts";
import { damageOf, ParquetFile } from "./parquet_file.ts";
import { type DatasetRecording, readRecordings } from "./recordings.ts";
import { type DatasetSelection, type PartOfDataset, refuseEmpty, selectedParts } from "./selection.ts";

/** Options of loadDataset(). */
export interface DatasetOptions extends FrameOptions, SampleOptions {
  /** Samples to load. */
  selection: DatasetSelection;
}

/** Profile of a dataset, and what was read for it. */
export interface LoadedDataset {
  /** Profile of all samples. */
  profile: Profile;
  /** Number of recordings that have samples in it. */
  recordings: number;
  /** Number of their hosts. */
  hosts: number;
  /** Numbers of row groups that were read, and that their statistics ruled out. */
  groups: { read: number; skipped: number };
}

/** Loads the samples of a dataset that pass a selection. Throws BadInputError. */
export async function loadDataset(path: string, options: DatasetOptions): Promise<LoadedDataset> {
  checkLayout(path);
  const loader = new DatasetLoader(path, options);
  for (const part of selectedParts(path, options.selection)) await loader.add(part);
  if (loader.recordings.length === 0) refuseEmpty(path);
  return loader.loaded();
}

class DatasetLoader {
  /** Recordings with samples that pass. */
  readonly recordings: DatasetRecording[] = [];
  readonly #path: string;
  readonly #options: DatasetOptions;
  readonly #frames: MergedFrames;
  readonly #samples: MergedSamples;

  constructor(path: string, options: DatasetOptions) {
    this.#path = path;
    this.#options = options;
    this.#frames = new MergedFrames(options);
    this.#samples = new MergedSamples(options);
  }

  /** Adds the files of a part. */
  async add({ host, path }: PartOfDataset): Promise<void> {
    const { selection } = this.#options;
    const recordings = await readRecordings(`${this.#path}/recordings/${path}`, host, selection);
    if (recordings.length === 0) return;
    await opened(this.#path, "samples", path, async (file) => {
      const ids = new Set(recordings.map(({ id }) => id));
      let hasSamples = false;
      for (let group = 0; group < file.metadata.row_groups.length; group++) {
        const selected = this.#samples.select(file, group, ids, selection);
        if (selected === undefined) continue;
        if (!hasSamples) {
          for (const recording of recordings) this.#samples.addRecording(recording);
          this.recordings.push(...recordings);
          await opened(this.#path, "frames", path, (file) => this.#frames.addFrames(file));
          hasSamples = true;
        }
        this.#samples.count(file, selected, await this.#stacksOf(selected, path));
      }
    });
  }

  /** Returns the row of each stack in the dictionary of a row group; -1 for those without a sample that passes. */
  async #stacksOf({ kept, rows, stacks }: SelectedSamples, path: string): Promise<Int32Array> {
    const { values: ids, rows: numbers } = stacks;
    const isUsed = new Uint8Array(ids.length), count = kept?.length ?? rows;
    for (let i = 0; i < count; i++) isUsed[numbers[kept === undefined ? i : kept[i]]] = 1;
    const missing = new PairIndex();
    const stackOf = Int32Array.from(isUsed, (used, row) => {
      if (used === 0) return -1;
      const stack = this.#frames.rowOf(ids.low[row], ids.high[row]);
      if (stack < 0) missing.numberOf(ids.low[row], ids.high[row]);
      return stack;
    });
    if (missing.length === 0) return stackOf;
    await opened(this.#path, "stacks", path, (file) => {
      for (let group = 0; group < file.metadata.row_groups.length; group++) {
        this.#frames.addStacks(file, group, (low, high) => missing.find(low, high) >= 0);
      }
    });
    stackOf.forEach((stack, row) => {
      if (isUsed[row] === 0 || stack >= 0) return;
      stackOf[row] = this.#frames.rowOf(ids.low[row], ids.high[row]);
      if (stackOf[row] < 0) throw new Error("a sample has a stack that is not in the table of stacks");
    });
    return stackOf;
  }

  /** Returns the profile of all that was added. */
  loaded(): LoadedDataset {
    const { reasons, ...frames } = this.#frames.tables(), tables = this.#samples.tables();
    const { recordings } = this;
    const isWhole = recordings.length === 1 && recordings[0].samples === sum(tables.samples.count);
    const meta = recordings.length === 0
      ? NOTHING
      : isWhole
      ? recordings[0].meta
      : mergedMeta(recordings, this.#samples);
    const profile = {
      meta,
      ...tables,
      ...frames,
      unresolved: reasons.map((reason) => ({ ...reason, samples: 0 })),
    };
    countUnresolved(profile);
    try {
      checkValid(profile);
    } catch (error) {
      throw new BadInputError(
        `cannot read the dataset ${this.#path}: it is damaged: ${(error as Error).message}`,
      );
    }
    const hosts = new Set(recordings.map(({ host }) => host)).size;
    return { profile, recordings: recordings.length, hosts, groups: this.#samples.groups };
  }
}

const sum = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);

/** Facts of no recording. */
const NOTHING: Profile["meta"] = {
  command: "",
  host: "",
  kernel: "",
  arch: "",
  cpu: "",
  cpus: -1,
  seconds: -1,
  start: -1n,
  end: -1n,
  wallStart: -1,
  sampling: [],
  callChains: true,
  lost: 0,
  ledger: { from: "records", rows: [], total: { sample: 0 } },
  warnings: [],
  notes: [],
};

/** Counts the samples whose innermost frame has no symbol, by the reason. */
function countUnresolved({ samples, stacks, frames, unresolved }: Profile): void {
  samples.stack.forEach((stack, row) => {
    const why = frames.unresolved[stacks.frame[stack]];
    if (why >= 0) unresolved[why].samples += samples.count[row];
  });
}

/** Calls `body` with an open file; whatever it throws is of that file. */
async function opened(
  dataset: string,
  table: TableName,
  part: string,
  body: (file: ParquetFile) => void | Promise<void>,
): Promise<void> {
  const path = `${dataset}/${table}/${part}`;
  const file = new ParquetFile(path, table);
  try {
    await body(file);
  } catch (error) {
    throw damageOf(path, error);
  } finally {
    file.close();
  }
}
