/** `pmuctl bind --detach NAME`: from the command line to detach(). */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { Io, OptionSpec, ParsedArgs } from "../cli/command.ts";
import type { BindTarget } from "../counters/bind_target.ts";
import type { GroupsOpen } from "../counters/bind_sets.ts";
import { listSets } from "../counters/named/client.ts";
import { detach, type DetachRequest, exclusionsAmong, KEEP_SECONDS } from "../counters/named/detach.ts";
import type { Counter } from "../counters/open/open_set.ts";
import { infoJson } from "../counters/named/set_rows.ts";
import { describeTarget } from "../counters/named/set_target.ts";

/** The options of `bind` that are for named sets. */
export const DETACH_OPTIONS: OptionSpec[] = [
  { name: "detach", value: "NAME", help: "keep the set bound in the background, for 'pmuctl sample NAME'" },
  {
    name: "keep",
    value: "SEC",
    help: `with --detach: keep the counts so long after the target has ended (default: ${KEEP_SECONDS})`,
  },
];

/** Options of `bind` that are about its rows, of which there are none. */
const FOR_ROWS = [
  "interval",
  "count",
  "follow-forks",
  "tick",
  "tsc",
  "multiplex",
  "split",
  "output",
];
const MAX_KEEP_SECONDS = 1e6;

/**
 * Binds the one set that is given behind the name that --detach gives. Of each set: its groups, verified.
 * Throws UsageError for what does not go together with --detach.
 */
export async function bindDetached(
  args: ParsedArgs,
  io: Io,
  sets: readonly (readonly (readonly Counter[])[])[],
  target: BindTarget,
): Promise<number> {
  const senseless = FOR_ROWS.find((name) => args.has(name));
  if (senseless) throw new UsageError(`bind: --${senseless} does not go with --detach, which prints no rows`);
  if (sets.length !== 1) {
    throw new UsageError(`bind: --detach keeps one set behind its name, and ${sets.length} are given`);
  }
  const [groups] = sets;
  if (groups.length > 1 && groups.flat().some((counter) => counter.notify)) {
    throw new UsageError(
      "bind: notify freezes one set as a whole: give its requests in one -c SPEC or --set FILE",
    );
  }
  if (args.has("auto-restart")) {
    throw new UsageError(
      "bind: --auto-restart is for rows; a set behind a name goes on with 'pmuctl restart'",
    );
  }
  const name = args.text("detach")!;
  const keepSeconds = args.number("keep", { min: 0, max: MAX_KEEP_SECONDS });
  const info = await detach({ name, groups, target: toBeHeld(target, args.command), keepSeconds }, {
    env: io.env,
    note: (line) => io.err(`pmuctl: ${line}`),
  });
  if (args.has("json")) io.out(infoJson(info));
  const events = info.counters.map((counter) => counter.name).join(", ");
  io.err(`pmuctl: set '${name}' is bound to ${describeTarget(info.target)}: ${events}`);
  return EXIT.ok;
}

/**
 * The trial of a set that is to be named: another named set in its way is told by its name, before the kernel
 * refuses for lack of counters. The set that a thread has already is no obstacle: it will be unbound first.
 * The trial throws SetError (EAGAIN).
 */
export async function trialBesideSets(
  args: ParsedArgs,
  io: Io,
  target: BindTarget,
  opens: GroupsOpen,
): Promise<GroupsOpen> {
  const held = toBeHeld(target, args.command);
  const others = await listSets(io.env);
  return (groups) => {
    const { replaced } = exclusionsAmong(others, args.text("detach")!, held, groups);
    return replaced.length > 0 || opens(groups);
  };
}

/** The target as the holder of the set sees it. */
function toBeHeld(target: BindTarget, command: readonly string[]): DetachRequest["target"] {
  if (target.kind === "cpus") {
    if (command.length === 0) return { kind: "cpu", cpus: target.cpus };
    throw new UsageError("bind: --detach on CPUs counts until 'pmuctl unbind': leave the command out");
  }
  const { tasks } = target;
  if (tasks.kind === "command") return { kind: "command", argv: tasks.argv };
  return tasks.alone
    ? { kind: "thread", tids: tasks.threads.map(({ tid }) => tid) }
    : { kind: "process", pids: [...new Set(tasks.threads.map(({ pid }) => pid))] };
}
