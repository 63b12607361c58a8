/**
 * Command-line parser: turns argv into typed options by a command's table. Nothing is guessed: an unknown option is an
 * error.
 */

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../base/system/errors.ts";
import type { CommandSpec, OptionSpec, ParsedArgs } from "./command.ts";
import { nearest } from "../base/text/nearest.ts";

const HELP: OptionSpec = { name: "help", short: "h", help: "show this help" };

/** Returns the command's options, followed by `--help`. */
export function allOptions(command: CommandSpec): OptionSpec[] {
  return [...command.options, HELP];
}

/** Parses the words after the command's name. Throws UsageError naming the offending word. */
export function parseCommandLine(command: CommandSpec, argv: readonly string[]): ParsedArgs {
  const options = allOptions(command);
  const { words, positionals, rest } = toLongOptions(command, options, argv);
  const valued = options.filter((o) => o.value);
  const parsed = parseArgs(words, {
    string: valued.map((o) => o.name),
    boolean: options.filter((o) => !o.value).map((o) => o.name),
    collect: valued.map((o) => o.name),
  }) as Record<string, unknown>;
  const valuesOf = (name: string) => (parsed[name] ?? []) as string[];

  for (const option of valued) {
    if (!option.repeat && valuesOf(option.name).length > 1) {
      throw new UsageError(`--${option.name} is given ${valuesOf(option.name).length} times: give it once`);
    }
  }
  if (positionals.length > (command.maxPositionals ?? 0)) {
    const extra = positionals[command.maxPositionals ?? 0];
    throw new UsageError(`unexpected argument '${extra}': see 'pmuctl ${command.name} --help'`);
  }

  const text = (name: string) => valuesOf(name)[0];
  return {
    has: (name) => {
      const value = parsed[name];
      return Array.isArray(value) ? value.length > 0 : value === true;
    },
    text,
    texts: valuesOf,
    number: (name, limits = {}) => toNumber(name, text(name), limits),
    choice: <T extends string>(name: string, choices: readonly T[]) => {
      const value = text(name);
      if (value === undefined || (choices as readonly string[]).includes(value)) {
        return value as T | undefined;
      }
      throw new UsageError(`--${name} '${value}': expected one of ${choices.join(", ")}`);
    },
    positionals,
    command: rest,
  };
}

/**
 * Rewrites argv so that every option is `--name` or `--name=value`. Clusters (`-ag`), attached values (`-F99`) and
 * values in the next word can only be split by the table, which parseArgs does not have.
 */
function toLongOptions(command: CommandSpec, options: OptionSpec[], argv: readonly string[]) {
  const byShort = new Map(options.filter((o) => o.short).map((o) => [o.short!, o]));
  const byName = new Map(options.map((o) => [o.name, o]));
  const words: string[] = [];
  const positionals: string[] = [];
  let rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i];
    const valueOf = (option: OptionSpec, written: string, glued: string | undefined) => {
      const value = glued ?? option.bare ?? argv[++i];
      if (value === undefined || value === "") {
        throw new UsageError(`${written} needs a value: ${written} ${option.value}`);
      }
      words.push(`--${option.name}=${value}`);
    };
    if (word === "--") {
      rest = argv.slice(i + 1);
      break;
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const option = byName.get(name) ?? unknownOption(command, `--${name}`, byName.keys());
      if (option.value) valueOf(option, `--${name}`, equals < 0 ? undefined : word.slice(equals + 1));
      else if (equals < 0) words.push(word);
      else throw new UsageError(`--${name} takes no value`);
    } else if (word.startsWith("-") && word !== "-") {
      for (let k = 1; k < word.length; k++) {
        const option = byShort.get(word[k]) ?? unknownOption(command, `-${word[k]}`, []);
        if (!option.value) {
          words.push(`--${option.name}`);
          continue;
        }
        const glued = word.slice(k + 1).replace(/^=/, "");
        valueOf(option, `-${word[k]}`, glued === "" ? undefined : glued);
        break;
      }
    } else if (command.takesCommand) {
      rest = argv.slice(i);
      break;
    } else {
      positionals.push(word);
    }
  }
  return { words, positionals, rest };
}

/** Unknown option of a command. */
export class UnknownOption extends UsageError {
  /** Name of the command. */
  readonly command: string;
  /** Option with its dashes. */
  readonly written: string;

  /** Makes the message, which `hint` completes: what may have been meant. */
  constructor(command: string, written: string, hint: string) {
    super(`unknown option ${written}${hint}`);
    this.command = command;
    this.written = written;
  }
}

function unknownOption(command: CommandSpec, written: string, known: Iterable<string>): never {
  const near = nearest(written.replace(/^-+/, ""), [...known], 1);
  const hint = near.length ? `; did you mean --${near[0]}?` : `: see 'pmuctl ${command.name} --help'`;
  throw new UnknownOption(command.name, written, hint);
}

function toNumber(
  name: string,
  value: string | undefined,
  { min = -Infinity, max = Infinity, integer = false }: { min?: number; max?: number; integer?: boolean },
): number | undefined {
  if (value === undefined) return undefined;
  const number = value.trim() === "" ? NaN : Number(value);
  const kind = integer ? "a whole number" : "a number";
  if (!Number.isFinite(number) || (integer && !Number.isInteger(number))) {
    throw new UsageError(`--${name} '${value}': expected ${kind}`);
  }
  if (number < min || number > max) {
    const range = max === Infinity ? `at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} ${value}: expected ${kind} ${range}`);
  }
  return number;
}
