/** Default input of commands: a recording on standard input if there is one, else perf.data. */

import type { ByteInput } from "../base/bytes/byte_source.ts";
import { exists } from "../base/files/exists.ts";
import {
  FileBytes,
  fileIdentity,
  NAMED_BY_USER,
  openInput,
  standardInput,
} from "../base/files/file_bytes.ts";
import type { Io } from "./command.ts";

/** Default file of `record` and its readers, in the working directory. */
export const DEFAULT_FILE = "perf.data";

const STANDARD_INPUT = "/proc/self/fd/0";
/** Magic of recordings, in either byte order; the last two are perf's up to 3.2. */
const MAGICS = ["PERFILE2", "2ELIFREP", "PERFFILE", "ELIFFREP"];
/** Time without input before a message says what is awaited, in ms. */
const WAIT_NOTE_MS = 1000;

/** Input with the name that the user gave it. */
export interface ChosenInput {
  /** Path, or `-`. */
  file: string;
  input: ByteInput;
}

/**
 * Opens `named`. When nothing is named, opens standard input if it is a pipe (as perf does) or a file with a recording,
 * else perf.data. An empty pipe or file on standard input, as in shell loops and CI systems, is skipped with a note.
 * Throws BadInputError saying why the input cannot be read.
 */
export async function openChosenInput(named: string | undefined, io: Io): Promise<ChosenInput> {
  const piped = named === undefined ? await recordingOnStandardInput(io) : undefined;
  if (piped) return { file: piped.size === undefined ? "-" : piped.name, input: piped };
  const file = named ?? DEFAULT_FILE;
  return { file, input: openInput(file) };
}

async function recordingOnStandardInput(io: Io): Promise<ByteInput | undefined> {
  let stat: Deno.FileInfo;
  try {
    stat = Deno.statSync(STANDARD_INPUT);
  } catch {
    return undefined; // it is closed, or there is no /proc
  }
  if (!stat.isFifo && !(stat.isFile && stat.size > 0)) return undefined;
  const input = stat.isFifo ? await pipeOf(io) : fileOf(stat);
  if (input) return input;
  if (!exists(DEFAULT_FILE)) return standardInput();
  const why = stat.isFifo ? "is an empty pipe" : "is not a recording";
  io.err(`pmuctl: standard input ${why}: reading ${DEFAULT_FILE}`);
  return undefined;
}

/** Returns standard input, a pipe; undefined when it ends without a byte. */
async function pipeOf(io: Io): Promise<ByteInput | undefined> {
  const first = new Uint8Array(1 << 16);
  const tell = setTimeout(
    () => io.err("pmuctl: waiting for a recording on standard input (a pipe); use -i FILE to read a file"),
    WAIT_NOTE_MS,
  );
  const got = await Deno.stdin.read(first).finally(() => clearTimeout(tell)) ?? 0;
  return got === 0 ? undefined : prepend(first.subarray(0, got), standardInput());
}

/** Puts bytes that were already read back in front of an input. */
function prepend(first: Uint8Array, rest: ByteInput): ByteInput {
  return {
    name: rest.name,
    read(into) {
      if (first.length === 0) return rest.read(into);
      const part = first.subarray(0, into.length);
      into.set(part);
      first = first.subarray(part.length);
      return part.length;
    },
  };
}

/** Returns the file that standard input is, if it starts like a recording. */
function fileOf(stat: Deno.FileInfo): ByteInput | undefined {
  let path: string;
  try {
    path = Deno.realPathSync(STANDARD_INPUT);
  } catch {
    return undefined; // it was deleted
  }
  const file = FileBytes.tryOpen(path, NAMED_BY_USER);
  if (!file) return undefined;
  const begins = new TextDecoder().decode(file.read(0, MAGICS[0].length));
  if (file.identity === fileIdentity(stat) && MAGICS.includes(begins)) return file;
  file.close();
  return undefined;
}
