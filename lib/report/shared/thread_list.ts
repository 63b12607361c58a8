/** Threads as outputs list them: one each, whatever names it went by. */

import { processNames, type Profile } from "../../profile/model/profile.ts";
import { StackTable } from "../../profile/model/tables.ts";

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
