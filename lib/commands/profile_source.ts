/** Sources of the profiles that commands show: recordings and datasets. */

import type { ByteInput } from "../base/bytes/byte_source.ts";
import { openInput } from "../base/files/file_bytes.ts";
import type { Io } from "../cli/command.ts";
import { openChosenInput } from "../cli/default_input.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { isDataset } from "../dataset/layout/partitions.ts";
import { loadProfile } from "../profile/load/load.ts";
import type { LoadOptions } from "../profile/request/load_options.ts";
import type { Profile } from "../profile/model/profile.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { type DatasetInput, loadDatasetProfile } from "./dataset_input.ts";

/** Recording or dataset that was opened. */
export interface ProfileSource {
  /** Path, or `-`. */
  file: string;
  /** Recording; undefined for a dataset. */
  input?: ByteInput;
  /** Loads the profile. Throws BadInputError. */
  load(files: SymbolFiles, loading: LoadOptions): Promise<Profile>;
}

/** Opens a dataset, or the recording that openChosenInput() chooses. Throws BadInputError. */
export async function openSource(
  dataset: DatasetInput | undefined,
  named: string | undefined,
  io: Io,
): Promise<ProfileSource> {
  if (dataset) return openDatasetSource(dataset);
  const { file, input } = await openChosenInput(named, io);
  return recordingSource(file, input, io);
}

/** Opens a recording or a dataset by its path; of a dataset, the part that `dataset` chooses of another. Throws BadInputError. */
export function openNamedSource(path: string, dataset: DatasetInput | undefined, io: Io): ProfileSource {
  return isDataset(path)
    ? openDatasetSource({ path, selection: dataset?.selection ?? {} })
    : recordingSource(path, openInput(path), io);
}

/** Opens the part of a dataset that was chosen. */
export function openDatasetSource(dataset: DatasetInput): ProfileSource {
  return { file: dataset.path, load: (_, loading) => loadDatasetProfile(dataset, loading) };
}

function recordingSource(file: string, input: ByteInput, io: Io): ProfileSource {
  const load: ProfileSource["load"] = (files, loading) =>
    withProgress(input, io, (input) => loadProfile(input, files, loading));
  return { file, input, load };
}
