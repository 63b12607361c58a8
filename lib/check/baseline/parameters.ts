/** Parameters of commands: `--param n=1,2,4` turns one command with `{n}` in it into three. */

import { UsageError } from "../../base/system/errors.ts";

/** Name of a parameter, and its values. */
export interface Parameter {
  name: string;
  values: string[];
}

/** Parses `NAME=VALUE,VALUE...`. Throws UsageError. */
export function parseParameter(text: string): Parameter {
  const [, name, values] = /^([A-Za-z_][A-Za-z0-9_-]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new UsageError(`--param '${text}': expected NAME=VALUE,VALUE..., as in n=1,2,4`);
  }
  return { name, values: values.split(",") };
}

/**
 * Returns every combination of the parameters' values, the last parameter changing first; one empty combination when
 * there are no parameters.
 */
export function parameterCombinations(parameters: readonly Parameter[]): Record<string, string>[] {
  let sets: Record<string, string>[] = [{}];
  for (const { name, values } of parameters) {
    if (Object.hasOwn(sets[0], name)) throw new UsageError(`--param ${name}: given twice: give it once`);
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value })));
  }
  return sets;
}

/** Replaces `{name}` in the words by the values; other braces stay. */
export function substituteParameters(
  words: readonly string[],
  values: Readonly<Record<string, string>>,
): string[] {
  return words.map((word) =>
    word.replace(
      /\{([A-Za-z0-9_-]+)\}/g,
      (braces, name) => Object.hasOwn(values, name) ? values[name] : braces,
    )
  );
}

/** Returns whether the words use a parameter. */
export function usesParameter(words: readonly string[], name: string): boolean {
  return words.some((word) => word.includes(`{${name}}`));
}
