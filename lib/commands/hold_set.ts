/** Implementation of `pmuctl hold-set`: the process behind a named set. `bind --detach` starts it, not people. */

import { UsageError } from "../base/system/errors.ts";
import type { CommandSpec } from "../cli/command.ts";
import { holdSet } from "../counters/named/holder.ts";
import { livePcNames } from "./bind_notify.ts";
import { HOLD_COMMAND } from "../counters/named/protocol.ts";

/** The internal `hold-set` command. */
export const command: CommandSpec = {
  name: HOLD_COMMAND,
  summary: "hold a named set (started by 'pmuctl bind --detach')",
  usage: ["NAME"],
  options: [],
  maxPositionals: 1,
  run: () => {
    if (Deno.stdin.isTerminal()) {
      throw new UsageError(`${HOLD_COMMAND} is internal: use 'pmuctl bind --detach'`);
    }
    return holdSet(livePcNames);
  },
};
