/** Lists threads for outputs, each once, whatever names it had. */

import { processNames, type Profile } from "../../profile/model/profile.ts";
import { StackTable } from "../../profile/model/tables.ts";

/** Thread in an output. */
export interface ListedThread {
  pid: number;
  tid: number;
  /** Last name of the thread; a main thread has its process's name. */
  name: string;
  /** Name of the process. */
  process: string;
}

/** Returns the threads, and for each row of `profile.threads` the index of its thread. */
export function threadList(profile: Profile): { threads: ListedThread[]; ofRow: Int32Array } {
  const { threads: { pid, tid, comm }, comms } = profile;
  const processName = processNames(profile);
  const table = new StackTable(); // a thread under its process
  const threads: ListedThread[] = [];
  const ofRow = Int32Array.from(pid, (_, row) => {
    const thread = table.intern(pid[row], tid[row]);
    if (thread === threads.length) {
      threads.push({ pid: pid[row], tid: tid[row], name: "", process: processName(pid[row]) });
    }
    threads[thread].name = pid[row] === tid[row] ? threads[thread].process : comms[comm[row]];
    return thread;
  });
  return { threads, ofRow };
}
