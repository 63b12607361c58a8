/**
 * Stands in for `@std/fmt/bytes` where JSR is out of reach.
 *
 * @module
 */

/** How `format` writes a number of bytes. */
export interface FormatOptions {
  /** Counts bits: `kbit` and so on. */
  bits?: boolean;
  /** Steps of 1024 (`KiB`'s kin, written `kiB`) in place of 1000. */
  binary?: boolean;
  /** Puts a plus sign before a positive number. */
  signed?: boolean;
  /** Writes the digits as this locale does; true: as the system's does. */
  locale?: boolean | string | string[];
  /** Least number of digits behind the point; without this and the next, three significant digits are written. */
  minimumFractionDigits?: number;
  /** Greatest number of digits behind the point. */
  maximumFractionDigits?: number;
}

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

/** `1337` as `1.34 kB`. Throws TypeError when `num` is not finite. */
export function format(num: number, options: FormatOptions = {}): string {
  if (!Number.isFinite(num)) throw new TypeError(`Expected a finite number, got ${typeof num}: ${num}`);
  const base = options.bits ? "b" : "B";
  if (options.signed && num === 0) return ` 0 ${base}`;
  const sign = num < 0 ? "-" : options.signed ? "+" : "";

  let size = Math.abs(num);
  let step = 0;
  if (size >= 1) {
    const steps = options.binary ? Math.log(size) / Math.log(1024) : Math.log10(size) / 3;
    step = Math.min(Math.floor(steps), PREFIXES.length - 1);
    size /= (options.binary ? 1024 : 1000) ** step;
  }
  const unit = step === 0
    ? base
    : PREFIXES[step] + (options.binary ? "i" : "") + (options.bits ? "bit" : "B");
  return `${sign}${digits(size, options, num)} ${unit}`;
}

function digits(size: number, options: FormatOptions, num: number): string {
  const { locale, minimumFractionDigits, maximumFractionDigits } = options;
  const fixed = minimumFractionDigits !== undefined || maximumFractionDigits !== undefined;
  const rounded = fixed || Math.abs(num) < 1 ? size : Number(size.toPrecision(3));
  if (!fixed && !locale) return String(rounded);
  const where = typeof locale === "boolean" ? undefined : locale;
  return rounded.toLocaleString(where, fixed ? { minimumFractionDigits, maximumFractionDigits } : undefined);
}
