/** Parameters of commands: `--param n=1,2,4` makes three commands of one that has `{n}` in it. */

import { UsageError } from "../../base/system/errors.ts";

/** A parameter's name and its values. */
export interface Parameter {
  name: string;
  values: string[];
}

/** Reads `NAME=VALUE,VALUE...`. Throws UsageError. */
export function parseParameter(text: string): Parameter {
  const [, name, values] = /^([A-Za-z_][A-Za-z0-9_-]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined) {
    throw new UsageError(`--param '${text}': NAME=VALUE,VALUE... is wanted, as in n=1,2,4`);
  }
  return { name, values: values.split(",") };
}

/** Every combination of the parameters' values, the last one changing first; one without any where there are none. */
export function parameterCombinations(parameters: readonly Parameter[]): Record<string, string>[] {
  let sets: Record<string, string>[] = [{}];
  for (const { name, values } of parameters) {
    if (Object.hasOwn(sets[0], name)) throw new UsageError(`--param ${name} is given twice; once is enough`);
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value })));
  }
  return sets;
}

/** The words with the values in place of `{name}`; other braces stay as they are. */
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

/** Whether a parameter is used in the words. */
export function usesParameter(words: readonly string[], name: string): boolean {
  return words.some((word) => word.includes(`{${name}}`));
}
