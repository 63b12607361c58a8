/** Facts that the completion scripts of all shells are made of, taken from the commands' tables. */

import { allOptions } from "../args.ts";
import type { CommandSpec, OptionSpec, ValueKind } from "../command.ts";

/** Kinds that the names of values in the help stand for, where an option's `values` do not say it. */
const METAVARIABLES: Readonly<Record<string, ValueKind>> = {
  FILE: "file",
  DIR: "folder",
  EVENT: "event",
  EVENTS: "event",
  SPEC: "event",
  PIDS: "process",
  CMD: "command",
};

/** Returns the options that are offered: all but those that change nothing. */
export function offeredOptions(command: CommandSpec): OptionSpec[] {
  return allOptions(command).filter(({ name }) => !command.hidden?.includes(name));
}

/** Returns an option's names as they are written, the short one first. */
export function writtenNames({ name, short }: OptionSpec): string[] {
  return [...short ? [`-${short}`] : [], `--${name}`];
}

/** Returns what a shell offers for an option's value; undefined for a flag, and where it knows nothing (numbers). */
export function valueKind({ value, values }: OptionSpec): ValueKind | undefined {
  return value === undefined ? undefined : values ?? METAVARIABLES[value];
}

/** Returns a text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
