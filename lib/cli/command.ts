/** Interface of a command: a table of options for the dispatcher and the help, and a function. */

/** Kind of a value, for completions: a list of words, or something that the shell or pmuctl looks up on the machine. */
export type ValueKind =
  | readonly string[]
  | "file"
  | "folder"
  | "event"
  | "set"
  | "pmu"
  | "process"
  | "command";

/** Option of a command. Its long name is its key. */
export interface OptionSpec {
  /** Long name without dashes: `freq` for `--freq`. */
  name: string;
  /** Short name: one letter, without the dash. */
  short?: string;
  /** Name of its value in the help (`HZ`); without it the option is a flag. */
  value?: string;
  /** Value when none is given. The option then takes a value only after `=`. */
  bare?: string;
  /** Kind of its value, where its name in the help (FILE, EVENT) does not say so. */
  values?: ValueKind;
  /** Whether the value is a comma-separated list of such values. */
  list?: true;
  /** Whether it may be given more than once; `texts()` returns all values. */
  repeat?: boolean;
  /** Description: an imperative in lower case, without a full stop. */
  help: string;
}

/** Typed access to the command line. Every method throws UsageError for an invalid value. */
export interface ParsedArgs {
  /** Returns whether the option was given. */
  has(name: string): boolean;
  /** Returns the value of an option given at most once, or undefined. */
  text(name: string): string | undefined;
  /** Returns all values of a repeatable option, in order. */
  texts(name: string): string[];
  /** Returns the value as a number within the limits; undefined when the option was not given. */
  number(
    name: string,
    limits?: { min?: number; max?: number; integer?: boolean },
  ): number | undefined;
  /** Returns the value, which must be one of `choices`; undefined when the option was not given. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
  /** Words that are neither options nor after `--`. */
  positionals: string[];
  /** Command to run: the words after `--`, or from the first positional on where the command takes one. */
  command: string[];
}

/** Input and output of a command, replaceable in tests. */
export interface Io {
  /** Appends a result to standard output, which is buffered. */
  out(text: string): void;
  /** Appends bytes to standard output. */
  outBytes(bytes: Uint8Array): void;
  /** Writes a message line to standard error at once. Characters that control a terminal are escaped. */
  err(line: string): void;
  /**
   * Shows a status line on standard error, in place of the previous one; "" removes it. Lines of `err` appear above it.
   * Does nothing unless standard error is a terminal.
   */
  status(line: string): void;
  /** Writes the buffered output. */
  flush(): void;
  /** Whether standard output is a terminal. */
  readonly stdoutIsTerminal: boolean;
  /** Whether standard error is a terminal. */
  readonly stderrIsTerminal: boolean;
  /** Width of the terminal in columns, 80 when there is none. */
  readonly columns: number;
  /** Height of the terminal in lines; Infinity when there is none. */
  readonly rows: number;
  /** Returns the value of a variable of the user's environment. */
  env(name: string): string | undefined;
}

/** Group of options under a title of their own in the help. */
export interface OptionGroup {
  /** Title, in lower case. */
  title: string;
  /** Names of the options, in the order shown. */
  options: readonly string[];
}

/** Command of pmuctl. */
export interface CommandSpec {
  /** Name, which users write. */
  name: string;
  /** Summary in one line: an imperative in lower case. */
  summary: string;
  /** Usage lines, without `pmuctl NAME`: `[-e EVENT] [-o FILE] -- COMMAND`. */
  usage: string[];
  /** Options that it takes. */
  options: OptionSpec[];
  /** Order of the options in the help; those in no group come last. */
  groups?: readonly OptionGroup[];
  /**
   * Names of options that are accepted for the sake of users of other tools but change nothing; the help leaves them
   * out.
   */
  hidden?: readonly string[];
  /** Lists of words that an option accepts and their meanings, each under a title. */
  lists?: { title: string; rows: readonly [string, string][] }[];
  /** Example command lines. */
  examples?: string[];
  /** Whether the first word that is not an option starts the command to run, even without `--`. */
  takesCommand?: boolean;
  /** Limit on positionals; default 0. */
  maxPositionals?: number;
  /** Kind of the positionals. */
  operands?: ValueKind;
  /** Runs the command; resolves to the exit status. Throws UserError for everything that the user can fix. */
  run(args: ParsedArgs, io: Io, commands: () => Promise<readonly CommandSpec[]>): Promise<number>;
}
