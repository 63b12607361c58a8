/**
 * Profiles stored as JSON, symbols included, since the programs may be gone or rebuilt when a profile is read. The
 * format is pmuctl's own; no other program needs to read it.
 */

import { readBigint, writtenBigint } from "../../base/text/json_bigint.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { checkValid, type Profile } from "./profile.ts";

/** Schema name. Changes whenever the members of a Profile change. */
const SCHEMA = "pmuctl-profile/3";

const COLUMNS = { Int32Array, Float64Array } as const;
type ColumnName = keyof typeof COLUMNS;

/** Returns the text of a profile's file; `repeats` is the number of runs of the command that it was sampled in. */
export function storeProfile(profile: Profile, repeats: number): string {
  const { times: _, ...kept } = profile;
  return JSON.stringify({ schema: SCHEMA, repeats, profile: kept }, (_, value) => {
    const column = (Object.keys(COLUMNS) as ColumnName[]).find((name) => value instanceof COLUMNS[name]);
    return column ? { [column]: Array.from(value as Iterable<number>) } : writtenBigint(value);
  }) + "\n";
}

/** Parses a stored profile. Throws BadInputError if it is damaged, or written by another version. */
export function readStoredProfile(file: string, text: string): { profile: Profile; repeats: number } {
  try {
    const stored = JSON.parse(text, (_, value) => {
      const column = (Object.keys(COLUMNS) as ColumnName[]).find((name) => Array.isArray(value?.[name]));
      return column ? columnOf(column, value[column]) : readBigint(value);
    });
    if (stored?.schema !== SCHEMA) throw new Error(`its schema is not ${SCHEMA}`);
    const { profile, repeats } = stored;
    if (!Number.isSafeInteger(repeats) || repeats < 1) {
      throw new Error("repeats is not a positive whole number");
    }
    requireShape(profile, PROFILE, "profile");
    if (profile.lines !== undefined) requireShape(profile.lines, LINES, "profile.lines");
    const { inlinedInto } = profile.frames;
    if (inlinedInto !== undefined) requireShape(inlinedInto, "ints", "profile.frames.inlinedInto");
    checkValid(profile);
    return { profile, repeats };
  } catch (error) {
    throw new BadInputError(
      `cannot read the profile ${file}: ${(error as Error).message}: record it again with --update --profile`,
    );
  }
}

function columnOf(name: ColumnName, numbers: unknown[]): Int32Array | Float64Array {
  if (!numbers.every((number) => Number.isFinite(number))) {
    throw new Error(`a ${name} has more than numbers in it`);
  }
  return COLUMNS[name].from(numbers as number[]);
}

/** Shape of a part of a stored profile: a kind, a list of one shape, or an object with these members. */
type StoredShape = keyof typeof IS | readonly [StoredShape] | { readonly [member: string]: StoredShape };

const IS = {
  text: (value: unknown) => typeof value === "string",
  number: (value: unknown) => Number.isFinite(value),
  bigint: (value: unknown) => typeof value === "bigint",
  flag: (value: unknown) => typeof value === "boolean",
  ints: (value: unknown) => value instanceof Int32Array,
  floats: (value: unknown) => value instanceof Float64Array,
  /** Numbers by name: a row of a ledger. */
  counts: (value: unknown) =>
    typeof value === "object" && value !== null &&
    Object.values(value).every((count) => Number.isFinite(count)),
} as const;

const PROFILE = {
  meta: {
    command: "text",
    host: "text",
    kernel: "text",
    arch: "text",
    cpu: "text",
    cpus: "number",
    seconds: "number",
    start: "bigint",
    end: "bigint",
    wallStart: "number",
    sampling: [{ name: "text", rate: "text", backend: "text" }],
    callChains: "flag",
    lost: "number",
    ledger: { from: "text", rows: ["counts"], total: "counts" },
    warnings: ["text"],
    notes: ["text"],
  },
  events: [{ name: "text", rate: "text", tracksOnly: "flag" }],
  comms: ["text"],
  objects: [{ name: "text", path: "text", kind: "text", buildId: "text" }],
  symbols: { name: ["text"], object: "ints" },
  frames: { object: "ints", address: "floats", symbol: "ints", unnamed: "ints", unresolved: "ints" },
  unnamed: { object: "ints", from: "floats", to: "floats" },
  stacks: { parent: "ints", frame: "ints" },
  threads: { pid: "ints", tid: "ints", comm: "ints" },
  processes: { pid: "ints", comm: "ints" },
  samples: { event: "ints", thread: "ints", cpu: "ints", stack: "ints", count: "floats", period: "floats" },
  unresolved: [{ object: "text", cause: "text", remedy: "text", samples: "number" }],
} as const satisfies Record<Exclude<keyof Profile, "times" | "lines">, StoredShape>;

/** Throws an Error that names the first breach, unless these members of a profile have the shape of stored ones. */
export function requireStored(members: Partial<Record<keyof typeof PROFILE, unknown>>): void {
  for (const [name, value] of Object.entries(members)) {
    requireShape(value, PROFILE[name as keyof typeof PROFILE], name);
  }
}

const LINES = { ofFrame: "ints", file: "ints", line: "ints", paths: ["text"] } as const;

/** Throws an Error that names the first part of `value` with another shape. */
function requireShape(value: unknown, shape: StoredShape, where: string): void {
  if (typeof shape === "string") {
    if (!IS[shape](value)) throw new Error(`${where} is not ${shape}`);
  } else if (Array.isArray(shape)) {
    if (!Array.isArray(value)) throw new Error(`${where} is not a list`);
    value.forEach((each, i) => requireShape(each, shape[0], `${where}[${i}]`));
  } else {
    if (typeof value !== "object" || value === null) throw new Error(`${where} is missing`);
    for (const [name, member] of Object.entries(shape)) {
      requireShape((value as Record<string, unknown>)[name], member, `${where}.${name}`);
    }
  }
}
