/** Runs a range of inputs, one after the other, and tells where it is. */

import { judge, meterAllocations } from "./oracle.ts";
import { Random } from "./random.ts";
import { allSubjects, chosen } from "./subjects.ts";

/** What a worker is told to do. */
export interface Job {
  seed: number;
  /** Takes first, first + step, ... below `end`. */
  first: number;
  step: number;
  end: number;
  /** One Int32: the run under way, for who watches that it goes on. */
  progress: SharedArrayBuffer;
}

/** What it says: a failure, or that it is done. */
export type Word = { failed: number; subject: string; made: string; why: string; bytes: Uint8Array } | {
  done: number;
};

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(word: Word): void;
};

scope.onmessage = async ({ data: { seed, first, step, end, progress } }) => {
  meterAllocations(); // before anything keeps a constructor for itself, as the decompressor does when it is loaded
  const subjects = await allSubjects();
  const at = new Int32Array(progress);
  let done = 0;
  for (let run = first; run < end; run += step) {
    Atomics.store(at, 0, run);
    const random = new Random(seed, run);
    const subject = chosen(subjects, random);
    const input = subject.make(random);
    const why = await judge(input.bytes.length, () => input.run());
    if (why !== undefined) {
      scope.postMessage({ failed: run, subject: subject.name, made: input.made, why, bytes: input.bytes });
    }
    done++;
  }
  scope.postMessage({ done });
};
