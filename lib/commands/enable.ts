/** `pmuctl enable`: a named set that was disabled counts again. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";

export const command: CommandSpec = {
  name: "enable",
  summary: "make a named set that was disabled count again",
  usage: ["NAME"],
  options: [],
  examples: ["pmuctl enable web"],
  maxPositionals: 1,
  operands: "set",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = setArguments("enable", args.positionals, []);
  await askSet(name, { do: "enable" }, "enable", io.env);
  return EXIT.ok;
}
