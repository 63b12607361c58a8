/** Implementation of `pmuctl sets`: lists the named sets. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { listSets } from "../counters/named/client.ts";
import { setsJson, setsText } from "../counters/named/set_rows.ts";

/** The `sets` command. */
export const command: CommandSpec = {
  name: "sets",
  summary: "list the named sets and their states",
  usage: ["[--json]"],
  options: [{ name: "json", help: "print a line of JSON for each set" }],
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const entries = await listSets(io.env);
  io.out(args.has("json") ? setsJson(entries) : setsText(entries));
  for (const entry of entries) {
    if ("problem" in entry) io.err(`pmuctl: set '${entry.name}': ${entry.problem}`);
  }
  return EXIT.ok;
}
