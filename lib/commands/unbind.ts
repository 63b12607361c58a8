/** Implementation of `pmuctl unbind`: ends a named set. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";
import { bufferJson, bufferText } from "../counters/named/set_rows.ts";

/** The `unbind` command. */
export const command: CommandSpec = {
  name: "unbind",
  summary: "end a named set, and print its last counts",
  usage: ["NAME [--each] [--json]"],
  options: [
    { name: "each", help: "print a row for each thread or CPU" },
    { name: "json", help: "print a line of JSON" },
  ],
  examples: ["pmuctl unbind web"],
  maxPositionals: 1,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = setArguments("unbind", args.positionals, []);
  const { info, buffer } = await askSet(name, { do: "unbind" }, "unbind", io.env);
  const each = args.has("each");
  if (args.has("json")) io.out(bufferJson(info, buffer, each));
  else if (buffer) io.out(bufferText(info, buffer, each));
  if (!buffer) io.err(`pmuctl: set '${name}' had lost its counters: its last counts are unavailable`);
  return EXIT.ok;
}
