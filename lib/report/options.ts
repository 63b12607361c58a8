/** What a report shows; every renderer takes the same. */
export interface ReportOptions {
  /** Show the callers of each row. */
  callGraph: boolean;
  /** Leave out rows, and callers, below this share of all samples, in percent. */
  percentLimit: number;
  /** Cut lines to this many columns; Infinity leaves them whole. */
  width: number;
  /** Colour by heat. */
  color: boolean;
}
