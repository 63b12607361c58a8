/** Implementation of `pmuctl bind --detach NAME`: turns the command line into a call of detach(). */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { Io, OptionSpec, ParsedArgs } from "../cli/command.ts";
import type { BindTarget } from "../counters/bind_target.ts";
import type { GroupsOpen } from "../counters/bind_sets.ts";
import { listSets } from "../counters/named/client.ts";
import { detach, type DetachRequest, exclusionsAmong, KEEP_SECONDS } from "../counters/named/detach.ts";
import type { Counter } from "../counters/open/open_set.ts";
import { infoJson } from "../counters/named/set_rows.ts";
import { describeTarget } from "../counters/named/set_target.ts";

/** Options of `bind` for named sets. */
export const DETACH_OPTIONS: OptionSpec[] = [
  {
    name: "detach",
    value: "NAME",
    help: "keep the set bound in the background under this name, for 'pmuctl sample NAME'",
  },
  {
    name: "keep",
    value: "SEC",
    help:
      `with --detach: keep the counts for SEC seconds after the target has ended (default: ${KEEP_SECONDS})`,
  },
];

/** Options of `bind` that apply to rows, which --detach does not print. */
const FOR_ROWS = [
  "interval",
  "count",
  "follow-forks",
  "tick",
  "tsc",
  "multiplex",
  "split",
  "output",
  "control",
];
const MAX_KEEP_SECONDS = 1e6;

/**
 * Binds a single set and keeps it in the background under the name that --detach gives. `sets` holds the verified
 * groups of each set. Throws UsageError for options that conflict with --detach.
 */
export async function bindDetached(
  args: ParsedArgs,
  io: Io,
  sets: readonly (readonly (readonly Counter[])[])[],
  target: BindTarget,
): Promise<number> {
  const conflicting = FOR_ROWS.find((name) => args.has(name));
  if (conflicting) {
    throw new UsageError(
      `bind: --${conflicting} conflicts with --detach, which prints no rows: leave it out`,
    );
  }
  if (sets.length !== 1) {
    throw new UsageError(`bind: --detach keeps one set, but ${sets.length} are given: detach each by itself`);
  }
  const [groups] = sets;
  if (groups.length > 1 && groups.flat().some((counter) => counter.notify)) {
    throw new UsageError(
      "bind: notify freezes a set as a whole: put all its requests into one -c SPEC or --set FILE",
    );
  }
  if (args.has("auto-restart")) {
    throw new UsageError(
      "bind: --auto-restart conflicts with --detach: use 'pmuctl restart' on a named set",
    );
  }
  const name = args.text("detach")!;
  const keepSeconds = args.number("keep", { min: 0, max: MAX_KEEP_SECONDS });
  const info = await detach({ name, groups, target: heldTarget(target, args.command), keepSeconds }, {
    env: io.env,
    note: (line) => io.err(`pmuctl: ${line}`),
  });
  if (args.has("json")) io.out(infoJson(info));
  const events = info.counters.map((counter) => counter.name).join(", ");
  io.err(`pmuctl: set '${name}' is bound to ${describeTarget(info.target)}: ${events}`);
  return EXIT.ok;
}

/**
 * Returns a trial for a set to be named, which reports another named set in its way by its name, before the kernel
 * refuses for lack of counters. The set that a thread already has is no obstacle, because it is unbound first. The
 * trial throws SetError (EAGAIN).
 */
export async function trialBesideSets(
  args: ParsedArgs,
  io: Io,
  target: BindTarget,
  opens: GroupsOpen,
): Promise<GroupsOpen> {
  const held = heldTarget(target, args.command);
  const others = await listSets(io.env);
  return (groups) => {
    const { replaced } = exclusionsAmong(others, args.text("detach")!, held, groups);
    return replaced.length > 0 || opens(groups);
  };
}

/** Converts the target to the form that the holder of the set takes. */
function heldTarget(target: BindTarget, command: readonly string[]): DetachRequest["target"] {
  if (target.kind === "cpus") {
    if (command.length === 0) return { kind: "cpu", cpus: target.cpus };
    throw new UsageError("bind: --detach on CPUs counts until 'pmuctl unbind': leave out the command");
  }
  const { tasks } = target;
  if (tasks.kind === "command") return { kind: "command", argv: tasks.argv };
  return tasks.alone
    ? { kind: "thread", tids: tasks.threads.map(({ tid }) => tid) }
    : { kind: "process", pids: [...new Set(tasks.threads.map(({ pid }) => pid))] };
}
