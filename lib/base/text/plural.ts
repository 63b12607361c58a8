/** Numbers in sentences: with their nouns, and with digits in groups. */

/** Returns the noun for `n` of a thing: `run` for 1, else `runs`; `processes` for a noun that ends in s. */
export function plural(n: number | bigint, noun: string): string {
  if (n === 1 || n === 1n) return noun;
  return noun.endsWith("s") ? `${noun}es` : `${noun}s`;
}

/** Returns `1 run`, `2 runs`. */
export function counted(n: number | bigint, noun: string): string {
  return `${n} ${plural(n, noun)}`;
}

/** Groups digits: `1,234,567`. */
export function groupDigits(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}
