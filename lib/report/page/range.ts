/** Ranges of time, in buckets, and as a link has them. */

/** Range of buckets of time: `from` is the first (from 1 on), `to` the one behind the last. */
export type BucketRange = { from: number; to: number };

/** Ranges that the reader has chosen: one to show, all time by default, and one to compare it with. */
export interface TimeRanges {
  range?: BucketRange;
  base?: BucketRange;
}

/** Length of the buckets in ns, and their number. */
export interface BucketScale {
  bucketNs: number;
  buckets: number;
}

/** Returns a range as seconds since the first sample: `0.25-1.5`. */
export function rangeText({ from, to }: BucketRange, bucketNs: number): string {
  return [from, to].map((bucket) => secondsText((bucket - 1) * bucketNs)).join("-");
}

/** Returns the buckets with any of the time that `text` says, as rangeText() writes it; undefined when there are none. */
export function rangeOfText(
  text: string | null,
  { bucketNs, buckets }: BucketScale,
): BucketRange | undefined {
  const [, first, last] = /^(\d{1,6}(?:\.\d{1,9})?)-(\d{1,6}(?:\.\d{1,9})?)$/.exec(text ?? "") ?? [];
  if (first === undefined || bucketNs === 0) return undefined;
  const [from, end] = [first, last].map((seconds) => Math.round(Number(seconds) * 1e9));
  const range = {
    from: Math.floor(from / bucketNs) + 1,
    to: Math.min(buckets, Math.ceil(end / bucketNs)) + 1,
  };
  return range.from < range.to ? range : undefined;
}

function secondsText(ns: number): string {
  return (ns / 1e9).toFixed(9).replace(/\.?0+$/, "");
}
