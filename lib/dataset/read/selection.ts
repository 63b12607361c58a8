/** Choice of a part of a dataset, and the files that may have something of it. */

import { BadInputError } from "../../base/system/errors.ts";
import { lastDateOf, type Partition, partitionsOf, partsIn } from "../layout/partitions.ts";

/** Samples to read of a dataset: those that pass all conditions. */
export interface DatasetSelection {
  hosts?: ReadonlySet<string>;
  services?: ReadonlySet<string>;
  /** Labels that a recording must have. */
  labels?: ReadonlyMap<string, string>;
  /** Times in microseconds since 1970; the first one is included, the last one is not. */
  since?: number;
  until?: number;
}

/** Files of the same name in all tables. */
export interface PartOfDataset extends Partition {
  /** Folder of the partition below the folder of a table, and the name of the files. */
  path: string;
}

/** Lists the parts that may have samples of a selection, in the order of dates and hosts, by the names of their files alone. */
export function selectedParts(dataset: string, { hosts, since, until }: DatasetSelection): PartOfDataset[] {
  const first = since === undefined ? "" : dateOf(since), last = until === undefined ? "~" : dateOf(until);
  return partitionsOf(dataset, "samples").flatMap(({ date, host, path }) => {
    if (date > last || (hosts && !hosts.has(host))) return [];
    const below = path.slice(`${dataset}/samples/`.length);
    return partsIn(path)
      .filter((name) => (lastDateOf(name) ?? "~") >= first)
      .map((name) => ({ date, host, path: `${below}/${name}` }));
  });
}

/** Returns the UTC date of a time in microseconds since 1970. */
function dateOf(time: number): string {
  return new Date(time / 1000).toISOString().slice(0, 10);
}

/** Throws BadInputError if a dataset has no parts at all. */
export function refuseEmpty(dataset: string): void {
  if (partitionsOf(dataset, "samples").some(({ path }) => partsIn(path).length > 0)) return;
  throw new BadInputError(
    `cannot read the dataset ${dataset}: it has no samples: add some with 'pmuctl export'`,
  );
}
