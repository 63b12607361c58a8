/** Implementation of `pmuctl sample`: prints the counts of a named set. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";
import { bufferJson, bufferText, overflowText } from "../counters/named/set_rows.ts";

/** The `sample` command. */
export const command: CommandSpec = {
  name: "sample",
  summary: "print the counts of a named set",
  usage: ["NAME [--since] [--each] [--json]"],
  options: [
    { name: "since", help: "count from the previous sample, instead of from the start" },
    { name: "each", help: "print a row for each thread or CPU" },
    { name: "json", help: "print a line of JSON" },
  ],
  examples: ["pmuctl bind --detach web -e page-faults -p 412", "pmuctl sample web --since"],
  maxPositionals: 1,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = setArguments("sample", args.positionals, []);
  const { info, buffer } = await askSet(name, { do: "sample", since: args.has("since") }, "sample", io.env);
  const each = args.has("each");
  if (args.has("json")) io.out(bufferJson(info, buffer, each));
  else if (buffer) io.out(bufferText(info, buffer, each));
  if (info.state === "ended") io.err(`pmuctl: the target of set '${name}' has ended: these counts are final`);
  if (info.state === "frozen") {
    io.err(`pmuctl: set '${name}' is disabled: its counts do not change; 'pmuctl enable ${name}' resumes it`);
  }
  if (info.state === "overflowed") {
    io.err(
      `pmuctl: set '${name}' stopped at ${overflowText(info)}: 'pmuctl restart ${name}' resumes it`,
    );
  }
  return EXIT.ok;
}
