/** Call stacks of programs, as `pmuctl record -g` records them. */

import { foldedSamples, pmuctlOk } from "../harness.ts";

/** Stacks, outermost frame first, with their samples. */
export type Stacks = readonly (readonly [frames: string[], samples: number])[];

/** Records a command, and returns its stacks of user space, outermost frame first, with their samples. */
export async function stacksOf(folder: string, command: string[]): Promise<Stacks> {
  const file = `${folder}/perf.data`, options = ["-q", "-g", "-e", "cpu-clock:u", "-F", "2000"];
  await pmuctlOk(["record", ...options, "-o", file, "--", ...command]);
  return [...await foldedSamples(file)].map(([stack, samples]) => [stack.split(";").slice(1), samples]);
}

/** Returns the samples of the stacks that pass a test of their frames, which are joined by semicolons. */
export function sumOf(stacks: Stacks, test: (frames: string) => boolean): number {
  return stacks.filter(([frames]) => test(frames.join(";"))).reduce((all, [, samples]) => all + samples, 0);
}
