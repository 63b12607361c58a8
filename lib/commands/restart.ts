/** `pmuctl restart`: a named set counts from its presets again. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";

export const command: CommandSpec = {
  name: "restart",
  summary: "make a named set count from its presets again",
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
