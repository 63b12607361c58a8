/**
 * Makes records of what was there before the events were opened, from /proc, in the form of the kernel's own records, so
 * that a reader needs no second path. They carry time 0, which puts them before all samples.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { OpenPolicy } from "../../base/files/guarded_open.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import type { AttrLayout } from "../../perfdata/format/attr_layout.ts";
import { encodeComm, encodeFork, encodeMmap, encodeMmap2 } from "../../perfdata/format/record_encoders.ts";
import type { MapBudget } from "./map_budget.ts";
import {
  KERNEL_LINK,
  type KernelModule,
  type KernelText,
  type MapChoice,
  mapFile,
  type Proc,
  type ProcMap,
  PROT_EXEC,
  readProcess,
} from "./procfs.ts";

/** Returns map records of the kernel, named as perf names it, and of its modules. `layout` is the first event's. */
export function kernelRecords(
  text: KernelText | undefined,
  modules: readonly KernelModule[],
  layout: AttrLayout,
): Uint8Array[] {
  const kernel = { pid: -1, tid: 0, misc: PERF_RECORD_MISC.KERNEL };
  const records = modules.map((m) =>
    encodeMmap({ ...kernel, start: m.start, length: m.length, pgoff: 0, filename: `[${m.name}]` }, layout)
  );
  if (text) {
    // the offset holds the address of _text, from which a reader elsewhere finds how far KASLR moved it
    const map = { ...kernel, ...text, pgoff: text.start, filename: "[kernel.kallsyms]_text" };
    records.unshift(encodeMmap(map, layout));
  }
  return records;
}

/** Reads the build id in hex of a mapped file, as process `pid` sees it; undefined when it has none. */
export type BuildIdOf = (pid: number, map: ProcMap) => string | undefined;

/** Returns a BuildIdOf that calls `read` with a path and how to open it, once for each device and inode. */
export function cachedBuildIds(read: (path: string, policy: OpenPolicy) => string | undefined): BuildIdOf {
  const known = new Map<string, string | undefined>();
  return (pid, { major, minor, inode, filename, start, length }) => {
    if (inode === 0n) return undefined;
    const key = `${major}:${minor}:${inode}`;
    if (!known.has(key)) {
      // the mapped file itself where this user may, even when it was deleted; else its name, below the process's own
      // root: in a container the path means another file
      const mapped = read(mapFile(pid, start, length), KERNEL_LINK);
      known.set(key, mapped ?? read(filename, { root: `${processFolder(pid)}/root` }));
    }
    return known.get(key);
  };
}

/** Options of process records. */
export interface ProcessOptions {
  /** Layout of the first event's records. */
  layout: AttrLayout;
  buildIdOf: BuildIdOf;
  /** Mappings to record; executable ones by default. */
  maps?: MapChoice;
  /** Bound on the maps of other users; a new one for each process by default. */
  budget?: MapBudget;
}

/** Yields FORK, COMM and MMAP2 records of these processes and their threads; those that are gone are left out. */
export function* processRecords(
  proc: Proc,
  pids: readonly number[],
  options: ProcessOptions,
): Generator<Uint8Array> {
  for (const pid of pids) yield* recordsOfProcess(proc, pid, options);
}

function* recordsOfProcess(
  proc: Proc,
  pid: number,
  { layout, buildIdOf, maps: choice, budget }: ProcessOptions,
): Generator<Uint8Array> {
  const process = readProcess(proc, pid, choice, budget);
  if (!process) return;
  const { ppid, threads, maps } = process;
  // only executable files are opened for their build ids: data may be a device, which reading would disturb
  const objects = new Set(maps.filter(({ prot }) => prot & PROT_EXEC).map(({ filename }) => filename));
  for (const { tid, comm } of threads) {
    const parent = tid === pid ? ppid : pid;
    yield encodeFork({ pid, tid, ppid: parent, ptid: parent, time: 0n }, layout, {
      pid: parent,
      tid: parent,
    });
    yield encodeComm({ pid, tid, comm, exec: false }, layout, { pid, tid });
    if (tid !== pid) continue;
    for (const m of maps) {
      const { major: maj, minor: min, inode: ino, ...map } = m;
      const misc = PERF_RECORD_MISC.USER | (m.prot & PROT_EXEC ? 0 : PERF_RECORD_MISC.MMAP_DATA);
      const buildId = objects.has(m.filename) ? buildIdOf(pid, m) : undefined;
      const identity = buildId === undefined ? { maj, min, ino, inoGeneration: 0n } : { buildId };
      yield encodeMmap2({ ...map, ...identity, pid, tid, misc }, layout, { pid, tid });
    }
  }
}
