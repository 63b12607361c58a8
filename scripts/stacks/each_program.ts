/** Programs that a command line names, and their measurement one after the other. */

import type { Program } from "./program.ts";

/** Ends with status 2, for a command line that cannot be carried out. */
export function leave(why: string): never {
  console.error(why);
  Deno.exit(2);
}

/** Returns the programs that words name, all if there are none. Ends for a name that is unknown. */
export function namedPrograms(programs: readonly Program[], words: readonly string[]): readonly Program[] {
  const unknown = words.filter((word) => !programs.some(({ name }) => name === word));
  if (unknown.length > 0) {
    leave(`no program ${unknown.join(", ")}: there are ${programs.map(({ name }) => name).join(", ")}`);
  }
  return programs.filter(({ name }) => words.length === 0 || words.includes(name));
}

/** Measures programs, and says which are left out. Returns the reasons for these by what they are. */
export async function measureEach(
  programs: readonly Program[],
  measure: (program: Program) => Promise<void>,
): Promise<Map<string, string>> {
  const left = new Map<string, string>();
  for (const program of programs) {
    try {
      const missing = program.missing();
      if (missing !== undefined) throw new Error(missing);
      await measure(program);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      left.set(program.what, error.message);
      console.error(`${program.name}: left out: ${error.message}`);
    }
  }
  return left;
}
