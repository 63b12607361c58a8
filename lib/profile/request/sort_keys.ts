/** Sort keys, which split the rows of a report: names as in perf, and their parser. */

import { UsageError } from "../../base/system/errors.ts";

/**
 * Key that splits the rows of a report. `dso`, `sym` and `srcline` are keys of the place, the others of the thread or
 * moment that a sample was taken in.
 */
export type SortKey = "comm" | "pid" | "tid" | "cpu" | "event" | "dso" | "sym" | "srcline";

/** All sort keys, in the order of help. */
export const SORT_KEYS: readonly SortKey[] = ["comm", "pid", "tid", "cpu", "dso", "sym", "srcline", "event"];
/** Sort keys of a report by default. */
export const DEFAULT_SORT: readonly SortKey[] = ["comm", "dso", "sym"];

/** Other spellings that perf has. */
const ALIASES: Readonly<Record<string, SortKey>> = {
  symbol: "sym",
  command: "comm",
  tgid: "pid",
  line: "srcline",
};

/** Parses `comm,dso,sym`: keys in the order of their columns, without duplicates. Throws UsageError. */
export function parseSortKeys(text: string): SortKey[] {
  const keys = text.split(",").map((word) => {
    const name = word.trim().toLowerCase();
    const key = ALIASES[name] ?? name;
    if (!(SORT_KEYS as readonly string[]).includes(key)) {
      throw new UsageError(
        `--sort '${text}': unknown key '${word}': expected ${SORT_KEYS.join(", ")}`,
      );
    }
    return key as SortKey;
  });
  return [...new Set(keys)];
}
