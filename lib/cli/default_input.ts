/** What a command reads when no file is named: a recording on standard input where there is one, else perf.data. */

import type { ByteInput } from "../base/bytes/byte_source.ts";
import { exists } from "../base/files/exists.ts";
import { FileBytes, identityOf, NAMED_BY_USER, openInput, standardInput } from "../base/files/file_bytes.ts";
import type { Io } from "./command.ts";

/** The file of `record` and its readers, in the working directory. */
export const DEFAULT_FILE = "perf.data";

const STANDARD_INPUT = "/proc/self/fd/0";
/** How recordings begin, in either byte order; the older two are perf's up to 3.2. */
const MAGICS = ["PERFILE2", "2ELIFREP", "PERFFILE", "ELIFFREP"];
/** After so long without a byte it is said what is waited for, in ms. */
const TELL_AFTER = 1000;

/** An input, and what it was asked for by. */
export interface ChosenInput {
  /** The path, or `-`. */
  file: string;
  input: ByteInput;
}

/**
 * Opens `named`; where nothing is named, standard input if that is a pipe, as perf does, or a file that holds a recording;
 * else perf.data. A pipe or a file with nothing to read on standard input is passed over, and a line says so, since shells'
 * loops and CI systems leave such. Throws BadInputError saying why it cannot be read.
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
  const why = stat.isFifo ? "is an empty pipe" : "is no recording";
  io.err(`pmuctl: standard input ${why}: reading ${DEFAULT_FILE}`);
  return undefined;
}

/** Standard input, a pipe; undefined when it ends without a byte. */
async function pipeOf(io: Io): Promise<ByteInput | undefined> {
  const first = new Uint8Array(1 << 16);
  const tell = setTimeout(
    () => io.err("pmuctl: waiting for a recording on standard input, a pipe; -i FILE reads a file"),
    TELL_AFTER,
  );
  const got = await Deno.stdin.read(first).finally(() => clearTimeout(tell)) ?? 0;
  return got === 0 ? undefined : behind(first.subarray(0, got), standardInput());
}

/** An input of which the first bytes have been read. */
function behind(first: Uint8Array, rest: ByteInput): ByteInput {
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

/** The file that standard input is, where it begins as a recording. */
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
  if (file.identity === identityOf(stat) && MAGICS.includes(begins)) return file;
  file.close();
  return undefined;
}
