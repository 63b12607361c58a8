/**
 * Where and when a recording was made, as far as it says. Without a build id nothing else tells whether a file of this
 * machine is the one that was recorded.
 */

import type { FileBytes } from "../../base/files/file_bytes.ts";
import type { ObjectInfo } from "../object/objects.ts";
import type { JitProcess } from "./process_files.ts";

/** What a recording says of its machine; a text is empty where it says nothing. */
export interface RecordedMachine {
  hostname: string;
  /** The kernel's release, as uname -r. */
  osrelease: string;
  /** As uname -m. */
  arch: string;
  /** No later than this it ended, in seconds since 1970; undefined when that is not known. */
  ended?: number;
  /** Whose the run-time code of processes was. */
  processes: readonly JitProcess[];
}

/** Seconds by which the clocks of a file system and of a recording may disagree. */
const CLOCK_SLACK = 1;

/** Returns whether it was made on this machine, or may have been. */
export function isThisHost({ hostname, arch }: RecordedMachine): boolean {
  return isSame(hostname, Deno.hostname()) && isSame(arch, Deno.build.arch);
}

/** Returns whether it was made under the kernel that runs here, or may have been. */
export function isThisKernel(machine: RecordedMachine): boolean {
  return isThisHost(machine) && isSame(machine.osrelease, Deno.osRelease());
}

/**
 * Returns whether `file`, found at the path of an object, has taken the place of the one that was recorded: another inode,
 * or written to since.
 */
export function isReplaced(
  file: FileBytes,
  { mapped }: ObjectInfo,
  { ended = Infinity }: RecordedMachine,
): boolean {
  // overlay file systems give one device to stat(2) and another to mappings, with inodes of their own
  const comparable = mapped !== undefined && mapped.inode !== 0n && mapped.device === file.device;
  return (comparable && mapped.inode !== BigInt(file.inode)) || file.modified > ended + CLOCK_SLACK;
}

function isSame(recorded: string, here: string): boolean {
  return recorded === "" || recorded === here;
}
