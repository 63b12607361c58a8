/** Implementation of `pmuctl preset`: sets the value that a request of a named set counts from. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, presetArguments, setArguments } from "../counters/named/client.ts";

/** The `preset` command. */
export const command: CommandSpec = {
  name: "preset",
  summary: "set the value that a request of a named set counts from",
  usage: ["NAME INDEX VALUE"],
  options: [],
  examples: ["pmuctl preset web 0 1000000"],
  maxPositionals: 3,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name, index, value] = setArguments("preset", args.positionals, ["INDEX", "VALUE"]);
  await askSet(name, { do: "preset", ...presetArguments(name, index, value) }, "preset", io.env);
  return EXIT.ok;
}
