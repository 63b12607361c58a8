/**
 * Records for what was there before the events were opened: /proc's state told in the words of the
 * kernel, so that a reader needs no second path. They carry time 0, which puts them before all samples.
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

/** The kernel's own map, named as perf names it, and those of its modules. `layout` is the first event's. */
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
    // the offset gives the address of _text, from which a reader elsewhere finds how far KASLR moved it
    const map = { ...kernel, ...text, pgoff: text.start, filename: "[kernel.kallsyms]_text" };
    records.unshift(encodeMmap(map, layout));
  }
  return records;
}

/** The build id in hex of a mapped file, as process `pid` sees it; undefined when it has none. */
export type BuildIdOf = (pid: number, map: ProcMap) => string | undefined;

/** BuildIdOf through `read`, which is given a path, how to open it, and asked once for each file, by device and inode. */
export function cachedBuildIds(read: (path: string, policy: OpenPolicy) => string | undefined): BuildIdOf {
  const known = new Map<string, string | undefined>();
  return (pid, { major, minor, inode, filename, start, length }) => {
    if (inode === 0n) return undefined;
    const key = `${major}:${minor}:${inode}`;
    if (!known.has(key)) {
      // the mapped file itself where this user may, also when it was deleted; else by its name, through the
      // process's own root: in a container the path means another file
      const mapped = read(mapFile(pid, start, length), KERNEL_LINK);
      known.set(key, mapped ?? read(filename, { root: `${processFolder(pid)}/root` }));
    }
    return known.get(key);
  };
}

/** How processes are told of. */
export interface ProcessOptions {
  /** The first event's. */
  layout: AttrLayout;
  buildIdOf: BuildIdOf;
  /** Which mappings are told of; those that run by default. */
  maps?: MapChoice;
  budget?: MapBudget;
}

/** FORK, COMM and MMAP2 of these processes, threads included; those that are gone are left out. */
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
  // only of what runs is it safe to say that it is an object: data may be a device, which reading disturbs
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
