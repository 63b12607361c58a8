/** Names of the formats of other benchmark tools, for the help, completions and errors. */

/** Formats of `check --from`. */
export const FOREIGN_FORMATS = [
  "criterion",
  "csv",
  "go",
  "google-benchmark",
  "hyperfine",
  "jmh",
  "pytest-benchmark",
] as const;

/** Format of `check --from`. */
export type ForeignFormat = typeof FOREIGN_FORMATS[number];
