/** Threads as outputs list them: one each, whatever names it went by. */

import { processNames, type Profile } from "../profile/profile.ts";

export interface ListedThread {
  pid: number;
  tid: number;
  /** The name it last went by; a main thread that of its process. */
  name: string;
  /** Name of the process. */
  process: string;
}

/** The threads, and for each row of `profile.threads` which of them it is. */
export function threadList(profile: Profile): { threads: ListedThread[]; ofRow: Int32Array } {
  const { threads: { pid, tid, comm }, comms } = profile;
  const names = processNames(profile);
  const threads: ListedThread[] = [];
  const known = new Map<string, number>();
  const ofRow = Int32Array.from(pid, (_, row) => {
    const key = `${pid[row]} ${tid[row]}`;
    let thread = known.get(key);
    if (thread === undefined) {
      const process = names.get(pid[row])!;
      thread = threads.push({ pid: pid[row], tid: tid[row], name: "", process }) - 1;
      known.set(key, thread);
    }
    threads[thread].name = pid[row] === tid[row] ? threads[thread].process : comms[comm[row]];
    return thread;
  });
  return { threads, ofRow };
}
