/** `pmuctl preset`: where a request of a named set counts from. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, presetArguments, setArguments } from "../counters/named/client.ts";

export const command: CommandSpec = {
  name: "preset",
  summary: "make a request of a named set count from a value",
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
