/**
 * Stands in for `@std/cli/parse-args` where JSR is out of reach. Its types know strings, booleans, lists and defaults.
 *
 * @module
 */

/** What each option is, by its name. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
> {
  /** Options without a value; absent ones are false. */
  boolean?: readonly B[];
  /** Options whose value stays a string, though it looks like a number. */
  string?: readonly S[];
  /** Options that may be repeated: their value is the list of all. */
  collect?: readonly C[];
  /** Values of absent options. */
  default?: D;
  /** Asked about each word or option not declared; false drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Values<B extends string, S extends string, C extends string> =
  & { [K in Exclude<S, C>]?: string }
  & { [K in Extract<S, C>]: string[] }
  & { [K in Exclude<B, C>]: boolean }
  & { [K in Extract<B, C>]: boolean[] }
  & { [K in Exclude<C, S | B>]: unknown[] };

type WithDefaults<V, D> =
  & Omit<V, keyof D>
  & {
    [K in keyof D]:
      | D[K]
      | (K extends keyof V ? NonNullable<V[K]> : never);
  };

/** The options by name, and in `_` the other words. */
export type Args<V = Record<string, unknown>> = V & Record<string, unknown> & { _: (string | number)[] };

const looksNumeric = (text: string) => text.trim() !== "" && Number.isFinite(Number(text));

/**
 * Parses a command line: `--name`, `--name=value`, `--name value`, `-n`, `-n 5`; words behind `--` are no options. A word
 * behind an option that is not declared boolean is its value. Numbers become numbers unless the option is a string.
 */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
>(args: readonly string[], options: ParseOptions<B, S, C, D> = {}): Args<WithDefaults<Values<B, S, C>, D>> {
  const booleans = new Set<string>(options.boolean), strings = new Set<string>(options.string);
  const lists = new Set<string>(options.collect);
  const found = new Map<string, unknown>(), words: (string | number)[] = [];
  const set = (name: string, value: string | boolean, arg: string) => {
    const known = booleans.has(name) || strings.has(name) || lists.has(name);
    if (!known && options.unknown?.(arg, name, value) === false) return;
    const isNumber = typeof value === "string" && !strings.has(name) && looksNumeric(value);
    const typed = isNumber ? Number(value) : value;
    found.set(name, lists.has(name) ? [...found.get(name) as unknown[] ?? [], typed] : typed);
  };
  const end = args.indexOf("--"), parsed = end < 0 ? args : args.slice(0, end);
  for (let i = 0; i < parsed.length; i++) {
    const arg = parsed[i], next = parsed[i + 1];
    const [, dashes, name, value] = /^(--?)([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      if (options.unknown?.(arg) !== false) words.push(looksNumeric(arg) ? Number(arg) : arg);
    } else if (value !== undefined) set(name, booleans.has(name) ? value !== "false" : value, arg);
    else if (next && !booleans.has(name) && !(dashes === "--" ? /^-/ : /^--?[^-]/).test(next)) {
      set(name, parsed[++i], arg);
    } else if (next === "true" || next === "false") set(name, parsed[++i] === "true", arg);
    else set(name, strings.has(name) ? "" : true, arg);
  }
  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (!found.has(name)) found.set(name, value);
  }
  for (const name of booleans) if (!found.has(name)) found.set(name, lists.has(name) ? [] : false);
  for (const name of lists) if (!found.has(name)) found.set(name, []);
  if (end >= 0) { for (const word of args.slice(end + 1)) words.push(word); }
  return Object.fromEntries([["_", words], ...found]) as Args<WithDefaults<Values<B, S, C>, D>>;
}
