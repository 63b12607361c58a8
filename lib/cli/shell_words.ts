/** A command that is given as one word, in the quotes of a shell, without a shell that would run beside it. */

import { UsageError } from "../base/system/errors.ts";

/** What only a shell can do; each has to be quoted. */
const SHELL_ONLY = /[|&;<>()$`*?[~#!]/;
/** What a backslash takes the meaning of in double quotes (POSIX, Shell Command Language, 2.2.3). */
const ESCAPED_IN_DOUBLE = '$`"\\\n';

/**
 * Splits a command into words by the quoting rules of POSIX (2.2): '...', "..." and backslashes. `option`
 * is how the command was given, for errors. Throws UsageError for a quote that does not end, for no words at all,
 * and for what would take a shell: pipes, redirections, variables, patterns.
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
        throw new UsageError(`${option} '${text}': nothing follows the backslash at its end`);
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
  if (quote) throw new UsageError(`${option} '${text}': a ${quote} has no other one behind it`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new UsageError(`${option} '${text}': there is no command in it`);
  return words;
}

/** `#`, `~` and `!` mean something only where a word begins. */
function isShellOnly(c: string, word: string | undefined): boolean {
  return SHELL_ONLY.test(c) && ("~#!".includes(c) ? word === undefined : true);
}

function needsShell(c: string, text: string, option: string): never {
  throw new UsageError(`${option} '${text}': ${c} is for a shell: quote it, or give --shell`);
}

/** The words as they can be given to a shell: in quotes where they need any. */
export function quoteWords(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}
