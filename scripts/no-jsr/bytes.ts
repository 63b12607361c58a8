/**
 * Stands in for `@std/fmt/bytes` where JSR is out of reach.
 *
 * @module
 */

/** How `format` writes a number of bytes. */
export interface FormatOptions {
  /** Steps of 1024 (`KiB`'s kin, written `kiB`) in place of 1000. */
  binary?: boolean;
  /** Least number of digits behind the point; without this and the next, three significant digits are written. */
  minimumFractionDigits?: number;
  /** Greatest number of digits behind the point. */
  maximumFractionDigits?: number;
}

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

/** `1337` as `1.34 kB`. Throws TypeError when `num` is not finite. */
export function format(num: number, options: FormatOptions = {}): string {
  if (!Number.isFinite(num)) throw new TypeError(`Expected a finite number, got ${typeof num}: ${num}`);
  let size = Math.abs(num);
  let step = 0;
  if (size >= 1) {
    const steps = options.binary ? Math.log(size) / Math.log(1024) : Math.log10(size) / 3;
    step = Math.min(Math.floor(steps), PREFIXES.length - 1);
    size /= (options.binary ? 1024 : 1000) ** step;
  }
  const unit = step === 0 ? "B" : `${PREFIXES[step]}${options.binary ? "i" : ""}B`;
  return `${num < 0 ? "-" : ""}${digits(size, options, num)} ${unit}`;
}

function digits(size: number, options: FormatOptions, num: number): string {
  const { minimumFractionDigits, maximumFractionDigits } = options;
  if (minimumFractionDigits !== undefined || maximumFractionDigits !== undefined) {
    return size.toLocaleString(undefined, { minimumFractionDigits, maximumFractionDigits });
  }
  return String(Math.abs(num) < 1 ? size : Number(size.toPrecision(3)));
}
