/** `pmuctl complete`: what the completion scripts ask for: names on this machine that a word may go on to. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";

/** A name, and in a few words what it is. */
type Candidate = readonly [name: string, meaning: string];

/** Finds the names of each kind, for the word as far as it is typed. */
const KINDS: Readonly<Record<string, (word: string, io: Io) => Promise<Candidate[]>>> = {
  event: eventNames,
  set: setNames,
  pmu: pmuNames,
};

/** Table and code of the command. */
export const command: CommandSpec = {
  name: "complete",
  summary: "print the names that a word may go on to, each with what it is behind a tab",
  usage: [`${Object.keys(KINDS).join("|")} [WORD]`],
  options: [],
  maxPositionals: 2,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [kind, word = ""] = args.positionals;
  if (kind === undefined || !Object.hasOwn(KINDS, kind)) {
    throw new UsageError(`complete: expected one of ${Object.keys(KINDS).join(", ")}`);
  }
  for (const [name, meaning] of await KINDS[kind](word, io)) {
    // names come from folders: one that a terminal could act on is no name
    if (name.startsWith(word) && /^[ -~]+$/.test(name)) {
      io.out(`${name}\t${meaning.replace(/[^ -~]/g, " ")}\n`);
    }
  }
  return EXIT.ok;
}

/** Finds the events that the last one of a list may become; what is before it stays. */
async function eventNames(word: string): Promise<Candidate[]> {
  const [{ completeEvent }, { hostWorld }] = await Promise.all([
    import("../events/complete.ts"),
    import("../events/resolve.ts"),
  ]);
  return completeEvent(word, hostWorld());
}

async function pmuNames(): Promise<Candidate[]> {
  const { hostWorld } = await import("../events/resolve.ts");
  return hostWorld().pmus.names().map((name) => [name, "PMU"]);
}

/** Lists the sockets of this user's sets. The sets themselves are not asked: one may hang. */
async function setNames(_word: string, io: Io): Promise<Candidate[]> {
  const { checkFolder, folderPath, SOCKET } = await import("../counters/named/runtime_folder.ts");
  const uid = Deno.uid()!;
  const folder = folderPath(uid, io.env);
  if (!checkFolder(folder, uid)) return [];
  return Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(SOCKET))
    .map((name) => [name.slice(0, -SOCKET.length), "named set"]);
}
