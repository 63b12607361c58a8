/** Sets that notify, on real programs. */

import { monotonicNs, spawn } from "../../ffi/pmu.ts";
import { type Counter, OpenSet, type OpenSetOptions } from "../../lib/counters/open/open_set.ts";
import { type Overflow, OverflowWatch } from "../../lib/counters/open/overflow.ts";
import { PcNames } from "../../lib/counters/open/pc_names.ts";
import type { Standing } from "../../lib/events/open.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { resolveEvents } from "../../lib/events/resolve.ts";
import { kernelMaps, processMaps } from "../../lib/record/host/live_maps.ts";
import { liveProc } from "../../lib/record/host/procfs.ts";
import { hostSymbolFiles } from "../../lib/symbols/files/host_files.ts";

const standing: Standing = { privilege: readPrivilege(), hasCorePmu: true };

/** A counter of an event; with `after`, one that notifies after so many. */
export function counter(event: string, after?: number): Counter {
  const [{ events: [resolved] }] = resolveEvents(event);
  if (after === undefined) return { event: resolved, preset: 0n };
  return { event: resolved, preset: (1n << 64n) - BigInt(after), notify: true };
}

/** Opens a set on a thread (0: this one), which must be as it was asked for. */
export function openSet(counters: Counter[], pid: number, options: OpenSetOptions = {}): OpenSet {
  const place = { pid, cpu: -1, target: `pid ${pid}` };
  return OpenSet.open(counters, place, options, standing, (line) => {
    throw new Error(`nothing is to be said, and this is: ${line}`);
  });
}

/** Names of this machine's PCs. */
export function pcNames(): PcNames {
  return new PcNames(hostSymbolFiles(), {
    process: (pid) => processMaps(liveProc, pid),
    kernel: () => kernelMaps(liveProc),
  });
}

/** An overflow, with the counts of its set as they then were. */
export interface Seen extends Overflow {
  counts: bigint[];
}

/**
 * Runs a program with the set bound to it from its first instruction, and gives what `each` made of the
 * overflows; `each` is asked about one after another while the program runs. Ends the program when `each` returns
 * "enough".
 */
export async function overflowsOf(
  argv: string[],
  counters: Counter[],
  each: (seen: Seen) => "enough" | "restart" | "leave",
): Promise<{ pid: number; seen: Seen[]; finalCounts: bigint[] }> {
  const child = spawn({ argv });
  const set = openSet(counters, child.pid, { enableOnExec: true });
  const watch = new OverflowWatch();
  const seen: Seen[] = [];
  try {
    watch.add(set);
    const watching = (async () => {
      for await (const overflow of watch.overflows()) {
        const { counts } = set.sample(monotonicNs())!;
        const one = { ...overflow, counts };
        seen.push(one);
        const wish = each(one);
        if (wish === "restart") set.restart();
        if (wish === "enough") return child.kill(9);
      }
    })();
    await child.release();
    await child.wait();
    await watch.close();
    await watching;
    return { pid: child.pid, seen, finalCounts: set.sample(monotonicNs())!.counts };
  } finally {
    await watch.close();
    set.close();
  }
}
