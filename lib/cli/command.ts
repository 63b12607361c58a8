/** What a command is, to the dispatcher and to the help: a table of options and a function. */

/** Things that a shell offers for a value: words of the table itself, or things that it finds on the machine. */
export type ValueKind =
  | readonly string[]
  | "file"
  | "folder"
  | "event"
  | "set"
  | "pmu"
  | "process"
  | "command";

/** One option. Its long name is the key it is asked for by. */
export interface OptionSpec {
  /** Long name without dashes: `freq` for `--freq`. */
  name: string;
  /** One letter, without the dash. */
  short?: string;
  /** The name of its value in the help (`HZ`); without it the option is a flag. */
  value?: string;
  /** What it means without a value, which then can only be given behind `=`. */
  bare?: string;
  /** Kind of its value, where its name in the help (FILE, EVENT) does not say so. */
  values?: ValueKind;
  /** The value is a list of such, with commas between them. */
  list?: true;
  /** May be given more than once; `texts()` gives them all. */
  repeat?: boolean;
  /** One line, in lower case, without a full stop. */
  help: string;
}

/** Typed access to what was on the command line. Every method throws UsageError on a bad value. */
export interface ParsedArgs {
  /** Whether the option was given. */
  has(name: string): boolean;
  /** The value of an option given at most once, or undefined. */
  text(name: string): string | undefined;
  /** All the values of a repeatable option, in order. */
  texts(name: string): string[];
  /** The value as a number within the limits; undefined when the option was not given. */
  number(
    name: string,
    limits?: { min?: number; max?: number; integer?: boolean },
  ): number | undefined;
  /** The value, which must be one of `choices`; undefined when the option was not given. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
  /** What is neither an option nor behind `--`. */
  positionals: string[];
  /** The command to run: what is behind `--`, or from the first positional on where the command takes one. */
  command: string[];
}

/** The world as a command sees it, so that tests can look at what it says. */
export interface Io {
  /** Adds to standard output, which is buffered: the result. */
  out(text: string): void;
  /** Adds bytes to standard output. */
  outBytes(bytes: Uint8Array): void;
  /** One line on standard error, at once: talk. What would act on a terminal in it is shown as an escape. */
  err(line: string): void;
  /**
   * Shows a line at the bottom of a terminal on standard error in place of the one shown before; "" takes it away.
   * Lines of `err` go above it.
   */
  status(line: string): void;
  /** Writes what `out` gathered. */
  flush(): void;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Width of the terminal in columns, 80 when there is none. */
  readonly columns: number;
  /** Lines of the terminal; Infinity when there is none. */
  readonly rows: number;
  env(name: string): string | undefined;
}

/** Options that serve one purpose, under a title of their own in the help. */
export interface OptionGroup {
  title: string;
  /** Names of options, in the order shown. */
  options: readonly string[];
}

export interface CommandSpec {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What can stand behind `pmuctl NAME`, a line each: `[-e EVENT] [-o FILE] -- COMMAND`. */
  usage: string[];
  options: OptionSpec[];
  /** How the help orders the options; those in no group come last. */
  groups?: readonly OptionGroup[];
  /** Names of options that are accepted, since fingers know them, but change nothing: the help leaves them out. */
  hidden?: readonly string[];
  /** What an option can be, where that takes more than its line: a title, and rows of a word and what it is. */
  lists?: { title: string; rows: readonly [string, string][] }[];
  /** Whole command lines worth copying. */
  examples?: string[];
  /** The first word that is not an option starts the command to run, even without `--`. */
  takesCommand?: boolean;
  /** How many positionals there may be; 0 when left out. */
  maxPositionals?: number;
  /** Kind of the positionals. */
  operands?: ValueKind;
  /**
   * Does the work; resolves to the exit status. Throws UserError for everything the user can mend. `commands` loads
   * the tables of all commands, for those few that are about the others.
   */
  run(args: ParsedArgs, io: Io, commands: () => Promise<readonly CommandSpec[]>): Promise<number>;
}
