/** Whether there may be as many file descriptors as a recording takes: one for each event, thread and CPU. */

import { raiseFileLimit } from "../../ffi/pmu.ts";
import { ERRNO } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import type { Where } from "./opening.ts";

/** Descriptors for all else: the rings' epoll, the output, what Deno has open, and what objects are read from. */
const OTHERS = 256;

function filesFor(events: number, { tids, cpus }: Where): number {
  return events * tids.length * cpus.length + OTHERS;
}

/** Raises the limit as far as this user may; tells whether `events` events can be opened there. */
export function filesAllowed(events: number, where: Where): boolean {
  const want = filesFor(events, where);
  return raiseFileLimit(want) >= want;
}

/** The same, throwing UnsupportedError (EMFILE) when they cannot. */
export function allowFiles(events: number, where: Where): void {
  if (filesAllowed(events, where)) return;
  const { tids, cpus, target } = where;
  const want = filesFor(events, where);
  const times = (n: number, one: string) => `${n} ${one}${n === 1 ? "" : "s"}`;
  throw new UnsupportedError({
    attempt: `record ${target}`,
    cause:
      `${times(events, "event")} on ${times(tids.length, "thread")} and ${times(cpus.length, "CPU")} take ` +
      `${want} file descriptors, and no more than ${raiseFileLimit()} are allowed`,
    remedy: `raise the limit (ulimit -n ${want}, or LimitNOFILE=${want} of a service), or record with -a`,
  }, ERRNO.EMFILE);
}
