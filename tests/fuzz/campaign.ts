/** Many inputs in workers, watched: one that does not come back is a failure like any other. */

import type { Job, Word } from "./worker.ts";

export interface Failure {
  /** Number of the input, which with the seed makes it again. */
  run: number;
  subject: string;
  made: string;
  why: string;
  /** Absent of an input that did not come back. */
  bytes?: Uint8Array;
}

export interface Campaign {
  seed: number;
  /** Inputs `first` to `end` - 1. */
  first: number;
  end: number;
  workers: number;
  /** Ends early once this many seconds have passed. */
  seconds?: number;
  onFailure?(failure: Failure): void;
}

/** An input that takes longer is taken to hang. Generous: the machine may have other work. */
const HANGS_AFTER_MS = 30_000;

/** Runs the inputs; resolves to how many there were, and those that failed. */
export async function fuzz(campaign: Campaign): Promise<{ runs: number; failures: Failure[] }> {
  const { seed, first, end, workers, seconds = Infinity } = campaign;
  const failures: Failure[] = [];
  const stopAt = performance.now() + seconds * 1000;
  const fail = (failure: Failure) => {
    failures.push(failure);
    campaign.onFailure?.(failure);
  };
  const runs = await Promise.all(
    Array.from({ length: workers }, (_, i) => runWorker(seed, first + i, workers, end, stopAt, fail)),
  );
  return { runs: runs.reduce((a, b) => a + b, 0), failures };
}

/** One worker's share; resolves to how many inputs it has had. */
function runWorker(
  seed: number,
  first: number,
  step: number,
  end: number,
  stopAt: number,
  fail: (failure: Failure) => void,
): Promise<number> {
  const progress = new SharedArrayBuffer(4);
  const at = new Int32Array(progress);
  at[0] = first;
  const worker = new Worker(import.meta.resolve("./worker.ts"), { type: "module" });
  return new Promise((resolve, reject) => {
    let seen = first, seenAt = performance.now();
    const finish = (runs: number) => {
      clearInterval(watch);
      worker.terminate();
      resolve(runs);
    };
    const watch = setInterval(() => {
      const run = Atomics.load(at, 0), now = performance.now();
      if (run !== seen) [seen, seenAt] = [run, now];
      else if (now - seenAt > HANGS_AFTER_MS) {
        fail({ run, subject: "?", made: "?", why: `it did not come back within ${HANGS_AFTER_MS} ms` });
        finish((run - first) / step);
      }
      if (now > stopAt) finish((run - first) / step);
    }, 200);
    worker.onmessage = ({ data }: MessageEvent<Word>) => {
      if ("done" in data) finish(data.done);
      else {fail({
          run: data.failed,
          subject: data.subject,
          made: data.made,
          why: data.why,
          bytes: data.bytes,
        });}
    };
    worker.onerror = (event) => {
      event.preventDefault();
      clearInterval(watch);
      worker.terminate();
      reject(new Error(`input ${Atomics.load(at, 0)} of seed ${seed} broke the worker: ${event.message}`));
    };
    const job: Job = { seed, first, step, end, progress };
    worker.postMessage(job);
  });
}
