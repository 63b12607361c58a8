/** `pmuctl bind`: counts events while a command runs. */

import { EXIT, UsageError } from "../base/errors.ts";
import type { Command, Io, ParsedArgs } from "../cli/command.ts";
import { onStopSignals } from "../cli/signals.ts";
import { countWarnings, totalJson, totalRows } from "../cpc/rows.ts";
import { countCommand } from "../cpc/totals.ts";
import { readPrivilege } from "../events/privilege.ts";
import { hostWorld, resolveEvents } from "../events/resolve.ts";

export const command: Command = {
  name: "bind",
  summary: "count events while a command runs",
  usage: ["-e EVENT[,EVENT]... [--json] -- COMMAND [ARG]..."],
  options: [
    { name: "event", short: "e", value: "EVENTS", repeat: true, help: "what to count, separated by commas" },
    { name: "json", help: "the row as a line of JSON" },
  ],
  examples: ["pmuctl bind -e task-clock,page-faults,context-switches -- make -j2"],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  if (!args.has("event")) {
    throw new UsageError("bind: what to count? -e EVENT ('pmuctl list-events' has them)");
  }
  if (args.command.length === 0) throw new UsageError("bind: what to run? pmuctl bind -e EVENT -- COMMAND");
  const world = hostWorld();
  const events = args.texts("event").flatMap((text) => resolveEvents(text, world)).flatMap((g) => g.events);
  const standing = { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 };
  const note = (line: string) => io.err(`pmuctl: ${line}`);
  const stopper = onStopSignals(io.stderrIsTerminal);
  const totals = await countCommand(events, args.command, standing, stopper, note);
  io.out(args.has("json") ? totalJson(totals) : totalRows(totals));
  for (const warning of countWarnings(totals.totals)) note(`warning: ${warning}`);
  return totals.exit?.code ?? EXIT.ok;
}
