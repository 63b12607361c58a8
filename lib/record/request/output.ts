/** Destination of a recording: a file, or a pipe that is there already. */

import { openFifo, PmuError } from "../../../ffi/pmu.ts";
import { ownDescriptor } from "../../base/files/own_descriptor.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError, UsageError } from "../../base/system/errors.ts";

const STANDARD_OUTPUT = 1, STANDARD_ERROR = 2;

/** Destination that can be written to. */
export type Output =
  | {
    kind: "file";
    path: string;
    /** Set for /dev/null and /dev/full, which stay where they are, and from which nothing is read back. */
    device?: true;
  }
  | {
    kind: "pipe";
    /** Name for messages: the path as written, or `standard output`. */
    name: string;
    fd: number;
    /** Whether the descriptor was opened for it, and is to be closed. */
    own: boolean;
  };

/** Returns the path of a file, or the name of a pipe. */
export function outputName(output: Output): string {
  return output.kind === "file" ? output.path : output.name;
}

/** Returns whether the recording takes standard output, so that a command cannot print there. */
export function isStandardOutput(output: Output): boolean {
  return output.kind === "pipe" && output.fd === STANDARD_OUTPUT;
}

/** Output as it was asked for: a FIFO has yet to be opened, which waits for a reader. */
export type WantedOutput = Output | { kind: "fifo"; path: string };

/**
 * Returns the output that a path names: a descriptor for `-` and paths of our own descriptors, a pipe for a FIFO. Throws
 * UsageError for devices other than /dev/null and /dev/full, so that no disk is overwritten by mistake.
 */
export function outputOf(path: string): WantedOutput {
  if (path === "-") return pipeOf(STANDARD_OUTPUT, "standard output");
  const fd = ownDescriptor(path);
  const stat = tryStat(path);
  if (!stat) {
    if (fd !== undefined) refuse(path, "that descriptor is not open");
    return { kind: "file", path };
  }
  if (stat.isCharDevice && !isNull(stat)) refuse(path, "it is a device");
  if (stat.isBlockDevice) refuse(path, "it is a device, and what is on it would be lost");
  if (fd === STANDARD_ERROR) refuse(path, "it is standard error, where messages go");
  if (fd !== undefined && !isNull(stat)) {
    return pipeOf(fd, fd === STANDARD_OUTPUT ? "standard output" : path);
  }
  if (stat.isSocket) refuse(path, "it is a socket, which has no path to write to");
  if (stat.isFifo) return { kind: "fifo", path };
  return { kind: "file", path, ...isNull(stat) ? { device: true } : {} };
}

function pipeOf(fd: number, name: string): Output {
  return { kind: "pipe", name, fd, own: false };
}

function refuse(path: string, cause: string): never {
  throw new UsageError(`record: -o ${path}: ${cause}: name a file, a FIFO, or - for standard output`);
}

/** Returns whether a file is device 1:3 or 1:7, /dev/null or /dev/full. */
function isNull({ isCharDevice, rdev }: Deno.FileInfo): boolean {
  return isCharDevice === true && (rdev === 0x103 || rdev === 0x107);
}

function tryStat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // making the file will fail, and say why
  }
}

/** Milliseconds between two attempts to open a FIFO that has no reader, and until the user is told of it. */
const POLL_MS = 20, NOTE_AFTER_MS = 1000;

/** Opens the output. Waits for the reader of a FIFO, and notes it. Throws UnsupportedError. */
export async function openOutput(wanted: WantedOutput, note: (line: string) => void): Promise<Output> {
  if (wanted.kind !== "fifo") return wanted;
  const { path } = wanted;
  for (let waited = 0;; waited += POLL_MS) {
    try {
      return { kind: "pipe", name: path, fd: openFifo(path), own: true };
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      if (error.errno !== ERRNO.ENXIO) {
        throw new UnsupportedError({ attempt: `write ${path}`, cause: error.text }, error.errno);
      }
    }
    if (waited === NOTE_AFTER_MS) note(`waiting for a reader of ${path}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
