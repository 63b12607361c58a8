/**
 * Stands in for `@std/cli/parse-args` where JSR is out of reach. Its types know strings, booleans, lists and
 * defaults; an alias is `unknown` to them.
 *
 * @module
 */

type Names<T extends string> = T | readonly T[];

/** What each option is, by its name. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Keeps what stands behind `--` apart, under the key `--`. */
  "--"?: DD;
  /** Other names of an option: its value appears under each. */
  alias?: Record<string, string | readonly string[]>;
  /** Options without a value; absent ones are false. True: every long option without `=`. */
  boolean?: boolean | Names<B>;
  /** Options whose value stays a string, though it looks like a number. */
  string?: Names<S>;
  /** Options that may be repeated: their value is the list of all. */
  collect?: Names<C>;
  /** Options that `--no-NAME` sets to false. */
  negatable?: Names<string>;
  /** Values of absent options. */
  default?: D;
  /** Takes everything behind the first word that is no option as words. */
  stopEarly?: boolean;
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
export type Args<V = Record<string, unknown>, DD extends boolean | undefined = undefined> =
  & V
  & Record<string, unknown>
  & { _: (string | number)[] }
  & (DD extends true ? { "--": string[] } : unknown);

/** The names that name the same option, the one asked for among them. */
type Group = (name: string) => readonly string[];

function aliasGroups(alias: Record<string, string | readonly string[]>): Group {
  const groups = new Map<string, string[]>();
  for (const [name, others] of Object.entries(alias)) {
    if (others === undefined) throw new TypeError("Alias value must be defined");
    const group = [...new Set([name, ...(typeof others === "string" ? [others] : others)])];
    for (const member of group) groups.set(member, group);
  }
  return (name) => groups.get(name) ?? [name];
}

function declared(names: Names<string> | boolean | undefined, group: Group): Set<string> {
  const list = typeof names === "string" ? [names] : Array.isArray(names) ? names : [];
  return new Set(list.filter((name) => name !== "").flatMap(group));
}

type Tree = Record<string, unknown>;

/** True for a step of a dotted name that would lead out of the tree, to the prototype of all objects. */
const leadsOut = (tree: Tree, key: string) =>
  key === "__proto__" || key === "constructor" && typeof tree[key] === "function";

/** Sets `a.b.c` in the tree of objects, or adds to the list there. */
function put(tree: Tree, name: string, value: unknown, list: boolean): void {
  const path = name.split(".");
  const leaf = path.pop()!;
  for (const step of path) {
    if (leadsOut(tree, step)) return;
    tree = (tree[step] ??= {}) as Tree;
  }
  if (leadsOut(tree, leaf)) return;
  const present = tree[leaf];
  if (!list) tree[leaf] = value;
  else if (Array.isArray(present)) present.push(value);
  else tree[leaf] = present ? [present, value] : [value];
}

function isSet(tree: Tree, name: string): boolean {
  let at: unknown = tree;
  for (const step of name.split(".")) {
    if (!Object.hasOwn(at as Tree, step)) return false;
    at = (at as Tree)[step];
  }
  return true;
}

const looksNumeric = (text: string) => text.trim() !== "" && Number.isFinite(Number(text));

/**
 * Parses a command line: `--name`, `--name=value`, `--name value`, `-abc`, `-n5`, `-n 5`. A word behind an
 * option that is not declared boolean is its value. Numbers become numbers unless the option is a string.
 */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
  DD extends boolean | undefined = undefined,
>(
  args: readonly string[],
  options: ParseOptions<B, S, C, D, DD> = {},
): Args<WithDefaults<Values<B, S, C>, D>, DD> {
  const group = aliasGroups(options.alias ?? {});
  const booleans = declared(options.boolean, group);
  const strings = declared(options.string, group);
  const lists = declared(options.collect, group);
  const negatable = declared(options.negatable, group);
  const aliased = (name: string) => group(name).length > 1;
  const takesNoValue = (name: string) => group(name).some((member) => booleans.has(member));
  const bare = (name: string) => strings.has(name) ? "" : true;

  const result: Tree = { _: [] };
  const words = () => result._ as (string | number)[];
  const end = args.indexOf("--");
  const parsed = end < 0 ? args : args.slice(0, end);
  const rest = end < 0 ? [] : args.slice(end + 1);

  function set(name: string, value: string | boolean, arg: string, list = true): void {
    const known = booleans.has(name) || strings.has(name) || lists.has(name) || aliased(name) ||
      options.boolean === true && /^--[^=]+$/.test(arg);
    if (!known && options.unknown?.(arg, name, value) === false) return;
    const typed = typeof value === "string" && !strings.has(name) && looksNumeric(value)
      ? Number(value)
      : value;
    for (const member of group(name)) put(result, member, typed, list && lists.has(name));
  }

  /** Gives an option the next word when that is its value; true when it was taken. */
  function takeNext(name: string, next: string | undefined, arg: string, isOption: RegExp): boolean {
    if (!next) return false;
    const noValue = takesNoValue(name) || options.boolean === true && arg.startsWith("--");
    if (!noValue && !isOption.test(next)) set(name, next, arg);
    else if (next === "true" || next === "false") set(name, next === "true", arg);
    else return false;
    return true;
  }

  /** `--name...`; true when the next word was taken as its value. */
  function long(arg: string, next: string | undefined): boolean {
    const [, no, name, value] = arg.match(/^--(no-)?(.+?)(?:=(.*))?$/s)!;
    if (value !== undefined) {
      set(name, booleans.has(name) ? value !== "false" : value, arg);
      return false;
    }
    if (no && negatable.has(name)) {
      set(name, false, arg, false);
      return false;
    }
    const whole = (no ?? "") + name;
    if (takeNext(whole, next, arg, /^-/)) return true;
    set(whole, bare(whole), arg);
    return false;
  }

  /** `-abc`, `-n5`, `-n=5`; true when the next word was taken as the last letter's value. */
  function short(arg: string, next: string | undefined): boolean {
    for (let at = 1; at < arg.length - 1; at++) {
      const letter = arg[at];
      const behind = arg.slice(at + 1);
      if (behind === "-") {
        set(letter, "-", arg);
        continue;
      }
      let value: string | undefined;
      if (behind === "=") value = "";
      else if (/[A-Za-z]/.test(letter)) {
        value = /=(.+)/.exec(behind)?.[1] ?? /-?\d+(\.\d*)?(e-?\d+)?$/.exec(behind)?.input;
      }
      if (value === undefined && behind.length > 1 && /^\W/.test(behind)) value = behind;
      if (value !== undefined) {
        set(letter, value, arg);
        return false;
      }
      set(letter, bare(letter), arg);
    }
    const last = arg.at(-1)!;
    if (last === "-") return false;
    if (takeNext(last, next, arg, /^--?[^-]/)) return true;
    set(last, bare(last), arg);
    return false;
  }

  for (let i = 0; i < parsed.length; i++) {
    const arg = parsed[i];
    if (arg.startsWith("--") && arg.length > 2) {
      if (long(arg, parsed[i + 1])) i++;
    } else if (arg.startsWith("-") && arg.length > 1) {
      if (short(arg, parsed[i + 1])) i++;
    } else {
      if (options.unknown?.(arg) !== false) {
        words().push(strings.has("_") || !looksNumeric(arg) ? arg : Number(arg));
      }
      if (options.stopEarly) {
        words().push(...parsed.slice(i + 1));
        break;
      }
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (!isSet(result, name)) { for (const member of group(name)) put(result, member, value, false); }
  }
  for (const name of booleans) {
    if (!isSet(result, name)) put(result, name, lists.has(name) ? [] : false, false);
  }
  for (const name of strings) {
    if (lists.has(name) && !isSet(result, name)) put(result, name, [], false);
  }
  if (options["--"]) result["--"] = rest;
  else words().push(...rest);
  return result as Args<WithDefaults<Values<B, S, C>, D>, DD>;
}
