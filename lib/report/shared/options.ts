/** What a report shows; every renderer takes the same. */

import { DEFAULT_SORT, type SortKey } from "../../profile/query/groups.ts";
import type { ProfileTotals } from "../../profile/query/table.ts";

export interface ReportOptions {
  /** What tells rows apart, in the order of the columns. */
  sort: readonly SortKey[];
  /** By total rather than by self, and with rows that only called others. */
  children: boolean;
  /** `callers`: under each row, who called it. `calls`: instead of rows, from the roots down. */
  tree: "none" | "callers" | "calls";
  /** Several events in one table, side by side, rather than a table each. */
  sideBySide: boolean;
  /** A column with the periods, besides shares and samples. */
  showPeriod: boolean;
  /** What became of the samples, by CPU. */
  ledger: boolean;
  /** Leave out rows, and branches, below this share, in percent. */
  percentLimit: number;
  /** What shares are shares of, when that is more than the profile has: it was filtered. */
  whole?: ProfileTotals;
  /** Fold and shorten names, and wrap prose, to fit so many columns; Infinity leaves all whole. Cuts no line. */
  width: number;
  /** Colour by heat. */
  color: boolean;
}

/** The report as it is without any option. */
export const DEFAULT_REPORT: ReportOptions = {
  sort: DEFAULT_SORT,
  children: false,
  tree: "none",
  sideBySide: false,
  showPeriod: false,
  ledger: false,
  percentLimit: 0.05,
  width: Infinity,
  color: false,
};
