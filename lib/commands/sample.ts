/** `pmuctl sample`: the counts of a named set. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";
import { bufferJson, bufferText, overflowText } from "../counters/named/set_rows.ts";

export const command: CommandSpec = {
  name: "sample",
  summary: "the counts of a named set",
  usage: ["NAME [--since] [--each] [--json]"],
  options: [
    { name: "since", help: "what has been counted since the previous sample, rather than in all" },
    { name: "each", help: "a row for each thread or CPU" },
    { name: "json", help: "as a line of JSON" },
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
  if (info.state === "frozen") io.err(`pmuctl: set '${name}' is disabled: its counts do not move`);
  if (info.state === "overflowed") {
    io.err(
      `pmuctl: set '${name}' stands still since ${
        overflowText(info)
      }: 'pmuctl restart ${name}' lets it go on`,
    );
  }
  return EXIT.ok;
}
