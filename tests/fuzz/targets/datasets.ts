/** Data files of a dataset, as if anyone could have written them. */

import { loadDataset } from "../../../lib/dataset/read/load_dataset.ts";
import { TABLES } from "../../../lib/dataset/layout/partitions.ts";
import { exported, filesOf, recordingOf } from "../../dataset/datasets.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { ownPath } from "../own_folder.ts";
import { choiceBy, type Target } from "../target.ts";

const LINES = ["app app!main;app!run;libc.so!write 40", "app app!main;app! 3", "sh sh!main;[kernel]!exec 2"];

/** A dataset of one recording: the paths of its files and what is in them, by table. */
function seed(): { path: string; file: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const path = ownPath("dataset"),
    profile = recordingOf(LINES, { host: "h", command: HOSTILE_NAMES.join(" ") });
  exported(path, profile, { labels: new Map([["a", "b"], ["c", "d"]]) });
  return filesOf(path).map((file) => ({ path, file, bytes: Deno.readFileSync(`${path}/${file}`) }));
}

let made: ReturnType<typeof seed> | undefined;

/** The targets of this file. */
export function datasetTargets(): Target[] {
  return [{
    name: "dataset",
    what: "a data file of a dataset, beside whole ones",
    weight: 4,
    make: (random) => {
      made ??= seed();
      const table = random.below(TABLES.length), whole = made[table].bytes;
      const bytes = random.oneIn(20) ? whole : mutateBytes(whole, random);
      return { bytes: Uint8Array.of(table, ...bytes), made: `a file of ${TABLES[table]}` };
    },
    take: async (bytes) => {
      made ??= seed();
      const { path, file, bytes: whole } = made[bytes[0] % TABLES.length];
      Deno.writeFileSync(`${path}/${file}`, bytes.slice(1));
      const isOn = (bit: number) => (choiceBy(bytes, 64) >>> bit & 1) === 1;
      try {
        await loadDataset(path, {
          selection: isOn(0) ? { since: 0, labels: new Map([["a", "b"]]) } : {},
          inline: isOn(1),
          lines: isOn(2),
          leafOnly: isOn(3),
          mergeCpus: isOn(4),
          mergeThreads: isOn(4),
          times: isOn(5),
        });
      } finally {
        Deno.writeFileSync(`${path}/${file}`, whole);
      }
    },
  }];
}
