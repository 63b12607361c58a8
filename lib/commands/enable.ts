/** Implementation of `pmuctl enable`: resumes a disabled named set. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { askSet, setArguments } from "../counters/named/client.ts";

/** The `enable` command. */
export const command: CommandSpec = {
  name: "enable",
  summary: "resume counting in a named set that was disabled",
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
