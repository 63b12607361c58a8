/**
 * Splitting of a command given as one string, by the shell's quoting rules but without a shell, whose time would be
 * measured too.
 */

import { UsageError } from "../base/system/errors.ts";

/** Characters with a meaning for a shell only, which have to be quoted. */
const SHELL_ONLY = /[|&;<>()$`*?[~#!]/;
/** Characters that a backslash escapes in double quotes (POSIX, Shell Command Language, 2.2.3). */
const ESCAPED_IN_DOUBLE = '$`"\\\n';

/**
 * Splits a command into words by the quoting rules of POSIX (2.2): '...', "..." and backslashes. `option` names the
 * source of the command in errors. Throws UsageError for an unterminated quote, for no words at all, and for anything
 * that needs a shell: pipes, redirections, variables, patterns.
 */
export function splitWords(text: string, option: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote === "'") {
      if (c === "'") quote = "";
      else word += c;
    } else if (c === "\\" && (quote === "" || ESCAPED_IN_DOUBLE.includes(text[i + 1] ?? " "))) {
      const next = text[++i];
      if (next === undefined) {
        throw new UsageError(`${option} '${text}': nothing follows the final backslash`);
      }
      if (next !== "\n") word = (word ?? "") + next;
    } else if (quote === '"') {
      if (c === '"') quote = "";
      else if (c === "$" || c === "`") needsShell(c, text, option);
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (isShellOnly(c, word)) {
      needsShell(c, text, option);
    } else {
      word = (word ?? "") + c;
    }
  }
  if (quote) throw new UsageError(`${option} '${text}': missing a closing ${quote}`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new UsageError(`${option} '${text}': expected a command`);
  return words;
}

/** Returns whether a character needs a shell. `#`, `~` and `!` do only at the start of a word. */
function isShellOnly(c: string, word: string | undefined): boolean {
  return SHELL_ONLY.test(c) && ("~#!".includes(c) ? word === undefined : true);
}

function needsShell(c: string, text: string, option: string): never {
  throw new UsageError(`${option} '${text}': ${c} needs a shell: quote it, or use --shell`);
}

/** Joins words for a shell, with quotes where they are needed. */
export function quoteWords(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}
