/** Implementation of `pmuctl disable`: stops a named set, which keeps its counts. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";

/** The `disable` command. */
export const command: CommandSpec = {
  name: "disable",
  summary: "stop counting in a named set; its counts stay",
  usage: ["NAME"],
  options: [],
  examples: ["pmuctl disable web"],
  maxPositionals: 1,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = setArguments("disable", args.positionals, []);
  await askSet(name, { do: "disable" }, "disable", io.env);
  return EXIT.ok;
}
