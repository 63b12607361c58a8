/** Bigints in JSON, which has no type for them: `{"bigint": "123"}`, for documents that only pmuctl reads. */

/** Returns how a member is written: an object for a bigint, else the value itself. For JSON.stringify(). */
export function writtenBigint(value: unknown): unknown {
  return typeof value === "bigint" ? { bigint: String(value) } : value;
}

/**
 * Returns what was written as `value`: a bigint for an object that stands for one, else the value itself. Throws
 * SyntaxError when more than 20 digits are in its place, which no 64-bit number has. For JSON.parse().
 */
export function readBigint(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("bigint" in value)) return value;
  const { bigint: text } = value;
  if (typeof text !== "string" || Object.keys(value).length !== 1) return value;
  if (!/^-?\d{1,20}$/.test(text)) throw new SyntaxError("a bigint has more than digits in it");
  return BigInt(text);
}
