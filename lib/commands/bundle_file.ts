/** Bundling of a recording: the names that its report needs, gathered and added to it. */

import type { ByteInput } from "../base/bytes/byte_source.ts";
import { FileBytes, openInput } from "../base/files/file_bytes.ts";
import { removeQuietly } from "../base/files/remove_quietly.ts";
import { temporaryFolder } from "../base/files/temporary.ts";
import { UnsupportedError } from "../base/system/errors.ts";
import { refusal } from "../base/system/system_error.ts";
import { writeOutputFile } from "../cli/output_file.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import { counted } from "../base/text/plural.ts";
import { fitsInRecording, MAX_NAMES_BYTES } from "../perfdata/own/names_part.ts";
import { isSeekable, type SeekableInput } from "../perfdata/read/data_input.ts";
import { withNames } from "../perfdata/rewrite/add_names.ts";
import { percentText } from "../report/shared/columns.ts";
import { groupByRemedy, type Remedy } from "../report/shared/remedies.ts";
import { type GatheredNames, gatherNames, type GatherOptions } from "../profile/bundle/gather_names.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";

/** Most lines about code without names, and most objects named in each. */
const MAX_REMEDIES = 3, MAX_NAMED = 5;
/** Bytes of a stream that are read at once. */
const CHUNK = 1 << 20;

/** Bundled recording. */
export interface BundledRecording {
  /** Bytes of the new recording, in pieces. */
  pieces: Iterable<Uint8Array>;
  /** Summary for the user: `names of 12 objects in 34 KiB`. */
  summary: string;
  /** Warnings of what it lacks, a line each: code without names, files that could not be fetched. */
  warnings: string[];
}

/**
 * Gathers the names of a recording. Throws BadInputError if it is damaged, and UnsupportedError if its names are too many
 * or it cannot carry them.
 */
export async function bundled(
  { first: input, again }: RereadInput,
  files: SymbolFiles,
  options: GatherOptions,
): Promise<BundledRecording> {
  if (input.beside) {
    throw new UnsupportedError({
      attempt: `bundle ${input.name}`,
      cause: "it is a folder of several files",
      remedy: "record into one file (without --threads)",
    });
  }
  const gathered = await gatherNames(input, files, options),
    { bundle, warnings, unresolved, samples } = gathered;
  if (options.force && !isSeekable(input)) readToEnd(input); // what is behind damage belongs to the copy too
  if (!fitsInRecording(bundle)) {
    throw new UnsupportedError({
      attempt: `bundle ${input.name}`,
      cause: `its names take more than ${MAX_NAMES_BYTES >> 20} MiB`,
      remedy: options.source ? "leave --source out" : "record for a shorter time, or fewer processes",
    });
  }
  return {
    pieces: withNames(again(), bundle),
    summary: `${contentsText(gathered)} in ${Math.ceil(bundle.length / 1024)} KiB`,
    warnings: [...warnings, ...namelessLines(groupByRemedy(unresolved), samples)],
  };
}

function contentsText({ named, source }: GatheredNames): string {
  const names = `names of ${counted(named, "object")}`;
  return source
    ? `${names}, code of ${counted(source.functions, "function")} and lines of ${
      counted(source.files, "source file")
    }`
    : names;
}

/** Bundles a recording in its own file, which stays as it was if that fails. Throws as bundled() does. */
export async function bundleInPlace(path: string, options: GatherOptions): Promise<BundledRecording> {
  const input = openInput(path);
  if (!isSeekable(input)) {
    throw new UnsupportedError({ attempt: `bundle ${path}`, cause: "it is no file any more" });
  }
  const recording = await bundled({ first: input, again: () => input }, hostSymbolFiles(), options);
  writeOutputFile(path, recording.pieces);
  return recording;
}

function readToEnd(input: ByteInput): void {
  const chunk = new Uint8Array(CHUNK);
  let count: number;
  do count = input.read(chunk); while (count > 0);
}

/** Yields a line for each remedy, as of a report's section "Without a symbol": whoever reads the bundle has none. */
function* namelessLines(remedies: readonly Remedy[], all: number): Generator<string> {
  for (const { remedy, causes, objects, samples } of remedies.slice(0, MAX_REMEDIES)) {
    const more = objects.length - MAX_NAMED, names = objects.slice(0, MAX_NAMED).map(({ name }) => name);
    const share = samples > 0 ? ` (${percentText(samples, all).trim()} of the samples)` : "";
    yield `without names of ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}${share}: ` +
      `${causes.join(", ")}: ${remedy}${remedy.startsWith("bundle ") ? "" : ", and bundle again"}`;
  }
  const left = remedies.slice(MAX_REMEDIES).reduce((sum, { objects }) => sum + objects.length, 0);
  if (left > 0) yield `without names of ${counted(left, "more object")}: 'pmuctl report' lists them`;
}

/** Recording that is read twice. */
export interface RereadInput {
  /** Input for the first time, from front to back. */
  first: ByteInput;
  /** Returns what the first time has read, to be read again. */
  again(): SeekableInput;
}

/**
 * Calls `body` with the input, of which a copy is made in a temporary file, as it is read, where it can be read only once.
 * The file has no name, so nothing is left of it, however this ends. Throws UnsupportedError if it cannot be written.
 */
export async function withReread<T>(input: ByteInput, body: (input: RereadInput) => Promise<T>): Promise<T> {
  if (isSeekable(input)) return await body({ first: input, again: () => input });
  const attempt = `copy ${input.name}`;
  const { copy, file } = namelessFile(attempt);
  try {
    return await body({
      first: {
        name: input.name,
        read: (into) => {
          const count = input.read(into);
          writeCopy(file, into.subarray(0, count) as Uint8Array<ArrayBuffer>, attempt);
          return count;
        },
      },
      again: () => {
        copy.measure();
        return {
          name: input.name,
          size: copy.size,
          read: (into) => copy.read(into),
          readAt: copy.readAt.bind(copy),
        };
      },
    });
  } finally {
    file.close();
    copy.close();
  }
}

/** Creates a file in a temporary folder, opens it to be written and read, and removes both. Throws UnsupportedError. */
function namelessFile(attempt: string): { copy: FileBytes; file: Deno.FsFile } {
  const folder = temporaryFolder("pmuctl-", attempt), path = `${folder}/perf.data`;
  try {
    const file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    const copy = FileBytes.tryOpen(path);
    if (copy !== undefined) return { copy, file };
    file.close();
    throw new UnsupportedError({ attempt, cause: "the copy has gone" });
  } finally {
    removeQuietly(path); // its descriptors are enough; an NFS folder may stay until they are closed
    removeQuietly(folder);
  }
}

function writeCopy(file: Deno.FsFile, bytes: Uint8Array<ArrayBuffer>, attempt: string): void {
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  } catch (error) {
    throw refusal(attempt, error, "name a file with -i, or set TMPDIR to a folder with more room");
  }
}
