/** Implementation of `pmuctl bundle`: adds to a recording what a report needs of the programs. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { openChosenInput } from "../cli/default_input.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { print } from "../cli/pager.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { bundled, withReread } from "./bundle_file.ts";
import { INPUT_OPTION, namedRecording } from "./recording_input.ts";
import { fetcherOf, SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";

/** The `bundle` command. */
export const command: CommandSpec = {
  name: "bundle",
  summary: "add the names that a report needs to a recording, for another machine",
  usage: ["-o FILE [OPTION]... [-i FILE | FILE]"],
  options: [
    INPUT_OPTION,
    { name: "output", short: "o", value: "FILE", help: "write to FILE, - for standard output" },
    ...SYMBOL_FILE_OPTIONS,
    {
      name: "source",
      help:
        "add the code of the sampled functions and the text of its source lines, which may be secret, for 'annotate'",
    },
    {
      name: "force",
      short: "f",
      help: "use programs that may have changed since they were recorded",
    },
    { name: "quiet", short: "q", help: "print errors only" },
  ],
  examples: [
    "pmuctl bundle -o x.data",
    "pmuctl bundle perf.data -o x.data && pmuctl report x.data",
    "pmuctl bundle --source -o x.data && pmuctl annotate -i x.data",
    "pmuctl record -o - -- make | pmuctl bundle -o x.data",
  ],
  maxPositionals: 1,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const output = args.text("output");
  if (output === undefined) throw new UsageError("bundle: name the file to write with -o FILE");
  if (output === "-" && io.stdoutIsTerminal) {
    throw new UsageError("bundle: -o - writes binary data: redirect it to a pipe or a file");
  }
  const named = namedRecording("bundle", args);
  const fetcher = await fetcherOf(args, io);
  const { file, input } = await openChosenInput(named, io);
  if (output !== "-") refuseSameFile(output, file);
  const note = args.has("quiet") ? () => {} : (line: string) => io.err(`pmuctl: ${line}`);
  await withReread(input, async ({ first, again }) => {
    const files = symbolFilesOf(args, fetcher), force = args.has("force"), source = args.has("source");
    const { pieces, summary, warnings } = await withProgress(
      first,
      io,
      (first) => bundled({ first, again }, files, { force, source }),
    );
    if (output === "-") print(pieces, io);
    else writeOutputFile(output, pieces, { mode: 0o600 }); // as private as a recording
    for (const warning of warnings) note(`warning: ${warning}`);
    note(`wrote ${output === "-" ? "the recording" : output} with ${summary}`);
  });
  return EXIT.ok;
}
