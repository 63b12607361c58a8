/** Implementation of `pmuctl restart`: restarts a named set from its presets. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";

/** The `restart` command. */
export const command: CommandSpec = {
  name: "restart",
  summary: "restart a named set from its presets",
  usage: ["NAME"],
  options: [],
  examples: ["pmuctl restart web"],
  maxPositionals: 1,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = setArguments("restart", args.positionals, []);
  await askSet(name, { do: "restart" }, "restart", io.env);
  return EXIT.ok;
}
