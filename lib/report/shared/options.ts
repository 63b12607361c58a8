/** Options that all renderers of reports share. */

import { DEFAULT_SORT, type SortKey } from "../../profile/request/sort_keys.ts";
import type { ProfileTotals } from "../../profile/query/query.ts";

/** Options of a report. */
export interface ReportOptions {
  /** Keys that tell rows apart, in the order of the columns. */
  sort: readonly SortKey[];
  /** Sorts by total instead of self, and includes rows that only called others. */
  children: boolean;
  /** Tree to show. `callers`: below each row, its callers. `calls`: from the roots down, instead of rows. */
  tree: "none" | "callers" | "calls";
  /** Shows several events side by side in one table, instead of one table per event. */
  sideBySide: boolean;
  /** Adds a column with periods. */
  showPeriod: boolean;
  /** Adds a table of lost samples by CPU. */
  ledger: boolean;
  /** Share in percent below which rows and branches are left out. */
  percentLimit: number;
  /** Totals that shares refer to, when the profile was filtered and has less. */
  whole?: ProfileTotals;
  /** Width to fold names and wrap prose to, in columns. Infinity keeps everything whole. Lines are never cut. */
  width: number;
  /** Colors rows by their share. */
  color: boolean;
}

/** Options of a report by default. */
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
