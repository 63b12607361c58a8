/**
 * Facts about where and when a recording was made. Without a build id nothing else tells whether a file of this machine
 * is the recorded one.
 */

import type { FileBytes } from "../../base/files/file_bytes.ts";
import type { ObjectInfo } from "../object/objects.ts";
import type { JitProcess } from "./process_files.ts";

/** Recorded machine. Texts are empty if unknown. */
export interface RecordedMachine {
  hostname: string;
  /** Kernel release, as from `uname -r`. */
  osrelease: string;
  /** Architecture, as from `uname -m`. */
  arch: string;
  /** Latest time, in seconds since 1970, at which the recording may have ended; undefined if unknown. */
  ended?: number;
  /** Owners of the run-time code of processes. */
  processes: readonly JitProcess[];
}

/** Seconds by which the clocks of a file system and of a recording may disagree. */
const CLOCK_SLACK = 1;

/** Returns whether the recording was made on this machine, or may have been. */
export function isThisHost({ hostname, arch }: RecordedMachine): boolean {
  return isSame(hostname, Deno.hostname()) && isSame(arch, Deno.build.arch);
}

/** Returns whether the recording was made under the running kernel, or may have been. */
export function isThisKernel(machine: RecordedMachine): boolean {
  return isThisHost(machine) && isSame(machine.osrelease, Deno.osRelease());
}

/**
 * Returns whether `file`, found at the path of an object, replaced the recorded one: it has another inode, or was
 * written to since.
 */
export function isReplaced(
  file: FileBytes,
  { mapped }: ObjectInfo,
  { ended = Infinity }: RecordedMachine,
): boolean {
  // overlay file systems report one device to stat(2) and another, with inodes of its own, for mappings
  const comparable = mapped !== undefined && mapped.inode !== 0n && mapped.device === file.device;
  return (comparable && mapped.inode !== BigInt(file.inode)) || file.modified > ended + CLOCK_SLACK;
}

function isSame(recorded: string, here: string): boolean {
  return recorded === "" || recorded === here;
}
