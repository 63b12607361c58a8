/** Texts of source lines, and the reasons why those of a file are not shown, or may be other ones. */

import { FileBytes } from "../base/files/file_bytes.ts";
import { errnoOf, errorCause } from "../base/system/system_error.ts";
import { counted } from "../base/text/plural.ts";
import type { BundledSources, SourceExcerpt } from "./bundle/bundled_sources.ts";

/** Most bytes of a source file, and of all together, that are read. */
const MAX_SOURCE = 1 << 24, MAX_SOURCES = 1 << 28;
/** Most characters of a line that are shown, and bytes that these may take. */
const MAX_LINE = 500, MAX_LINE_BYTES = 4 * MAX_LINE;
/** Most source files that warnings name. */
const MAX_NAMED = 5;
const READ_BY_OTHERS = 0o004, NEWLINE = 10;

/** Source line: a path as given to the compiler, and a number from 1, or 0 for code that the compiler made up. */
export interface SourcePlace {
  file: string;
  line: number;
}

/** Source files of this machine that may be read: those that the user may read, that everybody may read, or none. */
export type SourceAccess = "user" | "everybody" | "none";

/** Texts of the lines of a file. */
interface ShownLines {
  /** Texts of the lines that were asked for, by number. */
  texts: Map<number, string>;
  /** Sentence about why lines are not shown, or not whole; undefined if all are. */
  problem?: string;
}

/** Texts of source lines. */
export class SourceTexts {
  readonly #files = new Map<string, ShownLines & { modified: number }>();

  /**
   * Reads the files of these lines, each once. Line 0 has no text.
   * @param carried texts that the recording carries: a file is read only for those that it lacks.
   */
  constructor(lines: Iterable<SourcePlace>, carried?: BundledSources, access: SourceAccess = "user") {
    const files = new SourceFiles(carried, access);
    for (const [path, numbers] of linesByFile(lines)) {
      const excerpt = files.read(path, numbers);
      this.#files.set(path, { ...shownLines(excerpt, numbers), modified: excerpt.modified });
    }
  }

  /** Returns the text of a line, without its end; undefined where it is not shown. */
  of({ file, line }: SourcePlace): string | undefined {
    return this.#files.get(file)?.texts.get(line);
  }

  /**
   * Returns a sentence for each file of these lines whose text is not shown, or may be another one than was compiled; those
   * with most samples first, and the number of further ones.
   * @param built latest time at which the program may have been built, in seconds since 1970.
   */
  warnings(lines: readonly (SourcePlace & { samples: number })[], built: number): string[] {
    const samples = new Map<string, number>();
    for (const line of lines) samples.set(line.file, (samples.get(line.file) ?? 0) + line.samples);
    const found: string[] = [];
    let more = 0;
    for (const [path] of Array.from(samples).sort((a, b) => b[1] - a[1])) {
      const { problem, modified } = this.#files.get(path)!;
      const text = problem ??
        (modified > built ? "it is newer than the program: its lines may be other ones" : undefined);
      if (text === undefined) continue;
      if (found.length < MAX_NAMED) found.push(`source file ${path}: ${text}`);
      else more++;
    }
    return more > 0
      ? [...found, `${counted(more, "more source file")} not shown, or not as compiled`]
      : found;
  }
}

/** Returns the numbers of the lines of each file, ascending, without 0. */
export function linesByFile(lines: Iterable<SourcePlace>): Map<string, number[]> {
  const wanted = new Map<string, Set<number>>();
  for (const { file, line } of lines) {
    let numbers = wanted.get(file);
    if (numbers === undefined) wanted.set(file, numbers = new Set());
    if (line > 0) numbers.add(line);
  }
  return new Map(Array.from(wanted, ([path, numbers]) => [path, [...numbers].sort((a, b) => a - b)]));
}

/** Reader of lines of source files, from what a recording carries, or this machine's files. */
export class SourceFiles {
  readonly #carried: BundledSources | undefined;
  readonly #access: SourceAccess;
  #left = MAX_SOURCES;

  constructor(carried: BundledSources | undefined, access: SourceAccess = "user") {
    this.#carried = carried;
    this.#access = access;
  }

  /** Reads lines of a file by their numbers, ascending. */
  read(path: string, numbers: readonly number[]): SourceExcerpt {
    const carried = this.#carried?.of(path),
      access = this.#access,
      { problem, texts, count = Infinity } = carried ?? {};
    const hasAll = problem === undefined && texts !== undefined &&
      numbers.every((number) => number > count || texts.has(number));
    if (hasAll) return carried!;
    if (access === "none") return carried ?? unread("not shown: the recording alone names it");
    const { size, ...read } = readExcerpt(path, numbers, { left: this.#left, access });
    this.#left -= size;
    return read.problem === undefined ? read : carried ?? read;
  }
}

/**
 * Reads lines of a source file by their numbers, ascending, of at most `left` bytes. Whoever made the program chose its
 * path: with the rights of root, only what everybody may read is shown.
 */
function readExcerpt(
  path: string,
  numbers: readonly number[],
  { left, access }: { left: number; access: SourceAccess },
): SourceExcerpt & { size: number } {
  const none = (problem: string) => ({ ...unread(problem), size: 0 });
  if (!path.startsWith("/")) {
    return none("not shown: the program does not say in which folder it is");
  }
  const file = FileBytes.open(path, { maxBytes: MAX_SOURCE });
  if (!(file instanceof FileBytes)) return none(`not shown: ${file.cause}`);
  try {
    if ((file.mode & READ_BY_OTHERS) === 0) {
      if (access === "everybody") return none("not shown: to others, only files that everybody may read are");
      if (Deno.uid() === 0) return none("not shown: as root, only files that everybody may read are");
    }
    if (file.size > left) return none(`not shown: more than ${MAX_SOURCES >> 20} MiB of source files`);
    return { ...excerptOf(file.read(0, file.size), numbers), modified: file.modified, size: file.size };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return none(`not shown: ${errorCause(error)}`);
  } finally {
    file.close();
  }
}

/** Returns the lines of a file that is not read. */
function unread(problem: string): SourceExcerpt {
  return { texts: new Map(), modified: -Infinity, problem };
}

/** Finds lines in the bytes of a file by their numbers, ascending; of longer ones a character more than is shown. */
export function excerptOf(
  bytes: Uint8Array,
  numbers: readonly number[],
): Pick<SourceExcerpt, "texts" | "count"> {
  const texts = new Map<number, string>(), decoder = new TextDecoder();
  let line = 1, at = 0;
  for (const number of numbers) {
    for (; line < number && at < bytes.length; line++) {
      const newline = bytes.indexOf(NEWLINE, at);
      at = newline < 0 ? bytes.length : newline + 1;
    }
    if (line < number || at >= bytes.length) return { texts, count: line - 1 };
    const newline = bytes.indexOf(NEWLINE, at), end = newline < 0 ? bytes.length : newline;
    const text = decoder.decode(bytes.subarray(at, Math.min(end, at + MAX_LINE_BYTES)));
    texts.set(number, text.slice(0, MAX_LINE + 1));
  }
  return { texts };
}

/** Returns the texts of lines to show, by their numbers, ascending. */
export function shownLines(excerpt: SourceExcerpt, numbers: readonly number[]): ShownLines {
  const texts = new Map<number, string>();
  let { problem } = excerpt;
  if (problem !== undefined) return { texts, problem };
  for (const number of numbers) {
    const text = excerpt.texts.get(number);
    if (text === undefined && number > (excerpt.count ?? Infinity)) {
      return { texts, problem: `not the version that was compiled: it has no line ${number}` };
    }
    if (text === undefined) problem = `the recording does not carry line ${number}`;
    else if (text.length <= MAX_LINE) texts.set(number, text);
    else {
      problem ??= `lines are cut at ${MAX_LINE} characters`;
      texts.set(number, `${text.slice(0, MAX_LINE).replace(/[\ud800-\udbff]$/, "")}…`);
    }
  }
  return problem === undefined ? { texts } : { texts, problem };
}
