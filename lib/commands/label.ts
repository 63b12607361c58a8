/** Labels of recordings as options have them. */

import { UsageError } from "../base/system/errors.ts";

/** Most letters of a label's key and of its value. */
const MAX_KEY = 64, MAX_VALUE = 256;

/** Splits the value `release=1.4` of an option at its first equals sign. Throws UsageError if it is no label. */
export function keyAndValue(text: string, option = "label"): [key: string, value: string] {
  const [, key, value] = /^([A-Za-z0-9_.\/-]+)=(.+)$/s.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`--${option} '${text}': expected KEY=VALUE, as in release=1.4`);
  if (key.length > MAX_KEY || value.length > MAX_VALUE) {
    throw new UsageError(
      `--${option} '${text}': a key has ${MAX_KEY} letters at most, and a value ${MAX_VALUE}`,
    );
  }
  return [key, value];
}
