/** All that is fuzzed, and which of it an input is for. */

import { otherSubjects } from "./others.ts";
import type { Random } from "./random.ts";
import { recordingSubjects } from "./recordings.ts";
import type { Subject } from "./subject.ts";

/** Every subject, always in the same order: a number means the same input in every run of the same fuzzer. */
export async function allSubjects(): Promise<Subject[]> {
  return [...await recordingSubjects(), ...otherSubjects()];
}

/** One of them, by weight. */
export function chosen(subjects: readonly Subject[], random: Random): Subject {
  let at = random.below(subjects.reduce((sum, { weight }) => sum + weight, 0));
  for (const subject of subjects) {
    at -= subject.weight;
    if (at < 0) return subject;
  }
  throw new Error("the weights do not add up");
}
