/**
 * Grid of a recording's time: columns such as seconds, cut into buckets. Choosing both together makes a cell of the heat
 * map one bucket, which is what ranges are made of.
 */

/** Grid of time. All columns have as many buckets. */
export interface TimeGrid {
  /** Length of a bucket, in ns. */
  bucketNs: number;
  /** Number of buckets in a column. */
  columnBuckets: number;
}

/** Number of columns at least of a recording that is too short for seconds. */
const MIN_COLUMNS = 30;
/** Number of columns at most: each is wider than a pixel on any screen. */
const MAX_COLUMNS = 300;
const SECOND = 1e9, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;
/** Length in ns from which a recording has columns of a second or more. */
const SECONDS_FROM = 15 * SECOND;
/** Lengths of columns of long recordings, in ns. */
const LONG_COLUMNS = [
  ...[1, 2, 5, 10, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 30].map((n) => n * MINUTE),
  ...[1, 2, 6, 12, 24].map((n) => n * HOUR),
];
/** Numbers of buckets in a column: they divide powers of ten, which columns are multiples of. */
const COLUMN_BUCKETS = [80, 64, 50, 40, 32, 25, 20, 16, 10, 8, 5, 4, 2, 1];

/**
 * Returns the finest grid of at most `most` buckets for a recording of `ns`. Columns are seconds, but for recordings
 * that have too few of them or too many.
 */
export function timeGrid(ns: number, most: number): TimeGrid {
  const column = columnNs(ns);
  const columnBuckets = COLUMN_BUCKETS.find((n) => column % n === 0 && Math.ceil(ns * n / column) <= most) ??
    1;
  return { bucketNs: column / columnBuckets, columnBuckets };
}

/** Returns the length of a column, in ns. */
function columnNs(ns: number): number {
  if (ns < SECONDS_FROM) {
    let column = SECOND;
    for (let digit = 0; column > 1 && ns < MIN_COLUMNS * column; digit++) column /= digit % 3 === 1 ? 2.5 : 2;
    return column;
  }
  const fitting = LONG_COLUMNS.find((column) => ns <= MAX_COLUMNS * column);
  return fitting ?? Math.ceil(ns / MAX_COLUMNS / HOUR) * HOUR;
}
