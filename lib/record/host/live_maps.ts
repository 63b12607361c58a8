/** Reads the mappings of running processes and of the kernel from /proc, in the form of map records. */

import { processFolder } from "../../base/files/pid_namespace.ts";
import type { MapEvent } from "../../symbols/space/address_space.ts";
import { liveKernelText, parseMaps, parseModules, type Proc } from "./procfs.ts";

/** Returns the executable mappings of a process; none when it is gone or not ours to read. */
export function processMaps(proc: Proc, pid: number): MapEvent[] {
  return parseMaps(proc.text(`${processFolder(pid)}/maps`) ?? "").map((
    { major: maj, minor: min, inode: ino, ...map },
  ) => ({
    ...map,
    pid,
    maj,
    min,
    ino,
  }));
}

/** Returns the text of the kernel and its modules, with pid -1; none when their addresses are hidden. */
export function kernelMaps(proc: Proc): MapEvent[] {
  const text = liveKernelText();
  const modules = parseModules(proc.text("/proc/modules") ?? "");
  return [
    ...(text ? [{ ...text, pid: -1, pgoff: text.start, filename: "[kernel.kallsyms]_text" }] : []),
    ...modules.map(({ name, ...map }) => ({ ...map, pid: -1, pgoff: 0, filename: `[${name}]` })),
  ];
}
