/**
 * A profile as JSON and back, symbols and all: what it was recorded of may be gone or rebuilt when it is read. For
 * pmuctl's own files; no other program needs to know what is in them.
 */

import { BadInputError } from "../base/errors.ts";
import { checkValid, type Profile } from "./profile.ts";

/** Changes with whatever a Profile is made of. */
const SCHEMA = "pmuctl-profile/1";

const COLUMNS = { Int32Array, Float64Array } as const;
type ColumnName = keyof typeof COLUMNS;

/** The text of the profile's file; `repeats` is how often the command was run for it. */
export function storeProfile(profile: Profile, repeats: number): string {
  const { times: _, ...kept } = profile;
  return JSON.stringify({ schema: SCHEMA, repeats, profile: kept }, (_, value) => {
    if (typeof value === "bigint") return { bigint: `${value}` };
    const column = (Object.keys(COLUMNS) as ColumnName[]).find((name) => value instanceof COLUMNS[name]);
    return column ? { [column]: Array.from(value as Iterable<number>) } : value;
  }) + "\n";
}

/** Reads it back. Throws BadInputError when it is damaged, or another version's. */
export function readStoredProfile(file: string, text: string): { profile: Profile; repeats: number } {
  try {
    const stored = JSON.parse(text, (_, value) => {
      if (typeof value?.bigint === "string") return BigInt(value.bigint);
      const column = (Object.keys(COLUMNS) as ColumnName[]).find((name) => Array.isArray(value?.[name]));
      return column ? COLUMNS[column].from(value[column] as number[]) : value;
    });
    if (stored?.schema !== SCHEMA) throw new Error(`its schema is not ${SCHEMA}`);
    checkValid(stored.profile);
    return { profile: stored.profile, repeats: stored.repeats };
  } catch (error) {
    throw new BadInputError(
      `cannot read the profile ${file}: ${(error as Error).message}: make it anew with --update --profile`,
    );
  }
}
