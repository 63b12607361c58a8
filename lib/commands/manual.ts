/** `pmuctl manual`: the manual page, for whoever installs or packages pmuctl. */

import { EXIT } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { manualPage } from "../cli/manual.ts";

/** Table and code of the command. */
export const command: CommandSpec = {
  name: "manual",
  summary: "print the manual page, in the macros of man(7)",
  usage: [""],
  options: [],
  examples: ["pmuctl manual | man -l -"],
  run,
};

async function run(
  _args: ParsedArgs,
  io: Io,
  commands: () => Promise<readonly CommandSpec[]>,
): Promise<number> {
  // the day is of what it is made from, so that the same source gives the same page
  const seconds = Number(io.env("SOURCE_DATE_EPOCH") || NaN);
  const date = Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString().slice(0, 10) : "";
  io.out(manualPage(await commands(), date));
  return EXIT.ok;
}
